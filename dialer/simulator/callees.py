"""Who answers, and how: drawn from the seed, the number and how often that number was called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from dialer.simulator.config import SimulatorConfig
from dialer.simulator.draws import Draws

Outcome = Literal["human", "voicemail", "screening", "ivr", "fax", "no_answer", "busy", "failed"]
# What somebody does who is asked to take a call over, by the word for it in the configuration.
COLLEAGUES: Mapping[str, tuple[Outcome, str]] = {
    "takes": ("human", "colleague"),
    "refuses": ("human", "busy_colleague"),
    "voicemail": ("voicemail", "colleague"),
    "no_answer": ("no_answer", "colleague"),
    "busy": ("busy", "colleague"),
    "failed": ("failed", "colleague"),
}
NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five")
_VOICES = 12


@dataclass(frozen=True)
class Mood:
    style: str
    agrees: float
    ratings: tuple[int, ...]
    answers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Persona:
    """`says` replaces the answer to the nth question; ranges are seconds of audio time.

    `presses` is the key whatever is asked; `greets` is said to somebody they are connected with.
    """

    name: str
    weight: float
    mood: Mood
    says: str | None = None
    at_question: tuple[int, int] = (1, 1)
    insists: bool = False
    opening: str = "hello"
    silent: bool = False
    hangs_up_after: tuple[float, float] | None = None
    barges_in_after: tuple[float, float] | None = None
    presses: str | None = None
    greets: str | None = None


@dataclass(frozen=True)
class Cast:
    """Everybody in callees.yaml."""

    rules: tuple[tuple[str, re.Pattern[str]], ...]
    personas: Mapping[str, Persona]
    lines: Mapping[str, tuple[str, ...]]

    def kind_of(self, question: str) -> str:
        """Which rule a question falls under; the last rule takes all."""
        asked = question.lower()
        return next(name for name, pattern in self.rules if pattern.search(asked))


@dataclass(frozen=True)
class Plan:
    """What one attempt to reach one number will come to; times in clock seconds."""

    outcome: Outcome
    persona: Persona
    voice: str
    setup: float
    ring: float
    sip_code: int
    draws: Draws


@cache
def cast() -> Cast:
    """The shipped people, read once."""
    data = yaml.safe_load((files(__package__) / "callees.yaml").read_text("utf-8"))
    moods = {name: _mood(fields) for name, fields in data["moods"].items()}
    return Cast(
        rules=tuple((name, re.compile(pattern)) for name, pattern in data["rules"].items()),
        personas={name: _persona(name, f, moods) for name, f in data["personas"].items()},
        lines={name: tuple(lines) for name, lines in data["lines"].items()},
    )


def plan_attempt(config: SimulatorConfig, number: str, attempt: int) -> Plan:
    """The same config, number and attempt give the same plan, whatever happens around them.

    Who somebody is (persona, voice) belongs to the number; whether they can be reached, and how
    long it takes, to the attempt.
    """
    person = Draws.about(config.seed, number)
    draws = Draws.about(config.seed, number, attempt)
    personas = cast().personas
    weights = config.personas or {name: each.weight for name, each in personas.items()}
    outcome: Outcome = draws.weighted(config.answer_mix, "outcome")  # type: ignore[assignment]
    persona = person.weighted(weights, "persona")
    if (does := config.colleagues.get(number)) is not None:
        outcome, persona = COLLEAGUES[does]
    return Plan(
        outcome=outcome,
        persona=personas[persona],
        voice=f"callee-{int(person.unit('voice') * _VOICES)}",
        setup=draws.between(*config.pacing.setup, "setup"),
        ring=draws.between(*config.pacing.ring, "ring"),
        sip_code={"busy": 486, "failed": person.pick((404, 404, 503), "failure")}.get(outcome, 200),
        draws=draws,
    )


def _mood(fields: Mapping[str, Any]) -> Mood:
    answers = {kind: tuple(lines) for kind, lines in fields["answers"].items()}
    return Mood(fields["style"], fields["agrees"], tuple(fields["ratings"]), answers)


def _persona(name: str, fields: Mapping[str, Any], moods: Mapping[str, Mood]) -> Persona:
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
    }
    given |= {"name": name, "mood": moods[fields["mood"]]}
    return Persona(**given)


def answer(plan: Plan, question: str, asked_before: int) -> str:
    """What this person says to a question; the second time it is asked, something else."""
    kind = cast().kind_of(question)
    mood = plan.persona.mood
    if kind in {"yes_no", "robot"}:
        yes = plan.draws.chance(mood.agrees, "yes", question)
        kind = "yes" if yes else "no"
    lines = mood.answers.get(kind) or mood.answers["open"]
    first = int(plan.draws.unit("answer", question) * len(lines))
    line = lines[(first + asked_before) % len(lines)]
    rating = plan.draws.pick(mood.ratings, "rating", question)
    text = line.replace("{rating}", NUMBER_WORDS[rating])
    return text[0].upper() + text[1:]


def line(plan: Plan, kind: str, nth: int = 0) -> str:
    """One of the lines of that kind, another one each time up to their number."""
    lines = cast().lines[kind]
    return lines[(int(plan.draws.unit("line", kind) * len(lines)) + nth) % len(lines)]


_PRESS = re.compile(r"\bpress (\w+)")
_DIGITS = {word: str(value) for value, word in enumerate(NUMBER_WORDS)} | {
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "star": "*", "pound": "#",
}  # fmt: skip


def digit_for(plan: Plan, prompt: str) -> str | None:
    """The key this person presses when a prompt names some, else None."""
    named = [_DIGITS.get(word, word) for word in _PRESS.findall(prompt.lower())]
    keys = [key for key in named if len(key) == 1 and key in "0123456789*#"]
    return plan.draws.pick(keys, "press", prompt) if keys else None

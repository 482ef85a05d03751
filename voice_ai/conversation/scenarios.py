"""Conversations written down with what must come of them: a script's own tests, in words.

Nothing is dialed. A scenario drives the same pure machine as a call does, and no time passes; one
that says how long something may take is held by whoever has time to give (`run_timed`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import Field, ValidationError, model_validator

from voice_ai.conversation.graph import Prompts, Script
from voice_ai.conversation.source import Document, Path, read_document
from voice_ai.conversation.trial import Trial, begin_trial, take
from voice_ai.conversation.turns import (
    Answered,
    Digits,
    DispositionCode,
    HangUpReason,
    Heard,
    HungUp,
    Intent,
    MachineDetected,
    Silence,
    Speech,
    TimeUp,
    TransferFailed,
    Transferred,
)
from voice_ai.conversation.written import Frozen
from voice_ai.errors import BadInput

# Where in a scenario, and a sentence about it.
Fault = tuple[Path, str]
Gesture = Literal["silence", "hangs_up", "machine", "fax", "time_up", "taken", "nobody"]


class Step(Frozen):
    """What the callee does, one thing, and what must follow. What is not said is not checked."""

    heard: str | None = None
    keys: str | None = Field(None, pattern=r"^[0-9*#]+$")
    does: Gesture | None = None
    # What a model says of the words; without it the words alone are understood.
    intent: Intent | None = None
    emotion: str | None = None
    emotion_score: float | None = Field(None, ge=0, le=1)
    # They spoke while something that may not be interrupted was said.
    over_agent: bool = False
    # Of the agent's words they had heard so much when they interrupted.
    heard_of_agent: str | None = None

    # What comes of a question that a model may answer: its words, why there are none, or not yet.
    written: str | None = None
    not_written: str | None = None
    thinks: bool = False

    # In time. How long they speak, and pause in the middle of it; that they begin so long after
    # the agent did, over it. Then the agent's answer, from the end of their words, or of the
    # question where they are silent; and how soon it stops for who speaks over it.
    speaks_ms: int | None = Field(None, ge=100, le=30_000)
    pause_ms: int | None = Field(None, ge=20, le=10_000)
    after_ms: int | None = Field(None, ge=0, le=30_000)
    within_ms: int | None = Field(None, ge=0, le=60_000)
    not_before_ms: int | None = Field(None, ge=0, le=60_000)
    stops_within_ms: int | None = Field(None, ge=0, le=10_000)
    keeps_talking: bool | None = None

    understood: Intent | Literal["nothing"] | None = None
    says: Prompts = ()
    never_says: Prompts = ()
    at: str | None = None
    sets: Mapping[str, str] = Field(default_factory=dict)
    suppressed: bool | None = None
    callback: str | None = None
    judged: str | None = None
    ends: DispositionCode | None = None
    because: HangUpReason | None = None

    @model_validator(mode="after")
    def one_thing(self) -> "Step":
        if sum(done is not None for done in (self.heard, self.keys, self.does)) != 1:
            raise ValueError("say one thing that the callee does: `heard`, `keys` or `does`")
        return self

    def as_heard(self, script: Script) -> Heard:
        if self.heard is not None:
            return Speech(
                self.heard,
                intent=self.intent,
                emotion=self.emotion,
                emotion_score=self.emotion_score,
                heard_of_agent=self.heard_of_agent,
                over_agent=self.over_agent,
            )
        if self.keys is not None:
            return Digits(self.keys)
        match self.does:
            case "hangs_up":
                return HungUp()
            case "machine":
                return MachineDetected("machine_start")
            case "fax":
                return MachineDetected("fax")
            case "time_up":
                return TimeUp()
            case "taken":
                return Transferred()
            case "nobody":
                return TransferFailed("no_answer")
        return Silence(script.silence_s)

    @property
    def is_timed(self) -> bool:
        return any(getattr(self, word) is not None for word in TIMED_WORDS)

    @property
    def answered(self) -> Answered | None:
        if self.thinks:
            return None
        off = None if self.written is not None else "off"
        return Answered(0, self.written, self.not_written or off)

    @property
    def told(self) -> str:
        return self.heard or (f"/{self.keys}" if self.keys else f"/{self.does}")


TIMED_WORDS = (
    "speaks_ms",
    "pause_ms",
    "after_ms",
    "within_ms",
    "not_before_ms",
    "stops_within_ms",
    "keeps_talking",
)


class Scenario(Frozen):
    name: str = Field(min_length=1)
    slots: Mapping[str, str] = Field(default_factory=dict)
    # Of an experiment and of the script's languages; left out, the first of each.
    arm: str | None = None
    language: str | None = None
    # What the opening must contain, in this order.
    opens: Prompts = ()
    steps: tuple[Step, ...] = Field(min_length=1)

    @property
    def is_timed(self) -> bool:
        return any(step.is_timed for step in self.steps)


class Scenarios(Frozen):
    """`script` is a built-in one's name or a path beside the file."""

    script: str
    slots: Mapping[str, str] = Field(default_factory=dict)
    scenarios: tuple[Scenario, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Result:
    """`faults` are sentences with file, line and field; none: it went as it is written."""

    name: str
    faults: tuple[BadInput, ...]


@dataclass(frozen=True)
class ScenarioFile:
    scenarios: Scenarios
    document: Document


def read_scenarios(text: str, *, source: str) -> ScenarioFile:
    """Raises BadInput with file, line and field."""
    document = read_document(text, source=source)
    try:
        return ScenarioFile(Scenarios.model_validate(document.data), document)
    except ValidationError as error:
        found = error.errors()[0]
        path = tuple(part for part in found["loc"] if part != "[key]")
        raise document.fault(path, _type_fault(found["type"], found["msg"], path)) from error


# Holds one scenario in time and says what went otherwise, by the place in the scenario.
RunTimed = Callable[[Scenario, Script, Mapping[str, str | None]], Iterator[Fault]]


def run_scenarios(
    file: ScenarioFile, script: Script, run_timed: RunTimed | None = None
) -> Iterator[Result]:
    """One result for each, in the order of the file; without `run_timed` none of the timed ones."""
    for place, scenario in enumerate(file.scenarios.scenarios):
        if scenario.is_timed and run_timed is None:
            continue
        at: Path = ("scenarios", place)
        slots: dict[str, str | None] = {**file.scenarios.slots, **scenario.slots}
        try:
            if scenario.is_timed and run_timed is not None:
                found = list(run_timed(scenario, script, slots))
            else:
                found = _held(scenario, script, slots)
        except BadInput as error:
            raise file.document.fault(at, error.message) from error
        faults = tuple(file.document.fault((*at, *path), message) for path, message in found)
        yield Result(scenario.name, faults)


def _held(scenario: Scenario, script: Script, slots: dict[str, str | None]) -> list[Fault]:
    trial = begin_trial(script, slots, arm=scenario.arm, language=scenario.language)
    found = list(said_in_order(("opens",), scenario.opens, trial.exchanges[0].said))
    _play(scenario, trial, found)
    return found


def _play(scenario: Scenario, trial: Trial, found: list[Fault]) -> None:
    """What is not as it is written is added to `found`."""
    for place, step in enumerate(scenario.steps):
        at: Path = ("steps", place)
        if trial.over:
            found.append((at, f"the call was over before ({trial.state.ended}): nobody hears it."))
            return
        trial = take(trial, step.as_heard(trial.script), step.told, step.answered)
        found += [((*at, *path), message) for path, message in _differences(step, trial)]
    if trial.over and scenario.steps[-1].ends is None:
        last: Path = ("steps", len(scenario.steps) - 1)
        found.append((last, f"the call ended here; write `ends: {trial.state.disposition}`."))


def _differences(step: Step, after: Trial) -> Iterator[Fault]:
    exchange = after.exchanges[-1]
    yield from wording(step, exchange.said)
    yield from _state_differences(step, after)
    # What is written, and what came of it; both as a person would read them.
    stands = f"as {after.state.disposition}" if after.over else "not yet"
    noted = f"a callback is noted: {step.callback}" in exchange.effects
    for field, wanted, holds, message in (
        (
            "understood",
            step.understood,
            step.understood == (exchange.intent or "nothing"),
            f"it was understood as {exchange.intent or 'nothing'}.",
        ),
        (
            "callback",
            step.callback,
            noted,
            f"what was done: {', '.join(exchange.effects) or 'nothing'}.",
        ),
        (
            "judged",
            step.judged,
            f"the model's answer: {step.judged}" in exchange.effects,
            f"what was done: {', '.join(exchange.effects) or 'nothing'}.",
        ),
        (
            "ends",
            step.ends,
            after.over and after.state.disposition == step.ends,
            f"the call has ended {stands}.",
        ),
    ):
        if wanted is not None and not holds:
            yield (field,), message


def _state_differences(step: Step, after: Trial) -> Iterator[Fault]:
    state = after.state
    if step.at is not None and state.node != step.at:
        yield ("at",), f"the conversation stands at `{state.node}`."
    for slot, value in step.sets.items():
        if (found := state.slots.get(slot)) != value:
            yield ("sets", slot), f"`{slot}` is {'empty' if found is None else f'“{found}”'}."
    if step.suppressed is not None and state.opted_out != step.suppressed:
        yield ("suppressed",), f"the number is {'' if state.opted_out else 'not '}suppressed."
    if step.because is not None and state.ended != step.because:
        yield ("because",), f"the reason is {state.ended or 'none: the call goes on'}."


def wording(step: Step, said: Sequence[str]) -> Iterator[Fault]:
    """What was to be said and was not, and the other way round."""
    yield from said_in_order(("says",), step.says, said)
    for words in step.never_says:
        if _plain(words) in _plain(" ".join(said)):
            yield ("never_says",), f"“{words}” was said."


def said_in_order(path: Path, wanted: Prompts, told: Sequence[str]) -> Iterator[Fault]:
    """Each of the words, one behind the other."""
    said, begin = _plain(" ".join(told)), 0
    for words in wanted:
        found = said.find(_plain(words), begin)
        if found < 0:
            yield path, f"“{words}” was not said (or not in this order); said was “{said}”."
            return
        begin = found + len(_plain(words))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _type_fault(kind: str, message: str, path: Path) -> str:
    if kind == "extra_forbidden":
        words = sorted(Step.model_fields)
        return f"`{path[-1]}` is not a word here; a step has: {', '.join(words)}."
    if kind == "missing":
        return f"`{path[-1]}` is missing."
    if kind == "literal_error" and path[-1] == "does":
        return f"a callee does one of: {', '.join(get_args(Gesture))}."
    return message.removeprefix("Value error, ").rstrip(".") + "."

"""A script as a value: slots, nodes and lines, with the types that a file must have."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr

from voice_ai.conversation.answers import FreeAnswer
from voice_ai.conversation.experiments import Experiment
from voice_ai.conversation.tongues import code_of
from voice_ai.conversation.turns import Expects, Intent, TransferKind
from voice_ai.conversation.ways import OnEmotion, When
from voice_ai.conversation.written import Emotion, Frozen, Name

ScriptDisposition = Literal[
    "goal", "conversed_no_goal", "callback_requested", "not_interested", "wrong_number"
]

OPENING_PARTS = ("identify", "disclose", "opt_out", "recording")
SLOT = re.compile(r"\{([^{}]*)\}")
RATING_RANGE = re.compile(r"^(\d{1,2})(?:-(\d{1,2}))?$")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


# How long a pause ends the answer, by what is asked: "yes" is said at once, and who says a number
# or spells an address stops to think in the middle of it.
ENDPOINT_S: Mapping[Expects, float] = {
    "yes_no": 0.4,
    "rating": 0.4,
    "number": 0.6,
    "when": 0.6,
    "open": 0.8,
    "phone": 1.2,
    "email": 1.2,
}
Prompts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Slot(Frozen):
    """A blank in the prompts, filled by the campaign, by the lead, or during the call."""

    scope: Literal["campaign", "lead", "call"] = "campaign"
    required: bool = False
    default: str | None = None
    speak: Literal["text", "name", "phone"] = "text"


class Node(Frozen):
    identify: str | None = None
    disclose: str | None = None
    opt_out: str | None = None
    recording: str | None = None
    say: Prompts = ()
    ask: str | None = None
    expects: Expects = "yes_no"
    scale: tuple[int, int] = (1, 5)
    between: tuple[int, int] | None = None
    capture: str | None = None
    on: Mapping[Intent, str] = Field(default_factory=dict)
    ratings: Mapping[str, str] = Field(default_factory=dict)
    when: tuple[When, ...] = ()
    on_emotion: OnEmotion = Field(default_factory=dict)
    answer: FreeAnswer | None = None
    next: str | None = None
    retry: Prompts | None = None
    otherwise: str | None = Field(None, alias="else")
    transfer: TransferKind | None = None
    silence_s: float | None = Field(None, ge=2, le=30)
    endpoint_s: float | None = Field(None, ge=0.2, le=3)
    interruptible: bool = True
    disposition: ScriptDisposition | None = None
    goal: bool = False
    end: bool = False

    @property
    def opening(self) -> tuple[tuple[str, str], ...]:
        """The opening sentences in the order in which the law wants them heard."""
        parts = ((part, getattr(self, part)) for part in OPENING_PARTS)
        return tuple((part, text) for part, text in parts if text is not None)

    def prompts(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every prompt with its place inside the node."""
        yield from (((part,), text) for part, text in self.opening)
        yield from ((("say", index), text) for index, text in enumerate(self.say))
        if self.ask is not None:
            yield ("ask",), self.ask
        if self.answer is not None:
            yield ("answer", "fallback"), self.answer.fallback
        yield from ((("retry", index), text) for index, text in enumerate(self.retry or ()))

    def targets(self) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        """Every way out: place inside the node, what takes it, where to."""
        for intent, target in self.on.items():
            yield ("on", intent), intent, target
        for ratings, target in self.ratings.items():
            yield ("ratings", ratings), f"rating {ratings}", target
        for place, rule in enumerate(self.when):
            yield ("when", place, "to"), rule.told, rule.to
        for emotion, feeling in self.on_emotion.items():
            yield ("on_emotion", emotion), emotion, feeling.to
        if self.next is not None:
            yield ("next",), "", self.next
        if self.otherwise is not None:
            yield ("else",), "else", self.otherwise

    def target_of_rating(self, rating: int) -> str | None:
        for ratings, target in self.ratings.items():
            span = rating_span(ratings)
            if span is not None and span[0] <= rating <= span[1]:
                return target
        return None


# An arm of the experiment and a language other than the file's own; None: there is none.
Wording = tuple[str | None, str | None]


class Lines(Frozen):
    """What is said anywhere in a call; a script in another language brings all of them."""

    robot: str = "Yes, I am an automated A I assistant, not a person."
    opted_out: str = "All right, {seller} will not call you again, goodbye."
    unrecorded: str = "All right, nothing of this call is recorded."
    wrong_person: str = "I am sorry for the mistake. Goodbye."
    offer_callback: str = "When would be a better time to call you?"
    callback_noted: str = "Thank you, I have noted that. Goodbye."
    declined: str = "All right, thank you for your time. Goodbye."
    not_understood: str = "Sorry, I did not catch that."
    not_heard: str = "I did not hear you."
    one_moment: str = "One moment, please."
    cannot_answer: str = "I am sorry, I cannot answer that myself."
    silence_end: str = "I cannot hear you, so I will end the call here. Goodbye."
    out_of_time: str = "I have to end the call here. Thank you. Goodbye."
    goodbye: str = "Thank you for your time. Goodbye."
    connecting: str = "One moment please, I am connecting you with a colleague."
    transfer_failed: str = "I am sorry, nobody can take your call right now."
    transfer_later: str = "I am sorry, we cannot connect you now. We will call you again. Goodbye."
    whisper: str = "Press one to take the call, or two to leave it."


# Needed only where calls are handed over; while no media stream is open the carrier speaks.
SPOKEN_BY_CARRIER = frozenset({"connecting", "transfer_later", "whisper"})
TRANSFER_LINES = SPOKEN_BY_CARRIER | {"transfer_failed"}
LAST_LINES = frozenset(
    {
        "opted_out",
        "wrong_person",
        "callback_noted",
        "declined",
        "silence_end",
        "out_of_time",
        "goodbye",
        "transfer_later",
    }
)


class Script(Frozen):
    name: Name = Field(alias="script")
    version: int = Field(1, ge=1)
    language: str = Field("en-US", pattern=r"^[a-z]{2}(-[A-Z]{2})?$")
    voice: str = Field("default", min_length=1, max_length=100)
    purpose: Literal["informational", "telemarketing"]
    recorded: bool = True
    start: str
    silence_s: float = Field(6.0, ge=2, le=30)
    silence_retries: int = Field(1, ge=0, le=3)
    max_turns: int = Field(20, ge=3, le=100)
    slots: Mapping[Name, Slot] = Field(default_factory=dict)
    lines: Lines = Lines()
    empathy: Mapping[Emotion, str] = Field(default_factory=dict)
    on_emotion: OnEmotion = Field(default_factory=dict)
    experiment: Experiment | None = None
    answer: FreeAnswer | None = None
    voicemail: Prompts = ()
    screener: Prompts = ()
    nodes: Mapping[Name, Node] = Field(min_length=1)
    _wordings: "dict[Wording, Script]" = PrivateAttr(default_factory=dict)

    def with_wordings(self, scripts: "Mapping[Wording, Script]") -> "Script":
        """This script, which knows what it is called in its other arms and languages."""
        # Each of them too: in the middle of a call one may have to become another.
        together = {wording: script.model_copy() for wording, script in scripts.items()}
        for script in together.values():
            script._wordings = together
        return next(iter(together.values()))

    def worded(self, arm: str | None, language: str | None) -> "Script":
        """The script as it is said in this arm and language; itself where it has only one."""
        return self._wordings.get((arm, language), self)

    @property
    def wordings(self) -> "Mapping[Wording, Script]":
        """Every way in which it is said, by arm and language; None is the file's own language."""
        return self._wordings or {(None, None): self}

    def language_for(self, wanted: str | None) -> str | None:
        """The translation for who speaks `wanted` (`es`, `Spanish`); None: the file's own."""
        if wanted is None:
            return None
        code = code_of(wanted)
        spoken = {language for _, language in self.wordings if language is not None}
        if wanted in spoken:
            return wanted
        own = next(worded.language for (_, name), worded in self.wordings.items() if name is None)
        alike = sorted(one for one in spoken if one[:2] == code and code != own[:2])
        return alike[0] if alike else None

    @property
    def transfers(self) -> tuple[str, ...]:
        """The nodes that hand the call to a colleague."""
        return tuple(name for name, node in self.nodes.items() if node.transfer is not None)

    @property
    def region(self) -> str:
        """The country whose telephone numbers need no prefix."""
        return self.language[-2:] if "-" in self.language else "US"


def rating_span(text: str) -> tuple[int, int] | None:
    """`"3"` is (3, 3), `"1-2"` is (1, 2), anything else None."""
    match = RATING_RANGE.match(text)
    if match is None:
        return None
    low = int(match.group(1))
    return low, int(match.group(2) or low)

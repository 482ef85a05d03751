"""What a conversation hears and what it answers with: all that passes between it and a call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Expects = Literal["yes_no", "open", "rating", "number", "when", "phone", "email"]
Intent = Literal[
    "yes",
    "no",
    "opt_out",
    "ask_robot",
    "busy_now",
    "callback",
    "wrong_person",
    "repeat",
    "reschedule",
    "question",
    "thanks",
    "rating",
    "greeting",
    "out_of_scope",
]
HangUpReason = Literal[
    "script_end",
    "opt_out",
    "wrong_person",
    "callback",
    "declined",
    "machine",
    "silence",
    "not_understood",
    "human_hangup",
    "time_up",
    "max_turns",
    "transfer",
    "transferred",
]
DispositionCode = Literal[
    "goal",
    "conversed_no_goal",
    "callback_requested",
    "not_interested",
    "opt_out",
    "wrong_number",
    "human_hangup",
    "machine",
    "dead_air",
    "transferred",
]
TransferKind = Literal["blind", "warm"]


@dataclass(frozen=True, slots=True)
class Speech:
    """One committed utterance of the person.

    `heard_of_agent` is what the person had really heard of the last actions when their words
    stopped the agent, None when they stopped nothing. `over_agent` says that they spoke while a
    prompt that is not interruptible went on. A score that is None means the label is taken as sure.
    `opt_out_score` is the opt-out model's probability that they want no more calls; None: it was
    not asked.
    """

    text: str
    intent: str | None = None
    intent_score: float | None = None
    emotion: str | None = None
    heard_of_agent: str | None = None
    over_agent: bool = False
    emotion_score: float | None = None
    opt_out_score: float | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody spoke for `seconds` after the last question had been played out."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Digits:
    digits: str


@dataclass(frozen=True, slots=True)
class MachineDetected:
    """The carrier's answering-machine verdict (its `AnsweredBy` word), also when it says human."""

    kind: str


@dataclass(frozen=True, slots=True)
class HungUp:
    pass


@dataclass(frozen=True, slots=True)
class TimeUp:
    """The longest permitted call length is reached."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of `FindAnswer` with this id: words of a model, or None and why there are none."""

    id: int
    text: str | None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class TransferFailed:
    """No colleague took the call; the person is back with us.

    `reason` is why: `no_answer`, `busy`, `refused`, `failed`, `closed`, `nobody_named`, `stopped`.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Transferred:
    """A colleague took the call."""


Told = Speech | Silence | Digits | MachineDetected | HungUp | TimeUp
Heard = Told | TransferFailed | Transferred | Answered


@dataclass(frozen=True, slots=True)
class Say:
    """`key` names a prompt that can be rendered ahead (see `prompts`), None when it is personal.

    Not interruptible: speech over it does not stop the playback, but is heard all the same.
    `notice`: this is what announces the recording; nothing is kept before it has been heard.
    """

    text: str
    key: str | None
    interruptible: bool
    notice: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Say `text`, then listen; after `silence_s` seconds without a word report `Silence`.

    An answer is over when `endpoint_s` seconds of silence follow it.
    """

    text: str
    key: str | None
    interruptible: bool
    expects: Expects
    silence_s: float
    endpoint_s: float


@dataclass(frozen=True, slots=True)
class OptOut:
    """Suppress the number for the whole seller before anything after it is spoken."""

    evidence: Literal["speech", "digit"]
    scope: Literal["seller"] = "seller"


@dataclass(frozen=True, slots=True)
class SetSlot:
    """`value` may be the person's own words: redact before storing."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Callback:
    """The person asked for another call; `when_text` is None when no time was named."""

    when_text: str | None


@dataclass(frozen=True, slots=True)
class Disposition:
    """How the call counts; should a second one come (a late opt-out), the later one holds."""

    code: DispositionCode


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call once everything said before has been played out."""

    reason: HangUpReason


@dataclass(frozen=True, slots=True)
class Transfer:
    """Hand the call to a colleague once everything said before has been played out.

    Nothing but an opt-out is heard any more until `TransferFailed` or `Transferred` is told.
    `summary` is said to the colleague of a warm transfer, and to nobody else.
    """

    kind: TransferKind
    summary: str


@dataclass(frozen=True, slots=True)
class FindAnswer:
    """Have the question answered out of the facts and tell it as `Answered`, within `timeout_s`.

    Until then nobody is asked anything; `filler` is for whoever waits for more than a moment.
    `question` has no numbers, addresses or names of the person in it.
    """

    id: int
    question: str
    asked_before: str | None
    topic: str
    facts: tuple[str, ...]
    max_words: int
    timeout_s: float
    language: str
    filler: Say


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a free-form answer: `spoken`, or why the fallback is said in its place."""

    why: str


Action = (
    Say | Ask | OptOut | SetSlot | Callback | Disposition | HangUp | Transfer | FindAnswer | Judged
)


@dataclass(frozen=True, slots=True)
class Thinking:
    """An answer is being looked for; `then` is the node after it, None: the question again."""

    id: int
    question: str
    then: str | None


@dataclass(frozen=True)
class State:
    """Where one conversation stands; a value, safe to keep, compare and print."""

    node: str
    slots: Mapping[str, str] = field(default_factory=dict)
    turns: int = 0
    retries: int = 0
    silences: int = 0
    answers: int = 0
    spoken_to: bool = False
    question: str | None = None
    arm: str | None = None
    language: str | None = None
    thinking: Thinking | None = None
    comforted: frozenset[str] = frozenset()
    feelings_followed: frozenset[str] = frozenset()
    intents: tuple[str, ...] = ()
    disposition: DispositionCode | None = None
    opted_out: bool = False
    # They do not want to be recorded.
    unrecorded: bool = False
    # They have heard to its end that it is recorded.
    noticed: bool = False
    ended: HangUpReason | None = None

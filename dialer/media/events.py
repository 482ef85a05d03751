"""What happens in a call, as the conversation is told of it, and the handle for the outside."""

from collections.abc import Callable
from dataclasses import dataclass

from dialer.media.answering import BeepHeard
from dialer.media.playback import Line
from dialer.media.turn_taking import PersonTurn, SilenceOver
from voice_ai.answering import AnswerVerdict
from voice_ai.conversation.turns import Answered, FindAnswer


@dataclass(frozen=True, slots=True)
class Transcript:
    """The person's turn in words. Times are clock.monotonic(); None where nothing was measured."""

    text: str
    turn: PersonTurn
    committed_at: float | None
    heard_at: float | None


@dataclass(frozen=True, slots=True)
class Interrupted:
    turn: PersonTurn


@dataclass(frozen=True, slots=True)
class KeyPressed:
    digit: str
    at_s: float


@dataclass(frozen=True, slots=True)
class LineOver:
    """A line was played to its end."""

    line: Line


@dataclass(frozen=True, slots=True)
class LineDropped:
    """The line to the person is gone; `hung_up` when the carrier said so."""

    hung_up: bool


@dataclass(frozen=True, slots=True)
class MachineVerdict:
    kind: str


@dataclass(frozen=True, slots=True)
class StopOrder:
    reason: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """`ears_lost` or `voice_lost`: the call cannot go on."""

    reason: str


@dataclass(frozen=True, slots=True)
class TimeIsUp:
    pass


@dataclass(frozen=True, slots=True)
class LastWordsLate:
    """The call is over, and a transcript of its last words has not come in time."""


@dataclass(frozen=True, slots=True)
class FillerDue:
    """An answer is being looked for, and for longer than a moment."""

    asked: FindAnswer


@dataclass(frozen=True, slots=True)
class AnswerFound:
    """Or why there is none; `waited_ms` None when nothing was asked."""

    answered: Answered
    waited_ms: float | None


# What is neither heard nor said in the call itself.
Order = (
    MachineVerdict
    | AnswerVerdict
    | BeepHeard
    | StopOrder
    | TimeIsUp
    | LineDropped
    | LastWordsLate
    | Trouble
    | FillerDue
    | AnswerFound
)
Event = Transcript | Interrupted | SilenceOver | KeyPressed | LineOver | Order
Emit = Callable[[Event], None]


class SessionControl:
    """What the webhooks and the operator tell a running call; use it on the session's own loop.

    What is told before the media starts is kept for it; what is told after the end is dropped.
    """

    def __init__(self) -> None:
        self._early: list[Event] = []
        self._emit: Emit = self._early.append

    def machine_detected(self, kind: str) -> None:
        """The carrier's verdict, its `AnsweredBy` word, also when it says human."""
        self._emit(MachineVerdict(kind))

    def stop(self, reason: str) -> None:
        """End the call at once; `reason` becomes its end reason."""
        self._emit(StopOrder(reason))

    def attach(self, emit: Emit) -> None:
        self._emit = emit
        for event in self._early:
            emit(event)
        self._early.clear()

    def detach(self) -> None:
        self._emit = lambda event: None

"""What can happen to a dial: one class per event, written append-only to `call_events`.

`docs/events.md` is generated from these classes (`voice-ai docs events`). A payload never holds a
number, a name or speech: those are behind the attempt. `key` is what makes an event the same event
when it is told again, so that duplicates fall away at the primary key.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

TERMINAL_KEY = "terminal"


@dataclass(frozen=True)
class CallEvent:
    """Base of all events."""

    kind: ClassVar[str]

    @property
    def key(self) -> str:
        return self.kind

    def payload(self) -> dict[str, Any]:
        return dict(vars(self))  # fields are plain values: nothing to copy deeper


@dataclass(frozen=True)
class DialIntended(CallEvent):
    """The intent to dial, committed before the carrier is asked."""

    kind = "dial_intended"
    attempt_no: int
    caller_id: int


@dataclass(frozen=True)
class DialUnknown(CallEvent):
    """The carrier's answer never came; the call may or may not exist."""

    kind = "dial_unknown"
    reason: str


@dataclass(frozen=True)
class CallPlaced(CallEvent):
    """The carrier accepted the call, told by its answer, a callback or the reconciler."""

    kind = "call_placed"
    carrier_call_sid: str


@dataclass(frozen=True)
class CarrierStatus(CallEvent):
    """A status callback, as the carrier sent it."""

    kind = "carrier_status"
    carrier_call_sid: str
    status: str
    sequence: int

    @property
    def key(self) -> str:
        return f"status:{self.carrier_call_sid}:{self.sequence}"


@dataclass(frozen=True)
class AnswerClassified(CallEvent):
    """The carrier's verdict on who or what answered."""

    kind = "answer_classified"
    answered_by: str
    detection_ms: float | None


@dataclass(frozen=True)
class AnswerHeard(CallEvent):
    """Our own verdict on who or what answered, and the kind of evidence; a later one revises it."""

    kind = "answer_heard"
    label: str
    confidence: float
    at_ms: float
    why: str

    @property
    def key(self) -> str:
        return f"answer_heard:{self.at_ms:.0f}:{self.label}"


@dataclass(frozen=True)
class MediaStarted(CallEvent):
    """The audio stream was opened."""

    kind = "media_started"
    stream_sid: str

    @property
    def key(self) -> str:
        return f"media_started:{self.stream_sid}"


@dataclass(frozen=True)
class TurnTaken(CallEvent):
    """Somebody finished speaking; the words are in `turns`."""

    kind = "turn_taken"
    index: int
    speaker: str
    node: str | None
    intent: str | None
    emotion: str | None

    @property
    def key(self) -> str:
        return f"turn:{self.index}"


@dataclass(frozen=True)
class BargeIn(CallEvent):
    """The person spoke over the agent, who stopped."""

    kind = "barge_in"
    index: int
    heard_fraction: float | None

    @property
    def key(self) -> str:
        return f"barge_in:{self.index}"


@dataclass(frozen=True)
class OptOutHeard(CallEvent):
    """The person does not want to be called; the suppression is in the same transaction."""

    kind = "opt_out_heard"
    evidence: str


@dataclass(frozen=True)
class RecordingDeclined(CallEvent):
    """The person does not want to be recorded: what was recorded of this call is thrown away."""

    kind = "recording_declined"


@dataclass(frozen=True)
class OutcomeReached(CallEvent):
    """What the conversation arrived at."""

    kind = "outcome_reached"
    disposition: str | None
    end_reason: str


@dataclass(frozen=True)
class ArmAssigned(CallEvent):
    """The conversation was held in this arm of the script's experiment."""

    kind = "arm_assigned"
    experiment: str
    arm: str


@dataclass(frozen=True)
class MediaStopped(CallEvent):
    """The audio stream was closed; with the reason `transfer` another one may follow."""

    kind = "media_stopped"
    reason: str

    @property
    def key(self) -> str:
        return "media_stopped:transfer" if self.reason == "transfer" else self.kind


@dataclass(frozen=True)
class TransferStarted(CallEvent):
    """The call is being handed to a colleague; `nth` counts the transfers of the call."""

    kind = "transfer_started"
    nth: int
    how: str
    asked_by: str

    @property
    def key(self) -> str:
        return f"transfer_started:{self.nth}"


@dataclass(frozen=True)
class TransferAnswered(CallEvent):
    """A colleague took the call."""

    kind = "transfer_answered"
    nth: int

    @property
    def key(self) -> str:
        return f"transfer_answered:{self.nth}"


@dataclass(frozen=True)
class TransferFailed(CallEvent):
    """No colleague took the call."""

    kind = "transfer_failed"
    nth: int
    reason: str

    @property
    def key(self) -> str:
        return f"transfer_failed:{self.nth}"


@dataclass(frozen=True)
class LateCallCancelled(CallEvent):
    """A call that came after its attempt had been given up; it was cancelled at once."""

    kind = "late_call_cancelled"
    carrier_call_sid: str

    @property
    def key(self) -> str:
        return f"late:{self.carrier_call_sid}"


@dataclass(frozen=True)
class CallEnded(CallEvent):
    """The one terminal event of an attempt."""

    kind = "call_ended"
    carrier_status: str | None
    answer_class: str | None
    disposition: str
    end_reason: str
    ended_by: str

    @property
    def key(self) -> str:
        return TERMINAL_KEY


EVENTS: tuple[type[CallEvent], ...] = tuple(CallEvent.__subclasses__())


def dictionary() -> str:
    """The event dictionary as Markdown."""
    parts = [
        "# Events of a call\n",
        "Generated by `voice-ai docs events`; do not edit. Every event also carries its attempt,"
        " `seq` (order within the attempt), `occurred_at` (clock of the installation) and"
        " `recorded_at` (clock of the database).\n",
    ]
    for event in EVENTS:
        parts.append(f"## `{event.kind}`\n\n{event.__doc__}\n")
        rows = [f"| `{field.name}` | {_type_name(field.type)} |" for field in fields(event)]
        parts.append("| field | type |\n|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _type_name(kind: Any) -> str:
    # A bare | would begin a new column of the table.
    return str(getattr(kind, "__name__", kind)).replace("|", "\\|")

"""The port to a carrier: what the dialer asks of it, and what it may answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from voice_ai.ids import AttemptId, CarrierSid


class FailureKind(StrEnum):
    """Coarse classes; Twilio advises against logic on single codes (protocols, 2.4)."""

    INVALID_NUMBER = "invalid_number"
    NOT_PERMITTED = "not_permitted"
    RATE_LIMITED = "rate_limited"
    AUTH = "auth"
    APP_ERROR = "app_error"


@dataclass(frozen=True)
class DialRequest:
    attempt_id: AttemptId
    to: str
    caller_id: str
    ring_timeout_s: int
    max_call_s: int
    detect_machines: bool
    await_greeting_end: bool = False


@dataclass(frozen=True)
class AgentLeg:
    """A call to a colleague who is asked to take the call of an attempt; no attempt itself.

    `turn` says which hand-over and which colleague, and comes back with every word of the call.
    """

    attempt_id: AttemptId
    turn: str
    to: str
    caller_id: str
    ring_s: int
    max_talk_s: int


@dataclass(frozen=True)
class Placed:
    sid: CarrierSid
    queue_time_ms: float | None


@dataclass(frozen=True)
class Rejected:
    """The carrier said no: there is no call."""

    kind: FailureKind
    code: int | None


@dataclass(frozen=True)
class Unanswered:
    """No usable answer: there may or may not be a call."""

    reason: str


# `transfer`: to a colleague; `resume`: back into its conversation.
RedirectTo = Literal["transfer", "resume"]
PlaceAnswer = Placed | Rejected | Unanswered


@dataclass(frozen=True)
class CarrierCall:
    sid: CarrierSid
    status: str
    answered_by: str | None
    duration_s: float | None
    created_at: datetime | None


class CarrierSilent(Exception):
    """The carrier did not answer a question; nothing is known, ask again later."""


@dataclass(frozen=True)
class Balance:
    amount: float
    currency: str


@dataclass(frozen=True)
class AccountStanding:
    """`kind` is Trial or Full, `status` active, suspended or closed."""

    kind: str
    status: str


class CarrierAccount(Protocol):
    """What a pre-flight asks about the account itself; no call comes of it."""

    async def balance(self) -> Balance:
        """Raises CarrierSilent."""
        ...

    async def standing(self) -> AccountStanding:
        """Raises CarrierSilent."""
        ...

    async def may_show(self, number: str) -> bool:
        """Whether the account owns or has verified that caller id. Raises CarrierSilent."""
        ...


class Carrier(Protocol):
    @property
    def account(self) -> str: ...

    async def place(self, request: DialRequest) -> PlaceAnswer:
        """One request, never repeated by a library."""
        ...

    async def fetch(self, sid: CarrierSid) -> CarrierCall | None:
        """The call, None when the carrier knows none. Raises CarrierSilent."""
        ...

    async def find(self, *, to: str, caller_id: str) -> Sequence[CarrierCall]:
        """Recent calls between the two numbers, newest first. Raises CarrierSilent."""
        ...

    async def end(self, sid: CarrierSid) -> bool:
        """Cancels or completes the call; False when it was over already. Raises CarrierSilent."""
        ...

    async def say_and_end(self, sid: CarrierSid, text: str, *, language: str) -> bool:
        """Says it in the carrier's own voice and ends the call; False when it is not in progress.

        Raises CarrierSilent.
        """
        ...

    async def redirect(
        self, sid: CarrierSid, attempt_id: AttemptId, step: RedirectTo, *, max_s: int
    ) -> bool:
        """Takes a live call out of what it does; the carrier asks us what next.

        `max_s` is how long the call may last in all. False when it is not in progress.
        Raises CarrierSilent.
        """
        ...

    async def ring(self, leg: AgentLeg) -> PlaceAnswer:
        """Calls a colleague. One request, never repeated by a library."""
        ...

    async def close(self) -> None: ...

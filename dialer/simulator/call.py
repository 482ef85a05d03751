"""A call as the carrier knows it, from the accepted POST to its end."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import uuid4

from dialer.simulator.callees import Plan
from dialer.simulator.draws import Draws
from dialer.simulator.orders import Callback, CallOrder, Instructions

if TYPE_CHECKING:  # a room knows lines, and a line its call's recordings
    from dialer.simulator.rooms import Room


class Status(StrEnum):
    """What REST shows; `initiated` is a word of the callbacks only."""

    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"

    @property
    def final(self) -> bool:
        return self not in {Status.QUEUED, Status.RINGING, Status.IN_PROGRESS}


def new_sid(prefix: str) -> str:
    """A fresh id: sids are never reused, not even by the next run with the same seed."""
    return prefix + uuid4().hex


@dataclass(frozen=True)
class Said:
    """One thing the callee said: what, how, and when (seconds of audio time)."""

    text: str
    style: str
    at_s: float


@dataclass
class Recording:
    """Mu-law of both sides, `callee` and `agent`, as far as the track says."""

    sid: str
    call_sid: str
    account_sid: str
    api_base: str
    created_at: datetime
    source: str
    channels: int
    track: str
    callback: Callback | None = None
    status: str = "in-progress"
    updated_at: datetime | None = None
    callee: bytearray = field(default_factory=bytearray)
    agent: bytearray = field(default_factory=bytearray)

    @property
    def seconds(self) -> int:
        return round(max(len(self.callee), len(self.agent)) / 8000)


@dataclass
class Call:
    """`token` signs this call's webhooks; `api_base` is where this carrier was reached.

    `stop` is set when the call must end, for whatever reason.
    """

    sid: str
    account_sid: str
    token: str
    api_base: str
    order: CallOrder
    plan: Plan
    attempt: int
    created_at: datetime
    listed_from: float
    queue_time: float = 0.0
    status: Status = Status.QUEUED
    updated_at: datetime | None = None
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    answered_by: str | None = None
    detection_ms: int | None = None
    sip_code: int | None = None
    error_code: int | None = None
    error_message: str | None = None
    ended_by: str | None = None
    said: list[Said] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    redirect: asyncio.Event = field(default_factory=asyncio.Event)
    redirected_to: Instructions | None = None
    events_sent: int = 0
    # Of a call that a `<Dial>` made: whose, and where the two meet.
    parent_sid: str | None = None
    bridge: "Room | None" = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def direction(self) -> str:
        return "outbound-api" if self.parent_sid is None else "outbound-dial"

    @property
    def draws(self) -> Draws:
        return self.plan.draws

    @property
    def seconds(self) -> int | None:
        """Length of the conversation in clock seconds; None before it ended, 0 unanswered."""
        if self.ended_at is None:
            return None
        if self.answered_at is None:
            return 0
        return max(1, round((self.ended_at - self.answered_at).total_seconds()))

    @property
    def billed_minutes(self) -> int:
        return -(-(self.seconds or 0) // 60)

    def end_because(self, who: str) -> None:
        """Ask for the end; the first reason given is the one kept."""
        if self.ended_by is None:
            self.ended_by = who
        self.stop.set()

    def redirect_to(self, instructions: Instructions) -> None:
        self.redirected_to = instructions
        self.redirect.set()

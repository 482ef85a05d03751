"""Whom a campaign hands its calls to, when, and what the end of such a call means."""

from collections.abc import Collection
from datetime import datetime, time
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from voice_ai.conversation.graph import Script
from voice_ai.conversation.source import Path
from voice_ai.conversation.turns import TransferKind
from voice_ai.numbers import e164

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# The carrier's word on a colleague's call that nobody took, as a reason.
_REASONS = {"busy": "busy", "no-answer": "no_answer", "completed": "refused"}
TAKEN = frozenset({"completed", "answered"})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hours(_Part):
    """When somebody is there, by the clock of their own place."""

    start: time = Field(time(9, 0), description="not before")
    end: time = Field(time(17, 0), description="not at or after")
    days: tuple[Day, ...] = Field(_DAYS[:5], min_length=1, description="weekdays")
    zone: str = Field(description="IANA time zone of the colleagues, as in America/New_York")

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            known = f"there is no time zone {value!r}; write one like Europe/Berlin"
            raise ValueError(known) from error
        return value

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.start >= self.end:
            raise ValueError("start must be before end")
        return self

    def are_open(self, now: datetime) -> bool:
        there = now.astimezone(ZoneInfo(self.zone))
        return _DAYS[there.weekday()] in self.days and self.start <= there.time() < self.end


class Rules(_Part):
    """How calls are handed over; what a stored version holds, without the numbers."""

    kind: TransferKind = Field(
        "blind", description="how an operator's take-over is done; a script says it node by node"
    )
    ring_s: int = Field(20, ge=5, le=60, description="ring a colleague this long, then the next")
    max_talk_s: int = Field(
        3600, ge=60, le=14400, description="longest talk with a colleague, in seconds"
    )
    hours: Hours | None = Field(None, description="when colleagues are there; null: always")

    def are_open(self, now: datetime) -> bool:
        return self.hours is None or self.hours.are_open(now)


class Transfer(Rules):
    to: tuple[str, ...] = Field(
        min_length=1,
        max_length=10,
        description="E.164 numbers of the seller's own people, asked one after the other",
    )

    @field_validator("to")
    @classmethod
    def _dialable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(e164(number) for number in value)


def transfer_fault(
    transfer: Transfer | None, own_numbers: Collection[str], script: Script
) -> tuple[Path, str] | None:
    """What is wrong between a campaign and its script: where in the campaign, and a sentence.

    `own_numbers` are those that the campaign itself calls from or is called back at.
    """
    if transfer is None and script.transfers:
        return (
            ("transfer",),
            f"the script {script.name} hands calls over at `{script.transfers[0]}`, but nobody is"
            " named; add `transfer: {to: [+12125550123]}` with your people's numbers",
        )
    if transfer is None:
        return None
    for place, number in enumerate(transfer.to):
        if number in own_numbers:
            return (
                ("transfer", "to", place),
                "this number is the campaign's own: the call would come back to us; name a"
                " person's",
            )
    return None


def reason_of(status: str) -> str:
    """Why a colleague did not take the call, from the carrier's last word on theirs."""
    return _REASONS.get(status, "failed")


def outcome_in_words(status: str, reason: str | None) -> str:
    """What came of a hand-over, for who asked for it."""
    if status == "answered":
        return "transferred: a colleague took the call"
    because = {
        "no_answer": "nobody picked up",
        "busy": "the line was busy",
        "refused": "nobody pressed one to take the call",
        "person_hung_up": "the person hung up first",
        "closed": "nobody is there at this hour",
        "nobody_named": "the campaign names nobody; add `transfer: {to: [...]}` to its file",
        "stopped": "the campaign was stopped in an emergency",
        "full": "the account has no call left for a colleague",
        "suppressed": "the person does not want to be called any more",
        "under_way": "the call is being handed over already",
        "gone": "the call is over or not answered yet",
        "failed": "the carrier could not do it",
    }
    said = because.get(reason or "", "the carrier could not do it")
    stays = reason not in ("person_hung_up", "gone", "under_way", "stopped")
    return f"not transferred: {said}" + ("; the conversation goes on" if stays else "")

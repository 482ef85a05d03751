"""States of an attempt, what news about it means, and which outcome a finished call has.

The dialer does what these functions say, and so does the simulation of `tests/chaos`: what is
simulated is what runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class AttemptState(StrEnum):
    INTENDED = "intended"
    UNKNOWN = "unknown"
    PLACED = "placed"
    RINGING = "ringing"
    IN_PROGRESS = "in_progress"
    ENDED = "ended"


# Twilio's call statuses (`initiated` exists in callbacks only) and the state each one proves.
_STATE_OF_STATUS: Mapping[str, AttemptState] = {
    "queued": AttemptState.PLACED,
    "initiated": AttemptState.PLACED,
    "ringing": AttemptState.RINGING,
    "in-progress": AttemptState.IN_PROGRESS,
}
TERMINAL_STATUSES = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_RANK = {state: rank for rank, state in enumerate(AttemptState)}


def is_terminal(status: str) -> bool:
    return status in TERMINAL_STATUSES


def advance(state: AttemptState, status: str) -> AttemptState:
    """The state after hearing `status`; late and repeated news never lead back."""
    news = _STATE_OF_STATUS.get(status, state)
    return news if _RANK[news] > _RANK[state] else state


# An intent older than this is not sent: what was true when it was made may be so no longer.
FENCE = timedelta(seconds=1)
# A send that misses its turn at the carrier by more than this is put off. Turns lie so much further
# apart than the pace asks for: then no sliding second at the carrier holds more calls than allowed,
# however late within this time each of them is.
SLOT_FENCE = timedelta(milliseconds=200)
# What a request itself takes to arrive, or rather how much that differs from one to the next.
_ON_ITS_WAY = timedelta(milliseconds=50)
# The first word of a call comes within this time of its intent, or nobody can say any more that it
# was sent within the fence: its process may have stood still between its last check and its send.
LATEST_FIRST_WORD = timedelta(seconds=4)


class Reading(StrEnum):
    """What a word about a call means for its attempt."""

    MOVE = "move"  # the attempt moves on, if the word is news
    END = "end"  # it is over
    LATE = "late"  # nobody reckons with this call any more: it is cancelled and counted apart


def is_too_old(intended_at: datetime, now: datetime) -> bool:
    """Whether an intent must not be sent any more."""
    return now - intended_at > FENCE


def spacing_of(calls_per_second: float) -> timedelta:
    """How far turns at the carrier lie apart, so that the pace holds there in any second."""
    return (timedelta(seconds=1) + SLOT_FENCE + _ON_ITS_WAY) / calls_per_second


def has_missed_its_turn(slot_at: datetime, now: datetime, *, speed: float = 1.0) -> bool:
    """`speed` of the clock: a machine is no quicker because a rehearsal runs faster."""
    return now - slot_at > SLOT_FENCE * max(1.0, speed)


def is_given_up(state: str, disposition: str | None) -> bool:
    """The attempt ended because there was no call; one that turns up now is not wanted."""
    return state == AttemptState.ENDED and disposition == "not_dialed"


def is_out_of_time(state: str, intended_at: datetime, now: datetime) -> bool:
    """Whether a call that is heard of for the first time now may have been sent too late.

    An attempt that was placed or has rung was heard of before: an answer or a callback that came
    in time proves that its request was.
    """
    unheard = state in (AttemptState.INTENDED, AttemptState.UNKNOWN)
    return unheard and now - intended_at > LATEST_FIRST_WORD


def reading_of(
    state: str, disposition: str | None, intended_at: datetime, status: str, now: datetime
) -> Reading:
    """What `status`, told by the carrier itself, means for an attempt that stands so."""
    if is_given_up(state, disposition):
        return Reading.LATE
    if is_terminal(status):
        return Reading.END
    return Reading.LATE if is_out_of_time(state, intended_at, now) else Reading.MOVE


def may_give_up(
    state: str, intended_at: datetime, now: datetime, *, worker_dead: bool, list_lag: timedelta
) -> bool:
    """Whether an attempt that the carrier knows nothing of was never placed.

    Only when nobody can be about to send it (its request has ended without an answer, or its
    worker is proved dead) and the carrier's list has had the time to show it.
    """
    sent = state == AttemptState.UNKNOWN
    return (sent or worker_dead) and now - intended_at > list_lag


def answer_class(answered_by: str) -> str:
    """human, machine, fax or unknown, from the carrier's `AnsweredBy`."""
    if answered_by.startswith("machine"):
        return "machine"
    return answered_by if answered_by in {"human", "fax"} else "unknown"


@dataclass(frozen=True)
class Finish:
    """What is known of a call when its end is told."""

    status: str
    answered_by_class: str | None = None
    outcome: str | None = None
    caller_turns: int = 0
    agent_turns: int = 0
    sip_code: int | None = None
    error_code: int | None = None


# 404, 484 and 604 say that the number does not exist or is incomplete (RFC 3261).
_NO_SUCH_NUMBER = frozenset({404, 484, 604})
_BY_STATUS = {"busy": "busy", "no-answer": "no_answer", "canceled": "canceled"}


def disposition_of(finish: Finish) -> str:
    """The business outcome: the conversation's own word first, then what the carrier says.

    `completed` only means that something picked up: a machine and a person who hung up before a
    word was said are told apart by the verdict and by who spoke.
    """
    if finish.status == "failed":
        permanent = finish.sip_code in _NO_SUCH_NUMBER
        return "failed_permanent" if permanent else "failed_transient"
    if finish.status in _BY_STATUS:
        return _BY_STATUS[finish.status]
    if finish.outcome is not None:
        return finish.outcome
    if finish.answered_by_class in {"machine", "fax"}:
        return "machine"
    if finish.agent_turns == 0:
        return "abandoned"
    return "conversed_no_goal" if finish.caller_turns >= 2 else "human_hangup"

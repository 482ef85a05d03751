"""States of an attempt, and which business outcome a finished call has."""

from collections.abc import Mapping
from dataclasses import dataclass
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

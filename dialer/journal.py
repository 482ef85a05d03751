"""Writes what happened to an attempt: the event and the change of state in one transaction.

Every source of news (the carrier's answer, a callback, the reconciler, the media session) comes
through here, in any order and any number of times. The rows end up the same: state only moves
forward, an event that is told again falls away at its key, and the end is written once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from dialer.settling import settle_lead
from voice_ai.calls import (
    AttemptState,
    Finish,
    Reading,
    advance,
    answer_class,
    disposition_of,
    is_given_up,
    is_terminal,
    reading_of,
)
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.events import (
    AnswerClassified,
    CallEnded,
    CallEvent,
    CallPlaced,
    CarrierStatus,
    LateCallCancelled,
)
from voice_ai.ids import AttemptId, CarrierSid

_SQL = queries("attempts")
Attempt = dict[str, Any]
# A call in one of these states has rung where the person is.
RANG = frozenset({AttemptState.RINGING, AttemptState.IN_PROGRESS})


@dataclass(frozen=True)
class StatusNews:
    """A carrier's word about a call, from a callback or from asking."""

    sid: CarrierSid
    status: str
    sequence: int | None = None
    answered_by: str | None = None
    detection_ms: float | None = None
    duration_s: float | None = None
    queue_time_ms: float | None = None
    sip_code: int | None = None
    error_code: int | None = None


async def lock_attempt(db: AsyncDb, attempt_id: AttemptId) -> Attempt | None:
    return await (await db.execute(_SQL.lock_attempt, {"attempt_id": attempt_id})).fetchone()


async def write_event(db: AsyncDb, attempt_id: AttemptId, event: CallEvent, at: datetime) -> bool:
    """Appends the event; False when it was known, or when there is no such attempt."""
    written = await db.execute(_SQL.append_event, event_row(attempt_id, event, at))
    return written.rowcount == 1


def event_row(attempt_id: AttemptId, event: CallEvent, at: datetime) -> dict[str, Any]:
    """The parameters of `append_event`."""
    return {
        "attempt_id": attempt_id,
        "kind": event.kind,
        "key": event.key,
        "payload": Jsonb(event.payload()),
        "occurred_at": at,
    }


async def call_placed(
    db: AsyncDb, attempt: Attempt, news: StatusNews, at: datetime, *, sent_at: datetime | None
) -> None:
    """The carrier has the call: remembers its id and moves the attempt on."""
    async with db.pipeline():
        await upsert_calls(db, [(attempt["id"], news, at)])
        await write_event(db, attempt["id"], CallPlaced(news.sid), at)
        await _set_state(db, attempt, _forward(attempt, "queued"), at, sent_at=sent_at)


async def apply_status(
    db: AsyncDb, attempt: Attempt, news: StatusNews, at: datetime
) -> AttemptState:
    """A callback's word on a call that has not ended; terminal words go through `finish`."""
    await call_placed(db, attempt, news, at, sent_at=None)
    if news.sequence is not None:
        await write_event(
            db, attempt["id"], CarrierStatus(news.sid, news.status, news.sequence), at
        )
    state = _forward(attempt, news.status)
    await _set_state(db, attempt, state, at, status=news.status)
    if state is AttemptState.ENDED and advance(AttemptState.INTENDED, news.status) in RANG:
        await db.execute(_SQL.rang_late, {"attempt_id": attempt["id"], "now": at})
    if news.answered_by:
        await classify_answer(db, attempt, news.answered_by, news.detection_ms, at)
    return state


async def classify_answer(
    db: AsyncDb, attempt: Attempt, answered_by: str, detection_ms: float | None, at: datetime
) -> None:
    """The carrier's verdict on who answered: the first one counts."""
    await write_event(db, attempt["id"], AnswerClassified(answered_by, detection_ms), at)
    heard = answer_class(answered_by)
    attempt["answer_class"] = attempt["answer_class"] or heard
    await db.execute(_SQL.set_answer_class, {"attempt_id": attempt["id"], "answer_class": heard})


async def late_call(db: AsyncDb, attempt: Attempt, news: StatusNews, at: datetime) -> None:
    """A call that came too late for its attempt; the caller must cancel it.

    An attempt that has not ended waits for the call's end, like any other.
    """
    if attempt["state"] == AttemptState.ENDED:
        await upsert_calls(db, [(attempt["id"], news, at)])
    else:
        await call_placed(db, attempt, news, at, sent_at=None)
    await write_event(db, attempt["id"], LateCallCancelled(news.sid), at)
    await db.execute(_SQL.mark_late, {"attempt_id": attempt["id"]})


async def revoke(db: AsyncDb, attempt: Attempt) -> None:
    """A person who must not be called picks up: the call ends without a word."""
    reason = {"outcome": "canceled", "end_reason": "suppressed"}
    await db.execute(_SQL.set_outcome, {"attempt_id": attempt["id"], **reason})


def was_given_up(attempt: Attempt) -> bool:
    return is_given_up(attempt["state"], attempt["disposition"])


def reading(attempt: Attempt, status: str, at: datetime) -> Reading:
    """What the carrier's word means for the attempt; a late call stays one until it has ended."""
    if attempt["late"] and not is_terminal(status):
        return Reading.LATE
    if was_given_up(attempt):
        return Reading.LATE
    return reading_of(attempt["state"], attempt["disposition"], attempt["intended_at"], status, at)


async def finish_call(
    db: AsyncDb, attempt: Attempt, news: StatusNews, at: datetime, *, ended_by: str
) -> bool:
    """Writes the terminal event of a call that the carrier had; False when it was written."""
    assert is_terminal(news.status)
    await call_placed(db, attempt, news, at, sent_at=None)
    if news.sequence is not None:
        await write_event(
            db, attempt["id"], CarrierStatus(news.sid, news.status, news.sequence), at
        )
    if news.answered_by:
        await classify_answer(db, attempt, news.answered_by, news.detection_ms, at)
    if attempt["state"] == AttemptState.ENDED:
        return False
    spoken = await (await db.execute(_SQL.spoken_turns, {"attempt_id": attempt["id"]})).fetchone()
    assert spoken is not None
    disposition, reason = how_it_ended(attempt, news, spoken)
    return await finish(
        db,
        attempt,
        at,
        disposition=disposition,
        end_reason=reason,
        status=news.status,
        ended_by=ended_by,
    )


def how_it_ended(attempt: Attempt, news: StatusNews, spoken: Mapping[str, int]) -> tuple[str, str]:
    """Disposition and end reason of a call that the carrier says is over."""
    disposition = disposition_of(
        Finish(
            status=news.status,
            answered_by_class=attempt["answer_class"],
            outcome=attempt["outcome"],
            caller_turns=spoken["caller"],
            agent_turns=spoken["agent"],
            sip_code=news.sip_code,
            error_code=news.error_code,
        )
    )
    return disposition, attempt["end_reason"] or f"carrier_{news.status}"


async def finish(
    db: AsyncDb,
    attempt: Attempt,
    at: datetime,
    *,
    disposition: str,
    end_reason: str,
    status: str | None,
    ended_by: str,
) -> bool:
    """The one terminal event, the attempt's end and the lead's next step, together."""
    event = CallEnded(
        carrier_status=status,
        answer_class=attempt["answer_class"],
        disposition=disposition,
        end_reason=end_reason,
        ended_by=ended_by,
    )
    if attempt["state"] == AttemptState.ENDED or not await write_event(
        db, attempt["id"], event, at
    ):
        return False
    await db.execute(
        _SQL.end_attempt,
        {
            "attempt_id": attempt["id"],
            "now": at,
            "carrier_status": status,
            "disposition": disposition,
            "end_reason": end_reason,
            "ended_by": ended_by,
        },
    )
    attempt["state"] = AttemptState.ENDED
    await settle_lead(db, attempt, disposition, at)
    await db.execute(
        _SQL.tell_outbox,
        {
            "topic": "call.ended",
            "number_id": attempt["number_id"],
            "payload": Jsonb({"attempt_id": str(attempt["id"]), "disposition": disposition}),
            "now": at,
        },
    )
    return True


def _forward(attempt: Attempt, status: str) -> AttemptState:
    return advance(AttemptState(attempt["state"]), status)


async def _set_state(
    db: AsyncDb,
    attempt: Attempt,
    state: AttemptState,
    at: datetime,
    *,
    sent_at: datetime | None = None,
    status: str | None = None,
) -> None:
    if attempt["state"] == AttemptState.ENDED:
        return
    attempt["state"] = state
    await db.execute(
        _SQL.set_state,
        {
            "attempt_id": attempt["id"],
            "state": state,
            "placed_at": at,
            "answered_at": at if state is AttemptState.IN_PROGRESS else None,
            "rang_at": at if state in RANG else None,
            "sent_at": sent_at,
            "carrier_status": status,
            "now": at,
        },
    )


async def upsert_calls(db: AsyncDb, told: Sequence[tuple[AttemptId, StatusNews, datetime]]) -> None:
    """What the carrier said of its calls; each call once."""
    calls = [{"attempt_id": attempt_id, "at": at, **vars(news)} for attempt_id, news, at in told]
    await db.execute(_SQL.upsert_calls, {"calls": orjson.dumps(calls).decode()})

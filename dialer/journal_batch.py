"""Many ends of calls in one transaction, in nine statements, whatever their number.

The rows that it leaves are those that `journal.finish_call` leaves when it is called for one end
after another (a property test compares them). What is not plain is left to that: see `finish_many`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from dialer import journal
from dialer.journal import Attempt, StatusNews
from dialer.settling import rules_of, settled
from voice_ai.calls import AttemptState, answer_class, is_terminal
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb, Row
from voice_ai.events import (
    TERMINAL_KEY,
    AnswerClassified,
    CallEnded,
    CallEvent,
    CallPlaced,
    CarrierStatus,
)
from voice_ai.ids import AttemptId

_SQL = queries("ends")


@dataclass(frozen=True)
class End:
    """The carrier's last word on the call of an attempt, and when it was told."""

    attempt_id: AttemptId
    news: StatusNews
    at: datetime


@dataclass(frozen=True)
class _Step:
    """What one end changes. `disposition` None: the attempt had ended before."""

    attempt: Attempt
    end: End
    events: Sequence[CallEvent]
    answer_class: str | None
    disposition: str | None
    end_reason: str | None

    @property
    def ends(self) -> bool:
        return self.disposition is not None

    @property
    def versions(self) -> int:
        """One by one: an event, a verdict, the state, and the end raise the version by one each."""
        return len(self.events) + bool(self.end.news.answered_by) + 2 * self.ends


async def finish_many(db: AsyncDb, ends: Sequence[End], *, ended_by: str) -> list[bool | None]:
    """Writes ends of calls; the caller's transaction makes them durable.

    For each: True when its attempt ended with it, False when that had ended before, and None when
    it is left to the caller to write by itself: no such attempt, one that somebody else holds right
    now, one that was given up, or an attempt or a call that stands in this set twice.
    """
    assert all(is_terminal(end.news.status) for end in ends)
    plain = _each_once(ends)
    rows = await _rows(db, _SQL.lock_attempts, {"attempt_ids": list(plain)})
    attempts = {row["id"]: row for row in rows if not journal.was_given_up(row)}
    if not attempts:
        return [None] * len(ends)
    before = await _told_before(db, attempts, plain)
    steps = [
        step
        for attempt_id, attempt in attempts.items()
        if (step := _step(attempt, plain[attempt_id], before[attempt_id], ended_by)) is not None
    ]
    await _write(db, steps, ended_by)
    ended = {step.attempt["id"]: step.ends for step in steps}
    return [ended.get(end.attempt_id) if plain.get(end.attempt_id) is end else None for end in ends]


async def finish_alone(db: AsyncDb, end: End, *, ended_by: str) -> bool | None:
    """One end, whatever it is; waits for who holds its attempt. None: there is no attempt."""
    attempt = await journal.lock_attempt(db, end.attempt_id)
    if attempt is None:
        return None
    if journal.was_given_up(attempt):
        await journal.late_call(db, attempt, end.news, end.at)
        return False
    return await journal.finish_call(db, attempt, end.news, end.at, ended_by=ended_by)


def _each_once(ends: Sequence[End]) -> dict[AttemptId, End]:
    """The first end of each attempt, of each call."""
    plain: dict[AttemptId, End] = {}
    sids = set()
    for end in ends:
        if end.attempt_id not in plain and end.news.sid not in sids:
            plain[end.attempt_id] = end
            sids.add(end.news.sid)
    return plain


async def _told_before(
    db: AsyncDb, attempts: Mapping[AttemptId, Attempt], ends: Mapping[AttemptId, End]
) -> dict[AttemptId, dict[str, Any]]:
    told = [
        {"attempt_id": key, "month": row["month"], "status_key": _status_key(ends[key].news)}
        for key, row in attempts.items()
    ]
    before = await _rows(db, _SQL.told_before, {"attempts": _document(told)})
    return {row["attempt_id"]: row for row in before}


def _status_key(news: StatusNews) -> str | None:
    event = _status_event(news)
    return None if event is None else event.key


def _status_event(news: StatusNews) -> CarrierStatus | None:
    if news.sequence is None:
        return None
    return CarrierStatus(news.sid, news.status, news.sequence)


def _step(attempt: Attempt, end: End, before: Mapping[str, Any], ended_by: str) -> _Step | None:
    """What `finish_call` would write. None for rows that contradict each other: not for a set."""
    news, known = end.news, set(before["keys"])
    events: list[CallEvent] = [CallPlaced(news.sid)]
    if (status := _status_event(news)) is not None:
        events.append(status)
    verdict = None
    if news.answered_by:
        events.append(AnswerClassified(news.answered_by, news.detection_ms))
        verdict = answer_class(news.answered_by)
    disposition = reason = None
    if attempt["state"] != AttemptState.ENDED:
        if TERMINAL_KEY in known:
            return None
        heard = {**attempt, "answer_class": attempt["answer_class"] or verdict}
        disposition, reason = journal.how_it_ended(heard, news, before)
        events.append(
            CallEnded(
                carrier_status=news.status,
                answer_class=heard["answer_class"],
                disposition=disposition,
                end_reason=reason,
                ended_by=ended_by,
            )
        )
    new = [event for event in events if event.key not in known]
    return _Step(attempt, end, new, verdict, disposition, reason)


async def _write(db: AsyncDb, steps: Sequence[_Step], ended_by: str) -> None:
    # By call id, as every set does it: two sets cannot wait for each other's calls in a circle.
    calls = sorted(steps, key=lambda step: step.end.news.sid)
    ended = [_ended(step) for step in steps if step.ends]
    campaigns = list({end["campaign_id"] for end in ended})
    async with db.pipeline():
        await journal.upsert_calls(
            db, [(step.attempt["id"], step.end.news, step.end.at) for step in calls]
        )
        await _append_events(db, steps)
        await _move_attempts(db, steps, ended_by)
        if not ended:
            return
        told = _document(ended)
        await db.execute(_SQL.tell_outbox, {"ended": told})
        standings = await db.execute(_SQL.standings, {"ended": told})
        policies = await db.execute(_SQL.retry_policies, {"campaign_ids": campaigns})
        await _settle_leads(db, ended, await standings.fetchall(), await policies.fetchall())


def _ended(step: _Step) -> dict[str, Any]:
    attempt = step.attempt
    return {
        **{name: attempt[name] for name in ("campaign_id", "lead_id", "number_id", "intended_at")},
        "id": attempt["id"],
        "attempt_id": attempt["id"],
        "disposition": step.disposition,
        "at": step.end.at,
    }


async def _append_events(db: AsyncDb, steps: Sequence[_Step]) -> None:
    """Each attempt's new events, numbered on from its last one; the lock on it keeps that true."""
    events = [
        {
            "month": step.attempt["month"],
            "attempt_id": step.attempt["id"],
            "seq": number,
            "kind": event.kind,
            "key": event.key,
            "payload": event.payload(),
            "occurred_at": step.end.at,
        }
        for step in steps
        for number, event in enumerate(step.events, step.attempt["event_seq"] + 1)
    ]
    await db.execute(_SQL.append_events, {"events": _document(events)})


async def _move_attempts(db: AsyncDb, steps: Sequence[_Step], ended_by: str) -> None:
    moves = [
        {
            "attempt_id": step.attempt["id"],
            "ends": step.ends,
            "at": step.end.at,
            "status": step.end.news.status,
            "disposition": step.disposition,
            "end_reason": step.end_reason,
            "answer_class": step.answer_class,
            "written": len(step.events),
            "versions": step.versions,
        }
        for step in steps
    ]
    await db.execute(_SQL.move_attempts, {"steps": _document(moves), "ended_by": ended_by})


async def _settle_leads(
    db: AsyncDb,
    ended: Sequence[Mapping[str, Any]],
    standing_rows: Sequence[Row],
    policies: Sequence[Row],
) -> None:
    """Where the leads stand now, by the same rule as one by one."""
    standings = {(row["campaign_id"], row["lead_id"]): row for row in standing_rows}
    rules = {row["id"]: rules_of(row) for row in policies}
    leads = []
    for end in ended:
        standing = standings.get((end["campaign_id"], end["lead_id"]))
        if standing is not None:  # a lead whose import was taken back has no next step
            ruled = rules[end["campaign_id"]]
            place = {name: end[name] for name in ("campaign_id", "lead_id")}
            leads.append({**place, **settled(standing, ruled, end, end["disposition"], end["at"])})
    await db.execute(_SQL.settle_leads, {"leads": _document(leads)})


def _document(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(rows).decode()


async def _rows(db: AsyncDb, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    return await (await db.execute(query, values)).fetchall()

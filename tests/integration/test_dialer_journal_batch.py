"""A set of ends leaves the rows that single ends leave, whatever came before."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from dialer import journal
from dialer.end_batches import EndBatches
from dialer.journal import StatusNews
from dialer.journal_batch import End, finish_alone, finish_many
from tests.factories import NOW
from tests.integration.dialer_parts import Claimed, House, new_sid
from voice_ai.calls import TERMINAL_STATUSES
from voice_ai.db.connect import AsyncDb
from voice_ai.errors import NotFound
from voice_ai.events import MediaStarted
from voice_ai.ids import AttemptId

pytest_plugins = ("tests.integration.dialer_fixtures",)

# Every row that an end can touch, without what counts rows and what tells when, and by which
# transaction, they were written.
_LEFT = (
    "SELECT to_jsonb(a) - 'changed_xid' - 'settled_xid' AS attempt FROM attempts a ORDER BY id",
    "SELECT to_jsonb(k) - 'changed_xid' AS call FROM calls k ORDER BY carrier_sid",
    "SELECT to_jsonb(e) - 'recorded_at' AS event FROM call_events e ORDER BY attempt_id, seq",
    "SELECT * FROM campaign_leads ORDER BY lead_id",
    "SELECT to_jsonb(o) - 'id' AS told FROM outbox o ORDER BY payload ->> 'attempt_id'",
)


async def many_claimed(dialer: House, count: int) -> list[AttemptId]:
    dialer.office.leads(count)
    dialer.office.campaign(pacing={"max_concurrent": count, "calls_per_second": 200})
    claimed: list[Claimed] = []
    while len(claimed) < count:
        claimed += await dialer.claim()
        dialer.clock.advance(0.5)
    return [intent.attempt_id for intent, _ in claimed]


async def what_is_left(db: AsyncDb) -> list[Any]:
    return [await (await db.execute(query)).fetchall() for query in _LEFT]


def some_news(draw: random.Random) -> StatusNews:
    """A last word with any of its fields."""
    return StatusNews(
        sid=new_sid(),
        status=draw.choice(sorted(TERMINAL_STATUSES)),
        sequence=draw.choice([None, 1, 4]),
        answered_by=draw.choice([None, None, "human", "machine_start", "fax", "unknown"]),
        detection_ms=draw.choice([None, 2100.5]),
        duration_s=draw.choice([None, 0.0, 17.0]),
        sip_code=draw.choice([None, 200, 404, 486, 503]),
        error_code=draw.choice([None, 32009]),
    )


async def happened_before(
    dialer: House, attempt_id: AttemptId, news: StatusNews, seed: int
) -> None:
    """Some of what can come before an end: callbacks, words, the end, its being given up."""
    draw = random.Random(seed)
    async with dialer.pool.connection() as db:
        attempt = await journal.lock_attempt(db, attempt_id)
        assert attempt is not None
        for status in ("ringing", "in-progress"):
            if draw.random() < 0.5:
                told = replace(news, status=status, sequence=draw.choice([None, 1, 2]))
                await journal.apply_status(db, attempt, told, NOW)
        if draw.random() < 0.4:
            await journal.write_event(db, attempt_id, MediaStarted("MZ1"), NOW)
            for index in range(draw.randrange(6)):
                await db.execute(
                    "INSERT INTO turns (attempt_id, index, speaker, started_at, ended_at)"
                    " VALUES (%s, %s, %s, now(), now())",
                    (attempt_id, index, "caller" if index % 2 else "agent"),
                )
        if draw.random() < 0.3:
            outcome = draw.choice([None, "goal", "callback_requested"])
            values = {"attempt_id": attempt_id, "outcome": outcome, "end_reason": "agent_goodbye"}
            await db.execute(journal._SQL.set_outcome, values)
        if draw.random() < 0.2:
            await db.execute(
                "UPDATE campaign_leads SET callback_at = %s, callback_by = 'call',"
                " callback_noted_at = %s WHERE lead_id = %s",
                (NOW + timedelta(days=draw.choice([-1, 1])), NOW, attempt["lead_id"]),
            )
        fate = draw.random()
        if fate < 0.15:
            await journal.finish_call(db, attempt, news, NOW, ended_by="callback")
        elif fate < 0.3:
            await journal.finish(
                db,
                attempt,
                NOW,
                disposition="not_dialed",
                end_reason="never_placed",
                status=None,
                ended_by="reconciler",
            )


async def one_by_one(db: AsyncDb, ends: list[End]) -> list[bool | None]:
    return [await finish_alone(db, end, ended_by="callback") for end in ends]


async def together(db: AsyncDb, ends: list[End]) -> list[bool | None]:
    """In one set; what it leaves is written alone, as the batches do."""
    found = await finish_many(db, ends, ended_by="callback")
    for place, end in enumerate(ends):
        if found[place] is None:
            found[place] = await finish_alone(db, end, ended_by="callback")
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_a_set_leaves_the_rows_that_single_ends_leave(dialer: House, seed: int) -> None:
    """The same ends of the same attempts, both ways, each from the same rows."""
    draw = random.Random(seed)
    ends = [End(AttemptId(uuid4()), some_news(draw), NOW)]  # of no attempt
    for number, attempt_id in enumerate(await many_claimed(dialer, 40)):
        news = some_news(draw)
        await happened_before(dialer, attempt_id, news, seed * 1000 + number)
        ends.append(End(attempt_id, news, NOW + timedelta(seconds=number)))
        if draw.random() < 0.2:
            ends.append(replace(ends[-1], at=NOW + timedelta(hours=1)))
    draw.shuffle(ends)
    async with dialer.pool.connection() as db:
        async with db.transaction(force_rollback=True):
            singly = await one_by_one(db, ends)
            left_singly = await what_is_left(db)
        async with db.transaction(force_rollback=True):
            jointly = await together(db, ends[:30]) + await together(db, ends[30:])
            left_jointly = await what_is_left(db)
    assert singly == jointly
    assert {True, False, None} <= set(singly)
    for one, other in zip(left_jointly, left_singly, strict=True):
        assert one == other


async def test_the_second_try_of_a_lead_is_counted_with_the_first(dialer: House) -> None:
    (first,) = await many_claimed(dialer, 1)
    busy, batches = StatusNews(new_sid(), "busy", 2), EndBatches(dialer.pool)
    await batches.write(End(first, busy, NOW))
    dialer.clock.advance(1800)
    ((intent, _),) = await dialer.claim()
    await batches.write(End(intent.attempt_id, replace(busy, sid=new_sid()), dialer.clock.now()))
    lead = dialer.office.lead(intent.lead_id)
    assert (lead["attempts"], lead["disposition"]) == (2, "busy")


async def test_callbacks_that_come_together_are_written_together(dialer: House) -> None:
    attempts = await many_claimed(dialer, 40)
    batches = EndBatches(dialer.pool)
    news = [StatusNews(new_sid(), "no-answer", 2) for _ in attempts]
    ends = [End(*each, NOW) for each in zip(attempts, news, strict=True)]
    await asyncio.gather(*(batches.write(end) for end in (*ends, *ends)))
    kinds = dialer.office.row("SELECT count(*) AS n FROM call_events WHERE kind = 'call_ended'")
    assert kinds["n"] == 40
    # The row version is the transaction that wrote it: far fewer of them than ends.
    commits = dialer.office.row("SELECT count(DISTINCT xmin::text) AS n FROM outbox")
    assert commits["n"] <= 3


async def test_one_end_that_cannot_be_written_fails_alone(dialer: House) -> None:
    attempts = await many_claimed(dialer, 5)
    batches = EndBatches(dialer.pool)
    news = [StatusNews(new_sid(), "busy", 2) for _ in attempts]
    news[2] = replace(news[2], sequence=2**40)  # no integer of Postgres
    ends = [End(*each, NOW) for each in zip(attempts, news, strict=True)]
    ends.append(End(AttemptId(uuid4()), replace(news[0], sid=new_sid()), NOW))
    answers = await asyncio.gather(*(batches.write(end) for end in ends), return_exceptions=True)
    problems = [type(answer) for answer in answers if answer is not None]
    assert problems[1:] == [NotFound]
    assert issubclass(problems[0], psycopg.DataError)
    states = [dialer.office.attempt(attempt_id)["state"] for attempt_id in attempts]
    assert states == ["ended", "ended", "intended", "ended", "ended"]


async def test_an_attempt_that_somebody_holds_does_not_hold_up_the_others(dialer: House) -> None:
    held, *others = await many_claimed(dialer, 6)
    batches = EndBatches(dialer.pool)
    ends = [End(each, StatusNews(new_sid(), "busy", 2), NOW) for each in (held, *others)]
    async with dialer.pool.connection() as db:
        await journal.lock_attempt(db, held)
        waiting = asyncio.create_task(batches.write(ends[0]))
        await asyncio.gather(*(batches.write(end) for end in ends[1:]))
        assert not waiting.done()
        assert dialer.office.attempt(held)["state"] == "intended"
    await waiting
    assert dialer.office.attempt(held)["state"] == "ended"

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
from tests.factories import NOW, Office
from tests.integration.dialer_parts import Claimed, House, new_sid
from voice_ai import retries
from voice_ai.calls import TERMINAL_STATUSES
from voice_ai.errors import NotFound
from voice_ai.events import MediaStarted
from voice_ai.ids import AttemptId

pytest_plugins = ("tests.integration.dialer_fixtures",)

# Differ between two attempts to which the same happened.
_OWN = frozenset(
    {"id", "lead_id", "number_id", "attempt_id", "slot_at", "intended_at", "caller_id_number"}
    | {"carrier_sid", "created_at", "recorded_at", "position", "person_key", "campaign_id"}
    | {"rotate_from"}
)


async def many_claimed(dialer: House, count: int) -> list[AttemptId]:
    dialer.office.leads(count)
    dialer.office.campaign(pacing={"max_concurrent": count, "calls_per_second": 200})
    claimed: list[Claimed] = []
    while len(claimed) < count:
        claimed += await dialer.claim()
        dialer.clock.advance(0.5)
    return [intent.attempt_id for intent, _ in claimed]


def what_is_left(office: Office, attempt_id: AttemptId) -> dict[str, Any]:
    """Every row of an attempt, with every column but those that are its own."""
    attempt = office.attempt(attempt_id)
    lead = office.lead(attempt["lead_id"])
    if lead["disposition"] == "failed_transient":  # the jitter is the attempt's own
        del lead["next_allowed_at"]
    calls = office.rows("SELECT * FROM calls WHERE attempt_id = %s", attempt_id)
    outbox = office.rows(
        "SELECT topic, payload - 'attempt_id' AS payload, created_at AS at, person_key ="
        " (SELECT person_key FROM numbers WHERE id = %s) AS same FROM outbox"
        " WHERE payload ->> 'attempt_id' = %s",
        attempt["number_id"],
        str(attempt_id),
    )
    rows = {
        "attempt": [attempt],
        "calls": calls,
        "events": office.events(attempt_id)[1:],  # without the intent, which names a line
        "lead": [lead],
        "outbox": outbox,
    }
    sid = calls[0]["carrier_sid"] if calls else "none"
    return {
        name: [
            {column: _plain(value, sid) for column, value in row.items() if column not in _OWN}
            for row in some
        ]
        for name, some in rows.items()
    }


def _plain(value: Any, sid: str) -> Any:
    return repr(value).replace(sid, "CA")


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


async def one_by_one(dialer: House, ends: list[End]) -> list[bool | None]:
    found = []
    async with dialer.pool.connection() as db:
        for end in ends:
            async with db.transaction():
                found.append(await finish_alone(db, end, ended_by="callback"))
    return found


async def together(dialer: House, ends: list[End]) -> list[bool | None]:
    """In one set; what it leaves is written alone, as the batches do."""
    async with dialer.pool.connection() as db:
        async with db.transaction():
            found = await finish_many(db, ends, ended_by="callback")
        for place, end in enumerate(ends):
            if found[place] is None:
                async with db.transaction():
                    found[place] = await finish_alone(db, end, ended_by="callback")
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_a_set_leaves_the_rows_that_single_ends_leave(
    dialer: House, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The wait after a failure is spread by the attempt's id, which twins do not share.
    monkeypatch.setattr(retries, "_JITTERED", frozenset())
    draw = random.Random(seed)
    attempts = await many_claimed(dialer, 80)
    ends: tuple[list[End], list[End]] = ([], [])
    for number, pair in enumerate(zip(attempts[::2], attempts[1::2], strict=True)):
        news, again = some_news(draw), draw.random() < 0.2
        for attempt_id, told in zip(pair, ends, strict=True):
            own = replace(news, sid=new_sid())
            await happened_before(dialer, attempt_id, own, seed * 1000 + number)
            end = End(attempt_id, own, NOW + timedelta(seconds=number))
            told += [end, replace(end, at=NOW + timedelta(hours=1))] if again else [end]
    nobody = AttemptId(uuid4())
    for told in ends:
        told.append(End(nobody, some_news(draw), NOW))
    order = draw.sample(range(len(ends[0])), len(ends[0]))
    singly = await one_by_one(dialer, [ends[0][place] for place in order])
    in_sets = [ends[1][place] for place in order]
    jointly = await together(dialer, in_sets[:30]) + await together(dialer, in_sets[30:])
    assert singly == jointly
    assert {True, False, None} <= set(singly)
    for first, second in zip(attempts[::2], attempts[1::2], strict=True):
        assert what_is_left(dialer.office, second) == what_is_left(dialer.office, first)


async def test_the_second_try_of_a_lead_is_counted_with_the_first(dialer: House) -> None:
    (first,) = await many_claimed(dialer, 1)
    busy = StatusNews(new_sid(), "busy", 2)
    assert await together(dialer, [End(first, busy, NOW)]) == [True]
    dialer.clock.advance(1200)
    ((intent, _),) = await dialer.claim()
    end = End(intent.attempt_id, replace(busy, sid=new_sid()), dialer.clock.now())
    assert await together(dialer, [end]) == [True]
    lead = dialer.office.lead(intent.lead_id)
    assert (lead["attempts"], lead["disposition"]) == (2, "busy")
    assert lead["next_allowed_at"] == dialer.clock.now() + timedelta(minutes=30)


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

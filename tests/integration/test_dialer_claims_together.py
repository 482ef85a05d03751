"""Several workers claim at once: what must hold for one of them holds for all together."""

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta

from dialer.claims import claim
from tests.factories import NOW
from tests.integration.dialer_parts import ACCOUNT, Claimed, House, add_worker
from voice_ai.db import queries
from voice_ai.ids import WorkerId

pytest_plugins = ("tests.integration.dialer_fixtures",)


async def rounds_of(
    dialer: House, worker_id: WorkerId, nows: list[datetime], cap: int, draw: random.Random
) -> list[Claimed]:
    """One worker's claims; after each of them some of its calls end. Checks the cap all along."""
    taken: list[Claimed] = []
    for now in nows:
        async with dialer.pool.connection() as db:
            new = await claim(db, account=ACCOUNT, worker_id=worker_id, rehearsal=True, now=now)
        taken += new
        async with dialer.pool.connection() as db:
            row = await (
                await db.execute("SELECT count(*) AS n FROM attempts WHERE state <> 'ended'")
            ).fetchone()
            assert row is not None
            assert row["n"] <= cap
            over = [intent.attempt_id for intent, _ in new if draw.random() < 0.8]
            await db.execute("UPDATE attempts SET state = 'ended' WHERE id = ANY(%s)", (over,))
    return taken


async def race(dialer: House, workers: int, rounds: int, cap: int) -> list[Claimed]:
    draw = random.Random(workers)
    work = []
    for _ in range(workers):
        worker_id = add_worker(dialer.office)
        # Workers' clocks and ticks are never quite the same.
        skew = [timedelta(milliseconds=100 * n + draw.uniform(0, 60)) for n in range(rounds)]
        work.append(rounds_of(dialer, worker_id, [NOW + late for late in skew], cap, draw))
    return [one for taken in await asyncio.gather(*work) for one in taken]


def most_in_one_second(slots: list[datetime]) -> int:
    ordered = sorted(slots)
    return max(
        sum(first <= slot <= first + timedelta(seconds=1) for slot in ordered) for first in ordered
    )


async def test_four_workers_never_take_the_same_lead_nor_break_a_cap(dialer: House) -> None:
    dialer.office.leads(150)
    dialer.office.campaign(pacing={"max_concurrent": 12, "calls_per_second": 20})
    taken = await race(dialer, workers=4, rounds=25, cap=12)
    assert max(Counter(intent.lead_id for intent, _ in taken).values()) == 1
    assert most_in_one_second([intent.slot_at for intent, _ in taken]) <= 21
    stored = dialer.office.rows("SELECT id, slot_at FROM attempts")
    assert {row["id"] for row in stored} == {intent.attempt_id for intent, _ in taken}
    workers = dialer.office.rows("SELECT DISTINCT worker_id FROM attempts")
    assert len(workers) >= 2


async def test_two_workers_at_once_share_out_what_one_alone_may_take(dialer: House) -> None:
    dialer.office.leads(20)
    dialer.office.campaign(pacing={"max_concurrent": 3, "calls_per_second": 100})
    first, second = await asyncio.gather(dialer.claim(), dialer.claim())
    assert len(first) + len(second) == 3


async def test_max_leads_holds_over_workers(dialer: House) -> None:
    dialer.office.leads(40)
    dialer.office.campaign(pacing={"max_concurrent": 40, "calls_per_second": 100}, max_leads=7)
    taken = await race(dialer, workers=3, rounds=6, cap=40)
    assert len(taken) == 7


async def test_a_number_on_two_lists_is_claimed_by_one_worker_only(dialer: House) -> None:
    leads = dialer.office.leads(10)
    numbers = [lead.number for lead in leads]
    dialer.office.leads(10, seller="Other", name="theirs", numbers=numbers)
    pacing = {"max_concurrent": 10, "calls_per_second": 100}
    dialer.office.campaign(pacing=pacing)
    dialer.office.campaign("Theirs", seller="Other", leads="theirs", pacing=pacing)
    taken = await asyncio.gather(*(dialer.claim() for _ in range(4)))
    numbers_taken = Counter(intent.number_id for some in taken for intent, _ in some)
    assert len(numbers_taken) == 10
    assert set(numbers_taken.values()) == {1}


async def test_two_campaigns_take_turns_at_the_carrier(dialer: House) -> None:
    dialer.office.leads(30)
    dialer.office.leads(30, name="autumn")
    slow = {"max_concurrent": 30, "calls_per_second": 1}
    spring = dialer.office.campaign(pacing=slow)
    autumn = dialer.office.campaign("Autumn", leads="autumn", pacing=slow)
    served: Counter[object] = Counter()
    slots: list[datetime] = []
    for tick in range(60):
        for intent, campaign in await dialer.claim(NOW + timedelta(seconds=0.2 * tick)):
            served[campaign.id] += 1
            slots.append(intent.slot_at)
    assert served[spring] >= 5
    assert served[autumn] >= 5
    assert most_in_one_second(slots) <= 2


async def test_a_lead_that_another_session_holds_is_passed_over(dialer: House) -> None:
    first, second = dialer.office.leads(2)
    campaign_id = dialer.office.campaign(pacing={"max_concurrent": 1, "calls_per_second": 1})
    async with dialer.pool.connection() as db:
        await db.execute("SELECT FROM campaign_leads WHERE lead_id = %s FOR UPDATE", (first.id,))
        ((intent, _),) = await dialer.claim()
    assert intent.lead_id == second.id
    assert dialer.office.lead(first.id)["campaign_id"] == campaign_id


def test_ready_leads_are_found_by_the_partial_index(dialer: House) -> None:
    """At 50 000 leads, most of them done, a claim reads the few it wants and sorts nothing."""
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign()
    db = dialer.office.db
    db.execute("SET session_replication_role = replica")  # loads without checking references
    db.execute(
        "WITH n AS (INSERT INTO numbers (fingerprint, key_id, zones, states, created_at)"
        "  SELECT int8send(i), 'test', '{}', '{}', now() FROM generate_series(1, 50000) i"
        "  RETURNING id),"
        " l AS (INSERT INTO leads (list_id, number_id, run_id, line, position, zones, states,"
        "       created_at)"
        "  SELECT r.list_id, n.id, r.id, n.id, n.id, '{}', '{}', now() FROM n, import_runs r"
        "  RETURNING id, number_id)"
        " INSERT INTO campaign_leads (campaign_id, lead_id, number_id, state, priority, position,"
        "  attempts, updated_at) SELECT %s, l.id, l.number_id,"
        "  CASE WHEN l.id %% 3 = 0 THEN 'ready' ELSE 'done' END, l.id %% 7, l.id, 0, now() FROM l",
        (campaign_id,),
    )
    db.execute("ANALYZE campaign_leads; ANALYZE attempts")
    values = {"campaign_id": campaign_id, "now": NOW, "fresh": True, "limit": 200}
    plan = db.execute(
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) "
        + queries("claims").lock_ready_leads,
        values,
    ).fetchall()
    text = "\n".join(row["QUERY PLAN"] for row in plan)
    assert "Index Scan using ix_campaign_leads_fresh" in text
    assert "ix_campaign_leads_waiting" in text
    assert "Seq Scan on campaign_leads" not in text

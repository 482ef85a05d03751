"""`make bench` rows of a lead's way through the dialer, against two job queues.

One lead: claimed and decided with all its facts, its decision in the ledger, its intent committed;
then the carrier's last word about it, as a callback brings it: the row of the call, three events,
the end of the attempt, the retry rule's answer, the outbox row. All durable, as in the product. One
process does both, over two connections; the carrier in between is left out. The peers fetch a job
that does nothing and mark it as done.
"""

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from statistics import median
from typing import Any

from dialer.bench_lists import ACCOUNT, NOON, Bench, bench_database, bench_row
from dialer.bench_peers import peer_database, pgqueuer_drain, procrastinate_drain
from dialer.claims import HORIZON, claim
from dialer.end_batches import MOST
from dialer.intents import Intent
from dialer.journal import StatusNews
from dialer.journal_batch import End, finish_many
from voice_ai.db.connect import Pool, open_pool
from voice_ai.ids import CarrierSid, WorkerId

ROW_NAMES = ("dialer.cycle_vs_target", "dialer.cycle_vs_procrastinate", "dialer.cycle_vs_pgqueuer")
TARGET = 5_000
_LEADS = 10_000
_PROCRASTINATE_JOBS = 1_000
_PGQUEUER_JOBS = 20_000
_RUNS = 3
# How calls end, in turn: enough to ask the retry rule something.
_STATUSES = ("no-answer", "busy", "no-answer", "completed", "failed")
# Ends that wait to be written hold up the claim: callbacks of live calls do not pile up for ever.
_MOST_WAITING = 1_000


def rows() -> Iterator[dict[str, Any]]:
    """Medians of runs that take turns, so that each meets what the machine does besides."""
    ours, procrastinate, pgqueuer = [], [], []
    with bench_database() as bench:
        for run in range(_RUNS):
            ours.append(_cycle(bench, f"run {run}", _LEADS))
            with peer_database(bench.url, f"procrastinate_{run}") as url:
                procrastinate.append(asyncio.run(procrastinate_drain(url, _PROCRASTINATE_JOBS)))
            with peer_database(bench.url, f"pgqueuer_{run}") as url:
                pgqueuer.append(asyncio.run(pgqueuer_drain(url, _PGQUEUER_JOBS)))
    speed = median(ours)
    yield bench_row("dialer.cycle_vs_target", speed, TARGET, "leads/s", target=1.0)
    yield bench_row(
        "dialer.cycle_vs_procrastinate", speed, median(procrastinate), "leads/s", target=8.0
    )
    # Beside it, not above it: pgqueuer decides nothing and writes two small rows for a job.
    yield bench_row("dialer.cycle_vs_pgqueuer", speed, median(pgqueuer), "leads/s", target=0.0)


def _cycle(bench: Bench, name: str, count: int) -> float:
    """Leads per second of one worker over a new list."""
    campaign_id = bench.campaign(name, count)
    seconds = asyncio.run(_work(bench.url, bench.worker(), count))
    for table in ("decisions WHERE allow AND", "attempts WHERE state = 'ended' AND"):
        query = f"SELECT count(*) AS n FROM {table} campaign_id = %s"
        found = bench.db.execute(query, (campaign_id,)).fetchone()
        assert found == {"n": count}, table
    return count / seconds


async def _work(url: str, worker_id: WorkerId, count: int) -> float:
    async with open_pool(url, name="bench", least=2, most=2) as pool:
        ends: asyncio.Queue[End | None] = asyncio.Queue(_MOST_WAITING)
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            group.create_task(_claim_all(pool, worker_id, count, ends))
            group.create_task(_finish_all(pool, ends))
        return time.perf_counter() - started


async def _claim_all(
    pool: Pool, worker_id: WorkerId, count: int, ends: "asyncio.Queue[End | None]"
) -> None:
    """Claims until the list is through; the clock goes on so that each claim has free slots."""
    now, taken = NOON, 0
    while taken < count:
        async with pool.connection() as db:
            claimed = await claim(db, account=ACCOUNT, worker_id=worker_id, rehearsal=True, now=now)
        for intent, _ in claimed:
            await ends.put(_end(intent, taken, now))
            taken += 1
        now += HORIZON
    await ends.put(None)


def _end(intent: Intent, number: int, at: datetime) -> End:
    status = _STATUSES[number % len(_STATUSES)]
    sid = CarrierSid(f"CA{intent.attempt_id.hex}")
    return End(intent.attempt_id, StatusNews(sid, status, sequence=3, sip_code=480), at)


async def _finish_all(pool: Pool, ends: "asyncio.Queue[End | None]") -> None:
    """Writes what waits in sets, as callbacks that come together are written."""
    told: End | None = await ends.get()
    while told is not None:
        batch, told = [told], await ends.get()
        while told is not None and len(batch) < MOST and not ends.empty():
            batch.append(told)
            told = ends.get_nowait()
        async with pool.connection() as db, db.transaction():
            written = await finish_many(db, batch, ended_by="callback")
        assert all(written)

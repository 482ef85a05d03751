"""`make bench` rows of 200 000 leads in one list: what is asked of it all day long stays instant.

Each is set against the least that could do it: leads claimed against the same on a list a hundredth
as long and against one round trip a lead, a command against a committed change of one row, the
grouped reading of where leads stand against a bare count of them.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import structlog

from dialer.bench_lists import ACCOUNT, NOON, Bench, bench_database, bench_row
from dialer.claims import HORIZON, claim
from dialer.obey import obey_commands
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb, open_pool
from voice_ai.ids import CampaignId, WorkerId
from voice_ai.store.campaigns import ask

ROW_NAMES = (
    "dialer.claim_200k_vs_2k",
    "dialer.claim_200k_vs_select",
    "dialer.pause_200k_vs_update",
    "dialer.waterfall_200k_vs_count",
)
LEADS = 200_000
_SHORT = 2_000
# Fifteen claims of a hundred leads stay under the campaign's cap of live calls.
_CLAIMS = 15
_TIMES = 31


def rows() -> Iterator[dict[str, Any]]:
    with bench_database() as bench:
        # Sixty commands obeyed need not be read.
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        short = asyncio.run(_claims(bench, bench.campaign("short", _SHORT)))
        campaign_id = bench.campaign("long", LEADS)
        long = asyncio.run(_claims(bench, campaign_id))
        yield bench_row("dialer.claim_200k_vs_2k", long, short, "leads/s", target=0.5)
        select = _per_second(lambda: bench.db.execute("SELECT 1").fetchone())
        yield bench_row("dialer.claim_200k_vs_select", long, select, "leads/s", target=0.1)
        pause, update = asyncio.run(_pauses(bench, campaign_id))
        yield bench_row("dialer.pause_200k_vs_update", pause, update, "commands/s", target=0.05)
        about = {"campaign_id": campaign_id, "now": NOON}
        waterfall = _per_second(
            lambda: bench.db.execute(queries("standing").leads_by_wait, about).fetchall()
        )
        count = "SELECT count(*) FROM campaign_leads WHERE campaign_id = %(campaign_id)s"
        counted = _per_second(lambda: bench.db.execute(count, about).fetchall())
        yield bench_row(
            "dialer.waterfall_200k_vs_count", waterfall, counted, "readings/s", target=0.2
        )


def _per_second(work: Callable[[], object]) -> float:
    """From the median of many, after one to warm up."""
    work()
    return 1 / median(_seconds(work) for _ in range(_TIMES))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


async def _claims(bench: Bench, campaign_id: CampaignId) -> float:
    """Leads per second, claimed as many at a time as the horizon has slots for."""
    worker_id, speeds = bench.worker(), []
    async with open_pool(bench.url, name="bench", most=1) as pool, pool.connection() as db:
        for number in range(_CLAIMS):
            started = time.perf_counter()
            taken = await _claim(db, worker_id, number)
            speeds.append(taken / (time.perf_counter() - started))
            assert taken >= 100, (campaign_id, number, taken)
    return median(speeds)


async def _claim(db: AsyncDb, worker_id: WorkerId, number: int) -> int:
    now = NOON + number * HORIZON
    claimed = await claim(db, account=ACCOUNT, worker_id=worker_id, rehearsal=True, now=now)
    return len(claimed)


async def _pauses(bench: Bench, campaign_id: CampaignId) -> tuple[float, float]:
    """Pauses and resumes per second, asked and obeyed, against committed changes of one row."""
    commands, changes = [], []
    async with open_pool(bench.url, name="bench", most=1) as pool, pool.connection() as db:
        for number in range(_TIMES):
            started = time.perf_counter()
            ask(bench.db, "resume" if number % 2 else "pause", campaign_id, by="bench", now=NOON)
            assert await obey_commands(db, None, NOON) == 1
            commands.append(time.perf_counter() - started)
            started = time.perf_counter()
            bench.db.execute(
                "UPDATE campaigns SET state_since = now() WHERE id = %s", (campaign_id,)
            )
            changes.append(time.perf_counter() - started)
    return 1 / median(commands), 1 / median(changes)

"""A model that a server refuses is an alert, open until the server serves one again."""

import asyncio
from collections.abc import Sequence

import psycopg
import psycopg_pool
import structlog

from ml.serving import ModelServer
from voice_ai.clock import Clock
from voice_ai.db import queries
from voice_ai.db.connect import Pool

log = structlog.get_logger()
_SQL = queries("alerts")
ALERTS = "models.serving."
_REFRESH_S = 2.0


async def keep_models_fresh(models: ModelServer, pool: Pool, clock: Clock) -> None:
    """A new champion is served soon after it is deployed. Real time: files, not calls."""
    untold = True  # what was refused at the start, and what an earlier server left open
    while True:
        await asyncio.sleep(_REFRESH_S)
        news: Sequence[str] = await asyncio.to_thread(models.refresh)
        for sentence in news:
            log.info("models", news=sentence)
        if news or untold:
            untold = not await tell_refusals(models, pool, clock)


async def tell_refusals(models: ModelServer, pool: Pool, clock: Clock) -> bool:
    """Open and clear the alerts as the models stand; False while the database does not answer."""
    try:
        async with pool.connection(timeout=1.0) as db, db.transaction():
            for task, model in models.status().items():
                told = {"name": f"{ALERTS}{task}", "now": clock.now(), "severity": "ticket"}
                await db.execute(_SQL.hold, told)
                if not model["refused"]:
                    await db.execute(_SQL.clear, told)
                    continue
                serving = model["serving"]
                kept = f"calls go on with version {serving}" if serving else "keywords stand in"
                told["summary"] = f"The model of {task} is refused, {kept}: {model['refused']}"
                found = await db.execute(_SQL.again, told)
                if await found.fetchone() is None:
                    await db.execute(_SQL.raise_new, told)
    except (psycopg.OperationalError, psycopg_pool.PoolTimeout):
        return False
    return True

"""An opt-out heard in a call: suppressed at once, and no request to the number on its way."""

from datetime import datetime

import psycopg
import psycopg_pool
import structlog

from dialer import journal
from dialer.gate import wait_for_number
from dialer.spool import OptOutSpool
from voice_ai.db import queries
from voice_ai.db.connect import Pool
from voice_ai.events import OptOutHeard
from voice_ai.ids import AttemptId

log = structlog.get_logger()
_SQL = queries("attempts")
_GONE = (psycopg.OperationalError, psycopg_pool.PoolTimeout)


async def suppress_now(
    pool: Pool, spool: OptOutSpool, attempt_id: AttemptId, evidence: str, now: datetime
) -> None:
    """Durable on return: in the suppression table, or in the synced spool if Postgres is gone."""
    try:
        await _suppress(pool, attempt_id, evidence, now)
    except _GONE as error:
        spool.put(attempt_id, evidence)
        log.error("opt_out_spooled", attempt=str(attempt_id), reason=type(error).__name__)


async def drain_spool(pool: Pool, spool: OptOutSpool, now: datetime) -> int:
    """Writes what the spool holds; how many. Raises when Postgres is still gone."""
    written = 0
    for attempt_id, evidence in list(spool.waiting()):
        await _suppress(pool, attempt_id, evidence, now)
        spool.done(attempt_id)
        written += 1
    return written


async def _suppress(pool: Pool, attempt_id: AttemptId, evidence: str, now: datetime) -> None:
    async with pool.connection(timeout=3.0) as db:
        async with db.transaction():
            attempt = await journal.lock_attempt(db, attempt_id)
            if attempt is None:
                log.error("opt_out_without_attempt", attempt=str(attempt_id))
                return
            if not await journal.write_event(db, attempt["id"], OptOutHeard(evidence), now):
                return
            await db.execute(
                _SQL.suppress,
                {
                    "number_id": attempt["number_id"],
                    "seller_id": attempt["seller_id"],
                    "source": "call",
                    "reason": "opt_out",
                    "attempt_id": attempt_id,
                    "now": now,
                },
            )
        await wait_for_number(db, attempt["number_id"])

"""An opt-out heard in a call, written or told to us: suppressed at once, no request on its way."""

from datetime import datetime

import psycopg
import psycopg_pool
import structlog

from dialer import journal
from dialer.gate import wait_for_number
from dialer.spool import ContactOptOut, OptOutSpool
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb, Pool
from voice_ai.events import OptOutHeard
from voice_ai.ids import AttemptId
from voice_ai.store.suppressions import Order, write_one

log = structlog.get_logger()
_INBOUND = queries("inbound")
GONE = (psycopg.OperationalError, psycopg_pool.PoolTimeout)


async def suppress_now(
    pool: Pool, spool: OptOutSpool, attempt_id: AttemptId, evidence: str, now: datetime
) -> None:
    """Durable on return: in the suppression table, or in the synced spool if Postgres is gone."""
    try:
        await _suppress(pool, attempt_id, evidence, now)
    except GONE as error:
        spool.put(attempt_id, evidence)
        log.error("opt_out_spooled", attempt=str(attempt_id), reason=type(error).__name__)


async def drain_spool(pool: Pool, spool: OptOutSpool, now: datetime) -> int:
    """Writes what the spool holds; how many. Raises when Postgres is still gone."""
    written = 0
    for attempt_id, evidence in list(spool.waiting()):
        await _suppress(pool, attempt_id, evidence, now)
        spool.done(attempt_id)
        written += 1
    for said in list(spool.contacts()):
        async with pool.connection(timeout=3.0) as db:
            async with db.transaction():
                number_id = await suppress_contact(db, said)
            await wait_for_number(db, number_id)
        spool.contact_done(said)
        written += 1
    return written


async def suppress_contact(db: AsyncDb, said: ContactOptOut) -> int:
    """For the seller whose number was reached, for all when nobody knows whose it is.

    Answers the number's id; the caller waits for it after the commit.
    """
    number = {"fingerprint": said.fingerprint, "sealed": said.sealed, "key_id": said.key_id}
    await db.execute(_INBOUND.add_number, {**number, "now": said.received_at})
    row = await (await db.execute(_INBOUND.number_of, number)).fetchone()
    assert row is not None
    number_id = int(row["id"])
    line = await (await db.execute(_INBOUND.line_of, {"fingerprint": said.reached})).fetchone()
    seller_id = line["seller_id"] if line else None
    order = Order("seller" if seller_id else "all", said.kind, "opt_out", seller_id=seller_id)
    await write_one(db, number_id, order, said.received_at)
    known = {
        "sid": said.sid,
        "kind": "sms" if said.kind == "sms" else "call",
        "number_id": number_id,
        "caller_id_number": line["number_id"] if line else None,
        "seller_id": seller_id,
        "heard": "stop",
        "text_sealed": None,
        "suppressed": True,
        "now": said.received_at,
    }
    await db.execute(_INBOUND.receive, known)
    await db.execute(_INBOUND.hear, known)
    return number_id


async def _suppress(pool: Pool, attempt_id: AttemptId, evidence: str, now: datetime) -> None:
    async with pool.connection(timeout=3.0) as db:
        async with db.transaction():
            attempt = await journal.lock_attempt(db, attempt_id)
            if attempt is None:
                log.error("opt_out_without_attempt", attempt=str(attempt_id))
                return
            if not await journal.write_event(db, attempt["id"], OptOutHeard(evidence), now):
                return
            order = Order(
                "seller",
                "call",
                "opt_out",
                seller_id=attempt["seller_id"],
                attempt_id=attempt_id,
            )
            await write_one(db, attempt["number_id"], order, now)
        await wait_for_number(db, attempt["number_id"])

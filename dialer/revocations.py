"""Calls that ring while their number is suppressed: ended before the person picks up.

The send gate stops what was not sent yet. What rings already is ended here, by whichever worker
looks first. A conversation is left alone, as it hears a no itself and says goodbye; only a
suppression for all, which comes from outside of any call of ours, ends that too.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from dialer.carrier import Carrier, CarrierSilent
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb, Pool
from voice_ai.ids import CarrierSid

log = structlog.get_logger()
_SQL = queries("revocations")


async def end_revoked_calls(pool: Pool, carrier: Carrier, *, rehearsal: bool) -> int:
    """Ends them at the carrier, whose callback then ends the attempts; how many were ended.

    A call that the carrier does not end now is tried again at the next look.
    """
    async with pool.connection() as db, db.transaction():
        rows = await (await db.execute(_SQL.revoked_calls, {"rehearsal": rehearsal})).fetchall()
    ended = 0
    for row in rows:
        try:
            ended += await carrier.end(CarrierSid(row["carrier_sid"]))
        except CarrierSilent as error:
            log.error("revoked_call_not_ended", attempt=str(row["id"]), reason=str(error))
    if ended:
        log.warning("revoked_calls_ended", count=ended)
    return ended


async def is_revoked(db: AsyncDb, attempt: Mapping[str, Any]) -> bool:
    """Whether a call that is picked up now must be hung up: the person said no while it rang."""
    about = {name: attempt[name] for name in ("number_id", "seller_id", "campaign_id")}
    row = await (await db.execute(_SQL.is_revoked, about)).fetchone()
    return row is None or bool(row["revoked"])

"""Hand-overs whose end nobody told: a lost callback keeps neither a person nor a colleague."""

from datetime import datetime, timedelta

from dialer.carrier import Carrier
from dialer.transfer_start import SQL, end_leg, fail, person_gone, send_back
from voice_ai.db.connect import AsyncDb

# Longer than any colleague is rung and told what it is about.
_SILENT = timedelta(seconds=150)
_LOOK_BACK = timedelta(days=1)
_BACK_MAX_S = 3600


async def sweep_transfers(db: AsyncDb, carrier: Carrier, now: datetime, *, rehearsal: bool) -> int:
    """Ends what must be over; how many hand-overs were seen to."""
    about = {"rehearsal": rehearsal, "since": now - _LOOK_BACK, "silent_since": now - _SILENT}
    async with db.transaction():
        rows = await (await db.execute(SQL.left_behind, about)).fetchall()
    for row in rows:
        attempt_id = row["attempt_id"]
        async with db.transaction():
            if row["status"] == "open" and row["gone"]:
                await person_gone(db, attempt_id, now)
            elif row["status"] == "open":
                await fail(db, attempt_id, row, "no_answer", now)
        if row["kind"] == "warm" and row["agent_sid"] and await end_leg(carrier, row["agent_sid"]):
            async with db.transaction():
                await db.execute(SQL.leg_ended, {"id": row["id"], "now": now})
        if not row["gone"] and row["carrier_sid"]:
            await send_back(carrier, row["carrier_sid"], attempt_id, _BACK_MAX_S)
    return len(rows)

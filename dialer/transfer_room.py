"""A colleague's call takes a place and a turn at the carrier, as every call of the account."""

from datetime import datetime, timedelta

from voice_ai.calls import spacing_of
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb

_CLAIMS = queries("claims")
_PACING = queries("pacing")


async def has_room(db: AsyncDb, account: str, now: datetime, *, rehearsal: bool) -> bool:
    """Whether one more call fits under the account's cap; true until the transaction's commit."""
    about = {"account": account, "now": now, "rehearsal": rehearsal}
    await db.execute(_CLAIMS.open_pace, about)
    await db.execute(_CLAIMS.lock_pace, about)
    limits = await (await db.execute(_PACING.account_limits, about)).fetchone()
    if limits is None or limits["max_concurrent"] is None:
        return True
    live = await (await db.execute(_PACING.live_in_all, about)).fetchone()
    return live is not None and live["live"] < limits["max_concurrent"]


async def take_turn(
    db: AsyncDb, account: str, now: datetime, *, calls_per_second: float
) -> timedelta:
    """How long to wait for it; nobody else sends in that turn. In the caller's transaction.

    `calls_per_second` is what the campaign asks for, where the account says nothing.
    """
    about = {"account": account, "now": now}
    await db.execute(_CLAIMS.open_pace, about)
    pace = await (await db.execute(_CLAIMS.lock_pace, about)).fetchone()
    limits = await (await db.execute(_PACING.account_limits, about)).fetchone()
    assert pace is not None
    a_second = (limits and limits["calls_per_second"]) or calls_per_second
    turn = max(pace["next_slot_at"], now)
    following = {"account": account, "next": turn + spacing_of(a_second)}
    await db.execute(_CLAIMS.move_pace, following)
    wait: timedelta = turn - now
    return wait

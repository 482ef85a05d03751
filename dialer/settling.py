"""What an attempt's end means for its lead: the retry rule, fed with what the database knows."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from voice_ai.day_parts import Window
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.priorities import tired
from voice_ai.retries import Behind, Person, RetryAt, RetryPolicy, next_step

_SQL = queries("attempts")


async def settle_lead(
    db: AsyncDb, attempt: Mapping[str, Any], disposition: str, at: datetime
) -> None:
    """In the transaction that ended the attempt; the attempt's own row is ended before."""
    place = {"campaign_id": attempt["campaign_id"], "lead_id": attempt["lead_id"]}
    standing = await (
        await db.execute(_SQL.standing, {**place, "disposition": disposition})
    ).fetchone()
    if standing is not None:  # a lead whose import was taken back has no next step
        values = settled(standing, attempt, disposition, at)
        await db.execute(_SQL.settle_lead, {**place, **values})


@lru_cache(maxsize=256)
def _policy(stored: bytes) -> RetryPolicy:
    """Read once for all leads of a campaign's version."""
    return RetryPolicy.stored(orjson.loads(stored))


def settled(
    standing: Mapping[str, Any], attempt: Mapping[str, Any], disposition: str, at: datetime
) -> dict[str, Any]:
    """The lead's new columns, from a row of `standing` and the attempt that ended. Pure."""
    step = next_step(
        disposition,
        Behind(
            attempts=standing["attempts"],
            same=standing["same"],
            dialed_at=attempt["intended_at"],
            rotate_from=standing["rotate_from"],
            callback_at=standing["callback_at"],
        ),
        Person(tuple(standing["zones"]), Window.of(standing["schedule"], standing["profile"])),
        policy=_policy(orjson.dumps(standing["policy"])),
        now=at,
        seed=str(attempt["id"]),
    )
    again = step if isinstance(step, RetryAt) else None
    agreed = again is not None and again.callback_at is not None
    return {
        "state": "done" if again is None else "ready",
        "attempts": standing["attempts"],
        "priority": tired(standing["priority"]),
        "next_allowed_at": again and again.at,
        "rotate_from": again and again.rotate_from,
        "callback_at": again and again.callback_at,
        "callback_by": standing["callback_by"] if agreed else None,
        "callback_noted_at": standing["callback_noted_at"] if agreed else None,
        "disposition": disposition,
        "now": at,
    }

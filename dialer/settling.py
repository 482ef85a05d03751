"""What an attempt's end means for its lead: the retry rule, fed with what the database knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
        values = settled(standing, rules_of(standing), attempt, disposition, at)
        await db.execute(_SQL.settle_lead, {**place, **values})


@dataclass(frozen=True)
class Rules:
    """What a campaign says of calling again, and when it calls."""

    policy: RetryPolicy
    window: Window


def rules_of(row: Mapping[str, Any]) -> Rules:
    """From a row with `policy`, `schedule` and `profile` of the version in force."""
    return Rules(RetryPolicy.stored(row["policy"]), Window.of(row["schedule"], row["profile"]))


def settled(
    standing: Mapping[str, Any],
    rules: Rules,
    attempt: Mapping[str, Any],
    disposition: str,
    at: datetime,
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
        Person(tuple(standing["zones"]), rules.window),
        policy=rules.policy,
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

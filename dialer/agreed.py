"""The time for another call that somebody named in this one."""

from datetime import datetime
from zoneinfo import ZoneInfo

from voice_ai.conversation.when import time_named
from voice_ai.day_parts import known_zones
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.ids import AttemptId

_SQL = queries("callbacks")


async def agree_in_call(db: AsyncDb, attempt_id: AttemptId, when: str, now: datetime) -> None:
    """Before the call ends, so that its end finds the time. Nothing is written when the words name
    none, or when they mean different moments in the zones that the person may be in."""
    row = await (await db.execute(_SQL.zones_in_call, {"attempt_id": attempt_id})).fetchone()
    at = moment_meant(when, row["zones"] if row else [], now)
    if at is not None:
        await db.execute(_SQL.agree_in_call, {"attempt_id": attempt_id, "at": at, "now": now})


def moment_meant(when: str, zones: list[str], now: datetime) -> datetime | None:
    """The one moment that the words mean wherever the person is; None: there is no such."""
    meant = {time_named(when, now.astimezone(ZoneInfo(zone))) for zone in known_zones(zones)}
    moments = {at.timestamp() for at in meant if at is not None}
    if len(moments) != 1 or None in meant:
        return None
    return next(at for at in meant if at is not None).astimezone(now.tzinfo)

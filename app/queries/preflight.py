"""A campaign's last pre-flight, and whether another is under way."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.queries.campaigns import dialers
from voice_ai.preflight import Check, Light, from_rows

_LAST = """
SELECT asked_by, finished_at, light, checks, command_id IS NOT NULL AS of_start FROM preflights
WHERE campaign_id = :campaign AND finished_at IS NOT NULL
ORDER BY finished_at DESC, asked_at DESC LIMIT 1
"""
_OPEN = """
SELECT asked_by, asked_at, started_at FROM preflights
WHERE campaign_id = :campaign AND finished_at IS NULL ORDER BY asked_at DESC LIMIT 1
"""


@dataclass(frozen=True)
class Finished:
    """`of_start`: a start asked for it, and it let it through or refused it."""

    asked_by: str
    at: datetime
    light: Light
    of_start: bool
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Open:
    asked_by: str
    asked_at: datetime
    started_at: datetime | None


@dataclass(frozen=True)
class Seen:
    last: Finished | None
    open: Open | None
    dialers: int


def look(connection: sa.Connection, campaign: UUID) -> Seen:
    scope = {"campaign": campaign}
    last = connection.execute(sa.text(_LAST), scope).one_or_none()
    waits = connection.execute(sa.text(_OPEN), scope).one_or_none()
    return Seen(
        last=Finished(
            last.asked_by,
            last.finished_at,
            Light(last.light),
            last.of_start,
            tuple(from_rows(last.checks)),
        )
        if last
        else None,
        open=Open(**waits._mapping) if waits else None,
        dialers=dialers(connection),
    )

"""Pre-flights: a page, a command or a start asks for one; a dialer worker runs it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import NotFound
from voice_ai.ids import CampaignId
from voice_ai.preflight import Check, Light, from_rows

_SQL = queries("preflight")
# An unfinished one older than this belongs to nobody any more.
PATIENCE = timedelta(seconds=60)


@dataclass(frozen=True)
class Preflight:
    """`light` None: not finished, and `checks` is empty."""

    id: UUID
    campaign_id: UUID
    command_id: int | None
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    light: Light | None
    checks: tuple[Check, ...]


def ask(db: Db, campaign_id: CampaignId, *, by: str, now: datetime) -> UUID:
    """The id of a pre-flight that a worker will run; of the one under way, where there is one."""
    values = {"campaign_id": campaign_id, "now": now, "patience": PATIENCE}
    with db.transaction():
        row = db.execute(_SQL.waiting, values).fetchone()
        if row is None:
            asked = {"campaign_id": campaign_id, "command_id": None, "by": by, "now": now}
            row = db.execute(_SQL.ask, asked).fetchone()
    assert row is not None
    return cast(UUID, row["id"])


def look(db: Db, preflight: UUID) -> Preflight:
    """Raises NotFound."""
    row = db.execute(_SQL.look, {"id": preflight}).fetchone()
    if row is None:
        raise NotFound(f"there is no pre-flight {preflight}")
    return of_row(row)


def latest(db: Db, campaign_id: CampaignId, *, finished: bool = False) -> Preflight | None:
    """The newest one of a campaign; only of those that are `finished` when told so."""
    values = {"campaign_id": campaign_id, "finished": finished}
    row = db.execute(_SQL.latest, values).fetchone()
    return None if row is None else of_row(row)


def of_command(db: Db, command_id: int) -> bool:
    """Whether a pre-flight was begun for that start."""
    return db.execute(_SQL.of_command, {"command_id": command_id}).fetchone() is not None


def wait_for(
    db: Db,
    preflight: UUID,
    *,
    timeout: float,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Preflight:
    """The pre-flight once it is finished, or as it stands after `timeout` seconds."""
    until = monotonic() + timeout
    while True:
        seen = look(db, preflight)
        if seen.light is not None or monotonic() >= until:
            return seen
        sleep(0.1)


def of_row(row: Row) -> Preflight:
    light = row["light"]
    return Preflight(
        id=row["id"],
        campaign_id=row["campaign_id"],
        command_id=row["command_id"],
        asked_by=row["asked_by"],
        asked_at=row["asked_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        light=None if light is None else Light(light),
        checks=tuple(from_rows(row["checks"])),
    )

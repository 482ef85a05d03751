"""What people say of our own numbers: how one stands, its ceiling, whether it is used at all."""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import NotFound
from voice_ai.pacing.caller_ids import BURNED_REST, COOL_OFF, Standing
from voice_ai.vault import Keyring

log = structlog.get_logger()
_SQL = queries("caller_ids")
_REST = {Standing.COOLING: COOL_OFF, Standing.BURNED: BURNED_REST}


@dataclass(frozen=True)
class Change:
    """What becomes of a number of ours; None leaves it. `ceiling` 0 takes its own ceiling away."""

    standing: Standing | None = None
    ceiling: int | None = None
    active: bool | None = None


def all_caller_ids(db: Db, now: datetime) -> list[Row]:
    return db.execute(_SQL.all_caller_ids, {"now": now}).fetchall()


def find(db: Db, keyring: Keyring, number: str) -> int:
    """The id of a number in E.164. Raises NotFound for one that is not ours."""
    row = db.execute(_SQL.find, {"fingerprint": keyring.fingerprint(number)}).fetchone()
    if row is None:
        raise NotFound("that number is not one of ours; `voice-ai carrier caller-ids` lists them")
    return int(row["number_id"])


def change(db: Db, number_id: int, wanted: Change, *, by: str, now: datetime) -> bool:
    """In force with the next claim; False when it was so already. Raises NotFound.

    A retired number that is used again warms up first, unless the change says how it stands.
    """
    with db.transaction():
        row = db.execute(_SQL.lock, {"number_id": number_id}).fetchone()
        if row is None:
            raise NotFound("this caller id is no longer there")
        if wanted.active and not row["active"] and wanted.standing is None:
            wanted = replace(wanted, standing=Standing.WARMING)
        standing = wanted.standing
        values = {
            "number_id": number_id,
            "standing": standing,
            "until": now + _REST[standing] if standing in _REST else None,
            "set_ceiling": wanted.ceiling is not None,
            "ceiling": wanted.ceiling or None,
            "active": wanted.active,
            "now": now,
        }
        changed = db.execute(_SQL.change, values).fetchone() is not None
    if changed:
        log.info("caller_id_changed", number_id=number_id, by=by, **vars(wanted))
    return changed


def retire(db: Db, number_id: int, *, by: str, now: datetime) -> bool:
    """Nothing is called from it any more, in no campaign; live calls go on. Raises NotFound."""
    return change(db, number_id, Change(active=False), by=by, now=now)


def bring_back(db: Db, number_id: int, *, by: str, now: datetime) -> bool:
    """It may be called from again, warming up first. Raises NotFound."""
    return change(db, number_id, Change(Standing.WARMING, active=True), by=by, now=now)

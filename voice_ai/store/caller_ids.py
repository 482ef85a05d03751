"""A caller id taken out of use, or brought back, by a person."""

from datetime import datetime

import structlog

from voice_ai.db import queries
from voice_ai.db.connect import Db
from voice_ai.errors import NotFound

log = structlog.get_logger()
_SQL = queries("caller_ids")


def retire(db: Db, number_id: int, *, by: str, now: datetime) -> bool:
    """Nothing is called from it any more, in no campaign; False when it was so already.

    Calls that are live go on. Raises NotFound.
    """
    return _stand(db, number_id, active=False, standing="burned", by=by, now=now)


def bring_back(db: Db, number_id: int, *, by: str, now: datetime) -> bool:
    """It may be called from again, warming up first. Raises NotFound."""
    return _stand(db, number_id, active=True, standing="warming", by=by, now=now)


def _stand(db: Db, number_id: int, *, active: bool, standing: str, by: str, now: datetime) -> bool:
    values = {"number_id": number_id, "active": active, "standing": standing, "now": now}
    with db.transaction():
        if db.execute(_SQL.find, values).fetchone() is None:
            raise NotFound("this caller id is no longer there")
        changed = db.execute(_SQL.stand, values).fetchone() is not None
    if changed:
        log.info("caller_id_changed", number_id=number_id, standing=standing, by=by)
    return changed

"""The rehearsal clock of a home: one row that all its processes go by."""

from datetime import datetime

import structlog

from voice_ai.clock import RehearsalClock, rehearsal_anchor
from voice_ai.db.connect import Db

log = structlog.get_logger()


def rehearsal_clock_of(
    db: Db, real_now: datetime, *, chosen: datetime | None, anchor: bool, speed: float
) -> RehearsalClock:
    """The home's clock, made when there is none; moved forward to a good hour when asked.

    Never moved while another process goes by it, and never back.
    """
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(hashtext('rehearsal clock'))")
        row = db.execute("SELECT anchor_real, anchor, speed FROM rehearsal_clock").fetchone()
        clock = RehearsalClock(row["anchor_real"], row["anchor"], row["speed"]) if row else None
        if clock is not None and (not anchor or _in_use(db)):
            if chosen is not None and chosen > clock.now():
                log.warning("clock_start_ignored", reason="this home's rehearsal has its own clock")
            return clock
        current = clock.now() if clock else None
        start = rehearsal_anchor(real_now, chosen=chosen, current=current)
        db.execute(
            "INSERT INTO rehearsal_clock (one, anchor_real, anchor, speed)"
            " VALUES (true, %(real)s, %(start)s, %(speed)s)"
            " ON CONFLICT (one) DO UPDATE SET anchor_real = excluded.anchor_real,"
            " anchor = excluded.anchor, speed = excluded.speed",
            {"real": real_now, "start": start, "speed": speed},
        )
        return RehearsalClock(real_now, start, speed)


def _in_use(db: Db) -> bool:
    row = db.execute(
        "SELECT EXISTS (SELECT FROM workers w JOIN pg_locks k ON k.locktype = 'advisory'"
        " AND ((k.classid::bigint << 32) | k.objid::bigint) = w.lock_key AND k.granted"
        " WHERE w.stopped_at IS NULL) AS used"
    ).fetchone()
    return bool(row and row["used"])

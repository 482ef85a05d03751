"""The rehearsal clock of a home: one row, the same for every process, never turned back."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from voice_ai.clock import NEW_YORK, RehearsalClock
from voice_ai.db import connect
from voice_ai.db.connect import Db
from voice_ai.rehearsal import rehearsal_clock_of

NIGHT = datetime(2026, 11, 28, 3, 0, tzinfo=NEW_YORK).astimezone(UTC)
MONDAY = datetime(2026, 11, 30, 14, 0, tzinfo=NEW_YORK).astimezone(UTC)


def clock_of(
    db: Db,
    real_now: datetime | None = None,
    *,
    chosen: datetime | None = None,
    anchor: bool = False,
    speed: float = 1.0,
) -> RehearsalClock:
    now = real_now or datetime.now(UTC)
    return rehearsal_clock_of(db, now, chosen=chosen, anchor=anchor, speed=speed)


def set_clock(db: Db, anchor: datetime) -> None:
    """The home's clock as it stands now, at `anchor`."""
    db.execute(
        "INSERT INTO rehearsal_clock (one, anchor_real, anchor, speed)"
        " VALUES (true, now(), %(anchor)s, 1)"
        " ON CONFLICT (one) DO UPDATE SET anchor_real = now(), anchor = %(anchor)s",
        {"anchor": anchor},
    )


def register_worker(db: Db, lock_key: int) -> None:
    db.execute(
        "INSERT INTO workers (id, kind, host, pid, lock_key, started_at, seen_at)"
        " VALUES (%s, 'dialer', 'here', 1, %s, now(), now())",
        (uuid4(), lock_key),
    )


def test_a_new_home_gets_a_clock_at_a_good_hour_and_keeps_it(database_url: str) -> None:
    with connect(database_url, autocommit=True) as db, connect(database_url) as other:
        first = clock_of(db, NIGHT)
        assert first == RehearsalClock(NIGHT, MONDAY, 1.0)
        assert clock_of(other, NIGHT + timedelta(minutes=1)) == first


def test_a_chosen_start_and_speed_are_taken(database_url: str) -> None:
    chosen = datetime(2026, 12, 24, 23, 0, tzinfo=UTC)
    with connect(database_url, autocommit=True) as db:
        assert clock_of(db, NIGHT, chosen=chosen, speed=20.0) == RehearsalClock(NIGHT, chosen, 20.0)


def test_a_clock_at_night_is_moved_forward_only_when_asked(database_url: str) -> None:
    night = datetime.now(UTC).astimezone(NEW_YORK).replace(hour=3, minute=0) + timedelta(days=40)
    with connect(database_url, autocommit=True) as db:
        set_clock(db, night)
        assert clock_of(db).anchor == night
        moved = clock_of(db, anchor=True)
        assert moved.anchor > night
        local = moved.anchor.astimezone(NEW_YORK)
        assert (local.hour, local.minute) == (14, 0)
        assert local.weekday() < 5
        assert clock_of(db) == moved


def test_a_clock_is_never_turned_back_by_a_start_that_has_passed(database_url: str) -> None:
    far = datetime.now(UTC) + timedelta(days=400)
    with connect(database_url, autocommit=True) as db:
        set_clock(db, far)
        moved = clock_of(db, chosen=far - timedelta(days=300), anchor=True)
        assert moved.anchor >= far


def test_a_clock_that_a_live_process_goes_by_is_not_moved(database_url: str) -> None:
    night = datetime.now(UTC).astimezone(NEW_YORK).replace(hour=3, minute=0) + timedelta(days=40)
    half = (1 << 31) + 77  # pg_locks shows a key in two halves, and this one is no int4
    lock_key = (5 << 40) + half
    with connect(database_url, autocommit=True) as db:
        set_clock(db, night)
        register_worker(db, lock_key)
        with connect(database_url, autocommit=True) as worker:
            worker.execute("SELECT pg_advisory_lock(%s)", (lock_key,))
            assert clock_of(db, anchor=True).anchor == night
        # Its connection is gone, so its lock is: the process is proved dead.
        while db.execute("SELECT 1 AS held FROM pg_locks WHERE objid = %s", (half,)).fetchone():
            pass
        assert clock_of(db, anchor=True).anchor > night


def test_a_process_that_left_cleanly_does_not_hold_the_clock(database_url: str) -> None:
    night = datetime.now(UTC).astimezone(NEW_YORK).replace(hour=3, minute=0) + timedelta(days=40)
    with connect(database_url, autocommit=True) as db:
        set_clock(db, night)
        register_worker(db, 7)
        db.execute("SELECT pg_advisory_lock(7)")
        db.execute("UPDATE workers SET stopped_at = now()")
        assert clock_of(db, anchor=True).anchor > night

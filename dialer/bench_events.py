"""`make bench` rows of event writing: the real table, with its keys, against a bare COPY."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from dialer.journal import event_row
from voice_ai.db import queries, upgrade
from voice_ai.embedded import attach_postgres
from voice_ai.events import DialIntended, TurnTaken
from voice_ai.ids import AttemptId
from voice_ai.vault import Keyring

ROW_NAMES = ("events.batch_vs_copy", "events.one_by_one_vs_insert")
_EVENTS = 40_000
_BATCH = 2_000
_SINGLES = 2_000
_RUNS = 3
_MONTH = date(2026, 11, 1)
_AT = datetime(2026, 11, 24, 19, tzinfo=UTC)
_COPY = "COPY {} (month, attempt_id, seq, kind, key, payload, occurred_at) FROM STDIN"


def rows() -> Iterator[dict[str, Any]]:
    """Medians of several runs on one embedded server with its normal, durable settings."""
    with _database() as db:
        bare = _median(lambda: _copy_all(db, "bare_logged"))
        ours = _median(lambda: _copy_all(db, "call_events"))
        yield _row("events.batch_vs_copy", ours, bare, target=0.5)
        limit = _median(lambda: _insert_each(db))
        single = _median(lambda: _append_each(db))
        yield _row("events.one_by_one_vs_insert", single, limit, target=0.5)


def _row(name: str, ours: float, other: float, *, target: float) -> dict[str, Any]:
    ratio = ours / other
    return {
        "row": name,
        "ours": ours,
        "other": other,
        "unit": "events/s",
        "ratio": ratio,
        "target": target,
        "holds": ratio >= target,
    }


def _median(measure: Callable[[], float]) -> float:
    return median(measure() for _ in range(_RUNS))


def _copy_all(db: psycopg.Connection, table: str) -> float:
    """Events per second, committed in batches as the claim commits its intents."""
    ids = [uuid4() for _ in range(_EVENTS)]
    event = DialIntended(1, 7)
    payload = Jsonb(event.payload())
    started = time.perf_counter()
    for first in range(0, _EVENTS, _BATCH):
        with db.transaction(), db.cursor() as cursor, cursor.copy(_COPY.format(table)) as copy:
            for attempt_id in ids[first : first + _BATCH]:
                copy.write_row((_MONTH, attempt_id, 1, event.kind, event.key, payload, _AT))
    return _EVENTS / (time.perf_counter() - started)


def _insert_each(db: psycopg.Connection) -> float:
    """The limit of the one below: a bare row, committed by itself."""
    started = time.perf_counter()
    for index in range(_SINGLES):
        with db.transaction():
            db.execute(
                "INSERT INTO bare_logged VALUES (%s, %s, %s, 'turn_taken', %s, '{}', %s)",
                (_MONTH, UUID(int=1), index, str(index), _AT),
            )
    return _SINGLES / (time.perf_counter() - started)


def _append_each(db: psycopg.Connection) -> float:
    """Events per second when each is numbered, checked for a repeat and committed by itself."""
    attempt = AttemptId(UUID(int=1))
    append = queries("attempts").append_event
    with db.transaction():
        db.execute("DELETE FROM call_events WHERE attempt_id = %s", (attempt,))
    started = time.perf_counter()
    for index in range(_SINGLES):
        event = TurnTaken(index, "agent", "opening", None, None)
        with db.transaction():
            db.execute(append, event_row(attempt, event, _AT))
    return _SINGLES / (time.perf_counter() - started)


@contextmanager
def _database() -> Iterator[psycopg.Connection]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        keyring = Keyring.open(home, None)
        with attach_postgres(home, keyring) as lease:
            upgrade(lease.url, keyring)
            with psycopg.connect(lease.url) as db:
                _prepare(db)
                yield db


def _prepare(db: psycopg.Connection) -> None:
    """The bare table that COPY is measured on, and one attempt to append to."""
    db.execute("SELECT ensure_event_partition(%s)", (_MONTH,))
    db.execute(
        "CREATE TABLE bare_logged (month date, attempt_id uuid, seq int, kind text, key text,"
        " payload jsonb, occurred_at timestamptz)"
    )
    db.execute("SET session_replication_role = replica")  # one attempt without its campaign
    db.execute(
        "INSERT INTO attempts (id, month, campaign_id, lead_id, number_id, attempt_no,"
        " caller_id_number, worker_id, state, event_seq, version, slot_at, intended_at, late,"
        " rehearsal) VALUES (%s, %s, gen_random_uuid(), 1, 1, 1, 1, gen_random_uuid(),"
        " 'intended', 0, 1, now(), now(), false, true)",
        (UUID(int=1), _MONTH),
    )
    db.execute("SET session_replication_role = origin")
    db.commit()

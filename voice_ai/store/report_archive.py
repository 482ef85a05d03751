"""The archive of reports: what was made, from which commit of the lake, to whom it went."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import NotFound

_SQL = queries("report_archive")


def keep(db: Db, values: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Writes the row of a report whose file is there; `values` by the table's columns."""
    with db.transaction():
        db.execute(_SQL.keep, {**values, "facts": Jsonb(dict(facts))})


def recent(db: Db, *, kind: str | None = None, limit: int = 50) -> list[Row]:
    """The newest first, without their facts."""
    return db.execute(_SQL.recent, {"kind": kind, "limit": limit}).fetchall()


def look(db: Db, key: str) -> Row:
    """The report of that id, or whose id begins so. Raises NotFound."""
    rows = db.execute(_SQL.look, {"key": key.strip().lower()}).fetchall()
    if not key.strip() or not rows:
        raise NotFound(f"there is no report {key!r}; `voice-ai reports list` names those there are")
    if len(rows) > 1:
        raise NotFound(f"the ids of several reports begin with {key!r}; give more of it")
    return rows[0]


def note_sent(db: Db, report: UUID, to: str, *, now: datetime) -> None:
    with db.transaction():
        db.execute(_SQL.sent, {"id": report, "to": to, "now": now})


def note_not_sent(db: Db, report: UUID, error: str) -> None:
    """`error` is a sentence for people; no address with a password in it."""
    with db.transaction():
        db.execute(_SQL.not_sent, {"id": report, "error": error})

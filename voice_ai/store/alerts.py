"""Alerts that belong to no campaign: raised once, open until what they say is over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row

_SQL = queries("alerts")
Severity = Literal["page", "ticket"]


def raise_alert(db: Db, name: str, summary: str, *, severity: Severity, now: datetime) -> None:
    """`name` is the rule; while its alert is open, another sentence replaces the one it had."""
    told = {"name": name, "summary": summary, "severity": severity, "now": now}
    with db.transaction():
        db.execute(_SQL.hold, told)
        if db.execute(_SQL.again, told).fetchone() is None:
            db.execute(_SQL.raise_new, told)


def clear_alert(db: Db, name: str, *, now: datetime) -> bool:
    """Whether there was one to clear."""
    return db.execute(_SQL.clear, {"name": name, "now": now}).fetchone() is not None


def open_alerts(db: Db, prefix: str) -> Sequence[Row]:
    """Those that are open and whose rule begins with `prefix`, the oldest first."""
    return db.execute(_SQL.open_below, {"prefix": prefix}).fetchall()

"""A seller's own dials as a table: what was known before each, and how it ended.

A rehearsal's dials are never mixed with live ones: the simulator's people are not people.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ml.table.rows import Features, Row, Table
from voice_ai.db import queries
from voice_ai.db.connect import Db
from voice_ai.errors import NotFound

COLUMNS = (
    "zone",
    "state",
    "country",
    "line_type",
    "consent",
    "age_days",
    "dials_before",
    "contacts_before",
    "dials_elsewhere",
    "last_outcome",
    "days_since_last",
)
WINDOW = timedelta(days=365)

_SQL = queries("lead_facts")


def past_dials(db: Db, seller_id: UUID, seller: str, *, rehearsal: bool, as_of: datetime) -> Table:
    """The dials of the year before `as_of` that had ended by then.

    Labels are no_contact, contact (a person picked up, no goal) and goal.

    Rows have no group: the same person dialed again is another row with another past, and no column
    tells who it is. Raises NotFound when there are none.
    """
    values = {
        "seller_id": seller_id,
        "rehearsal": rehearsal,
        "since": as_of - WINDOW,
        "as_of": as_of,
    }
    found = db.execute(_SQL.past_dials, values).fetchall()
    if not found:
        raise NotFound(f"{seller} has no {_kind(rehearsal)} to learn from; call some leads first")
    rows = tuple(Row(_features(row), row["label"], at=row["at"], as_of=row["at"]) for row in found)
    source = f"{_kind(rehearsal)} of {seller} up to {as_of:%F %R} UTC"
    return Table(f"history of {seller}", COLUMNS, rows, source)


def waiting_leads(
    db: Db,
    lead_ids: Sequence[int],
    *,
    campaign_id: UUID,
    seller_id: UUID,
    rehearsal: bool,
    now: datetime,
) -> dict[int, Features]:
    """The same columns of leads that wait, as of `now`."""
    values = {
        "lead_ids": list(lead_ids),
        "campaign_id": campaign_id,
        "seller_id": seller_id,
        "rehearsal": rehearsal,
        "now": now,
    }
    return {
        row["lead_id"]: _features(row) for row in db.execute(_SQL.waiting_leads, values).fetchall()
    }


def _features(row: Mapping[str, Any]) -> Features:
    return {column: row[column] for column in COLUMNS}


def _kind(rehearsal: bool) -> str:  # noqa: FBT001
    return "rehearsed dials" if rehearsal else "dials"

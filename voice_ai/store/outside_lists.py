"""Which copies of outside do-not-call lists are in force, and how old they are."""

from dataclasses import dataclass
from datetime import datetime

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.outside_lists import (
    OUTSIDE_LISTS,
    AgeState,
    OutsideList,
    age_days,
    age_state,
)

SNAPSHOTS_IN_FORCE: str = queries("outside_lists").newest


@dataclass(frozen=True)
class ListStanding:
    """One outside list; without a snapshot all but the list and the state is None."""

    outside: OutsideList
    state: AgeState
    rows: int | None
    taken_at: datetime | None
    loaded_at: datetime | None
    days: int | None


def standings(rows: list[Row], now: datetime) -> list[ListStanding]:
    """Every known list, loaded or not, from the rows of `SNAPSHOTS_IN_FORCE`."""
    newest = {row["source"]: row for row in rows}
    found = []
    for source, outside in OUTSIDE_LISTS.items():
        row = newest.get(source)
        taken_at = row["taken_at"] if row else None
        found.append(
            ListStanding(
                outside,
                age_state(outside, taken_at, now),
                int(row["rows"]) if row else None,
                taken_at,
                row["loaded_at"] if row else None,
                age_days(taken_at, now) if taken_at else None,
            )
        )
    return found


def outside_lists(db: Db, now: datetime) -> list[ListStanding]:
    return standings(db.execute(SNAPSHOTS_IN_FORCE).fetchall(), now)

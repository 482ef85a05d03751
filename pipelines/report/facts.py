"""What a report tells that the lake does not hold: rows of the database as they stood at a moment.

They are kept beside an archived report, so that it can be built again to the byte whatever the
database has become since.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pipelines.report_kinds import Kind
from voice_ai.db import queries
from voice_ai.db.connect import Db

_SQL = queries("report_facts")
_OF_KIND: dict[Kind, tuple[str, ...]] = {
    "campaign": (),
    "interim": ("cost", "pace_changes"),
    "daily": ("open_alerts",),
    "model": ("models_heard", "gates", "rollouts", "agreement", "watched", "drift"),
    "compliance": (
        "opt_outs",
        "called_after_no",
        "opt_outs_not_kept",
        "lists",
        "consents",
        "outside_lists",
        "switches",
    ),
}
Facts = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Scope:
    """What a report is about: rehearsals or real calls, up to which moment, from which commit;
    `campaign_id` for the kinds that are about one."""

    rehearsal: bool
    as_of: datetime
    commit: int
    campaign_id: str | None = None


def read_facts(db: Db, kind: Kind, scope: Scope) -> Facts:
    """Rows by the name of their query in `report_facts.sql`; moments as text."""
    values = {
        "rehearsal": scope.rehearsal,
        "as_of": scope.as_of,
        "campaign_id": scope.campaign_id,
    }
    with db.transaction():
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return {
            name: [
                {key: _plain(value) for key, value in row.items()}
                for row in db.execute(getattr(_SQL, name), values)
            ]
            for name in _OF_KIND[kind]
        }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def moment_of(text: str | None) -> datetime | None:
    """A moment of a row of facts."""
    return None if text is None else datetime.fromisoformat(text)

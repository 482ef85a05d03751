"""Experiments in the database: which there are, what was found, and how one ends."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import BadInput, NotFound, Refused
from voice_ai.store.alerts import clear_alert
from voice_ai.store.audit import write_audit

_SQL = queries("experiments")
ALERTS = "experiments."


def alert_of(experiment: UUID) -> str:
    """The rule that is alerted when an experiment has a verdict."""
    return f"{ALERTS}{experiment}"


def experiments(db: Db, *, running: bool = False) -> list[Row]:
    """Columns of `experiments`, campaign, rehearsal and leads; the newest first."""
    return db.execute(_SQL.listed, {"running": running}).fetchall()


def find(db: Db, name: str, campaign: str | None = None) -> Row:
    """By name or id. Raises NotFound, and BadInput when several campaigns have one of that name."""
    found = db.execute(_SQL.named, {"name": name, "campaign": campaign}).fetchall()
    if not found:
        where = f" in {campaign!r}" if campaign else ""
        raise NotFound(f"no experiment {name!r}{where}; it begins with its first conversation")
    if len(found) > 1:
        names = ", ".join(repr(row["campaign"]) for row in found[:10])
        raise BadInput(f"several campaigns have {name!r}; choose one with --campaign ({names})")
    return found[0]


def stop(
    db: Db,
    experiment: UUID,
    *,
    reason: str,
    by: str,
    now: datetime,
    winner: str | None = None,
    harmful: Sequence[str] = (),
) -> None:
    """From then on leads without an arm hear the `winner` (None: the control), those who have one
    keep it unless it is `harmful`. In the audit log; its alert is over.

    Raises BadInput without a reason or for an arm that it does not have, NotFound, Refused when it
    was stopped before.
    """
    if not reason.strip():
        raise BadInput("say why: it stays in the audit log", field="reason")
    row = find(db, str(experiment))
    for arm in (*harmful, *([winner] if winner else ())):
        if arm not in row["arms"]:
            raise BadInput(f"{row['name']} has no arm {arm!r}; it has {', '.join(row['arms'])}")
    if winner in harmful:
        raise BadInput(f"{winner!r} cannot both win and do harm", field="winner")
    values = {"reason": reason.strip(), "winner": winner, "harmful": list(harmful)}
    with db.transaction():
        if db.execute(_SQL.stop, {**values, "id": experiment, "by": by, "now": now}).rowcount == 0:
            raise Refused(f"{row['name']} was stopped before by {row['stopped_by']}")
        _audit(db, "stopped", row, values, by=by, now=now)
        clear_alert(db, alert_of(experiment), now=now)


def note_look(
    db: Db, row: Row, verdict: Mapping[str, Any], planned_n: int | None, *, by: str, now: datetime
) -> bool:
    """Keeps what was found; whether it is of another kind than before, as the audit log tells."""
    moved = bool(verdict["kind"] != (row["verdict"] or {}).get("kind", "go on"))
    values = {"id": row["id"], "verdict": Jsonb(dict(verdict)), "planned_n": planned_n, "now": now}
    with db.transaction():
        db.execute(_SQL.note_look, values)
        if moved:
            _audit(db, "judged", row, verdict, by=by, now=now)
    return moved


def _audit(
    db: Db, action: str, row: Row, details: Mapping[str, Any], *, by: str, now: datetime
) -> None:
    subject = f"{row['campaign']}/{row['name']}"
    write_audit(
        db, actor=by, action=f"experiment.{action}", subject=subject, details=details, at=now
    )

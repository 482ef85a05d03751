"""Take an import back, while its leads are still nothing but rows of a file."""

from datetime import datetime
from typing import Any
from uuid import UUID

from voice_ai.db import queries
from voice_ai.db.connect import Db, connect
from voice_ai.errors import BadInput, NotFound, Refused

_SQL = queries("undo")
_IMPORTS = queries("imports")


def undo_import(url: str, run_id: UUID | str, *, now: datetime) -> dict[str, Any]:
    """Deletes the leads of one import in one transaction; refused rows and numbers stay.

    Raises NotFound, BadInput, and Refused once a lead of it was called, is being called, or is
    spoken of in the ledger of decisions: what happened is not unwritten.
    """
    try:
        run = run_id if isinstance(run_id, UUID) else UUID(run_id)
    except ValueError as error:
        raise BadInput(f"{run_id!r} is not the id of an import", field="run_id") from error
    values = {"run_id": run, "now": now}
    with connect(url, name="voice-ai undo-import") as db:
        db.execute(_IMPORTS.one_import_at_a_time)
        row = db.execute(_SQL.lock_run, values).fetchone()
        if row is None:
            raise NotFound(f"there is no import {run}")
        if row["undone_at"] is not None:
            raise Refused(f"the import was taken back already, on {row['undone_at']:%F %R} UTC")
        db.execute(_SQL.hold_standings, values)
        _refuse_used(db, run)
        scores = db.execute(_SQL.delete_scores, values).rowcount
        standings = db.execute(_SQL.delete_standings, values).rowcount
        leads = db.execute(_SQL.delete_leads, values).rowcount
        db.execute(_SQL.mark_undone, values)
    return {
        "run_id": str(run),
        "file": row["file_name"],
        "leads": leads,
        "campaign_leads": standings,
        "lead_scores": scores,
    }


def _refuse_used(db: Db, run: UUID) -> None:
    used = db.execute(_SQL.in_use, {"run_id": run}).fetchone()
    assert used is not None
    for key, what in (
        ("calling", "being called"),
        ("dialed", "called already"),
        ("decided", "spoken of in the ledger of decisions"),
        ("assigned", "part of an experiment"),
    ):
        if n := used[key]:
            leads = "one lead of this import is" if n == 1 else f"{n:,} leads of this import are"
            raise Refused(
                f"{leads} {what}, so it can no longer be taken back; to stop calling its leads,"
                " pause the campaign or suppress them"
            )

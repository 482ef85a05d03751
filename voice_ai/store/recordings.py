"""Deletes a call's audio: the file goes, its row is marked, and the audit log says who did it."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from voice_ai.db import queries
from voice_ai.db.connect import Db
from voice_ai.errors import BadInput, NotFound
from voice_ai.recordings import set_aside
from voice_ai.store.audit import write_audit
from voice_ai.store.calls import recordings_of

_SQL = queries("recordings")
MOST_REASON = 500


def delete_recordings(
    db: Db, home: Path, attempt_id: UUID, *, by: str, reason: str, now: datetime
) -> int:
    """How many there were; they cannot be brought back. Run it again after an error.

    Raises BadInput without a reason, NotFound when there is nothing to delete or a file is not on
    this machine: then nobody is told that it is gone.
    """
    said = " ".join(reason.split())[:MOST_REASON]
    if not said:
        raise BadInput("say why: it is kept with your name", field="reason")
    kept = recordings_of(db, attempt_id)
    if not kept:
        raise NotFound(f"there is no recording of the call {attempt_id}")
    for recording in kept:
        aside = set_aside(home, recording["path"])
        with db.transaction():
            sid = recording["recording_sid"]
            if db.execute(_SQL.purge_recording, {"recording_sid": sid, "now": now}).fetchone():
                write_audit(
                    db,
                    actor=by,
                    action="recording.delete",
                    subject=str(attempt_id),
                    details={"recording": sid, "reason": said},
                    at=now,
                )
        aside.unlink(missing_ok=True)
    return len(kept)

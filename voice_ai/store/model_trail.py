"""What was done to models and by whom: on disk at once, in the audit log once a database is there.

Models are trained, promoted and rolled back also where no database runs, so a step is durable as
one small synced file first; a file that is there is complete. `deliver` moves them over, each once.
"""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from voice_ai.db import queries
from voice_ai.db.connect import Db
from voice_ai.store.audit import write_audit

_SQL = queries("model_trail")


@dataclass(frozen=True)
class Judged:
    """One result of a gate, as the table `gate_results` keeps it."""

    task: str
    model_name: str
    version: str
    artifact_sha256: str
    passed: bool
    checks: list[dict[str, Any]]


@dataclass(frozen=True)
class Step:
    """`action` begins with `model.`, `subject` is task and version; `details` say what and why."""

    entry: UUID
    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, Any]
    judged: Judged | None = None


class ModelTrail:
    """The steps of one home that are not in the audit log yet."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "spool" / "models"

    def put(self, step: Step) -> None:
        """Durable on return."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=".", dir=self._folder)
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps(step))
            file.flush()
            os.fsync(file.fileno())
        # By time, so that the log tells the steps in the order in which they were taken.
        name = f"{step.at.timestamp():017.6f}-{step.entry}.json"
        Path(draft).rename(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def waiting(self) -> list[Step]:
        return list(self._read().values())

    def deliver(self, db: Db) -> int:
        """Write what waits to the audit log and the gates' table; how many steps that were.

        A crash between the commit and the removal of a file writes nothing twice.
        """
        found = self._read()
        steps = list(found.values())
        if not steps:
            return 0
        with db.transaction():
            db.execute(_SQL.hold)
            asked = {"entries": [str(step.entry) for step in steps]}
            known = {row["entry"] for row in db.execute(_SQL.known, asked)}
            for step in steps:
                if str(step.entry) not in known:
                    _write(db, step)
        for path in found:
            path.unlink(missing_ok=True)
        return len(steps)

    def _read(self) -> dict[Path, Step]:
        found = {}
        for path in sorted(self._folder.glob("*.json")):
            with suppress(FileNotFoundError):  # delivered by another process this instant
                found[path] = _step(path.read_bytes())
        return found


def _write(db: Db, step: Step) -> None:
    write_audit(
        db,
        actor=step.actor,
        action=step.action,
        subject=step.subject,
        details={**step.details, "entry": str(step.entry)},
        at=step.at,
    )
    if step.judged is not None:
        row = orjson.loads(orjson.dumps(step.judged))
        checks = orjson.dumps(row.pop("checks")).decode()
        db.execute(_SQL.judged, {**row, "checks": checks, "at": step.at})


def _step(content: bytes) -> Step:
    fields = orjson.loads(content)
    judged = fields.pop("judged")
    return Step(
        **fields | {"entry": UUID(fields["entry"]), "at": datetime.fromisoformat(fields["at"])},
        judged=Judged(**judged) if judged else None,
    )

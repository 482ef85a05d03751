"""Opt-outs that could not be written to Postgres: kept on disk until they are.

While the spool holds anything, nobody dials: the person who said no may be on the next claim.
One small synced file per opt-out; a file that is there is complete.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import orjson

from voice_ai.ids import AttemptId


class OptOutSpool:
    def __init__(self, home: Path) -> None:
        self._folder = home / "spool" / "opt-outs"

    def put(self, attempt_id: AttemptId, evidence: str) -> None:
        """Durable on return: the file and its name are synced."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{attempt_id}.json"
        draft = path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(orjson.dumps({"attempt_id": str(attempt_id), "evidence": evidence}))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def waiting(self) -> Iterator[tuple[AttemptId, str]]:
        for path in sorted(self._folder.glob("*.json")):
            held = orjson.loads(path.read_bytes())
            yield AttemptId(UUID(held["attempt_id"])), str(held["evidence"])

    def is_empty(self) -> bool:
        return next(self.waiting(), None) is None

    def done(self, attempt_id: AttemptId) -> None:
        (self._folder / f"{attempt_id}.json").unlink(missing_ok=True)

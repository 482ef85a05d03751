"""Opt-outs that could not be written to Postgres: kept on disk until they are.

While the spool holds anything, nobody dials: the person who said no may be on the next claim.
One small synced file per opt-out; a file that is there is complete.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import orjson

from voice_ai.ids import AttemptId

_CONTACT = "contact-"


@dataclass(frozen=True)
class ContactOptOut:
    """A person wrote to us or called us. `sealed` is the number as the table keeps it.

    `reached`: the fingerprint of our number, which tells whose calls were meant.
    """

    sid: str
    kind: Literal["sms", "inbound"]
    fingerprint: bytes
    sealed: bytes
    key_id: str
    reached: bytes
    received_at: datetime


class OptOutSpool:
    def __init__(self, home: Path) -> None:
        self._folder = home / "spool" / "opt-outs"

    def put(self, attempt_id: AttemptId, evidence: str) -> None:
        """Durable on return: the file and its name are synced."""
        self._write(str(attempt_id), {"attempt_id": str(attempt_id), "evidence": evidence})

    def put_contact(self, said: ContactOptOut) -> None:
        """The same for an opt-out outside of our calls. The number is sealed on disk, too."""
        document = {
            "sid": said.sid,
            "kind": said.kind,
            "fingerprint": said.fingerprint.hex(),
            "sealed": said.sealed.hex(),
            "key_id": said.key_id,
            "reached": said.reached.hex(),
            "received_at": said.received_at,
        }
        self._write(_name_of(said), document)

    def waiting(self) -> Iterator[tuple[AttemptId, str]]:
        for path in self._files():
            if not path.name.startswith(_CONTACT):
                held = orjson.loads(path.read_bytes())
                yield AttemptId(UUID(held["attempt_id"])), str(held["evidence"])

    def contacts(self) -> Iterator[ContactOptOut]:
        for path in self._files():
            if path.name.startswith(_CONTACT):
                held = orjson.loads(path.read_bytes())
                for name in ("fingerprint", "sealed", "reached"):
                    held[name] = bytes.fromhex(held[name])
                held["received_at"] = datetime.fromisoformat(held["received_at"])
                yield ContactOptOut(**held)

    def count(self) -> int:
        return len(self._files())

    def is_empty(self) -> bool:
        return not self._files()

    def done(self, attempt_id: AttemptId) -> None:
        (self._folder / f"{attempt_id}.json").unlink(missing_ok=True)

    def contact_done(self, said: ContactOptOut) -> None:
        (self._folder / f"{_name_of(said)}.json").unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"))

    def _write(self, name: str, document: dict[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name}.json"
        draft = path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(orjson.dumps(document))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _name_of(said: ContactOptOut) -> str:
    """From the number too: one call may take several numbers off. Nothing of it can be read."""
    digest = hashlib.sha256(said.sid.encode() + said.fingerprint).hexdigest()
    return f"{_CONTACT}{digest[:32]}"

"""The audit log: who did what to what; each row carries the hash of the row before it."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row

_SQL = queries("audit")


def write_audit(
    db: Db, *, actor: str, action: str, subject: str, details: Mapping[str, Any], at: datetime
) -> None:
    """In the caller's transaction. `details` never hold personal data."""
    db.execute(_SQL.lock)
    last = db.execute(_SQL.last).fetchone()
    row = {
        "actor": actor,
        "action": action,
        "subject": subject,
        "details": dict(details),
        "previous_hash": None if last is None else bytes(last["hash"]),
        "at": at,
    }
    db.execute(_SQL.append, {**row, "details": Jsonb(row["details"]), "hash": hash_of(row)})


def hash_of(row: Row | Mapping[str, Any]) -> bytes:
    """SHA-256 over a row and the hash of the one before."""
    told = {name: row[name] for name in ("actor", "action", "subject", "details")}
    at: datetime = row["at"]
    before = row["previous_hash"]
    body = orjson.dumps(
        {
            **told,
            "at": at.astimezone(UTC).isoformat(),
            "previous": None if before is None else bytes(before).hex(),
        },
        option=orjson.OPT_SORT_KEYS,
    )
    return hashlib.sha256(body).digest()


def broken_at(db: Db) -> int | None:
    """The first row that does not fit to the one before, by its id; None: the chain is whole."""
    before: bytes | None = None
    for row in db.execute(_SQL.every):
        known = None if row["previous_hash"] is None else bytes(row["previous_hash"])
        if known != before or hash_of(row) != bytes(row["hash"]):
            return int(row["id"])
        before = bytes(row["hash"])
    return None

"""The database's side of an import: its run and list, what it knows already, and the COPYs.

The transaction belongs to the caller. Look-ups go over a second connection, so that the next batch
can be prepared while this one is copied: what was there before the import cannot change under it,
and what it adds itself it has judged itself.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.types.json import Jsonb

from pipelines.imports import copy_rows as pack
from pipelines.imports.prepare import (
    LEAD_COLUMNS,
    NUMBER_COLUMNS,
    REJECT_COLUMNS,
    Known,
    NewNumbers,
    PreparedBatch,
)
from pipelines.imports.report import ImportReport
from voice_ai.db import queries
from voice_ai.db.connect import Db, Row

_SQL = queries("imports")


class Lookup:
    """Asks which numbers were there before the import."""

    def __init__(self, db: Db, list_id: UUID | None) -> None:
        self._db = db
        self._list_id = list_id
        self._any = bool(_one(db, _SQL.any_number)["found"])

    def __call__(self, fingerprints: list[bytes]) -> dict[bytes, Known]:
        if not self._any or not fingerprints:
            return {}
        rows = self._db.execute(
            _SQL.known_numbers,
            {"fingerprints": fingerprints, "list_id": self._list_id},
            binary=True,
        )
        return {row["fingerprint"]: Known(row["id"], row["erased"], row["on_list"]) for row in rows}


@dataclass(frozen=True)
class Packed:
    """A batch as COPY takes it."""

    numbers: NewNumbers
    number_rows: bytearray
    new_leads: pack.Rows
    old_leads: bytearray
    rejects: bytes


class Run:
    """One import inside its transaction."""

    def __init__(self, db: Db, run_id: UUID, list_id: UUID, key_id: str, now: datetime) -> None:
        self.id = run_id
        self.list_id = list_id
        self._db = db
        self._key_id = key_id
        self._now = now
        self._after = int(_one(db, _SQL.last_number)["id"])
        self._base = int(_one(db, _SQL.last_position, list_id=list_id)["position"])
        self._lead_head = (
            pack.field_count(11) + pack.uuid(list_id) + pack.uuid(run_id) + pack.moment(now)
        )

    def pack(self, batch: PreparedBatch, rejects: bytes) -> "Packed":
        """What `write` wants, packed as far as it can be without the ids of the new numbers."""
        return Packed(
            numbers=batch.numbers,
            number_rows=batch.numbers.packed(self._key_id, self._now),
            new_leads=batch.new_leads.packed(self._lead_head, self._base),
            old_leads=batch.old_leads.packed(self._lead_head, self._base).filled(batch.old_ids),
            rejects=rejects,
        )

    def write(self, batch: "Packed") -> None:
        new_ids = self._add_numbers(batch)
        self._copy("leads", LEAD_COLUMNS, batch.old_leads)
        self._copy("leads", LEAD_COLUMNS, batch.new_leads.filled(new_ids))
        self._copy("import_rejects", REJECT_COLUMNS, batch.rejects)

    def close(self, report: ImportReport, finished: datetime) -> None:
        self._db.execute(
            _SQL.close_run,
            {
                "id": self.id,
                "report": Jsonb(
                    report.model_dump(mode="json", exclude={"mapping": {"__all__": {"samples"}}})
                ),
                "rows": report.rows,
                "accepted": report.accepted,
                "rejected": report.rows - report.accepted,
                "now": finished,
            },
        )

    def suppressed(self, seller_id: UUID) -> int:
        """Leads of this run that are not to be called already."""
        found = _one(self._db, _SQL.suppressed_leads, run_id=self.id, seller_id=seller_id)
        return int(found["count"])

    def _add_numbers(self, batch: "Packed") -> npt.NDArray[np.int64]:
        """The ids of the numbers, in their order."""
        numbers = batch.numbers
        if not len(numbers):
            return np.empty(0, np.int64)
        try:
            with self._db.transaction():
                self._copy("numbers", NUMBER_COLUMNS, batch.number_rows)
        except psycopg.errors.UniqueViolation:
            # Somebody else added one of them since the look-up: a test call, a suppression.
            return self._insert_numbers(numbers)
        seen = _one(self._db, _SQL.new_numbers, after=self._after)
        first, last = int(seen["first"]), int(seen["last"])
        if seen["count"] == len(numbers) == last - first + 1:
            self._after = last
            return np.arange(first, last + 1)
        ids = self._ids(_SQL.numbers_after, numbers, after=self._after)
        self._after = int(ids.max())
        return ids

    def _insert_numbers(self, numbers: NewNumbers) -> npt.NDArray[np.int64]:
        self._db.execute(
            _SQL.insert_numbers,
            {
                "key_id": self._key_id,
                "now": self._now,
                "fingerprints": _listed(numbers),
                "sealed": numbers.sealed.whole(),
                "person_keys": [UUID(bytes=key.tobytes()) for key in numbers.person_keys],
                "countries": numbers.places["country"].to_list(),
                "line_types": numbers.places["line_type"].to_list(),
                "zones": numbers.places["number_zones"].to_list(),
                "states": numbers.places["number_states"].to_list(),
            },
        )
        ids = self._ids(_SQL.ids_of, numbers)
        self._after = int(_one(self._db, _SQL.last_number)["id"])
        return ids

    def _ids(self, query: str, numbers: NewNumbers, **values: Any) -> npt.NDArray[np.int64]:
        fingerprints = _listed(numbers)
        rows = self._db.execute(query, {"fingerprints": fingerprints, **values}, binary=True)
        ids = {row["fingerprint"]: int(row["id"]) for row in rows}
        return np.array([ids[fingerprint] for fingerprint in fingerprints], np.int64)

    def _copy(self, table: str, columns: str, rows: bytes | bytearray) -> None:
        if not rows:
            return
        with self._db.cursor().copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)") as copy:
            copy.write(pack.COPY_HEADER)
            copy.write(rows)
            copy.write(pack.COPY_END)


def _listed(numbers: NewNumbers) -> list[bytes]:
    return pack.side_by_side(numbers.fingerprints)


def open_run(
    db: Db, run_id: UUID, list_id: UUID, *, mapping: dict[str, str], **values: Any
) -> None:
    db.execute(
        _SQL.open_run, {"id": run_id, "list_id": list_id, "mapping": Jsonb(mapping), **values}
    )


def seller_of(db: Db, name: str, *, rehearsal: bool, now: datetime) -> UUID:
    found: UUID = _one(db, _SQL.seller_of, name=name, rehearsal=rehearsal, now=now)["id"]
    return found


def one(db: Db, query: str, /, **values: Any) -> Row:
    """The row of a query of `imports.sql` that always has one."""
    return _one(db, getattr(_SQL, query), **values)


def maybe(db: Db, query: str, /, **values: Any) -> Row | None:
    return db.execute(getattr(_SQL, query), values).fetchone()


def _one(db: Db, query: str, /, **values: Any) -> Row:
    row = db.execute(query, values).fetchone()
    assert row is not None
    return row

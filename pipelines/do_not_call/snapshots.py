"""Outside do-not-call lists: a whole list replaces the former one of its source in one transaction.

Only fingerprints are kept: who is on such a list and no lead of ours cannot be read back.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np

from pipelines.do_not_call.numbers_file import RefusedLine, open_numbers
from pipelines.imports import copy_rows as pack
from voice_ai.db import queries
from voice_ai.db.connect import Db, Row, connect
from voice_ai.errors import BadInput, Refused, UsageError
from voice_ai.outside_lists import OUTSIDE_LISTS, OutsideList
from voice_ai.vault import Keyring

_SQL = queries("outside_lists")
Progress = Callable[[int, float | None], None]
# Such lists have numbers that nobody can call (toll-free, withdrawn), but few.
_MOST_REFUSED = 0.1
# A list that is this much smaller than the one before is rather a list of changes, or cut off.
_LEAST_OF_BEFORE = 0.5
_FIELDS = np.frombuffer(b"\x00\x01\x00\x00\x00\x20", dtype=np.uint8)


@dataclass(frozen=True)
class SnapshotReport:
    """`refused` lines had no number that could be called. `repeated`: it was in force already."""

    source: str
    file: str
    taken_on: str
    rows: int
    numbers: int
    refused: int
    refused_lines: tuple[RefusedLine, ...]
    before: int | None
    repeated: bool = False


def load_snapshot(
    url: str,
    keyring: Keyring,
    path: Path,
    *,
    source: str,
    taken_on: date,
    now: datetime,
    column: str | None = None,
    much_smaller: bool = False,
    progress: Progress | None = None,
) -> SnapshotReport:
    """Puts the list in force. Raises BadInput, UsageError, Refused, and then nothing is changed.

    Refused: an older list than the one in force, and one with less than half as many numbers unless
    that is confirmed by `much_smaller`.
    """
    outside = OUTSIDE_LISTS.get(source)
    if outside is None:
        raise UsageError(f"--source is one of {', '.join(OUTSIDE_LISTS)}, not {source!r}")
    taken_at = datetime.combine(taken_on, time(), UTC)
    if taken_at > now:
        raise BadInput("a list cannot be of a day to come", field="taken-on")
    sha256 = _sha256(path)
    with connect(url, name="voice-ai list snapshot") as db:
        db.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")
        db.execute(_SQL.one_load_at_a_time, {"source": source})
        before = db.execute(_SQL.in_force, {"source": source}).fetchone()
        if before is not None and before["taken_at"] > taken_at:
            raise Refused(
                f"the list in force is newer: of {before['taken_at']:%Y-%m-%d}, this one of"
                f" {taken_on:%Y-%m-%d}"
            )
        if before is not None and (before["taken_at"], before["sha256"]) == (taken_at, sha256):
            rows = int(before["rows"])
            return SnapshotReport(
                source, path.name, f"{taken_on}", rows, rows, 0, (), rows, repeated=True
            )
        load = _Load(db, keyring, outside, path, column, progress or (lambda rows, part: None))
        return load.run(before, taken_at, sha256, now, much_smaller=much_smaller)


@dataclass(frozen=True)
class _Load:
    db: Db
    keyring: Keyring
    outside: OutsideList
    path: Path
    column: str | None
    progress: Progress

    def run(
        self,
        before: Row | None,
        taken_at: datetime,
        sha256: str,
        now: datetime,
        *,
        much_smaller: bool,
    ) -> SnapshotReport:
        source = {"source": self.outside.source}
        file = open_numbers(self.path, country=self.outside.country, column=self.column)
        self.db.execute(_SQL.stage)
        with self.db.cursor().copy("COPY staged_entries FROM STDIN (FORMAT binary)") as copy:
            copy.write(pack.COPY_HEADER)
            for batch in file.batches():
                copy.write(self._packed(batch))
                self.progress(file.rows, file.part_read)
            copy.write(pack.COPY_END)
        self._refuse_doubtful(file.rows, file.refused_rows, file.refused)
        facts = {"country": self.outside.country, "sha256": sha256}
        row = self.db.execute(
            _SQL.add_snapshot, {**source, **facts, "taken_at": taken_at, "now": now}
        ).fetchone()
        assert row is not None
        snapshot = {"snapshot_id": row["id"]}
        self.db.execute(_SQL.drop_entries, source)
        numbers = self.db.execute(_SQL.put_entries, {**source, **snapshot}).rowcount
        if before is not None and numbers < before["rows"] * _LEAST_OF_BEFORE and not much_smaller:
            raise Refused(
                f"the list has {numbers:,} numbers, the one in force {before['rows']:,}: load the"
                " whole list, not its changes; if it is right, say --much-smaller"
            )
        self.db.execute(_SQL.count_rows, {**snapshot, "rows": numbers})
        return SnapshotReport(
            source=self.outside.source,
            file=self.path.name,
            taken_on=f"{taken_at:%Y-%m-%d}",
            rows=file.rows,
            numbers=numbers,
            refused=file.refused_rows,
            refused_lines=tuple(file.refused),
            before=int(before["rows"]) if before else None,
        )

    def _packed(self, numbers: list[str]) -> bytes:
        """One row each, a fingerprint of 32 bytes."""
        prints = np.frombuffer(b"".join(self.keyring.fingerprints(numbers)), dtype=np.uint8)
        table = prints.reshape(-1, 32)
        return np.hstack([np.broadcast_to(_FIELDS, (len(table), 6)), table]).tobytes()

    def _refuse_doubtful(self, rows: int, refused: int, lines: list[RefusedLine]) -> None:
        if rows and refused <= rows * _MOST_REFUSED:
            return
        first = "; ".join(f"line {one.line}: {one.explanation}" for one in lines[:3])
        raise BadInput(
            f"{refused:,} of {rows:,} lines have no phone number ({first}); name the right column"
            " with --column"
            if rows
            else "there is no number in it",
            file=self.path.name,
        )


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", file=path.name) from error

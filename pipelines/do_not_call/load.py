"""A file of people who must not be called: all of its numbers in one transaction, or none."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipelines.do_not_call.numbers_file import RefusedLine, open_numbers
from voice_ai.db.connect import Db
from voice_ai.errors import BadInput
from voice_ai.store import suppressions
from voice_ai.store.suppressions import Order
from voice_ai.vault import Keyring

Progress = Callable[[int, float | None], None]


@dataclass(frozen=True)
class FileReport:
    """`written` False: nothing was, because a line was refused or it was only a look.

    `numbers` are the different ones; `refused_lines` has the first refused ones.
    """

    file: str
    column: str
    rows: int
    numbers: int
    repeated: int
    refused: int
    refused_lines: tuple[RefusedLine, ...]
    written: bool
    added: int = 0
    already: int = 0
    live_calls: int = 0


def import_numbers(
    db: Db,
    keyring: Keyring,
    path: Path,
    order: Order | None,
    now: datetime,
    *,
    country: str = "US",
    column: str | None = None,
    leave_out_refused: bool = False,
    progress: Progress | None = None,
) -> FileReport:
    """Suppresses the numbers of a file; in force, also for dials on their way, on return.

    With no `order` it only looks. A refused line keeps the whole file out, unless refused lines are
    to be left out. The same file again changes nothing. Raises BadInput and UsageError.
    """
    file = open_numbers(path, country=country, column=column)
    numbers: set[str] = set()
    usable = 0
    for batch in file.batches():
        usable += len(batch)
        numbers.update(batch)
        if progress is not None:
            progress(file.rows, file.part_read)
    if not numbers and not file.refused_rows:
        raise BadInput("there is no number in it", file=path.name)
    written = order is not None and bool(numbers) and (leave_out_refused or not file.refused_rows)
    done = suppressions.Suppressed(0, 0, 0)
    if written:
        assert order is not None
        done = _suppress(db, keyring, numbers, order, now)
    return FileReport(
        file=path.name,
        column=file.column,
        rows=file.rows,
        numbers=len(numbers),
        repeated=usable - len(numbers),
        refused=file.refused_rows,
        refused_lines=tuple(file.refused),
        written=written,
        added=done.added,
        already=done.already,
        live_calls=done.live_calls,
    )


def _suppress(
    db: Db, keyring: Keyring, numbers: set[str], order: Order, now: datetime
) -> suppressions.Suppressed:
    # Numbers that are new stay known when the second step fails; they say nothing about anybody.
    with db.transaction():
        ids = suppressions.ensure_numbers(db, keyring, numbers, now)
    return suppressions.suppress(db, ids, order, now)

"""A commit of the lake: which files it consists of, up to which transaction, at which moment.

One manifest covers every table, so that what a reader joins was true at one moment. Commits are
numbered; the next number is taken by writing its file, which only one writer can (`Store.put_new`).
"""

import zlib
from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from pipelines.lake.store import Store
from voice_ai.errors import NotFound

FOLDER = "commits"
FORMAT = 1
MADE_UP = "generated"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class DataFile(_Frozen):
    """`table`: of `tables.TABLES`, `gone_<table>` for keys, or `cube_<name>`. `commit`: the number
    it came with. `campaign` and `month` (YYYY-MM): its partition, None where the table has none.
    `level`: 0 as a sync wrote it, higher: how often it was put together. `sealed`: its month is
    over; it is never put together again. `columns`: as the file has them; tables gain columns."""

    path: str
    table: str
    rows: int
    bytes: int
    commit: int
    month: str | None = None
    campaign: str | None = None
    level: int = 0
    sealed: bool = False
    columns: tuple[str, ...] = ()


class Resume(_Frozen):
    """Where a sync of more rows than one commit holds goes on: it will have everything below
    `bound`, and has of it all tables before `table`, and of that one all up to `after`."""

    bound: int
    table: str
    after: str


class Manifest(_Frozen):
    """`bound`: every transaction below it is in the lake. `as_of`: the campaign clock's time at
    which that was so; `made_at`: the machine's. `source`: which database; `cubes`: version by
    name. `resume`: None unless the next commit only goes on with what this one began.
    `witness`: the newest attempt of the lake (id and the transaction in which it ended)."""

    format: int = FORMAT
    number: int
    source: str
    bound: int
    as_of: datetime
    made_at: datetime
    why: str
    files: tuple[DataFile, ...]
    cubes: dict[str, str]
    resume: Resume | None = None
    witness: str | None = None

    @property
    def made_up(self) -> bool:
        """A history that was made up as a lake: it belongs to no database."""
        return self.source.startswith(f"{MADE_UP}:")

    def of(self, table: str) -> tuple[DataFile, ...]:
        return tuple(file for file in self.files if file.table == table)


def newest(store: Store) -> Manifest | None:
    """The last commit; None for a lake without one."""
    numbers = commit_numbers(store)
    return read(store, numbers[-1]) if numbers else None


def read(store: Store, number: int) -> Manifest:
    """Raises NotFound for a number that was never taken, or was swept away."""
    try:
        return Manifest.model_validate_json(zlib.decompress(store.get(path_of(number))))
    except FileNotFoundError:
        raise NotFound(
            f"the lake has no commit {number}; `voice-ai lake commits` lists them"
        ) from None


def as_of(store: Store, moment: datetime) -> Manifest:
    """The last commit whose `as_of` is not after the moment. Raises NotFound."""
    for number in reversed(commit_numbers(store)):
        found = read(store, number)
        if found.as_of <= moment:
            return found
    raise NotFound(f"the lake has no commit as old as {moment:%Y-%m-%d %H:%M %Z}")


def commit(store: Store, manifest: Manifest) -> None:
    """Raises AlreadyThere when somebody else took the number: nothing of this commit counts
    then."""
    store.put_new(path_of(manifest.number), zlib.compress(manifest.model_dump_json().encode()))


def commit_numbers(store: Store) -> list[int]:
    """In ascending order."""
    return sorted(int(path.rpartition("/")[2].split(".")[0]) for path in store.names(FOLDER))


def bytes_of(files: Iterable[DataFile]) -> int:
    return sum(file.bytes for file in files)


def path_of(number: int) -> str:
    return f"{FOLDER}/{number:010d}.json.z"

"""Puts small files together, so that a lake that is synced every minute stays quick to read.

Files of a partition are merged in tiers: as soon as there are `FANOUT` of one level they become one
of the next, so that a row is written again a few times in its life, not every minute. Rows that no
longer count are left out on the way. A month that is over becomes one sorted file per table and
campaign, sealed: nothing is written into it any more, and what comes late stands beside it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import duckdb
from pydantic import BaseModel, ConfigDict

from pipelines.lake import manifest as commits
from pipelines.lake.cube_list import CUBE_OF
from pipelines.lake.manifest import DataFile, Manifest
from pipelines.lake.read import MEMORY, THREADS
from pipelines.lake.store import Store
from pipelines.lake.tables import OF_ATTEMPTS, SMALL, TABLES
from pipelines.lake.write import COMMIT, ORDER, file_path

FANOUT = 8
GRACE = timedelta(days=2)  # after its end a month stays open for calls that end late
_A_COMMIT = 512 * 2**20  # bytes that are merged before they are committed
_GONE = "gone_"
Part = tuple[str, str | None, str | None]


class CompactReport(BaseModel):
    """`merged` files became `written`; `sealed` of those will never be written again."""

    model_config = ConfigDict(frozen=True)

    commit: int | None
    merged: int
    written: int
    sealed: int
    bytes: int


@dataclass(frozen=True)
class Work:
    """Files of one partition that become one file of that level."""

    part: Part
    files: tuple[DataFile, ...]
    level: int
    seal: bool = False


def due(manifest: Manifest | None) -> bool:
    return manifest is not None and next(_works(manifest), None) is not None


def compact(
    store: Store,
    manifest: Manifest,
    *,
    tell: Callable[[float, str], None] = lambda share, words: None,
) -> tuple[Manifest, CompactReport]:
    """Merges what is due, in commits of bounded size. The caller holds the writer's lock
    (`sync.one_writer`). Raises AlreadyThere, NotAvailable."""
    made, merged, written, sealed, total = manifest, 0, 0, 0, 0
    while works := list(_works(made)):
        replaced: dict[str, DataFile | None] = {}
        size = 0
        for place, work in enumerate(works):
            tell(place / len(works), f"{work.part[0]}: {len(work.files)} files")
            new = _merged(store, made, work)
            replaced |= {file.path: None for file in work.files}
            if new is not None:
                replaced[new.path] = new
                written += 1
                sealed += new.sealed
                total += new.bytes
            merged += len(work.files)
            size += commits.bytes_of(work.files)
            if size > _A_COMMIT:
                break
        made = _commit(store, made, replaced)
    return made, CompactReport(
        commit=made.number, merged=merged, written=written, sealed=sealed, bytes=total
    )


def _works(manifest: Manifest) -> Iterator[Work]:
    """What is due, by partition: a month that is over, or enough files of one level."""
    by_part: defaultdict[Part, list[DataFile]] = defaultdict(list)
    for file in manifest.files:
        if file.table not in SMALL:
            by_part[(file.table, file.month, file.campaign)].append(file)
    for part, files in by_part.items():
        if not _understood(manifest, part):
            continue
        if part[0].startswith(_GONE) and _applied(manifest, part, files):
            yield Work(part, tuple(files), 0)
            continue
        open_files = [file for file in files if not file.sealed]
        if _over(part, manifest.as_of) and len(open_files) == len(files) and _whole(part):
            yield Work(part, tuple(open_files), _level(open_files), seal=True)
            continue
        levels: defaultdict[int, list[DataFile]] = defaultdict(list)
        for file in open_files:
            levels[file.level].append(file)
        for level, same in sorted(levels.items()):
            if len(same) >= FANOUT:
                # What lies below goes with it: a merge of one level never leaves older small ones.
                below = [file for file in open_files if file.level <= level]
                yield Work(part, tuple(below), level + 1)
                break


def _understood(manifest: Manifest, part: Part) -> bool:
    """Sums of a cube that is defined in another way now wait for the sync to make it anew."""
    name = part[0].removeprefix("cube_")
    if not part[0].startswith("cube_"):
        return True
    return name in CUBE_OF and manifest.cubes.get(name) == CUBE_OF[name].version


def _applied(manifest: Manifest, part: Part, files: list[DataFile]) -> bool:
    """No file is left that could hold a row of these keys."""
    return max(file.commit for file in files) <= _oldest(manifest, part)


def _level(files: list[DataFile]) -> int:
    return max((file.level for file in files), default=0) + 1


def _whole(part: Part) -> bool:
    return part[0] in TABLES


def _over(part: Part, as_of: datetime) -> bool:
    month = part[1]
    if month is None:
        return False
    year, number = int(month[:4]), int(month[5:])
    after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return as_of >= after + GRACE


def _merged(store: Store, manifest: Manifest, work: Work) -> DataFile | None:
    """The new file; None when no row of it counts any more."""
    table, month, campaign = work.part
    paths = [str(store.local(file.path)) for file in work.files]
    number = manifest.number + 1
    path = file_path(table, number, month=month, campaign=campaign)
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}'; SET threads = {THREADS}")
        connection.execute(f"SET temp_directory = '{folder}'")
        target = Path(folder) / f"{uuid4().hex}.parquet"
        query = _query(store, manifest, work, paths)
        connection.execute(
            f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)"
        )
        about = connection.sql(f"FROM parquet_file_metadata('{target}')").pl().row(0, named=True)
        if not about["num_rows"]:
            return None
        columns = connection.sql(f"DESCRIBE FROM read_parquet('{target}')").pl()["column_name"]
        size = target.stat().st_size
        store.put(path, target)
    return DataFile(
        path=path,
        table=table,
        rows=int(about["num_rows"]),
        bytes=size,
        commit=number,
        month=month,
        campaign=campaign,
        level=work.level,
        sealed=work.seal,
        columns=tuple(columns),
    )


def _query(store: Store, manifest: Manifest, work: Work, paths: list[str]) -> str:
    table = work.part[0]
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    rows = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
    if table.startswith("cube_"):
        cube = CUBE_OF[table.removeprefix("cube_")]
        some = " OR ".join(f"{measure} <> 0" for measure in cube.measures)
        return f"SELECT * FROM ({cube.summed(rows)}) WHERE {some} ORDER BY ALL"
    if table.startswith(_GONE):
        return _kept_keys(manifest, work, rows)
    order = ", ".join(ORDER[table])
    key = TABLES[table].key
    gone = _gone_paths(store, manifest, work.part) if key else ""
    if not gone:
        return f"SELECT * FROM {rows} ORDER BY {order}"
    return (
        f"SELECT d.* FROM {rows} d WHERE NOT EXISTS (FROM read_parquet([{gone}]) g"
        f" WHERE g.key = d.{key}::VARCHAR AND g.{COMMIT} > d.{COMMIT}) ORDER BY {order}"
    )


def _kept_keys(manifest: Manifest, work: Work, rows: str) -> str:
    """Keys that an older file of the partition may still hold."""
    return (
        f"SELECT key, max({COMMIT})::INTEGER AS {COMMIT} FROM {rows}"
        f" WHERE {COMMIT} > {_oldest(manifest, work.part)} GROUP BY key ORDER BY key"
    )


def _oldest(manifest: Manifest, part: Part) -> int:
    """The oldest file of the rows that the keys of this partition are of."""
    table, month, campaign = part
    of = table.removeprefix(_GONE)
    tables = OF_ATTEMPTS if of == "attempts" else (of,)
    return min(
        (
            file.commit
            for file in manifest.files
            if file.table in tables and (file.month, file.campaign) == (month, campaign)
        ),
        default=manifest.number + 1,
    )


def _gone_paths(store: Store, manifest: Manifest, part: Part) -> str:
    table, month, campaign = part
    of = "attempts" if table in OF_ATTEMPTS else table
    files = (
        file
        for file in manifest.of(f"{_GONE}{of}")
        if (file.month, file.campaign) == (month, campaign)
    )
    return ", ".join(f"'{store.local(file.path)}'" for file in files)


def _commit(store: Store, manifest: Manifest, replaced: dict[str, DataFile | None]) -> Manifest:
    kept = tuple(file for file in manifest.files if file.path not in replaced)
    new = tuple(file for file in replaced.values() if file is not None)
    made = manifest.model_copy(
        update={
            "number": manifest.number + 1,
            "made_at": datetime.now(UTC),
            "why": "compact",
            "files": (*kept, *new),
        }
    )
    commits.commit(store, made)
    return made

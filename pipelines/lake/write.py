"""Adds a commit to the lake: files first, then the manifest that makes them count, all or nothing.

A process that dies in between leaves files that no manifest names; `sweep` removes them. Two
writers cannot both take the next number, and the loser's files count for nothing.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from io import BytesIO
from uuid import uuid4

import duckdb
import polars as pl

from pipelines.lake import manifest as commits
from pipelines.lake.batch import GONE, Batch, months
from pipelines.lake.cube_list import CUBES
from pipelines.lake.cubes import Cube, delta
from pipelines.lake.manifest import DataFile, Manifest
from pipelines.lake.read import Lake
from pipelines.lake.store import Store
from pipelines.lake.tables import OF_ATTEMPTS, SMALL, TABLES, empty, naive

COMMIT = "lake_commit"
_AT_ONCE = 5_000_000  # rows
ORDER = {
    "attempts": ["intended_at", "attempt_id"],
    "calls": ["attempt_id"],
    "turns": ["attempt_id", "turn_index"],
    "events": ["attempt_id", "seq"],
    "decisions": ["decision_id"],
    "leads": ["lead_id"],
    "campaign_leads": ["lead_id"],
    "assignments": ["lead_id"],
}


def write_batch(
    store: Store,
    parent: Manifest | None,
    batch: Batch,
    *,
    source: str,
    why: str,
    made_at: datetime,
) -> Manifest:
    """The new commit. Raises AlreadyThere when another writer was faster."""
    number = parent.number + 1 if parent else 1
    kept = parent.files if parent else ()
    new = [*_rows(store, batch, number), *_gone(store, batch, number)]
    whole = {name for name in SMALL if name in batch.rows}
    kept = tuple(file for file in kept if file.table not in whole)
    cubes, stale = _cubes(store, parent, batch, number)
    kept = tuple(file for file in kept if file.table not in stale)
    made = Manifest(
        number=number,
        source=source,
        bound=batch.bound,
        as_of=batch.as_of,
        made_at=made_at,
        why=why,
        files=(*kept, *new, *cubes),
        cubes={cube.name: cube.version for cube in CUBES},
        resume=batch.resume,
        witness=_newest(batch.witness, parent.witness if parent else None),
    )
    commits.commit(store, made)
    return made


def _newest(*witnesses: str | None) -> str | None:
    known = [each for each in witnesses if each is not None]
    return max(known, key=lambda each: int(each.split()[1]), default=None)


def file_path(table: str, number: int, *, month: str | None, campaign: str | None) -> str:
    """A name in the table's folder that no other file has."""
    parts = (f"{k}={v}" for k, v in (("month", month), ("campaign", campaign)) if v)
    return "/".join((table, *parts, f"{number:010d}-{uuid4().hex[:12]}.parquet"))


def put_frame(
    store: Store,
    frame: pl.DataFrame,
    table: str,
    number: int,
    *,
    month: str | None = None,
    campaign: str | None = None,
    level: int = 0,
    sealed: bool = False,
) -> DataFile:
    """Writes one Parquet file under a name of its own."""
    path = file_path(table, number, month=month, campaign=campaign)
    buffer = BytesIO()
    naive(frame).write_parquet(buffer, compression="zstd", compression_level=3, statistics=True)
    data = buffer.getvalue()
    store.put(path, data)
    return DataFile(
        path=path,
        table=table,
        rows=frame.height,
        bytes=len(data),
        commit=number,
        month=month,
        campaign=campaign,
        level=level,
        sealed=sealed,
        columns=tuple(frame.columns),
    )


def _rows(store: Store, batch: Batch, number: int) -> list[DataFile]:
    files = []
    for name, table in TABLES.items():
        frame = batch.table(name)
        if frame.is_empty():
            continue
        if table.partition == "none":
            files.append(put_frame(store, frame.select(table.schema.names()), name, number))
            continue
        placed = months(batch, name)
        for (month, campaign), part in placed.partition_by(
            ["month", "part_campaign"], as_dict=True
        ).items():
            rows = part.select(table.schema.names()).sort(ORDER[name])
            if table.key:
                rows = rows.with_columns(pl.lit(number, dtype=pl.Int32).alias(COMMIT))
            files.append(put_frame(store, rows, name, number, month=month, campaign=campaign))
    return files


def _gone(store: Store, batch: Batch, number: int) -> list[DataFile]:
    files = []
    for name, keys in batch.gone.items():
        for (month, campaign), part in keys.partition_by(
            ["month", "campaign"], as_dict=True
        ).items():
            rows = (
                part.select("key", pl.lit(number, dtype=pl.Int32).alias(COMMIT))
                .unique()
                .sort("key")
            )
            files.append(
                put_frame(store, rows, f"gone_{name}", number, month=month, campaign=campaign)
            )
    return files


def _cubes(
    store: Store, parent: Manifest | None, batch: Batch, number: int
) -> tuple[list[DataFile], set[str]]:
    """Files of what the batch adds to each cube, and the tables of cubes that were made anew."""
    known = parent.cubes if parent else {}
    stale = [cube for cube in CUBES if known.get(cube.name) != cube.version]
    lake = Lake(store, parent)
    new, old = _cube_rows(batch, lake), _replaced(batch, lake)
    files = []
    with duckdb.connect() as connection:
        for cube in CUBES:
            if cube not in stale and not _touched(cube, new, old):
                continue
            rows = delta(cube, new, old, connection)
            if cube in stale and parent:
                rows = _added(cube, [rows, *cube_from_rows(cube, lake)])
            if not rows.is_empty():
                files.append(put_frame(store, rows, cube.table, number))
    gone = {name for name in known if name not in {cube.name for cube in CUBES}}
    return files, {cube.table for cube in stale} | {f"cube_{name}" for name in gone}


def _touched(cube: Cube, new: Mapping[str, pl.DataFrame], old: Mapping[str, pl.DataFrame]) -> bool:
    """Whether a row that the cube adds up comes or goes."""
    return any(
        name not in SMALL and not frame.is_empty() and re.search(rf"\b{name}\b", cube.sql)
        for name, frame in (*new.items(), *old.items())
    )


def _cube_rows(batch: Batch, lake: Lake) -> dict[str, pl.DataFrame]:
    small = {name: batch.rows.get(name, lake.rows(name)) for name in SMALL}
    return {name: batch.table(name) for name in (*OF_ATTEMPTS, "decisions", "assignments")} | small


def _replaced(batch: Batch, lake: Lake) -> dict[str, pl.DataFrame]:
    """The rows in earlier commits of the attempts that this batch brings anew or takes away."""
    keys = batch.gone.get("attempts")
    if keys is None or keys.is_empty():
        return {}
    none = {name: empty(name) for name in ("decisions", "assignments")}
    small = {name: lake.rows(name) for name in SMALL}
    return {name: lake.rows_of(name, keys) for name in OF_ATTEMPTS} | none | small


def cube_from_rows(cube: Cube, lake: Lake) -> list[pl.DataFrame]:
    """A cube made from the rows of the lake: at once while they are few, otherwise a partition at
    a time so that memory stays flat. Only the columns that it needs are read."""
    query = cube.summed(f"({cube.sql})")
    columns = (*cube.dims, *cube.measures)
    files = lake.manifest.files if lake.manifest else ()
    few = sum(file.rows for file in files if file.table in TABLES) <= _AT_ONCE
    parts = (lake,) if few else lake.partitions()
    return [naive(part.sql(query)).select(columns) for part in parts]


def _added(cube: Cube, frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frames).group_by(cube.dims).agg(pl.col(cube.measures).sum())


def gone_keys(rows: Mapping[str, Sequence[str | None]]) -> pl.DataFrame:
    """key, month, campaign: from lists of equal length."""
    return pl.DataFrame(rows, schema=GONE)

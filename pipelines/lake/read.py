"""Answers questions of one commit of the lake, with or without the hot tail, in SQL or in polars.

Moments are UTC everywhere: plain TIMESTAMPs to DuckDB, whose own zone is the machine's, and aware
ones in every frame that comes out. The tables of `tables.TABLES`, the views' names for them
(`v_attempts` …) and the cubes (`cube_hours` …) are there as DuckDB views; `scan` gives the same
rows to polars.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.lake import manifest as commits
from pipelines.lake.batch import GONE, Batch
from pipelines.lake.cube_list import CUBE_OF, CUBES
from pipelines.lake.cubes import delta
from pipelines.lake.manifest import DataFile, Manifest
from pipelines.lake.store import Store, open_store
from pipelines.lake.tables import MOMENT, OF_ATTEMPTS, SMALL, TABLES, aware, empty, naive
from voice_ai.errors import BadInput

MEMORY = "1GB"
THREADS = 2
_COMMIT = "lake_commit"
_TYPES = {
    pl.String(): "VARCHAR",
    pl.Int32(): "INTEGER",
    pl.Int64(): "BIGINT",
    pl.Float64(): "DOUBLE",
    pl.Boolean(): "BOOLEAN",
    pl.Date(): "DATE",
    MOMENT: "TIMESTAMP",
    pl.List(pl.String()): "VARCHAR[]",
}


def open_lake(url: str | None, home: Path, number: int | None = None) -> "Lake":
    """The newest commit, or that of a number (None found: a lake without a row). Raises BadInput,
    NotFound, NotAvailable."""
    store = open_store(url, home)
    found = commits.newest(store) if number is None else commits.read(store, number)
    return Lake(store, found)


@dataclass(frozen=True)
class Lake:
    """A commit (None: nothing was ever written), a hot tail that is laid over it, and which
    campaign or month its files are limited to."""

    store: Store
    manifest: Manifest | None
    tail: Batch | None = None
    campaign: str | None = None
    month: str | None = None

    def with_tail(self, tail: Batch | None) -> "Lake":
        """The same commit with rows that are not in it yet. They must have been read from `bound`
        on, as the next commit would hold them."""
        return replace(self, tail=tail)

    def only(self, campaign: str | None = None, month: str | None = None) -> "Lake":
        """Only the files of one campaign (its id) or month (YYYY-MM): less to open. Small tables,
        leads and cubes stay whole."""
        return replace(self, campaign=campaign, month=month)

    def partitions(self) -> Iterator["Lake"]:
        """This commit's months and campaigns one by one, for what must not be in memory at once."""
        files = self.manifest.files if self.manifest else ()
        for month, campaign in sorted({(f.month or "", f.campaign or "") for f in files}):
            if month and campaign:
                yield self.only(campaign, month)

    def sql(self, query: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """The answer of one SELECT in DuckDB's SQL; `$name` stands for a parameter.

        Raises BadInput with DuckDB's own words for what it does not understand.
        """
        cursor = _database().cursor()
        try:
            self.prepare(cursor, query)
            found: pl.DataFrame = cursor.sql(query, params=dict(parameters or {})).pl()
            return aware(found)
        except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError) as error:
            raise BadInput(str(error).strip()) from error
        finally:
            cursor.close()

    def scan(self, table: str) -> pl.LazyFrame:
        """The rows of a table of `tables.TABLES`, lazily."""
        schema = TABLES[table].schema
        parts = [self._tail_rows(table).lazy()]
        plain, touched = self._files(table)
        for files, keyed in ((plain, False), (touched, True)):
            for paths in _by_columns(files):
                rows = pl.scan_parquet([self._path(f) for f in paths])
                if keyed:
                    rows = _without_gone(rows, self._gone_frame(table).lazy(), TABLES[table].key)
                kept = [pl.col(c) for c in schema if c in paths[0].columns]
                parts.append(aware(rows.select(kept)))
        return pl.concat(parts, how="diagonal").select(schema.names())

    def rows(self, table: str) -> pl.DataFrame:
        """Every row of a table."""
        return self.scan(table).collect() if self._any(table) else self._tail_rows(table)

    def rows_of(self, table: str, keys: pl.DataFrame) -> pl.DataFrame:
        """The rows with these keys (columns key, month, campaign), found in their partitions
        only."""
        found = [empty(table)]
        for (month, campaign), part in keys.partition_by(
            ["month", "campaign"], as_dict=True
        ).items():
            lake = self.only(campaign, month)
            wanted = lake.scan(table).filter(
                pl.col(TABLES[table].key or "").is_in(part["key"].implode())
            )
            found.append(wanted.collect())
        return pl.concat(found)

    @property
    def names(self) -> tuple[str, ...]:
        """What a query may name."""
        views = (table.view for table in TABLES.values() if table.view.startswith("v_"))
        return (*TABLES, *views, *(cube.table for cube in CUBES))

    # DuckDB's side

    def prepare(self, cursor: duckdb.DuckDBPyConnection, query: str) -> None:
        """Makes the views that the query names; a view over a thousand files is not free."""
        for name in self.names:
            if not re.search(rf"\b{name}\b", query):
                continue
            if name.startswith("cube_"):
                self._register_tail_cube(cursor, name)
                body = self._cube_view(name)
            else:
                table = next(t.name for t in TABLES.values() if name in (t.name, t.view))
                self._register_tail(cursor, table)
                body = self._table_view(table)
            cursor.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {body}")

    def _table_view(self, table: str) -> str:
        schema = TABLES[table].schema
        plain, touched = self._files(table)
        parts = [f"FROM {_read(self._paths(files))}" for files in _by_columns(plain)]
        for files in _by_columns(touched):
            parts.append(
                f"FROM {_read(self._paths(files))} d WHERE NOT EXISTS (FROM gone_{table} g"
                f" WHERE g.key = d.{TABLES[table].key}::VARCHAR AND g.{_COMMIT} > d.{_COMMIT})"
            )
        if not self._tail_rows(table).is_empty():
            parts.append(f"FROM tail_{table}")
        columns = ", ".join(schema.names())
        whole = all(set(schema.names()) <= set(f.columns) for f in (*plain, *touched))
        if parts and whole:
            return " UNION ALL ".join(f"SELECT {columns} {part}" for part in parts)
        typed = ", ".join(f"NULL::{_TYPES[kind]} AS {name}" for name, kind in schema.items())
        parts = [f"SELECT {typed} WHERE false", *(f"SELECT * {part}" for part in parts)]
        return f"SELECT {columns} FROM ({' UNION ALL BY NAME '.join(parts)})"

    def _cube_view(self, name: str) -> str:
        cube = CUBE_OF[name.removeprefix("cube_")]
        columns = ", ".join((*cube.dims, *cube.measures))
        files = self.manifest.of(name) if self.manifest else ()
        if self.manifest and self.manifest.cubes.get(cube.name) != cube.version:
            raise BadInput(
                f"{name} is not made yet the way this program defines it; run `voice-ai lake sync`"
            )
        parts = [f"SELECT {columns} FROM tail_{name}"]
        if files:
            parts.append(f"SELECT {columns} FROM {_read(self._paths(files))}")
        return " UNION ALL ".join(parts)

    def _register_tail(self, cursor: duckdb.DuckDBPyConnection, table: str) -> None:
        cursor.register(f"tail_{table}", naive(self._tail_rows(table)).to_arrow())
        cursor.register(f"gone_{table}", self._gone_frame(table).to_arrow())

    def _register_tail_cube(self, cursor: duckdb.DuckDBPyConnection, name: str) -> None:
        cursor.register(f"tail_{name}", self._tail_cubes[name].to_arrow())

    @cached_property
    def _tail_cubes(self) -> dict[str, pl.DataFrame]:
        """What the tail adds to each cube, as its commit would."""
        base = replace(self, tail=None, campaign=None, month=None)
        tail = self.tail
        names = (*OF_ATTEMPTS, "decisions", "assignments")
        new = {name: tail.table(name) if tail else empty(name) for name in names}
        keys = tail.gone.get("attempts") if tail else None
        old = {} if keys is None else {name: base.rows_of(name, keys) for name in OF_ATTEMPTS}
        if old:
            old |= {name: empty(name) for name in names if name not in old}
        small = {name: self._tail_rows(name) for name in SMALL} if tail else {}
        small = {n: base.rows(n) if small.get(n, empty(n)).is_empty() else small[n] for n in SMALL}
        with duckdb.connect() as connection:
            return {
                cube.table: delta(cube, new | small, old | small if old else {}, connection)
                for cube in CUBES
            }

    # Files

    def _any(self, table: str) -> bool:
        return bool(self.manifest and self.manifest.of(table))

    def _files(self, table: str) -> tuple[list[DataFile], list[DataFile]]:
        """Files to read as they are, and files of which some rows no longer count."""
        if self.manifest is None or (table in SMALL and self._replaced_by_tail(table)):
            return [], []
        files = [file for file in self.manifest.of(table) if self._wanted(file)]
        newest: dict[tuple[str | None, str | None], int] = {}
        for file in self._gone(table):
            part = (file.month, file.campaign)
            newest[part] = max(newest.get(part, 0), file.commit)
        for part in self._tail_gone(table).select("month", "campaign").unique().rows():
            newest[part] = self.manifest.number + 1
        touched = [f for f in files if f.commit < newest.get((f.month, f.campaign), 0)]
        return [f for f in files if f not in touched], touched

    def _wanted(self, file: DataFile) -> bool:
        return (self.campaign is None or file.campaign in (None, self.campaign)) and (
            self.month is None or file.month in (None, self.month)
        )

    def _gone(self, table: str) -> list[DataFile]:
        of = "attempts" if table in OF_ATTEMPTS else table
        found = self.manifest.of(f"gone_{of}") if self.manifest else ()
        return [*filter(self._wanted, found)]

    def _gone_frame(self, table: str) -> pl.DataFrame:
        """key, lake_commit: rows with that key written before that commit no longer count."""
        after = self.manifest.number + 1 if self.manifest else 1
        fresh = self._tail_gone(table).select("key", pl.lit(after, dtype=pl.Int32).alias(_COMMIT))
        return pl.concat([fresh, *(pl.read_parquet(self._path(f)) for f in self._gone(table))])

    def _tail_gone(self, table: str) -> pl.DataFrame:
        of = "attempts" if table in OF_ATTEMPTS else table
        found = self.tail.gone.get(of) if self.tail else None
        return GONE.to_frame() if found is None else found

    def _replaced_by_tail(self, table: str) -> bool:
        return self.tail is not None and table in self.tail.rows

    def _tail_rows(self, table: str) -> pl.DataFrame:
        if self.tail is None:
            return empty(table)
        rows = self.tail.table(table)
        if self.campaign and "campaign_id" in rows.columns:
            rows = rows.filter(pl.col("campaign_id") == self.campaign)
        return rows

    def _path(self, file: DataFile) -> str:
        return str(self.store.local(file.path))

    def _paths(self, files: "list[DataFile] | tuple[DataFile, ...]") -> list[str]:
        return [self._path(file) for file in files]


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One for the process, so that its memory has one limit and what it knows of files is kept.
    Views belong to the cursor that made them."""
    connection = duckdb.connect(config={"memory_limit": MEMORY, "threads": THREADS})
    connection.execute("SET parquet_metadata_cache = true")
    return connection


def _by_columns(files: list[DataFile]) -> list[list[DataFile]]:
    """Files that have the same columns, together."""
    groups: dict[tuple[str, ...], list[DataFile]] = {}
    for file in files:
        groups.setdefault(file.columns, []).append(file)
    return list(groups.values())


def _without_gone(rows: pl.LazyFrame, gone: pl.LazyFrame, key: str | None) -> pl.LazyFrame:
    newest = gone.group_by("key").agg(gone_at=pl.col(_COMMIT).max())
    marked = rows.with_columns(key=pl.col(key or "").cast(pl.String)).join(
        newest, on="key", how="left"
    )
    return marked.filter(pl.col("gone_at").is_null() | (pl.col("gone_at") <= pl.col(_COMMIT)))


def _read(paths: list[str]) -> str:
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false)"

"""Cubes: small sums that dashboards read instead of rows, kept by the sync with every commit.

A cube is one SQL query over the rows of *some* attempts and decisions (tables as in
`tables.TABLES`, small tables whole) whose result is additive: the sums over two sets of rows
together are the sums of both added. So a commit adds the sums of its new rows, takes back those of
the rows it replaces, and a reader adds everything up. A version that changes has its cube made
anew from the rows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import duckdb
import polars as pl

from pipelines.lake.tables import naive


@dataclass(frozen=True)
class Cube:
    """`dims` are what rows are told apart by, `measures` what is added up; `sql` gives both,
    grouped or not. Its first dims are campaign_id and rehearsal."""

    name: str
    about: str
    dims: tuple[str, ...]
    measures: tuple[str, ...]
    sql: str

    @property
    def table(self) -> str:
        return f"cube_{self.name}"

    @property
    def version(self) -> str:
        return sha256("\x1f".join((self.sql, *self.dims, *self.measures)).encode()).hexdigest()[:12]

    def summed(self, over: str, where: str = "true") -> str:
        """SQL: the rows of `over` that hold `where`, added up by every dimension."""
        sums = ", ".join(f"sum({m})::{_type(m)} AS {m}" for m in self.measures)
        dims = ", ".join(self.dims)
        return f"SELECT {dims}, {sums} FROM {over} WHERE {where} GROUP BY ALL"


def delta(
    cube: Cube,
    new: Mapping[str, pl.DataFrame],
    old: Mapping[str, pl.DataFrame],
    connection: duckdb.DuckDBPyConnection,
) -> pl.DataFrame:
    """What a commit adds to a cube: the sums of the new rows less those of the rows they replace;
    rows whose every measure is 0 are left out."""
    added = _run(cube, new, connection)
    if any(frame.height for frame in old.values()):
        taken = _run(cube, old, connection).with_columns(-pl.col(m) for m in cube.measures)
        added = pl.concat([added, taken]).group_by(cube.dims).agg(pl.col(cube.measures).sum())
    return added.filter(pl.any_horizontal(pl.col(m) != 0 for m in cube.measures))


def _run(
    cube: Cube, tables: Mapping[str, pl.DataFrame], connection: duckdb.DuckDBPyConnection
) -> pl.DataFrame:
    for name, frame in tables.items():
        # Only what the query names: a row of events costs more to hand over than to add up.
        if re.search(rf"\b{name}\b", cube.sql):
            arrow = naive(frame).to_arrow(compat_level=pl.CompatLevel.newest())
            connection.register(name, arrow)
    found: pl.DataFrame = connection.sql(cube.summed(f"({cube.sql})")).pl()
    return found.select(*cube.dims, *cube.measures)


def _type(measure: str) -> str:
    """Counts are whole numbers; a measure of seconds or money says so at the end of its name."""
    return "DOUBLE" if measure.endswith(("_s", "_ms", "_amount", "_sum")) else "BIGINT"

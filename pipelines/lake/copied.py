"""Rows of a query as a frame of the lake, by COPY: ten times faster than rows through Python."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import polars as pl
import psycopg

from pipelines.lake.tables import MOMENT
from voice_ai.db.connect import Db

_BETWEEN = "\x1f"  # no code, zone or state holds it


def copied(
    db: Db, query: str, schema: pl.Schema, parameters: Mapping[str, Any] | None = None
) -> pl.DataFrame:
    """The columns of `schema` by their names; unknown is null, an empty text stays one."""
    columns = ", ".join(_exported(name, kind) for name, kind in schema.items())
    with psycopg.ClientCursor(db) as cursor:
        inner = cursor.mogrify(query, parameters) if parameters else query
        statement = f"COPY (SELECT {columns} FROM ({inner}) q) TO STDOUT (FORMAT csv)"
        with cursor.copy(statement.encode()) as copy:
            text = b"".join(bytes(block) for block in copy)
    if not text:
        return schema.to_frame()
    raw = pl.read_csv(
        BytesIO(text),
        has_header=False,
        schema={name: _read_as(kind) for name, kind in schema.items()},
    )
    return raw.select(_restored(name, kind) for name, kind in schema.items())


def _exported(name: str, kind: pl.DataType) -> str:
    if kind == MOMENT:
        return f"(extract(epoch FROM {name}) * 1000000)::bigint"
    if isinstance(kind, pl.List):
        return f"array_to_string({name}, chr(31))"
    return f"{name}::int" if kind == pl.Boolean else name


def _read_as(kind: pl.DataType) -> pl.DataType:
    if kind == MOMENT or kind == pl.Boolean:
        return pl.Int64()
    return pl.String() if isinstance(kind, pl.List) or kind == pl.Date else kind


def _restored(name: str, kind: pl.DataType) -> pl.Expr:
    if isinstance(kind, pl.List):
        return pl.col(name).str.split(_BETWEEN).list.filter(pl.element() != "")
    return pl.col(name).str.to_date() if kind == pl.Date else pl.col(name).cast(kind)

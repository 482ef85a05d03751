"""Rows of a query as a frame of the lake, by COPY: ten times faster than rows through Python."""

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

import polars as pl
import psycopg
from psycopg.pq import ExecStatus

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
    text = b"".join(_rows(db, statement.encode()))
    if not text:
        return schema.to_frame()
    raw = pl.read_csv(
        BytesIO(text),
        has_header=False,
        schema={name: _read_as(kind) for name, kind in schema.items()},
    )
    return raw.select(_restored(name, kind) for name, kind in schema.items())


def _rows(db: Db, statement: bytes) -> Iterator[bytes | memoryview]:
    """What the server sends, row by row, straight from libpq: half of the time went into handing
    each row through the driver."""
    answer = db.pgconn.exec_(statement)
    if answer.status != ExecStatus.COPY_OUT:
        raise psycopg.errors.error_from_result(answer)
    left, row = db.pgconn.get_copy_data(0)
    while left > 0:
        yield row
        left, row = db.pgconn.get_copy_data(0)
    end = db.pgconn.get_result()
    while end is not None:
        if end.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(end)
        end = db.pgconn.get_result()


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

"""Puts a question of `pipelines.metrics.ask` to the lake, or to the views of Postgres."""

from dataclasses import dataclass

import polars as pl

from pipelines.lake.read import Lake
from pipelines.metrics.ask import MOST_ROWS, Query, Question, cube_query, view_query
from pipelines.metrics.intervals import with_rates
from voice_ai.db.connect import Db


@dataclass(frozen=True)
class Answer:
    """`rows`: a column for each split, then metric, k, n, rate, low, high, thin; a row for each
    combination and metric. `query` gave the counts. `cut`: there were more rows than are shown."""

    rows: pl.DataFrame
    query: Query
    cut: bool


def ask(lake: Lake, question: Question) -> Answer:
    """From the cubes, in milliseconds. Raises BadInput for what no cube answers."""
    query = cube_query(question)
    return _answer(lake.sql(query.sql, query.parameters), question, query)


def ask_views(db: Db, question: Question) -> Answer:
    """From every row of Postgres' views: slower, and the same. Raises BadInput."""
    query = view_query(question)
    cursor = db.execute(query.text.encode())
    columns = [column.name for column in cursor.description or ()]
    rows = pl.DataFrame(
        [tuple(row.values()) for row in cursor],
        schema=columns,
        orient="row",
        infer_schema_length=None,
    )
    return _answer(rows, question, query)


def _answer(wide: pl.DataFrame, question: Question, query: Query) -> Answer:
    parts = []
    for metric in question.metrics:
        counts = wide.select(
            *question.splits,
            metric=pl.lit(metric.name),
            k=f"{metric.name}_k",
            n=f"{metric.name}_n",
        ).with_columns(pl.col("k", "n").fill_null(0))
        rated = with_rates(counts, "k")
        if metric.interval != "wilson":
            rated = rated.with_columns(low=pl.lit(None, pl.Float64), high=pl.lit(None, pl.Float64))
        parts.append(rated)
    return Answer(pl.concat(parts), query, wide.height >= MOST_ROWS)

"""The last days of a part of the history, and the same number of days before them."""

from datetime import timedelta

import polars as pl

DAYS = 7


def last_and_before(rows: pl.DataFrame, days: int = DAYS) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Of rows with a `day`: those of the last days and those of the days before these; empty where
    there are none."""
    last = rows["day"].max() if rows.height else None
    if last is None:
        return rows, rows
    since = pl.lit(last) - timedelta(days=days)
    recent = rows.filter(pl.col("day") > since)
    before = rows.filter(pl.col("day") <= since, pl.col("day") > since - timedelta(days=days))
    return recent, before

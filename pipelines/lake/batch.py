"""Rows on their way into the lake: what a sync found since the last commit, or what was made up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from pipelines.lake.manifest import Resume
from pipelines.lake.tables import OF_ATTEMPTS, TABLES, empty

GONE = pl.Schema({"key": pl.String, "month": pl.String, "campaign": pl.String})


@dataclass(frozen=True)
class Batch:
    """`rows`: by table; of calls, turns and events only with their attempt. Small tables come
    whole; one that is left out stays as it was. `gone`: by keyed table, the keys (as text) whose
    rows of earlier commits no longer count, with the partition that they are in (schema `GONE`).
    `bound`: transactions below it are in. `resume` and `witness` go into the manifest."""

    bound: int
    as_of: datetime
    rows: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    gone: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    resume: Resume | None = None
    witness: str | None = None

    def table(self, name: str) -> pl.DataFrame:
        """The rows of one table in its schema, without any where the batch has none."""
        frame = self.rows.get(name)
        return empty(name) if frame is None else frame

    @property
    def is_empty(self) -> bool:
        keyed = (*self.rows.values(), *self.gone.values())
        return all(frame.is_empty() for frame in keyed)


def months(batch: Batch, name: str) -> pl.DataFrame:
    """The rows of a table with `month` (YYYY-MM, UTC) and `campaign`, its partition."""
    table, frame = TABLES[name], batch.table(name)
    if name in OF_ATTEMPTS and name != "attempts":
        of = batch.table("attempts").select("attempt_id", month=_month("intended_at"))
        frame = frame.join(of, on="attempt_id", how="left", maintain_order="left")
    elif table.month_of:
        frame = frame.with_columns(month=_month(table.month_of))
    else:
        frame = frame.with_columns(month=pl.lit(None, dtype=pl.String))
    with_campaign = "campaign" in table.partition
    campaign = pl.col("campaign_id") if with_campaign else pl.lit(None, dtype=pl.String)
    return frame.with_columns(part_campaign=campaign)


def _month(moment: str) -> pl.Expr:
    return pl.col(moment).dt.strftime("%Y-%m")

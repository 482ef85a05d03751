"""Distributions kept as counts by step: percentiles with their intervals, and the running share.

A step is the lower edge of what was measured (floor), so a nearest-rank percentile of the steps is
the exact percentile rounded down to its step, over however many sums it was added up.
"""

from collections.abc import Sequence

import polars as pl

from pipelines.metrics.definitions import THIN_BELOW
from pipelines.metrics.latency import nearest_rank
from voice_ai.intervals import wilson


def percentiles(
    counts: pl.DataFrame,
    count: str,
    shares: Sequence[float],
    *,
    by: Sequence[str] = (),
    step: str = "step",
) -> pl.DataFrame:
    """`by`, p, value, low, high, n, unmeasured, thin; a row for each share and group.

    `counts`: `by`, `step` (null: unmeasured) and `count`. `low` to `high` holds the percentile with
    95 %: the ranks are Wilson bounds of the share. Groups with nothing measured have no rows.
    """
    rows = []
    for key, part in counts.partition_by(list(by), as_dict=True).items() if by else [((), counts)]:
        measured = part.drop_nulls(step).group_by(step).agg(pl.col(count).sum()).sort(step)
        reached = measured[count].cum_sum()
        n = int(reached[-1]) if measured.height else 0
        unmeasured = int(part.filter(pl.col(step).is_null())[count].sum())
        for p in shares if n else ():
            places = [nearest_rank(share, n) + 1 for share in (p, *wilson(p, n))]
            value, low, high = (measured[step][int(reached.search_sorted(r))] for r in places)
            rows.append((*key, p, float(value), float(low), float(high), n, unmeasured))
    kinds = {name: counts.schema[name] for name in by}
    schema = kinds | {name: pl.Float64() for name in ("p", "value", "low", "high")}
    frame = pl.DataFrame(rows, schema | {"n": pl.Int64(), "unmeasured": pl.Int64()}, orient="row")
    return frame.with_columns(thin=pl.col("n") < THIN_BELOW).sort(*by, "p")


def running_share(
    counts: pl.DataFrame, count: str, width: float, *, step: str = "step"
) -> pl.DataFrame:
    """at (upper edge of the step), share (at most that), n; one row for each step that occurs."""
    measured = counts.drop_nulls(step).group_by(step).agg(pl.col(count).sum()).sort(step)
    total = pl.col(count).sum()
    return measured.select(
        at=pl.col(step) + width, share=pl.col(count).cum_sum() / total, n=total.cast(pl.Int64)
    )

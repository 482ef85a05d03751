"""How the figures of the first row moved: a small line, and the change by period."""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from pipelines.metrics.contract import THIN_BELOW
from pipelines.metrics.rates import (
    ANSWERED_PER_DIAL,
    CONVERSED_PER_HUMAN,
    GOALS_PER_CONVERSATION,
    OPT_OUTS_PER_HUMAN,
)

PERIOD = 10
_SUMS = ("dials", "answered", "human_answered", "conversed", "goal", "opted_out")
_RATES = {
    metric.name: (str(metric.k), str(metric.n))
    for metric in (
        ANSWERED_PER_DIAL,
        CONVERSED_PER_HUMAN,
        GOALS_PER_CONVERSATION,
        OPT_OUTS_PER_HUMAN,
    )
}


@dataclass(frozen=True)
class Trend:
    """`line`: dials per interval, or the rate so far. `change`: the last `period` less the one
    before it (a count, or a difference of rates); None while there are not two periods, or where
    either rests on fewer than twenty observations."""

    line: tuple[float, ...]
    change: float | None
    period: timedelta


def trends(
    activity: pl.DataFrame, every: timedelta, size: int = PERIOD, *, running: bool = True
) -> dict[str, Trend]:
    """The trend of each figure from `activity` in intervals of `every`, `size` of which are a
    period; a running interval is not compared, because it has not ended."""
    if activity.is_empty():
        return {}
    intervals = _every_interval(activity, every)
    ended = intervals[:-1] if running else intervals
    last, before = ended[-size:], ended[-2 * size : -size]
    whole = before.height == size
    period = size * every
    change = float(int(last["dials"].sum()) - int(before["dials"].sum())) if whole else None
    found = {"dials": Trend(tuple(map(float, intervals["dials"])), change, period)}
    for name, (k, n) in _RATES.items():
        so_far = intervals.select(
            share=pl.col(k).cum_sum() / pl.col(n).cum_sum().cast(pl.Float64)
        ).filter(pl.col("share").is_finite())
        found[name] = Trend(tuple(so_far["share"]), _moved(last, before, k, n, whole=whole), period)
    return found


def _every_interval(activity: pl.DataFrame, every: timedelta) -> pl.DataFrame:
    """Sums per interval, those without a dial included."""
    sums = activity.group_by("at").agg(pl.col(_SUMS).sum())
    span = pl.datetime_range(pl.col("at").min(), pl.col("at").max(), every, time_unit="ms")
    return sums.select(span).join(sums, on="at", how="left").fill_null(0).sort("at")


def _moved(
    last: pl.DataFrame, before: pl.DataFrame, k: str, n: str, *, whole: bool
) -> float | None:
    now, then = _rate(last, k, n), _rate(before, k, n)
    return now - then if whole and now is not None and then is not None else None


def _rate(intervals: pl.DataFrame, k: str, n: str) -> float | None:
    size = int(intervals[n].sum())
    return int(intervals[k].sum()) / size if size >= THIN_BELOW else None

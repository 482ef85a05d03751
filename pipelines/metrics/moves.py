"""What moved: the last days of a rate beside the days before them.

Two rates differ when the interval of their difference leaves out 0: Newcombe (1998), "Interval
estimation for the difference between independent proportions", method 10, from Wilson's intervals.
Of twenty metrics that stand still one looks moved, so it is a reason to look, not a proof.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from pipelines.metrics.contract import Metric
from pipelines.metrics.intervals import Rate, rate


@dataclass(frozen=True)
class Move:
    """`now` less `before` is `change`, which is between `low` and `high` with 95 %. `part`: of
    which campaign, None for the whole."""

    metric: Metric
    part: str | None
    now: Rate
    before: Rate
    change: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        return self.low > 0 or self.high < 0

    @property
    def good(self) -> bool | None:
        """Whether it is good news; None where neither way is."""
        if self.metric.better is None:
            return None
        return (self.change > 0) == (self.metric.better == "more")


def difference(one: Rate, other: Rate) -> tuple[float, float, float] | None:
    """`one` less `other` with its 95 % interval; None where either has nothing to count."""
    if one.value is None or one.low is None or one.high is None:
        return None
    if other.value is None or other.low is None or other.high is None:
        return None
    change = one.value - other.value
    low = change - math.hypot(one.value - one.low, other.high - other.value)
    high = change + math.hypot(one.high - one.value, other.value - other.low)
    return change, low, high


def moves(sums: pl.DataFrame, metrics: Iterable[Metric]) -> list[Move]:
    """From part, period (now, before) and the sums of the metrics' measures: every metric of every
    part that has enough of both to compare, the surest change first."""
    found = []
    for metric in metrics:
        for (part,), rows in sums.partition_by(["part"], as_dict=True).items():
            now, before = (_rate(rows, metric, period) for period in ("now", "before"))
            told = difference(now, before)
            if told is not None and not now.thin and not before.thin:
                found.append(Move(metric, part, now, before, *told))
    return sorted(found, key=_surest, reverse=True)


def _rate(rows: pl.DataFrame, metric: Metric, period: str) -> Rate:
    mine = rows.filter(pl.col("period") == period)
    return rate(int(mine[str(metric.k)].sum()), int(mine[str(metric.n)].sum()))


def _surest(move: Move) -> float:
    """How far 0 is from the change, in widths of its interval."""
    return abs(move.change) / max(move.high - move.low, 1e-12)

"""Rates with their 95 % Wilson score interval (Wilson 1927), for one rate or a whole frame."""

from dataclasses import dataclass

import polars as pl

from pipelines.metrics.contract import THIN_BELOW
from voice_ai.intervals import Z_95, wilson

__all__ = ["Z_95", "Rate", "rate", "wilson", "with_rates", "with_shares"]


@dataclass(frozen=True)
class Rate:
    """k of n; `low` to `high` is the 95 % Wilson interval. `value` is None when n is 0."""

    k: int
    n: int
    value: float | None
    low: float | None
    high: float | None

    @property
    def thin(self) -> bool:
        return self.n < THIN_BELOW


def rate(k: int, n: int) -> Rate:
    if n == 0:
        return Rate(k, n, None, None, None)
    low, high = wilson(k / n, n)
    return Rate(k, n, k / n, low, high)


def with_rates(counts: pl.DataFrame, k: str, n: str = "n") -> pl.DataFrame:
    """Adds rate, low, high and thin from the columns `k` and `n`; null where n is 0."""
    size = pl.col(n).cast(pl.Float64)
    share = pl.when(pl.col(n) > 0).then(pl.col(k) / size)
    z2 = Z_95 * Z_95
    scale = 1 + z2 / size
    centre = (share + z2 / (2 * size)) / scale
    half = Z_95 / scale * (share * (1 - share) / size + z2 / (4 * size * size)).sqrt()
    return counts.with_columns(
        rate=share,
        low=pl.max_horizontal(pl.lit(0.0), pl.min_horizontal(share, centre - half)),
        high=pl.min_horizontal(pl.lit(1.0), pl.max_horizontal(share, centre + half)),
        thin=pl.col(n) < THIN_BELOW,
    ).with_columns(pl.when(pl.col(n) > 0).then(pl.col("low", "high")))


def with_shares(counts: pl.DataFrame, k: str) -> pl.DataFrame:
    """Each row's share of the column's sum, with that sum as n."""
    return with_rates(counts.with_columns(n=pl.col(k).sum()), k)

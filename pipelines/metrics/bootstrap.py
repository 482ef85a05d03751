"""Bootstrap intervals of means, medians and ratios: seeded, so that a page says the same twice.

The percentile interval of Efron and Tibshirani (1993), chapter 13: as good as any where n is not
small and the estimate hardly biased, which `contract.THIN_BELOW` sees to.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.metrics.contract import THIN_BELOW

Values = npt.NDArray[np.float64]
DRAWS, SEED = 1000, 20261124
_MOST_AT_ONCE = 2_000_000  # numbers held at the same time: 16 MB


@dataclass(frozen=True)
class Estimate:
    """`low` to `high` holds the true value with 95 %; all None where n is 0."""

    n: int
    value: float | None
    low: float | None
    high: float | None

    @property
    def thin(self) -> bool:
        return self.n < THIN_BELOW


def mean(values: Values, *, draws: int = DRAWS, seed: int = SEED) -> Estimate:
    """Of a measured quantity, in its own unit; unmeasured values must not be among `values`."""
    return _estimate((values,), lambda drawn: drawn[0].mean(axis=-1), draws, seed)


def median(values: Values, *, draws: int = DRAWS, seed: int = SEED) -> Estimate:
    return _estimate((values,), lambda drawn: np.median(drawn[0], axis=-1), draws, seed)


def ratio(top: Values, bottom: Values, *, draws: int = DRAWS, seed: int = SEED) -> Estimate:
    """Sum of `top` over sum of `bottom`, drawn in pairs: of one call, or of one day where calls of
    a day are alike. A draw whose bottom sums to 0 says nothing and is left out."""
    return _estimate((top, bottom), _ratio, draws, seed)


def _ratio(drawn: tuple[Values, ...]) -> Values:
    top, bottom = (part.sum(axis=-1) for part in drawn)
    found: Values = np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom != 0)
    return found


def _estimate(
    columns: tuple[Values, ...],
    statistic: Callable[[tuple[Values, ...]], Values],
    draws: int,
    seed: int,
) -> Estimate:
    n = len(columns[0])
    if n == 0:
        return Estimate(0, None, None, None)
    value = float(statistic(tuple(np.atleast_2d(column) for column in columns))[0])
    if np.isnan(value):
        return Estimate(n, None, None, None)
    random, found, at_once = np.random.default_rng(seed), [], max(1, _MOST_AT_ONCE // n)
    for start in range(0, draws, at_once):
        size = (min(at_once, draws - start), n)
        chosen = random.integers(0, n, size=size)
        found.append(statistic(tuple(column[chosen] for column in columns)))
    low, high = np.nanpercentile(np.concatenate(found), (2.5, 97.5))
    return Estimate(n, value, float(low), float(high))

"""The difference of two shares, with an interval that holds however often it is looked at.

A normal mixture over the true difference (Robbins 1970, "Statistical methods related to the law of
the iterated logarithm"), as mSPRT by Johari, Koomen, Pekelis and Walsh (2022), "Always valid
inference", *Operations Research* 70(3). With `d` the difference seen, `V` its variance and `t` the
standard deviation of the mixture, the likelihood ratio against a difference `x` is
`sqrt(V / (V + t²)) exp((d - x)² t² / (2 V (V + t²)))`. Where `x` is true it ever reaches `1 / a`
with chance `a` at most, so the `x` that are not refuted are an interval at level `1 - a`.

`V` is estimated; half an event is added on either side so that an arm without an event has a
variance, and nothing is said before both arms have `LEAST` leads.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

LEAST = 20
MIXTURE = 0.05  # the size of differences that the test is best at, where no plan names one
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """`value`: share of the arm less that of the control; None while an arm has no lead. `low` and
    `high` are None before both have `LEAST`. `p`: always-valid, for "there is no difference"."""

    value: float | None
    low: float | None
    high: float | None
    p: float


def always_valid(
    k1: int, n1: int, k0: int, n0: int, alpha: float = 0.05, mixture: float = MIXTURE
) -> Difference:
    """k1 of n1 leads of the arm against k0 of n0 of the control, at this one look."""
    if min(n1, n0) == 0:
        return Difference(None, None, None, 1.0)
    value = k1 / n1 - k0 / n0
    if min(n1, n0) < LEAST:
        return Difference(value, None, None, 1.0)
    one, zero = (np.array([k1, n1], float), np.array([k0, n0], float))
    low, high, p = intervals(one[:1], one[1:], zero[:1], zero[1:], alpha, mixture)
    return Difference(value, float(low[0]), float(high[0]), float(p[0]))


def intervals(
    k1: Reals, n1: Reals, k0: Reals, n0: Reals, alpha: float = 0.05, mixture: float = MIXTURE
) -> tuple[Reals, Reals, Reals]:
    """low, high and p of each look, from arrays of equal shape; the whole of (-1, 1) and 1 where an
    arm has fewer than `LEAST` leads."""
    enough = np.minimum(n1, n0) >= LEAST
    one, zero = np.maximum(n1, 1), np.maximum(n0, 1)
    variance = _variance(k1, one) + _variance(k0, zero)
    square = mixture * mixture
    seen = k1 / one - k0 / zero
    spread = variance * (variance + square) / square
    half = np.sqrt(spread * (np.log((variance + square) / variance) - 2 * np.log(alpha)))
    ratio = 0.5 * np.log(variance / (variance + square)) + seen * seen / (2 * spread)
    p = np.exp(-np.maximum(0.0, ratio))
    low, high = np.maximum(-1.0, seen - half), np.minimum(1.0, seen + half)
    return np.where(enough, low, -1.0), np.where(enough, high, 1.0), np.where(enough, p, 1.0)


def running(low: Reals, high: Reals, p: Reals) -> tuple[Reals, Reals, Reals]:
    """Looks in order along the last axis, each knowing those before it: what was refuted once stays
    refuted, so intervals only shrink and p only falls. An empty interval keeps its middle."""
    lows, highs = np.maximum.accumulate(low, -1), np.minimum.accumulate(high, -1)
    middle = (lows + highs) / 2
    crossed = lows > highs
    lows, highs = np.where(crossed, middle, lows), np.where(crossed, middle, highs)
    return lows, highs, np.minimum.accumulate(p, -1)


def _variance(k: Reals, n: Reals) -> Any:
    share = (k + 0.5) / (n + 1)
    return share * (1 - share) / n

"""The population stability index between a fixed reference and turns of calls.

PSI = Σ (a − e) · ln(a / e) over the bins, `e` the reference's shares and `a` those now: the
symmetrised Kullback–Leibler divergence (Jeffreys 1946); Siddiqi, Credit Risk Scorecards (2006).
Without any change its expectation is about (bins − 1)(1/n + 1/m) for n and m observations
(Yurdakul 2018), so a small reference alone lifts it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 10
# Added to every bin, so that an empty one costs something and not everything.
_EPSILON = 0.5
_RESAMPLES = 300


@dataclass(frozen=True)
class Interval:
    value: float
    low: float
    high: float


def psi(expected: Sequence[float] | Floats, actual: Sequence[float] | Floats) -> float:
    """The index of two rows of shares, all of them above 0."""
    e, a = np.asarray(expected, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    return float(((a - e) * np.log(a / e)).sum())


def smoothed(counts: Sequence[float] | Ints | Floats) -> Floats:
    """Counts (the last axis: bins) as shares, none of them 0."""
    kept = np.asarray(counts, dtype=np.float64) + _EPSILON
    return np.asarray(kept / kept.sum(axis=-1, keepdims=True), dtype=np.float64)


def quantile_edges(values: Floats, bins: int = BINS) -> tuple[float, ...]:
    """Inner edges of bins with about as many reference values in each; ties merge bins.

    A bin holds what is above one edge and at most the next.
    """
    inner = np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf")
    edges = np.unique(inner)
    if len(edges) == 1:  # one value almost everywhere: being above and below it both count
        edges = np.array([np.nextafter(edges[0], -np.inf), edges[0]])
    return tuple(float(edge) for edge in edges)


def binned(values: Floats, edges: Sequence[float]) -> Ints:
    """The bin of every value, 0 to len(edges)."""
    return np.asarray(np.searchsorted(np.asarray(edges), values, side="left"), dtype=np.int64)


def counts_of(places: Ints, bins: int) -> Ints:
    return np.asarray(np.bincount(places, minlength=bins), dtype=np.int64)


def resampled(
    places: Ints, calls: Ints, bins: int, random: np.random.Generator, times: int = _RESAMPLES
) -> Ints:
    """Counts [times, bins] of whole calls drawn with replacement.

    Turns of one call resemble each other; drawing turns would make the interval too narrow.
    """
    _, call = np.unique(calls, return_inverse=True)
    n = int(call.max()) + 1
    by_call = np.bincount(call * bins + places, minlength=n * bins).reshape(n, bins)
    drawn = random.multinomial(n, np.full(n, 1 / n), size=times)
    return np.asarray(drawn @ by_call, dtype=np.int64)


def psi_interval(expected: Sequence[float] | Ints, counts: Ints, drawn: Ints) -> Interval:
    """PSI of counts against reference counts, with a bootstrap interval from `resampled` counts.

    Every draw adds noise of its own and a PSI only grows by noise, so the draws are moved back by
    their mean excess over the value. The reference is taken as it is.
    """
    e = smoothed(np.asarray(expected, dtype=np.float64))
    value = psi(e, smoothed(counts))
    shares = smoothed(drawn)
    draws = ((shares - e) * np.log(shares / e)).sum(axis=1)
    draws = draws - (draws.mean() - value)
    low, high = np.quantile(draws, (0.025, 0.975))
    return Interval(value, max(0.0, min(float(low), value)), max(float(high), value))

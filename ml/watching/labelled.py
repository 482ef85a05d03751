"""Accuracy and calibration from turns that people labelled.

The sample is drawn with known, unequal chances, so every turn counts with one over its chance:
Horvitz and Thompson, JASA 47 (1952); divided by the sum of the weights (Hájek 1971), as not every
drawn turn gets a label. The interval is Wilson's at Kish's effective size (Σw)² / Σw²
(Kish, Survey Sampling, 1965).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.watching.psi import Floats, Interval
from voice_ai.intervals import wilson

_MOST_BINS = 15
_LEAST_IN_BIN = 20
_RESAMPLES = 500


@dataclass(frozen=True)
class Share:
    """`effective` is the size of a plain sample that would tell as much."""

    value: float
    low: float
    high: float
    effective: float


def weighted_share(hits: NDArray[np.bool_], weights: Floats) -> Share:
    """The share of the population that `hits` stands for. Needs one row or more."""
    total = float(weights.sum())
    value = float((weights * hits).sum()) / total
    effective = total**2 / float((weights**2).sum())
    low, high = wilson(min(1.0, max(0.0, value)), effective)
    return Share(value, low, high, effective)


def calibration_error(confidence: Floats, hits: NDArray[np.bool_], weights: Floats) -> float:
    """Expected calibration error over bins of equal numbers of labelled turns.

    At most 15 bins, with twenty turns or more in each; a bin counts by its turns' weights.
    """
    order = np.argsort(confidence, kind="stable")
    bins = max(1, min(_MOST_BINS, len(order) // _LEAST_IN_BIN))
    gaps = [
        abs(float((weights[part] * (confidence[part] - hits[part])).sum()))
        for part in np.array_split(order, bins)
    ]
    return sum(gaps) / float(weights.sum())


def calibration_interval(
    confidence: Floats, hits: NDArray[np.bool_], weights: Floats, random: np.random.Generator
) -> Interval:
    """The error with a bootstrap interval, moved back by the draws' mean excess over the value:
    a few labels make even a perfect model look miscalibrated."""
    value, n = calibration_error(confidence, hits, weights), len(hits)
    draws = np.empty(_RESAMPLES)
    for place in range(_RESAMPLES):
        rows = random.integers(0, n, n)
        draws[place] = calibration_error(confidence[rows], hits[rows], weights[rows])
    draws -= draws.mean() - value
    low, high = np.quantile(draws, (0.025, 0.975))
    return Interval(value, max(0.0, min(float(low), value)), max(float(high), value))

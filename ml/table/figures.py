"""Figures of a probability against what happened: numbers in, a number out."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_TINY = 1e-12
_TOP = 0.1


def auc(score: Floats, hit: Flags) -> float | None:
    """The chance that a hit scores above a miss, ties half; None without both.

    The Mann-Whitney statistic over n1 * n0 (Hanley and McNeil 1982).
    """
    hits = int(hit.sum())
    misses = len(hit) - hits
    if hits == 0 or misses == 0:
        return None
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    rank = (ends - (count - 1) / 2)[place]
    return float((rank[hit].sum() - hits * (hits + 1) / 2) / (hits * misses))


def log_losses(p: Floats, hit: Flags) -> Floats:
    """Of each row, in nats."""
    kept = np.clip(p, _TINY, 1 - _TINY)
    return np.asarray(-np.log(np.where(hit, kept, 1 - kept)), dtype=np.float64)


def brier(p: Floats, hit: Flags) -> float:
    return float(np.mean((p - hit) ** 2))


def lift_at_top(score: Floats, hit: Flags, share: float = _TOP) -> float | None:
    """The rate of hits in the top `share` over the rate in all; None without a hit."""
    if not hit.any():
        return None
    top = np.argsort(-score, kind="stable")[: max(1, round(share * len(score)))]
    return float(hit[top].mean() / hit.mean())


def logit(p: Floats) -> Floats:
    kept = np.clip(p, _TINY, 1 - _TINY)
    return np.asarray(np.log(kept / (1 - kept)), dtype=np.float64)


def sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)), dtype=np.float64)


def shift_to(p: Floats, rate: float) -> float:
    """What to add to the logits of `p` for their mean to be `rate`, 0 < rate < 1; by bisection."""
    known, low, high = logit(p), -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        if sigmoid(known + middle).mean() < rate:
            low = middle
        else:
            high = middle
    return (low + high) / 2

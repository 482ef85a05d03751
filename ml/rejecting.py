"""How well a model tells what belongs to none of its labels: at its own threshold, and anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml.decisions import Bools, Floats

_POINTS = 41
_TINY = 1e-300


@dataclass(frozen=True)
class Point:
    """One threshold: in-scope rows labelled rightly and not rejected; outside rows rejected."""

    in_scope_accuracy: float
    oos_recall: float


@dataclass(frozen=True)
class Rejecting:
    """`curve` goes from nothing rejected to everything rejected; `n_outside` rows are outside."""

    n_outside: int
    metrics: Mapping[str, float]
    curve: Sequence[Point]


def rejecting(
    scores: Floats, given: Bools, chosen: Bools, column: int, *, known: bool
) -> Rejecting:
    """`column` is the label for rows that belong to no other; `known` when the model has it.

    Rows are ordered by how much likelier that label is than the best other one or, where the model
    does not know it, by how unsure the best one is.
    """
    outside = given[:, column]
    others = np.delete(scores, column, axis=1)
    right = np.delete(given, column, axis=1)[np.arange(len(given)), others.argmax(axis=1)]
    best = np.log(np.maximum(others.max(axis=1), _TINY))
    strange = np.log(np.maximum(scores[:, column], _TINY)) - best if known else -best
    inside = ~outside
    metrics = {"oos_recall": float(chosen[outside, column].mean())}
    if inside.any():
        metrics["oos_auroc"] = _auroc(strange[outside], strange[inside])
        kept = given[inside] & chosen[inside]
        metrics["in_scope_accuracy"] = float(kept.any(axis=1).mean())
    return Rejecting(
        n_outside=int(outside.sum()),
        metrics=metrics,
        curve=_curve(strange, outside, right) if inside.any() else (),
    )


def _curve(strange: Floats, outside: Bools, right: Bools) -> tuple[Point, ...]:
    inside = ~outside
    limits = np.quantile(strange, np.linspace(1, 0, _POINTS))
    return tuple(
        Point(
            float((right & (strange <= limit))[inside].mean()),
            float((strange > limit)[outside].mean()),
        )
        for limit in limits
    )


def _auroc(positive: Floats, negative: Floats) -> float:
    """Share of pairs in the right order, a tie counting half (Mann-Whitney)."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    upto = np.searchsorted(ordered, positive, side="right")
    return float((below + upto).mean() / 2 / len(negative))

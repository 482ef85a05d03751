"""From a label's probability to a decision: thresholds and offsets tuned on training rows only."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_TINY = 1e-12


@dataclass(frozen=True)
class Decision:
    """How scores become labels.

    With `multi_label` a label is given where its probability reaches its threshold, and, with
    `at_least_one`, the label nearest to its own where none does. Otherwise the one label with the
    greatest log-probability plus offset is given.
    """

    multi_label: bool = False
    thresholds: Mapping[str, float] = field(default_factory=dict)
    at_least_one: bool = False
    offsets: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Decision":
        return cls(**fields)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def chosen(self, scores: Floats, labels: Sequence[str]) -> Bools:
        """`scores` is n x labels; so is the answer, true where a label is given."""
        if not self.multi_label:
            offset = np.array([self.offsets.get(label, 0.0) for label in labels])
            best = (np.log(np.maximum(scores, _TINY)) + offset).argmax(axis=1)
            return np.asarray(np.arange(len(labels)) == best[:, None])
        limit = np.array([self.thresholds.get(label, 0.5) for label in labels])
        given = scores >= limit
        if self.at_least_one:
            none = ~given.any(axis=1)
            nearest = (_log_odds(scores[none]) - _log_odds(limit)).argmax(axis=1)
            given[np.flatnonzero(none), nearest] = True
        return np.asarray(given)

    def label(self, scores: Floats, labels: Sequence[str]) -> str:
        """The label to act on; of several that are given, the one furthest above its threshold."""
        if self.multi_label:
            limit = np.array([self.thresholds.get(label, 0.5) for label in labels])
            return labels[int((_log_odds(scores) - _log_odds(limit)).argmax())]
        if not self.offsets:
            return labels[int(scores.argmax())]
        return labels[int(self.chosen(scores[None, :], labels)[0].argmax())]


def _log_odds(share: Floats) -> Floats:
    bounded = np.clip(share, _TINY, 1 - _TINY)
    return np.asarray(np.log(bounded / (1 - bounded)))

"""A fitted table model that answers: probabilities of rows, and what to call them.

Both kinds are the sums of the scikit-learn pipeline in `ml.table.fit` in numpy alone (a test holds
them together to 1e-12), so an answer needs neither scikit-learn nor threads.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ml.decisions import Decision
from ml.table.encode import Encoding
from ml.table.figures import Floats
from ml.table.rows import Features

Logits = Callable[[Floats], Floats]


class TableModel:
    """`settings` are those of `ml.table.fit.TableFit`: how rows are encoded, which labels are a
    success, from which probability on a row is called one, and each label's rate at the end.
    """

    def __init__(self, pipeline: Any, settings: Mapping[str, Any]) -> None:
        """Raises KeyError, TypeError, AttributeError or ValueError when they do not fit."""
        self.encoding = Encoding.from_json(settings["columns"])
        self.positive = frozenset(settings["positive"])
        self.rates = {str(label): float(rate) for label, rate in settings["rates"].items()}
        self.rate = sum(self.rates[label] for label in self.positive)
        self.decision = Decision.of(settings["decision"])
        model = pipeline.named_steps["model"]
        self.labels = tuple(str(label) for label in model.classes_)
        self._hits = np.array([label in self.positive for label in self.labels])
        self._logits = _linear(model) if hasattr(model, "coef_") else _trees(model)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.encoding.columns)

    def probabilities(self, row: Features) -> Floats:
        """One probability per label, in the order of `labels`."""
        return np.asarray(self.batch([row])[0], dtype=np.float64)

    def batch(self, rows: Sequence[Features]) -> Floats:
        """float64[rows, labels]."""
        if not rows:
            return np.zeros((0, len(self.labels)))
        return _softmax(self._logits(self.encoding.matrix(rows)))

    def success(self, scores: Floats) -> Floats:
        """The probability of any of the labels that are a success; float64[rows]."""
        return np.asarray(scores[:, self._hits].sum(axis=1), dtype=np.float64)


def _linear(model: Any) -> Logits:
    coef, bias = np.asarray(model.coef_), np.asarray(model.intercept_)
    if len(model.classes_) == 2:
        coef, bias = np.vstack([np.zeros_like(coef), coef]), np.array([0.0, bias[0]])
    weights = np.ascontiguousarray(coef.T, dtype=np.float64)
    return lambda matrix: np.asarray(matrix @ weights + bias, dtype=np.float64)


def _trees(model: Any) -> Logits:
    """Sums of leaves over the trees, in their order; a row goes left up to a node's threshold."""
    start = np.asarray(model._baseline_prediction, dtype=np.float64).reshape(-1)
    rounds = [[tree.nodes for tree in trees] for trees in model._predictors]
    two = len(model.classes_) == 2

    def logits(matrix: Floats) -> Floats:
        raw = np.tile(start, (len(matrix), 1))
        for trees in rounds:
            for label, nodes in enumerate(trees):
                raw[:, label] += _leaves(nodes, matrix)
        return np.column_stack([np.zeros(len(raw)), raw]) if two else raw

    return logits


def _leaves(nodes: Any, matrix: Floats) -> Floats:
    rows, at = np.arange(len(matrix)), np.zeros(len(matrix), dtype=np.intp)
    for _ in range(int(nodes["depth"].max())):
        here = nodes[at]
        left = matrix[rows, here["feature_idx"]] <= here["num_threshold"]
        onward = np.where(left, here["left"], here["right"])
        at = np.where(here["is_leaf"] == 1, at, onward).astype(np.intp)
    return np.asarray(nodes["value"][at], dtype=np.float64)


def _softmax(logits: Floats) -> Floats:
    top = logits.max(axis=-1, keepdims=True)
    powers = np.exp(logits - top)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float64)

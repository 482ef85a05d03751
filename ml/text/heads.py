"""The linear classifiers a text model is made of, behind one shape: margins, weights, bias."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ml.decisions import Bools, Floats

Algorithm = Literal["svm", "logistic", "ridge", "dense_logistic"]

_FEW_ROWS = 6_000
_FEW_LABELS = 60
_RIDGE = 1000.0
_DENSE_STRENGTH = 0.01
_DENSE_STEPS = 60
_WORDS = {
    "svm": "linear SVM, one label against the rest",
    "logistic": "multinomial logistic regression",
    "ridge": "ridge regression",
    "dense_logistic": "multinomial logistic regression",
}


@dataclass(frozen=True)
class Trained:
    """`weights` is labels x features; the margin of a row is weights @ row + bias."""

    weights: Floats
    bias: Floats

    def margins(self, rows: Any) -> Floats:
        return np.asarray(rows @ self.weights.T + self.bias)


@dataclass(frozen=True)
class Head:
    """`strength` is C, the inverse of the regularisation (ridge has its own)."""

    algorithm: Algorithm
    strength: float = 1.0

    @property
    def words(self) -> str:
        return _WORDS[self.algorithm]

    def fit(self, rows: Any, given: Bools, seed: int) -> Trained:
        """`given` is n x labels."""
        if self.algorithm == "ridge":
            return _ridge(rows, given)
        if self.algorithm == "dense_logistic":
            return _dense_logistic(rows, given, seed)
        if self.algorithm == "logistic":
            return _logistic(rows, given, self.strength, seed)
        return _svm(rows, given, self.strength, seed)


def candidates(rows: int, labels: int, *, multi_label: bool) -> Sequence[Head]:
    """What is worth trying: everything on few rows, what is quick and good on many."""
    if multi_label:
        strengths = (0.05, 0.1) if rows > _FEW_ROWS else (0.1, 0.5)
        return [Head("svm", c) for c in strengths]
    svms = [Head("svm", c) for c in (0.1, 0.5)]
    if rows > _FEW_ROWS or labels > _FEW_LABELS:
        return svms
    return [*(Head("logistic", c) for c in (6.0, 18.0)), *svms]


def _svm(rows: Any, given: Bools, strength: float, seed: int) -> Trained:
    """One label against the rest, each by liblinear's dual coordinate descent."""
    from sklearn.svm import LinearSVC

    weights = np.zeros((given.shape[1], rows.shape[1]))
    bias = np.full(given.shape[1], -1.0)  # a label that this part of the rows lacks
    for label in np.flatnonzero(given.any(axis=0)):
        # The tolerance is liblinear's own for text; a smaller one changes nothing held out.
        model = LinearSVC(C=strength, tol=0.1, random_state=seed).fit(rows, given[:, label])
        weights[label], bias[label] = model.coef_[0], model.intercept_[0]
    return Trained(weights, bias)


def _logistic(rows: Any, given: Bools, strength: float, seed: int) -> Trained:
    # Newton's steps cost the square of the labels; few labels converge in a handful of them.
    solver = "newton-cg" if given.shape[1] <= 30 else "lbfgs"
    return _multinomial(rows, given, strength, seed, solver=solver, steps=1000)


def _multinomial(
    rows: Any, given: Bools, strength: float, seed: int, *, solver: str, steps: int
) -> Trained:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=strength, solver=solver, class_weight="balanced", max_iter=steps, random_state=seed
    ).fit(rows, given.argmax(axis=1))
    weights = np.zeros((given.shape[1], rows.shape[1]))
    bias = np.full(given.shape[1], -10.0)
    coef, shift = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        coef, shift = np.vstack([-coef / 2, coef / 2]), np.array([-shift[0] / 2, shift[0] / 2])
    weights[model.classes_], bias[model.classes_] = coef, shift
    return Trained(weights, bias)


def _dense_logistic(rows: Any, given: Bools, seed: int) -> Trained:
    """For labels that exclude each other: least squares lets the middle ones of many hide."""
    from sklearn.exceptions import ConvergenceWarning

    scaled, mean, spread = _unit_variance(rows)
    with warnings.catch_warnings():
        # What is left to gain after so many steps cannot be seen out of fold.
        warnings.simplefilter("ignore", ConvergenceWarning)
        made = _multinomial(
            scaled, given, _DENSE_STRENGTH, seed, solver="lbfgs", steps=_DENSE_STEPS
        )
    weights = made.weights / spread
    return Trained(weights, made.bias - weights @ mean)


def _unit_variance(rows: Any) -> tuple[NDArray[np.float32], Floats, Floats]:
    """Columns of unit variance, so that one penalty suits all of them; a constant one stays 0."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 0.01
    return np.asarray((rows - mean) / spread, dtype=np.float32), mean, spread


def _ridge(rows: Any, given: Bools) -> Trained:
    """Least squares on plus and minus one, all labels in one factorisation."""
    scaled, mean, spread = _unit_variance(rows)
    target = np.where(given, 1.0, -1.0).astype(np.float32)
    base = target.mean(axis=0)
    products = (scaled.T @ scaled).astype(np.float64)
    products[np.diag_indices_from(products)] += _RIDGE
    solved = np.linalg.solve(products, (scaled.T @ (target - base)).astype(np.float64))
    weights = solved.T / spread
    return Trained(weights, base.astype(np.float64) - weights @ mean)

"""Margins to probabilities, and probabilities to decisions, on rows the model was not fitted on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.decisions import Bools, Decision, Floats

_SHARES = np.linspace(0.0, 1.0, 5)  # how much of the prior is taken off, see `offsets_for`
_PLATEAU = 0.004
_FLOORS = 200
# How many turns of a call are taken to belong to no label: what the floor is chosen for.
_OUTSIDE = 0.2


@dataclass(frozen=True)
class Scaling:
    """logits = a * counted margins + c * sentence margins + shift, per label."""

    a: Floats
    c: Floats
    shift: Floats

    @property
    def typical(self) -> float:
        return float(1 / np.median(self.a))

    def logits(self, counted: Floats, sentence: Floats | None) -> Floats:
        logits = counted * self.a + self.shift
        return np.asarray(logits if sentence is None else logits + sentence * self.c)

    def counted(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """The weights and the bias of the counted terms as logits; the shift is in this bias."""
        return weights * self.a[:, None], bias * self.a + self.shift

    def sentence(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        return weights * self.c[:, None], bias * self.c


def scale(
    counted: Floats,
    sentence: Floats | None,
    given: Bools,
    *,
    reject: int | None,
    multi_label: bool,
) -> Scaling:
    """Platt's scaling per label where labels may coincide, one temperature where they exclude.

    `reject` is the column of the label for what belongs to no other: it gets a floor of its own,
    which the best logit of the others must reach.
    """
    if multi_label:
        return _platt(counted, sentence, given)
    scaling = _temperature(counted, sentence, given)
    if reject is None:
        return scaling
    return _with_floor(scaling, counted, sentence, given, reject)


def _platt(counted: Floats, sentence: Floats | None, given: Bools) -> Scaling:
    """Platt (1999): a logistic regression of the label on its margins."""
    from sklearn.linear_model import LogisticRegression

    labels = counted.shape[1]
    a, c, shift = np.ones(labels), np.zeros(labels), np.zeros(labels)
    for k in range(labels):
        seen = counted[:, k : k + 1]
        if sentence is not None:
            seen = np.column_stack([seen, sentence[:, k]])
        model = LogisticRegression(C=1e4, max_iter=1000).fit(seen, given[:, k])
        a[k], shift[k] = model.coef_[0, 0], model.intercept_[0]
        c[k] = model.coef_[0, 1] if sentence is not None else 0.0
    return Scaling(a, c, shift)


def _temperature(counted: Floats, sentence: Floats | None, given: Bools) -> Scaling:
    """The factors that make the true labels likeliest (Guo et al. 2017, one for each source)."""
    from scipy.optimize import minimize

    truth = given.argmax(axis=1)

    def loss(factors: Floats) -> float:
        a, *c = np.exp(factors)
        logits = counted * a + (sentence * c[0] if sentence is not None else 0.0)
        return _unlikelihood(logits, truth)

    start = np.zeros(1 if sentence is None else 2)
    found = np.exp(minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-3}).x)
    ones = np.ones(counted.shape[1])
    return Scaling(ones * found[0], ones * (found[1] if sentence is not None else 0.0), 0 * ones)


def _unlikelihood(logits: Floats, truth: NDArray[np.intp]) -> float:
    top = logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
    return float((log_sums - logits[np.arange(len(truth)), truth]).mean())


def _with_floor(
    scaling: Scaling, counted: Floats, sentence: Floats | None, given: Bools, reject: int
) -> Scaling:
    """The reject label's logit: its own margin, all of it or none, plus a constant.

    Chosen for the greatest accuracy if a fifth of what is heard belonged to no label; how many such
    rows the file happens to hold says nothing about that.
    """
    best: tuple[float, Scaling] | None = None
    outside = given[:, reject]
    for kept in (1.0, 0.0):
        share = np.ones(len(scaling.a))
        share[reject] = kept
        one = Scaling(scaling.a * share, scaling.c * share, scaling.shift)
        logits = one.logits(counted, sentence)
        others = np.delete(logits, reject, axis=1)
        right = np.delete(given, reject, axis=1)[np.arange(len(given)), others.argmax(axis=1)]
        room = others.max(axis=1) - logits[:, reject]
        for floor in np.quantile(room, np.linspace(0, 1, _FLOORS)):
            inside = room >= floor
            accepted, rejected = (inside & right)[~outside].mean(), (~inside)[outside].mean()
            worth = float((1 - _OUTSIDE) * accepted + _OUTSIDE * rejected)
            if best is None or worth > best[0]:
                shift = scaling.shift.copy()
                shift[reject] = floor
                best = (worth, Scaling(one.a, one.c, shift))
    assert best is not None
    return best[1]


def thresholds_for(scores: Floats, given: Bools, labels: Sequence[str]) -> dict[str, float]:
    """Per label the probability with the best F1; the middle of those that are nearly as good."""
    found = {}
    for k, label in enumerate(labels):
        order = np.argsort(-scores[:, k], kind="stable")
        hits = np.cumsum(given[order, k])
        f1 = 2 * hits / (np.arange(1, len(order) + 1) + given[:, k].sum())
        good = scores[order, k][f1 >= f1.max() - _PLATEAU]
        found[label] = float(np.median(good))
    return found


def offsets_for(scores: Floats, given: Bools, labels: Sequence[str]) -> Mapping[str, float]:
    """What is added to log-probabilities so that rare labels are heard, for the best macro-F1.

    Logit adjustment (Menon et al. 2021): a share of the log prior is taken off, one share for all
    labels, as one number cannot overfit. Empty when nothing is gained.
    """
    prior = np.log(np.maximum(given.mean(axis=0), 1e-6))
    prior = prior - prior.mean()
    choices = [
        {label: float(-share * p) for label, p in zip(labels, prior, strict=True)}
        for share in _SHARES
    ]
    worth = [macro_f1(given, Decision(offsets=o).chosen(scores, labels)) for o in choices]
    best = int(np.argmax(worth))
    return choices[best] if worth[best] > worth[0] + 0.002 else {}


def macro_f1(given: Bools, chosen: Bools) -> float:
    """Mean F1 over labels that occur or are chosen."""
    hits = (given & chosen).sum(axis=0)
    total = given.sum(axis=0) + chosen.sum(axis=0)
    seen = total > 0
    return float((2 * hits[seen] / total[seen]).mean()) if seen.any() else 0.0

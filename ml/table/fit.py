"""Fit a table model: candidates chosen by validation forward in time, then a sigmoid on later rows.

Candidates are logistic regressions of several strengths, on all rows and on the newest, and
gradient-boosted trees, each with all columns and without those that only follow the time. Each is
fitted on the first three and on the first four fifths of the training rows and judged on the fifth
that comes next, in windows against the rate known before (`ml.table.windows`). The one with the
greatest gain is the model. On the last fifth, which it has not seen, a sigmoid is fitted to its
scores (Platt 1999; for more labels one slope, and a bias each). Then it learns from all rows; the
slope is folded into its parameters, and the biases are set so that the last fifth has the rates it
had.
"""

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.decisions import Decision
from ml.kinds import Fitted, Progress
from ml.table.encode import Encoding, learn_encoding, period_columns
from ml.table.figures import Flags, Floats
from ml.table.model import TableModel
from ml.table.rows import Features, Table, dataset_of
from ml.table.windows import gain_over_base
from voice_ai.errors import BadInput

SEED = 7

_STRENGTHS = (0.003, 0.03, 0.3)  # inverse regularisation
# What held long ago may hold no longer.
_NEWEST = 0.4
_FOLDS = ((0.6, 0.8), (0.8, 1.0))
_FEWEST_ROWS = 50
_FEWEST_OF_LABEL = 10
_SLOPES = (0.02, 3.0)
# Labels that mean a success, in any case of letters.
_YES = frozenset(
    {"1", "yes", "y", "true", "t", "contact", "goal", "success", "human", "answered"}
    | {"converted", "sold", "sale"}
)


def _silent(share: float, what: str) -> None:
    """For who does not look."""


@dataclass(frozen=True)
class Candidate:
    """`kind` linear (with `strength`) or trees, over `columns`, of the newest `share` of rows."""

    kind: str
    columns: tuple[str, ...]
    strength: float = 0.0
    period: bool = True
    share: float = 1.0

    @property
    def words(self) -> str:
        what = f"logistic regression, C {self.strength}" if self.kind == "linear" else "trees"
        if not self.period:
            what += ", without columns that only follow the time"
        return what if self.share == 1 else f"{what}, of the newest {round(100 * self.share)} %"


@dataclass(frozen=True)
class TableFit:
    """`pipeline` takes the matrix of `settings["columns"]`; `gains` of all candidates."""

    pipeline: Any
    labels: tuple[str, ...]
    settings: Mapping[str, Any]
    chosen: Candidate
    gains: Mapping[str, float]
    period: tuple[str, ...]
    slope: float
    seed: int
    table: Table

    @property
    def fitted(self) -> Fitted:
        """As every kind tells it."""
        encoding = Encoding.from_json(self.settings["columns"])
        return Fitted(
            pipeline=self.pipeline,
            labels=self.labels,
            settings=self.settings,
            params=self.params,
            cross_validated={"gain_over_base_rate": self.gains[self.chosen.words]},
            fingerprint=fingerprint(self.pipeline, self.settings),
            example=encoding.matrix([row.features for row in self.table.rows[:3]]),
            dataset=dataset_of(self.table),
        )

    @property
    def params(self) -> dict[str, str | int | float]:
        """What it was made with, for the registry and the model card."""
        return {
            "algorithm": self.chosen.words,
            "validation_gain": round(self.gains[self.chosen.words], 6),
            "calibration_slope": round(self.slope, 4),
            "period_columns": ", ".join(self.period) or "none",
            "seed": self.seed,
            "n_train": len(self.table.rows),
        }


def fit(data: Table, *, seed: int = SEED, progress: Progress = _silent) -> TableFit:
    """Train on the rows of `data`, which are in the order of time. Raises BadInput."""
    # Loaded first: a limit on threads holds for what is loaded already.
    import sklearn.ensemble  # noqa: F401
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    labels = data.labels
    positive = positive_labels(data)
    _check(data, labels)
    rows = [row.features for row in data.rows]
    y = np.array([labels.index(row.label) for row in data.rows], dtype=np.intp)
    period = tuple(period_columns(data.columns, rows))
    work = _Work(data, rows, y, np.isin(labels, sorted(positive)), seed)
    with threadpool_limits(limits=1):
        gains = work.gains(_candidates(data.columns, period), progress)
        # Of equals the first, which is the simpler one.
        chosen = max(gains, key=lambda one: round(gains[one], 6))
        slope, threshold = work.calibration(chosen)
        model, encoding = work.final(chosen, slope)
    settings = {
        "columns": encoding.as_json(),
        "positive": sorted(positive),
        "decision": _decision(labels, positive, threshold).as_json(),
        "rates": work.rates(labels),
    }
    pipeline = _pipeline(model, labels)
    told = {candidate.words: gain for candidate, gain in gains.items()}
    return TableFit(pipeline, labels, settings, chosen, told, period, slope, seed, data)


def serve(pipeline: Any, settings: Mapping[str, Any]) -> TableModel:
    return TableModel(pipeline, settings)


def positive_labels(data: Table) -> frozenset[str]:
    """The labels that count as a success: those that say so, else the rarest one."""
    named = frozenset(label for label in data.labels if label.lower() in _YES)
    if named and len(named) < len(data.labels):
        return named
    count = {label: sum(row.label == label for row in data.rows) for label in data.labels}
    return frozenset({min(data.labels, key=lambda label: (count[label], label))})


def _decision(labels: Sequence[str], positive: Collection[str], threshold: float) -> Decision:
    """Of two labels, the success from the threshold on; of more, the likeliest."""
    if len(labels) != 2:
        return Decision()
    odds = math.log((1 - threshold) / threshold)
    return Decision(offsets={label: odds for label in labels if label in positive})


def fingerprint(pipeline: Any, settings: Mapping[str, Any]) -> str:
    """Hash of features, settings and weights or trees in a fixed order."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    model = pipeline.named_steps["model"]
    digest.update(json.dumps([str(label) for label in model.classes_]).encode())
    if hasattr(model, "coef_"):
        for numbers in (model.coef_, model.intercept_):
            digest.update(np.ascontiguousarray(numbers, dtype=np.float64).tobytes())
        return digest.hexdigest()
    digest.update(np.asarray(model._baseline_prediction, dtype=np.float64).tobytes())
    for trees in model._predictors:
        for tree in trees:
            for field in sorted(tree.nodes.dtype.names):
                digest.update(np.ascontiguousarray(tree.nodes[field]).tobytes())
    return digest.hexdigest()


def _check(data: Table, labels: Sequence[str]) -> None:
    if len(labels) < 2:
        raise BadInput(f"{data.name} has one label only; give rows of both outcomes")
    if len(data.rows) < _FEWEST_ROWS:
        raise BadInput(
            f"{data.name} has {len(data.rows)} rows to learn from; at least {_FEWEST_ROWS} are"
            " needed"
        )
    early = data.rows[: int(_FOLDS[0][0] * len(data.rows))]
    for label in labels:
        if sum(row.label == label for row in early) < _FEWEST_OF_LABEL:
            raise BadInput(
                f"label {label!r} occurs less than {_FEWEST_OF_LABEL} times in the first three"
                " fifths of the training rows; give more rows, or join it with another label"
            )


def _candidates(columns: tuple[str, ...], period: Sequence[str]) -> list[Candidate]:
    kept = tuple(column for column in columns if column not in period)
    sets = [(kept, False)] if period and kept else []
    return [
        candidate
        for used, whole in [*sets, (columns, True)]
        for candidate in (
            *(Candidate("linear", used, strength, whole) for strength in _STRENGTHS),
            *(Candidate("linear", used, strength, whole, _NEWEST) for strength in _STRENGTHS[:2]),
            Candidate("trees", used, period=whole),
        )
    ]


class _Work:
    """The training rows, and what is fitted on the first part of them."""

    def __init__(
        self,
        data: Table,
        rows: Sequence[Features],
        y: NDArray[np.intp],
        hits: Flags,
        seed: int,
    ) -> None:
        self.rows, self.y, self.seed = rows, y, seed
        self.hit: Flags = hits[y]
        self.later = slice(int(_FOLDS[-1][0] * len(rows)), len(rows))
        self._hits = hits

    def gains(self, candidates: Sequence[Candidate], progress: Progress) -> dict[Candidate, float]:
        """Per candidate the mean over the folds of its gain on the rows that come next."""
        found: dict[Candidate, list[float]] = {candidate: [] for candidate in candidates}
        for place, (start, end) in enumerate(_FOLDS, start=1):
            first, last = int(start * len(self.rows)), int(end * len(self.rows))
            seen: dict[tuple[tuple[str, ...], float], tuple[Encoding, Floats]] = {}
            for candidate in candidates:
                key = (candidate.columns, candidate.share)
                if key not in seen:
                    encoding = self._encoding(candidate, first)
                    seen[key] = (encoding, encoding.matrix(self.rows[:last]))
                gain = self._gain(candidate, seen[key][1], first, last)
                found[candidate].append(gain)
                done = sum(map(len, found.values())) / (len(_FOLDS) * len(candidates))
                progress(done, f"trying {candidate.words} on part {place}: gain {gain:+.5f}")
        return {candidate: float(np.mean(gains)) for candidate, gains in found.items()}

    def calibration(self, chosen: Candidate) -> tuple[float, float]:
        """The slope of the sigmoid on rows that the model has not seen, and the threshold there."""
        first = self.later.start
        encoding = self._encoding(chosen, first)
        model = self._fitted(chosen, encoding.matrix(self.rows[:first]), first)
        matrix = encoding.matrix(self.rows[self.later])
        slope, bias = _sigmoid_of(_logits(model, matrix), self.y[self.later], _SLOPES)
        _fold(model, slope, bias)
        return slope, _threshold(self._success(model, matrix), self.hit[self.later])

    def rates(self, labels: Sequence[str]) -> dict[str, float]:
        """Of each label in the last fifth."""
        counts = np.bincount(self.y[self.later], minlength=len(labels))
        return {name: float(n / counts.sum()) for name, n in zip(labels, counts, strict=True)}

    def final(self, chosen: Candidate, slope: float) -> tuple[Any, Encoding]:
        """The model of all rows, its scores made probabilities."""
        every = len(self.rows)
        encoding = self._encoding(chosen, every)
        matrix = encoding.matrix(self.rows)
        model = self._fitted(chosen, matrix, every)
        raw = _logits(model, matrix[self.later])
        _, bias = _sigmoid_of(raw, self.y[self.later], (slope, slope))
        _fold(model, slope, bias)
        return model, encoding

    def _gain(self, candidate: Candidate, matrix: Floats, first: int, last: int) -> float:
        model = self._fitted(candidate, matrix, first)
        rate = float(self.hit[max(0, first - (last - first)) : first].mean())
        p = self._success(model, matrix[first:last])
        return gain_over_base(p, self.hit[first:last], rate)

    def _success(self, model: Any, matrix: Floats) -> Floats:
        p = model.predict_proba(matrix)[:, self._hits]
        return np.asarray(p.sum(axis=1), dtype=np.float64)

    def _fitted(self, candidate: Candidate, matrix: Floats, first: int) -> Any:
        rows = _newest(candidate, first)
        return _classifier(candidate, self.seed).fit(matrix[rows], self.y[rows])

    def _encoding(self, candidate: Candidate, first: int) -> Encoding:
        return learn_encoding(candidate.columns, self.rows[_newest(candidate, first)])


def _newest(candidate: Candidate, first: int) -> slice:
    """Of the rows before `first` those that the candidate learns from."""
    return slice(int((1 - candidate.share) * first), first)


def _classifier(candidate: Candidate, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    if candidate.kind == "linear":
        return LogisticRegression(C=candidate.strength, max_iter=2000, random_state=seed)
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=80,
        max_leaf_nodes=8,
        min_samples_leaf=100,
        l2_regularization=10.0,
        early_stopping=False,
        random_state=seed,
    )


def _pipeline(model: Any, labels: Sequence[str]) -> Any:
    from sklearn.pipeline import Pipeline

    model.classes_ = np.array(labels)
    return Pipeline([("model", model)])


def _logits(model: Any, matrix: Floats) -> Floats:
    raw = np.asarray(model.decision_function(matrix), dtype=np.float64)
    return raw if raw.ndim == 2 else np.column_stack([np.zeros_like(raw), raw])


def _sigmoid_of(
    raw: Floats, y: NDArray[np.intp], slopes: tuple[float, float]
) -> tuple[float, Floats]:
    """Slope and one bias per label (the first 0) that make the outcomes likeliest."""
    from scipy.optimize import minimize

    rows = np.arange(len(y))

    def loss(x: Floats) -> float:
        z = x[0] * raw + np.concatenate([[0.0], x[1:]])
        top = z.max(axis=1, keepdims=True)
        sums = np.log(np.exp(z - top).sum(axis=1)) + top[:, 0]
        return float((sums - z[rows, y]).mean()) + 1e-4 * float((x[0] - 1) ** 2)

    start = np.concatenate([[min(max(1.0, slopes[0]), slopes[1])], np.zeros(raw.shape[1] - 1)])
    bounds = [slopes, *[(-10.0, 10.0)] * (raw.shape[1] - 1)]
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds).x
    return float(found[0]), np.concatenate([[0.0], found[1:]])


def _fold(model: Any, slope: float, bias: Floats) -> None:
    """Change the parameters so that the logits become slope * logits + bias."""
    added = bias[1:] if len(model.classes_) == 2 else bias
    if hasattr(model, "coef_"):
        model.coef_ = model.coef_ * slope
        model.intercept_ = model.intercept_ * slope + added
        return
    model._baseline_prediction = model._baseline_prediction * slope + added
    for trees in model._predictors:
        for tree in trees:
            tree.nodes["value"] *= slope


def _threshold(p: Floats, hit: Flags) -> float:
    """Where calling a row a success has the best macro-F1; a half without both kinds."""
    hits, misses = int(hit.sum()), int((~hit).sum())
    if hits == 0 or misses == 0:
        return 0.5
    cuts = np.clip(np.unique(np.quantile(p, np.linspace(0.02, 0.995, 120))), 1e-6, 1 - 1e-6)

    def macro_f1(cut: float) -> float:
        said = p >= cut
        right, wrong = int((said & hit).sum()), int((said & ~hit).sum())
        left = misses - wrong
        yes = 2 * right / (hits + right + wrong)
        no = 2 * left / (2 * left + (hits - right) + wrong) if left else 0.0
        return (yes + no) / 2

    return float(max(cuts, key=macro_f1))

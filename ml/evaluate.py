"""How good a classifier is on given rows: figures, intervals, slices, calibration, latency."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets import REJECT_LABELS, Dataset
from ml.decisions import Bools, Floats
from ml.kinds import Model
from ml.rejecting import Rejecting, rejecting
from voice_ai.errors import BadInput
from voice_ai.intervals import wilson

Ints = NDArray[np.intp]

_RESAMPLES = 300
_CALIBRATION_BINS = 15
_TIMED = 200
_CONFUSIONS = 40
_LENGTHS: tuple[tuple[str, int, int], ...] = (
    ("1-2 words", 0, 2),
    ("3-5 words", 3, 5),
    ("6+ words", 6, 10**9),
)


@dataclass(frozen=True)
class Slice:
    """Rows that have something in common. `low` and `high` bound the accuracy (Wilson, 95 %).

    `precision`, `recall` and `f1` are None where the rows are not those of one label.
    """

    n: int
    accuracy: float
    low: float
    high: float
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None


@dataclass(frozen=True)
class Bin:
    """Rows of about the same confidence: what was said, and what came true."""

    n: int
    said: float
    right: float


@dataclass(frozen=True)
class Evaluation:
    """`intervals` are 95 % bootstrap intervals; `unknown_labels` the model has never seen.

    `confusions` are the commonest (true label, given label, rows); `rejecting` tells of the label
    for what belongs to no other, where the rows have one.
    """

    task: str
    version: str | None
    dataset_sha256: str
    n: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    slices: Mapping[str, Mapping[str, Slice]]
    unknown_labels: tuple[str, ...]
    multi_label: bool = False
    calibration: Sequence[Bin] = ()
    confusions: Sequence[tuple[str, str, int]] = ()
    rejecting: Rejecting | None = None
    leaks: Sequence[str] = field(default_factory=tuple)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Answers:
    """What a model said of rows: `scores`, `given` (the truth) and `chosen`, all n x `labels`."""

    labels: tuple[str, ...]
    scores: Floats
    given: Bools
    chosen: Bools

    @property
    def right(self) -> Bools:
        """Rows whose labels are all right and no more."""
        return np.asarray((self.given == self.chosen).all(axis=1))


def evaluate(
    model: Model,
    data: Dataset,
    *,
    task: str,
    version: str | None = None,
    seed: int = 7,
    leaks: Sequence[str] = (),
    timer: Callable[[], int] = time.perf_counter_ns,
) -> Evaluation:
    """Judge `model` on every row of `data`. Raises BadInput when they share no label."""
    unknown = tuple(label for label in data.labels if label not in model.labels)
    if len(unknown) == len(data.labels):
        raise BadInput(
            f"{data.name} has none of the labels of {task} ({', '.join(model.labels)}); "
            "use a file with those labels"
        )
    answers = answered(model, data)
    multi_label = model.decision.multi_label or data.multi_label
    metrics = {**figures(answers), **_calibrated(answers, multi_label=multi_label)}
    metrics.update(_latency(model, data.inputs, timer))
    outside = _rejecting(answers, unknown)
    if outside is not None:
        metrics.update(outside.metrics)
    return Evaluation(
        task=task,
        version=version,
        dataset_sha256=data.sha256,
        n=len(data.examples),
        metrics=metrics,
        intervals=_intervals(answers, seed),
        slices=_slices(answers, data),
        unknown_labels=unknown,
        multi_label=multi_label,
        calibration=_bins(*_confidence(answers, multi_label=multi_label)),
        confusions=() if multi_label else _confusions(answers),
        rejecting=outside,
        leaks=tuple(leaks),
    )


def answered(model: Model, data: Dataset) -> Answers:
    """Scores and decisions on all rows; labels the model does not know have the score 0."""
    labels = (*model.labels, *(label for label in data.labels if label not in model.labels))
    index = {label: position for position, label in enumerate(labels)}
    given = np.zeros((len(data.examples), len(labels)), dtype=bool)
    for row, example in enumerate(data.examples):
        given[row, [index[label] for label in example.labels]] = True
    known = model.batch(data.inputs)
    strange = np.zeros((len(known), len(labels) - len(model.labels)))
    chosen = np.hstack([model.decision.chosen(known, model.labels), strange.astype(bool)])
    return Answers(labels, np.hstack([known, strange]), given, chosen)


def figures(answers: Answers) -> dict[str, float]:
    """F1 (macro, weighted, micro), exact accuracy and unweighted average recall."""
    hits = (answers.given & answers.chosen).sum(axis=0)
    support, said = answers.given.sum(axis=0), answers.chosen.sum(axis=0)
    return {
        **_f1s(hits, support, said),
        "accuracy": float(answers.right.mean()),
        "uar": _mean(hits[support > 0] / support[support > 0]),
    }


def _f1s(hits: Ints, support: Ints, said: Ints) -> dict[str, float]:
    total = support + said
    seen = total > 0
    f1 = 2 * hits[seen] / total[seen]
    return {
        "macro_f1": _mean(f1),
        "weighted_f1": float((f1 * support[seen]).sum() / max(1, support.sum())),
        "micro_f1": float(2 * hits.sum() / max(1, total.sum())),
    }


def _mean(values: Floats) -> float:
    """0 where nothing was there to be found, and nothing was."""
    return float(values.mean()) if len(values) else 0.0


def calibration_error(confidence: Floats, correct: Bools) -> float:
    """Expected calibration error over bins of equal mass."""
    bins = _bins(confidence, correct)
    return sum(abs(b.said - b.right) * b.n for b in bins) / max(1, len(confidence))


def _calibrated(answers: Answers, *, multi_label: bool) -> dict[str, float]:
    """`brier` is the mean squared distance of the scores from the truth, summed over labels."""
    distance = (answers.scores - answers.given) ** 2
    return {
        "ece": calibration_error(*_confidence(answers, multi_label=multi_label)),
        "brier": float(distance.mean() if multi_label else distance.sum(axis=1).mean()),
    }


def _confidence(answers: Answers, *, multi_label: bool) -> tuple[Floats, Bools]:
    """Where labels exclude each other the best one's score; otherwise every score by itself."""
    if multi_label:
        return answers.scores.ravel(), answers.given.ravel()
    rows = np.arange(len(answers.scores))
    best = answers.scores.argmax(axis=1)
    return answers.scores[rows, best], answers.given[rows, best]


def _bins(confidence: Floats, correct: Bools) -> tuple[Bin, ...]:
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, _CALIBRATION_BINS) if len(part)]
    return tuple(Bin(len(p), float(confidence[p].mean()), float(correct[p].mean())) for p in parts)


def _rejecting(answers: Answers, unknown: Sequence[str]) -> Rejecting | None:
    reject = next((name for name in answers.labels if name.lower() in REJECT_LABELS), None)
    if reject is None:
        return None
    column = answers.labels.index(reject)
    if not answers.given[:, column].any():
        return None
    return rejecting(
        answers.scores, answers.given, answers.chosen, column, known=reject not in unknown
    )


def _intervals(answers: Answers, seed: int) -> dict[str, tuple[float, float]]:
    random = np.random.default_rng(seed)
    hits = answers.given & answers.chosen
    right = answers.right
    drawn: dict[str, list[float]] = {}
    for _ in range(_RESAMPLES):
        # How often each row is drawn: sums over rows are then products with the counts.
        times = np.bincount(random.integers(0, len(right), len(right)), minlength=len(right))
        values = _f1s(times @ hits, times @ answers.given, times @ answers.chosen)
        values["accuracy"] = float(times @ right / len(right))
        for name, value in values.items():
            drawn.setdefault(name, []).append(value)
    return {
        name: (float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975)))
        for name, values in drawn.items()
    }


def _slices(answers: Answers, data: Dataset) -> dict[str, dict[str, Slice]]:
    slices = {"label": _by_label(answers)}
    if all(isinstance(one, str) for one in data.inputs):
        words = np.array([len(str(one).split()) for one in data.inputs])
        slices["length"] = _parted(
            {name: (words >= low) & (words <= high) for name, low, high in _LENGTHS}, answers.right
        )
    for name in sorted({name for e in data.examples for name in e.slices}):
        values = np.array([e.slices.get(name, "") for e in data.examples])
        parts = {str(value): values == value for value in np.unique(values) if value}
        slices[name] = _parted(parts, answers.right)
    return slices


def _by_label(answers: Answers) -> dict[str, Slice]:
    slices = {}
    for column, label in enumerate(answers.labels):
        truth, said = answers.given[:, column], answers.chosen[:, column]
        n, guessed, hit = int(truth.sum()), int(said.sum()), int((truth & said).sum())
        if n == 0:
            continue
        slices[label] = _slice(
            n,
            hit,
            precision=hit / guessed if guessed else None,
            recall=hit / n,
            f1=2 * hit / (n + guessed),
        )
    return slices


def _parted(parts: Mapping[str, Bools], right: Bools) -> dict[str, Slice]:
    return {
        name: _slice(int(inside.sum()), int(right[inside].sum()))
        for name, inside in parts.items()
        if inside.any()
    }


def _slice(n: int, hits: int, **more: float | None) -> Slice:
    low, high = wilson(hits / n, n)
    return Slice(n=n, accuracy=hits / n, low=low, high=high, **more)


def _confusions(answers: Answers) -> tuple[tuple[str, str, int], ...]:
    """The commonest mistakes, and every label's hits, the greatest count first."""
    truth, said = answers.given.argmax(axis=1), answers.chosen.argmax(axis=1)
    pairs, counts = np.unique(truth * len(answers.labels) + said, return_counts=True)
    order = sorted(zip(counts, pairs, strict=True), key=lambda pair: (-pair[0], pair[1]))
    wrong = 0
    kept = []
    for count, pair in order:
        row, column = divmod(int(pair), len(answers.labels))
        wrong += row != column
        if row == column or wrong <= _CONFUSIONS:
            kept.append((answers.labels[row], answers.labels[column], int(count)))
    return tuple(kept)


def _latency(model: Model, inputs: Sequence[Any], timer: Callable[[], int]) -> dict[str, float]:
    taken = []
    for one in inputs[:_TIMED]:
        started = timer()
        model.probabilities(one)
        taken.append((timer() - started) / 1000)
    return {
        "latency_p50_us": float(np.quantile(taken, 0.5)),
        "latency_p95_us": float(np.quantile(taken, 0.95)),
        "latency_p99_us": float(np.quantile(taken, 0.99)),
    }

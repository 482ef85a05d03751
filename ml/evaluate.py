"""How good a text classifier is on given rows: figures, intervals, slices, calibration, latency."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets import Dataset
from ml.linear_text import Floats, LinearText, clean
from voice_ai.errors import BadInput

Ints = NDArray[np.intp]

_RESAMPLES = 1000
_CALIBRATION_BINS = 15
_TIMED = 200
_LENGTHS: tuple[tuple[str, int, int], ...] = (
    ("1-2 words", 0, 2),
    ("3-5 words", 3, 5),
    ("6+ words", 6, 10**9),
)


@dataclass(frozen=True)
class Slice:
    """One label or one length of text. `precision`, `recall` and `f1` are None for a length."""

    n: int
    accuracy: float
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """`intervals` are 95 % bootstrap intervals; `unknown_labels` the model has never seen."""

    task: str
    version: str | None
    dataset_sha256: str
    n: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    slices: Mapping[str, Mapping[str, Slice]]
    unknown_labels: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def evaluate(
    model: LinearText,
    data: Dataset,
    *,
    task: str,
    version: str | None = None,
    seed: int = 7,
    timer: Callable[[], int] = time.perf_counter_ns,
) -> Evaluation:
    """Judge `model` on every row of `data`. Raises BadInput when they share no label."""
    unknown = tuple(label for label in data.labels if label not in model.labels)
    if len(unknown) == len(data.labels):
        raise BadInput(
            f"{data.name} has none of the labels of {task} ({', '.join(model.labels)}); "
            "use a file with those labels"
        )
    labels = (*model.labels, *unknown)
    index = {label: position for position, label in enumerate(labels)}
    truth = np.array([index[e.label] for e in data.examples], dtype=np.intp)
    scores = np.array([model.probabilities(text) for text in data.texts])
    guess = scores.argmax(axis=1).astype(np.intp)
    metrics = _figures(confusion(truth, guess, len(labels)))
    metrics["ece"] = calibration_error(scores.max(axis=1), guess == truth)
    metrics.update(_latency(model, data.texts, timer))
    return Evaluation(
        task=task,
        version=version,
        dataset_sha256=data.sha256,
        n=len(truth),
        metrics=metrics,
        intervals=_intervals(truth, guess, len(labels), seed),
        slices={
            "label": _by_label(confusion(truth, guess, len(labels)), labels),
            "length": _by_length(data.texts, truth == guess),
        },
        unknown_labels=unknown,
    )


def confusion(truth: Ints, guess: Ints, labels: int) -> Ints:
    """Counts with the true label in the row and the predicted one in the column."""
    cells = np.bincount(truth * labels + guess, minlength=labels * labels)
    return cells.reshape(labels, labels).astype(np.intp)


def f1_scores(counts: Ints) -> Floats:
    """F1 of every label that occurs or is predicted."""
    hits = np.diag(counts).astype(np.float64)
    total = counts.sum(axis=0) + counts.sum(axis=1)
    seen = total > 0
    return np.asarray(2 * hits[seen] / total[seen], dtype=np.float64)


def calibration_error(confidence: Floats, correct: NDArray[np.bool_]) -> float:
    """Expected calibration error over bins of equal mass."""
    order = np.argsort(confidence, kind="stable")
    bins = [part for part in np.array_split(order, _CALIBRATION_BINS) if len(part)]
    gaps = [abs(float(confidence[b].mean()) - float(correct[b].mean())) * len(b) for b in bins]
    return sum(gaps) / len(order)


def _figures(counts: Ints) -> dict[str, float]:
    total = counts.sum(axis=0) + counts.sum(axis=1)
    support = counts.sum(axis=1)[total > 0]
    f1 = f1_scores(counts)
    return {
        "macro_f1": float(f1.mean()),
        "weighted_f1": float((f1 * support).sum() / support.sum()),
        "accuracy": float(np.trace(counts) / counts.sum()),
    }


def _intervals(truth: Ints, guess: Ints, labels: int, seed: int) -> dict[str, tuple[float, float]]:
    random = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(_RESAMPLES):
        rows = random.integers(0, len(truth), len(truth))
        for name, value in _figures(confusion(truth[rows], guess[rows], labels)).items():
            drawn.setdefault(name, []).append(value)
    return {
        name: (float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975)))
        for name, values in drawn.items()
    }


def _by_label(counts: Ints, labels: Sequence[str]) -> dict[str, Slice]:
    slices = {}
    for position, label in enumerate(labels):
        n, guessed = int(counts[position].sum()), int(counts[:, position].sum())
        hit = int(counts[position, position])
        if n == 0:
            continue
        slices[label] = Slice(
            n=n,
            accuracy=hit / n,
            precision=hit / guessed if guessed else None,
            recall=hit / n,
            f1=2 * hit / (n + guessed),
        )
    return slices


def _by_length(texts: Sequence[str], correct: NDArray[np.bool_]) -> dict[str, Slice]:
    words = np.array([len(clean(text).split()) for text in texts])
    slices = {}
    for name, fewest, most in _LENGTHS:
        inside = (words >= fewest) & (words <= most)
        if inside.any():
            slices[name] = Slice(n=int(inside.sum()), accuracy=float(correct[inside].mean()))
    return slices


def _latency(model: LinearText, texts: Sequence[str], timer: Callable[[], int]) -> dict[str, float]:
    taken = []
    for text in texts[:_TIMED]:
        started = timer()
        model.probabilities(text)
        taken.append((timer() - started) / 1000)
    return {
        "latency_p50_us": float(np.quantile(taken, 0.5)),
        "latency_p99_us": float(np.quantile(taken, 0.99)),
    }

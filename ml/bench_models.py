"""What an answer of the text models costs: one utterance at a time, and many at once."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ml.kinds import Fitted
from ml.tasks import EMOTION, INTENT
from ml.text.kind import fit, load, reference, serve
from ml.text.linear import LinearText

ROW_NAMES = ("models.text_one", "models.text_one_vs_sklearn", "models.text_batch")

_LIMIT_US = 100.0  # intent and emotion of one utterance
_LEAST_BATCH = 50_000.0  # utterances a second
_ROUNDS = 5
_MANY = 40_000
_PLAIN = 400

Row = dict[str, Any]


def rows() -> Iterator[Row]:
    """The three rows; ratios above one are better than the limit or the peer."""
    made = [_made(task.data_file) for task in (INTENT, EMOTION)]
    texts = load(INTENT.data_file).inputs
    models = [serve(one.pipeline, one.settings) for one in made]
    ours = _median_us(models, texts)
    yield row("models.text_one", ours, _LIMIT_US, "µs p50", _LIMIT_US / ours, 1.0)
    theirs = _plain_us(made, texts[:_PLAIN])
    yield row("models.text_one_vs_sklearn", ours, theirs, "µs p50", theirs / ours, 5.0)
    rate = _batch_rate(models[0], texts)
    yield row("models.text_batch", rate, _LEAST_BATCH, "texts/s", rate / _LEAST_BATCH, 1.0)


def _made(path: Any) -> Fitted:
    return fit(load(path).part("train"), seed=7, progress=lambda share, what: None)


def _median_us(models: Sequence[LinearText], texts: Sequence[str]) -> float:
    taken = []
    for text in [*texts[:200], *texts]:  # the first warm the models up
        started = time.perf_counter_ns()
        for model in models:
            model.probabilities(text)
        taken.append((time.perf_counter_ns() - started) / 1000)
    return float(np.median(taken[200:]))


def _plain_us(made: Sequence[Fitted], texts: Sequence[str]) -> float:
    taken = []
    for text in texts:
        started = time.perf_counter_ns()
        for one in made:
            reference(one.pipeline, one.settings, [text])
        taken.append((time.perf_counter_ns() - started) / 1000)
    return float(np.median(taken))


def _batch_rate(model: LinearText, texts: Sequence[str]) -> float:
    """Best of some rounds over texts that are all different: two of the data put together."""
    size = len(texts)
    many = [f"{texts[n % size]} {texts[n // size]}" for n in range(_MANY)]
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        model.batch(many)
        best = min(best, time.perf_counter() - started)
    return _MANY / best


def row(name: str, ours: float, other: float, unit: str, ratio: float, target: float) -> Row:
    """A row of the table; above its target it holds."""
    return {
        "row": name,
        "ours": ours,
        "other": other,
        "unit": unit,
        "ratio": ratio,
        "target": target,
        "holds": ratio >= target,
    }

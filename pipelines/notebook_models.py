"""What the notebooks about models share: a task's rows, a plain model to compare with, figures."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ml.datasets import Dataset, leaks, with_split
from ml.decisions import Decision, Floats
from ml.evaluate import Evaluation, answered, evaluate
from ml.gates import paired_interval
from ml.kinds import Model, kind_of
from ml.tasks import find_task

# The most rows to learn from, where somebody is in a hurry (the tests are).
ROWS_VARIABLE = "VOICE_AI_NOTEBOOK_ROWS"
SEED = 7


@dataclass(frozen=True)
class Rows:
    """`leaks` are what of the held-out rows is among the others, in sentences."""

    learn: Dataset
    held_out: Dataset
    leaks: tuple[str, ...]

    @property
    def about(self) -> pl.DataFrame:
        facts = {
            "data": self.learn.name,
            "SHA-256 of the rows to learn from": self.learn.sha256,
            "rows to learn from": f"{len(self.learn.examples):,}",
            "held-out rows": f"{len(self.held_out.examples):,}",
            "labels": f"{len(self.learn.labels):,}",
            "leaks": "; ".join(self.leaks) or "none found",
        }
        return pl.DataFrame({"what": list(facts), "value": list(facts.values())})

    @property
    def labels(self) -> pl.DataFrame:
        """Rows by label, the commonest first."""
        learnt = Counter(label for e in self.learn.examples for label in e.labels)
        judged = Counter(label for e in self.held_out.examples for label in e.labels)
        rows = [(label, n, judged[label]) for label, n in learnt.most_common()]
        return pl.DataFrame(rows, schema=["label", "to learn from", "held out"], orient="row")


def rows_of(task: str, data: Path | None = None) -> Rows:
    """The rows of a file, or those that the task ships, split as training splits them.

    Raises BadInput naming file, line and field.
    """
    found = find_task(task)
    every = with_split(kind_of(found.kind).load(data or found.data_file))
    held_out = every.part("heldout")
    learn = every.part("train")
    return Rows(_fewer(learn, rows_wanted()), held_out, tuple(leaks(learn, held_out)))


def rows_wanted() -> int | None:
    """None: all of them."""
    given = os.environ.get(ROWS_VARIABLE)
    return int(given) if given else None


def quiet(share: float, what: str) -> None:
    """The progress of a training that nobody watches."""


@dataclass(frozen=True)
class Plain:
    """Any classifier of scikit-learn as a model; `prepare` makes its rows of ours."""

    classifier: Any
    labels: tuple[str, ...]
    prepare: Callable[[Sequence[Any]], Any]
    decision: Decision = Decision()

    def probabilities(self, one: Any) -> Floats:
        return np.asarray(self.batch([one])[0])

    def batch(self, many: Sequence[Any]) -> Floats:
        return np.asarray(self.classifier.predict_proba(self.prepare(many)), dtype=np.float64)


def fit_plain(
    learn: Dataset, classifier: Any, prepare: Callable[[Sequence[Any]], Any] = list
) -> Plain:
    """Fit a classifier as it is, with nothing tuned: what the task's own training must beat."""
    classifier.fit(prepare(learn.inputs), [example.label for example in learn.examples])
    return Plain(classifier, tuple(str(label) for label in classifier.classes_), prepare)


def figures(judged: Evaluation) -> pl.DataFrame:
    """Figure, value and 95 % interval where there is one; times are left out."""
    rows = [
        (name, value, *judged.intervals.get(name, (None, None)))
        for name, value in judged.metrics.items()
        if not name.startswith("latency")
    ]
    schema = {"figure": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def against(ours: Model, theirs: Model, held_out: Dataset, task: str) -> pl.DataFrame:
    """Macro-F1 of both on the same rows, and the paired 95 % interval of the difference."""
    first, second = (evaluate(model, held_out, task=task) for model in (ours, theirs))
    ours_said, theirs_said = answered(ours, held_out), answered(theirs, held_out)
    # Columns of labels that one of the two does not know come in another order.
    place = [theirs_said.labels.index(label) for label in ours_said.labels]
    low, high = paired_interval(
        ours_said.given, ours_said.chosen, theirs_said.chosen[:, place], seed=SEED
    )
    one, other = first.metrics["macro_f1"], second.metrics["macro_f1"]
    return pl.DataFrame(
        {"ours": [one], "the other": [other], "difference": [one - other], "low": low, "high": high}
    )


def _fewer(data: Dataset, most: int | None) -> Dataset:
    """Every so manieth row, so that each label keeps its share."""
    if most is None or len(data.examples) <= most:
        return data
    ordered = sorted(data.examples, key=lambda example: example.label)
    return replace(data, examples=tuple(ordered[:: -(-len(ordered) // most)]))

"""What a version's answers looked like when it was judged, or in its first calls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from ml.watching.psi import binned, counts_of, quantile_edges

Source = Literal["held-out", "first turns"]
# Until a version has said this much in calls, it is held against its held-out rows.
TURNS = 2_000


@dataclass(frozen=True)
class Histogram:
    """Counts of the reference in the bins between `edges` (inner ones)."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Reference:
    """`confusion` (true label in the row) and `accuracy` are of the held-out rows, also where the
    rest is of first turns; None or empty: not known. `unknown_words` is a share of words."""

    source: Source
    n: int
    labels: tuple[str, ...]
    label_counts: tuple[int, ...]
    score: Histogram
    length: Histogram | None
    confusion: tuple[tuple[int, ...], ...] = ()
    accuracy: float | None = None
    unknown_words: float | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Reference":
        """Raises KeyError or TypeError when something is missing."""
        length = fields["length"]
        return cls(
            source=fields["source"],
            n=int(fields["n"]),
            labels=tuple(fields["labels"]),
            label_counts=tuple(fields["label_counts"]),
            score=_histogram(fields["score"]),
            length=None if length is None else _histogram(length),
            confusion=tuple(tuple(row) for row in fields["confusion"]),
            accuracy=fields["accuracy"],
            unknown_words=fields["unknown_words"],
        )


def held_out(
    turns: pl.DataFrame,
    truth: Sequence[str],
    labels: Sequence[str],
    *,
    unknown_words: float | None = None,
) -> Reference:
    """From a model's answers to held-out rows: columns label, score, words; `truth` beside them."""
    place = {label: index for index, label in enumerate(labels)}
    k = len(labels)
    guess = np.array([place[label] for label in turns["label"]], dtype=np.int64)
    # A file may hold labels that the model has never seen: they are errors without a column.
    true = np.array([place.get(label, -1) for label in truth], dtype=np.int64)
    known = true >= 0
    confusion = np.bincount(true[known] * k + guess[known], minlength=k * k).reshape(k, k)
    made = of_turns(turns, labels, source="held-out")
    return replace(
        made,
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
        accuracy=float((true == guess).mean()),
        unknown_words=unknown_words,
    )


def of_turns(
    turns: pl.DataFrame,
    labels: Sequence[str],
    *,
    source: Source = "first turns",
    judged: Reference | None = None,
) -> Reference:
    """From turns: columns label, score, words (null: not known). `judged` lends what only held-out
    rows tell."""
    place = {label: index for index, label in enumerate(labels)}
    found = np.array([place[label] for label in turns["label"] if label in place], dtype=np.int64)
    words = turns["words"].drop_nulls().to_numpy().astype(np.float64)
    return Reference(
        source=source,
        n=turns.height,
        labels=tuple(labels),
        label_counts=tuple(int(n) for n in counts_of(found, len(labels))),
        score=histogram(turns["score"].to_numpy().astype(np.float64)),
        length=histogram(words) if len(words) else None,
        confusion=judged.confusion if judged else (),
        accuracy=judged.accuracy if judged else None,
        unknown_words=judged.unknown_words if judged else None,
    )


def histogram(values: np.ndarray[Any, np.dtype[np.float64]]) -> Histogram:
    edges = quantile_edges(values)
    counts = counts_of(binned(values, edges), len(edges) + 1)
    return Histogram(edges, tuple(int(n) for n in counts))


def word_count(text: str) -> int:
    """As the database counts them: runs of anything but white space."""
    return len(text.split())


def unknown_share(texts: Sequence[str], knows: Callable[[str], bool]) -> tuple[float | None, int]:
    """The share of words that a model has no entry for, and how many words that is of."""
    words = [word for text in texts for word in text.split()]
    if not words:
        return None, 0
    return sum(not knows(word) for word in words) / len(words), len(words)


def _histogram(fields: Mapping[str, Any]) -> Histogram:
    return Histogram(tuple(fields["edges"]), tuple(fields["counts"]))

"""What a version said of the held-out rows, from its verified copy in the home."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from ml.artifact import load_verified
from ml.datasets import load_dataset, with_split
from ml.deploy import champion_file, read_champion, read_manifest
from ml.linear_text import LinearText
from ml.tasks import TASKS
from ml.watching.reference import Reference, held_out, unknown_share, word_count
from voice_ai.errors import BadInput, Refused


@dataclass(frozen=True)
class Judged:
    """`knows` tells whether the model has an entry for a word; None: it cannot tell."""

    reference: Reference
    knows: Callable[[str], bool] | None


def judged(home: Path, task: str, version: str) -> Judged | None:
    """None when that version is not the one this home serves, or its copy cannot be used."""
    path = champion_file(home, task)
    if task not in TASKS or not path.exists():
        return None
    try:
        champion = read_champion(path)
        if champion.version != version:
            return None
        folder = path.parent / version
        model = load_verified(folder, read_manifest(folder, champion.manifest_sha256))
        rows = with_split(load_dataset(TASKS[task].data_file)).part("heldout")
    except (Refused, BadInput):  # serving refuses it too, and says why
        return None
    return _of(model, rows.texts, [one.label for one in rows.examples])


def _of(model: LinearText, texts: list[str], truth: list[str]) -> Judged | None:
    if not texts:
        return None
    scores = np.array([model.probabilities(text) for text in texts])
    best = scores.argmax(axis=1)
    turns = pl.DataFrame(
        {
            "label": [model.labels[place] for place in best],
            "score": scores.max(axis=1),
            "words": [word_count(text) for text in texts],
        }
    )
    unknown, _ = unknown_share(texts, model.knows)
    return Judged(held_out(turns, truth, model.labels, unknown_words=unknown), model.knows)

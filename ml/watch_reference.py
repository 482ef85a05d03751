"""What a version said of the held-out rows, from its verified copy in the home."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ml.artifact import Manifest, load_verified
from ml.datasets import Dataset, with_split
from ml.deploy import champion_file, read_champion, read_manifest
from ml.kinds import Model, kind_of
from ml.tasks import TASKS
from ml.text.cleaning import clean
from ml.watching.reference import Reference, held_out, unknown_share, word_count
from voice_ai.errors import BadInput, Refused

Knows = Callable[[str], bool]


@dataclass(frozen=True)
class Judged:
    """`knows` tells whether the model has an entry for a word; None: it cannot tell."""

    reference: Reference
    knows: Knows | None


def served_version(home: Path, task: str) -> str | None:
    """The version that this home serves; None: none, or its file is damaged."""
    path = champion_file(home, task)
    try:
        return read_champion(path).version if path.exists() else None
    except Refused:
        return None


def judged(home: Path, task: str, version: str) -> Judged | None:
    """None when that version is not the one this home serves, or its copy cannot be used."""
    path = champion_file(home, task)
    if task not in TASKS or not TASKS[task].has_data or not path.exists():
        return None
    try:
        champion = read_champion(path)
        if champion.version != version:
            return None
        folder = path.parent / version
        manifest = read_manifest(folder, champion.manifest_sha256)
        model = load_verified(folder, manifest)
        rows = with_split(kind_of(TASKS[task].kind).load(TASKS[task].data_file)).part("heldout")
    except (Refused, BadInput):  # serving refuses it too, and says why
        return None
    return _of(model, manifest, rows) if rows.examples else None


def _of(model: Model, manifest: Manifest, rows: Dataset) -> Judged:
    scores = model.batch(rows.inputs)
    said = [model.decision.label(row, model.labels) for row in scores]
    place = {label: index for index, label in enumerate(model.labels)}
    spoken = manifest.kind == "text"
    turns = pl.DataFrame(
        {
            "label": said,
            "score": scores[np.arange(len(said)), [place[label] for label in said]],
            "words": [word_count(one) if spoken else None for one in rows.inputs],
        },
        schema_overrides={"words": pl.Int64},
    )
    knows = _knows(model, manifest) if spoken else None
    unknown = unknown_share(rows.inputs, knows)[0] if knows else None
    truth = [_truth(one.labels, heard) for one, heard in zip(rows.examples, said, strict=True)]
    return Judged(held_out(turns, truth, model.labels, unknown_words=unknown), knows)


def _truth(labels: Sequence[str], said: str) -> str:
    """The label to compare with: of several, the one that was said, if it is among them."""
    if said in labels or not labels:
        return said if labels else ""
    return labels[0]


def _knows(model: Any, manifest: Manifest) -> Knows | None:
    known: frozenset[str] | None = getattr(model, "knows", None)
    if known is None:
        return None
    style = manifest.settings.get("style", "speech")
    return lambda word: all(part in known for part in clean(word, style).split())

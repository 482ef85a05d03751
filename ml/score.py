"""Scores many texts at once with a served version: turns said before, or the rows of a file."""

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from ml.candidates import CHAMPION, SlotName
from ml.datasets import rows_of
from ml.kinds import Progress
from ml.serving import ModelServer, Scored
from voice_ai.db import queries
from voice_ai.db.connect import connect
from voice_ai.errors import BadInput, NotFound

_SQL = queries("turn_scores")
_STRETCH = 20_000
_FIRST = UUID(int=0)


def score_turns(
    url: str,
    home: Path,
    task: str,
    *,
    since: datetime,
    rehearsal: bool,
    now: datetime,
    slot: SlotName = CHAMPION,
    progress: Progress = lambda share, what: None,
) -> dict[str, Any]:
    """Lets a served version tell every caller turn that it has not told yet, into `turn_scores`.

    Each stretch is kept when it is done, so that a run that is ended goes on where it was. Raises
    NotFound where the home serves no such model, NotAvailable without a database.
    """
    models = _served(home, task, slot)
    told: Counter[str] = Counter()
    with connect(url, name="voice-ai score turns", autocommit=True) as db:
        facts = {"since": since, "rehearsal": rehearsal, "task": task, "most": _STRETCH}
        waiting = db.execute(_SQL.waiting, facts).fetchone()
        whole = max(1, waiting["turns"] if waiting else 0)
        facts |= {"attempt_id": _FIRST, "turn_index": -1, "version": models.version_of(task, slot)}
        while rows := db.execute(_SQL.unscored, facts).fetchall():
            scored = _scored(models, task, [row["text"] for row in rows], slot)
            values = {
                **facts,
                "model": scored.model_name,
                "now": now,
                "attempts": [row["attempt_id"] for row in rows],
                "turns": [row["turn_index"] for row in rows],
                "labels": scored.labels,
                "scores": scored.scores,
            }
            db.execute(_SQL.keep, values)
            told.update(scored.labels)
            facts |= {key: rows[-1][key] for key in ("attempt_id", "turn_index")}
            progress(min(1.0, told.total() / whole), f"{told.total():,} turns scored")
    return {
        "task": task,
        "version": facts["version"],
        "turns": told.total(),
        "labels": dict(told.most_common()),
    }


def score_file(
    home: Path,
    task: str,
    data: Path,
    out: Path,
    *,
    slot: SlotName = CHAMPION,
    progress: Progress = lambda share, what: None,
) -> dict[str, Any]:
    """Writes the texts of a file with label, score and version beside each; no `label` is needed.

    Raises BadInput naming file, line and field, NotFound where the home serves no such model.
    """
    models = _served(home, task, slot)
    texts = _texts(data)
    told: Counter[str] = Counter()
    partial = out.with_name(f".{out.name}.part")
    with partial.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label", "score", "model_version"])
        for first in range(0, len(texts), _STRETCH):
            part = texts[first : first + _STRETCH]
            scored = _scored(models, task, part, slot)
            rounded = [f"{score:.6f}" for score in scored.scores]
            version = [scored.version] * len(part)
            writer.writerows(zip(part, scored.labels, rounded, version, strict=True))
            told.update(scored.labels)
            progress(told.total() / len(texts), f"{told.total():,} texts scored")
    partial.replace(out)
    return {
        "task": task,
        "version": models.version_of(task, slot),
        "texts": len(texts),
        "labels": dict(told.most_common()),
        "out": str(out),
    }


def _texts(data: Path) -> list[str]:
    texts = []
    for line, row in rows_of(data, ("text",)):
        text = row.get("text")
        if not isinstance(text, str) or not text.strip():
            raise BadInput("is empty or not a text", file=data, line=line, field="text")
        texts.append(text.strip())
    if not texts:
        raise BadInput("holds no rows", file=data)
    return texts


def _served(home: Path, task: str, slot: SlotName) -> ModelServer:
    models = ModelServer(home)
    models.refresh()
    if models.version_of(task, slot) is None:
        raise NotFound(
            f"this home serves no {slot} of {task}; `voice-ai models status` says what it serves"
        )
    return models


def _scored(models: ModelServer, task: str, texts: Sequence[str], slot: SlotName) -> Scored:
    scored = models.batch(task, texts, slot)
    assert scored is not None  # it was served a moment ago, and nothing refreshes this server
    return scored

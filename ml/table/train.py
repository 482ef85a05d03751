"""From rows to a lead model that may take part in scores: check, fit, judge, keep, promote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from ml.gates import Verdict
from ml.table import kept
from ml.table.evaluate import Evaluation, evaluate, judge
from ml.table.fit import SEED, Fitted, Progress, fit, positive_labels, serve
from ml.table.history import past_dials
from ml.table.leaks import Finding, cleaned
from ml.table.rows import LABEL, Table, load_table, with_split
from voice_ai.db import queries
from voice_ai.db.connect import connect
from voice_ai.errors import BadInput, NotFound

TASK = "lead"
_SQL = queries("scores")


@dataclass(frozen=True)
class Source:
    """Rows to learn from; `shelf` is where a model of them is kept."""

    table: Table
    shelf: str


@dataclass(frozen=True)
class Trained:
    """`evaluation` and `verdict` are of a model that did not see the held-out rows, the last ones.

    `made`, which is kept, learnt from those too unless the file itself holds them out.
    """

    version: str
    made: Fitted
    source: str
    findings: Sequence[Finding]
    evaluation: Evaluation
    verdict: Verdict
    promoted: bool
    reason: str

    def as_json(self) -> dict[str, Any]:
        judged = self.evaluation.as_json()
        return {
            **judged,
            "task": TASK,
            "version": self.version,
            "params": self.made.params,
            "candidates": dict(self.made.gains),
            "model_sha256": self.made.parameters_sha256,
            "source": self.source,
            "findings": [finding.as_json() for finding in self.findings],
            "gate": self.verdict.as_json(),
            "promoted": self.promoted,
            "reason": self.reason,
        }


def from_file(data: Path, *, label: str = LABEL) -> Source:
    """Raises BadInput."""
    return Source(load_table(data, label=label), kept.FILES)


def from_history(url: str, seller: str | None, *, rehearsal: bool, as_of: datetime) -> Source:
    """The dials of a seller, which may be left out where only one has any.

    Raises NotFound and BadInput.
    """
    values = {"seller": seller, "rehearsal": rehearsal, "now": as_of}
    with connect(url, name="voice-ai models", autocommit=True) as db:
        found = db.execute(_SQL.sellers_dialed, values).fetchall()
        if not found:
            whose = f"seller {seller!r} has" if seller else "there are"
            raise NotFound(f"{whose} no dials to learn from; call some leads, or give --data FILE")
        if len(found) > 1:
            names = ", ".join(row["name"] for row in found[:10])
            raise BadInput(f"several sellers have dials; choose one with --seller ({names})")
        seller_id: UUID = found[0]["id"]
        table = past_dials(db, seller_id, found[0]["name"], rehearsal=rehearsal, as_of=as_of)
    return Source(table, kept.shelf_of(seller_id, rehearsal=rehearsal))


def train(
    home: Path,
    source: Source,
    *,
    keep: Sequence[str] = (),
    as_of: float | None = None,
    seed: int = SEED,
    progress: Progress = lambda said: None,
) -> Trained:
    """Train, judge on the rows held out, train on all of them the same way, and keep that.

    It takes part in a seller's scores when it was learnt from that seller's dials and what was
    judged passes its gate. Raises BadInput and Refused.
    """
    positive = positive_labels(source.table)
    table, findings = cleaned(with_split(source.table), positive, keep=keep, as_of=as_of)
    for finding in findings:
        progress(f"{finding.action}: {finding.detail}")
    held_out = table.part("heldout")
    if not held_out.rows:
        raise BadInput(f"{table.name} leaves no row to judge the model on; give more rows")
    made = fit(table.part("train"), seed=seed, progress=progress)
    evaluation = evaluate(serve(made.pipeline, made.settings), held_out, known_rate=_rate(made))
    verdict = judge(evaluation)
    if source.table.rows[0].split is None:
        progress("training again, on the rows held out too")
        rows = [replace(row, split="train") for row in source.table.rows]
        every, _ = cleaned(source.table.with_rows(rows), positive, keep=keep, as_of=as_of)
        made = fit(every, seed=seed)
    manifest = kept.keep(
        home, source.shelf, made, metrics=evaluation.metrics, gate=verdict.as_json()
    )
    promoted, reason = _settle(home, manifest, verdict)
    return Trained(
        manifest.version,
        made,
        source.table.source,
        findings,
        evaluation,
        verdict,
        promoted,
        reason,
    )


def evaluate_file(
    home: Path, data: Path, *, label: str = LABEL, shelf: str = kept.FILES, version: str | None
) -> Evaluation:
    """Judge a version (the newest when None) on every row of a file. Raises BadInput, NotFound."""
    found = kept.find(home, shelf, version)
    return evaluate(found.model, load_table(data, label=label), version=found.version)


def _rate(made: Fitted) -> float:
    """The rate of the last fifth of the training rows: what was known before the first held out."""
    rate: float = made.settings["rate"]
    return rate


def _settle(home: Path, manifest: kept.Manifest, verdict: Verdict) -> tuple[bool, str]:
    made = f"lead version {manifest.version}"
    if not verdict.passed:
        return False, f"{made} is kept but not used: {'; '.join(verdict.reasons)}"
    if manifest.shelf == kept.FILES:
        return False, (
            f"{made} passed its gate and is kept; scores use only a model that was learnt from the"
            " seller's own dials"
        )
    before = kept.champion(home, manifest.shelf)
    if before is not None and _gain(before.manifest.metrics) > _gain(manifest.metrics):
        return False, f"{made} passed its gate, but version {before.version} gains more"
    kept.promote(home, manifest)
    return True, f"{made} passed its gate and takes part in the seller's scores from now on"


def _gain(metrics: Mapping[str, float]) -> float:
    return float(np.nan_to_num(metrics.get("gain_over_base_rate", -np.inf), nan=-np.inf))

"""From rows to a lead model that may take part in scores: check, fit, judge, register, promote."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from ml.artifact import MODEL_FILE, Manifest
from ml.deploy import deploy
from ml.gates import Verdict
from ml.kinds import Progress
from ml.lifecycle import Lifecycle
from ml.proof import manifest_of
from ml.registry import Registry
from ml.registry_records import Registered, notes_of
from ml.table import kept
from ml.table.card import lead_card
from ml.table.evaluate import LeadEvaluation, evaluate_leads, judge
from ml.table.fit import SEED, TableFit, fit, positive_labels
from ml.table.history import past_dials
from ml.table.kind import serve
from ml.table.leaks import Finding, cleaned
from ml.table.rows import LABEL, Table, load_table, with_split
from ml.tasks import LEAD
from voice_ai.db import queries
from voice_ai.db.connect import connect
from voice_ai.errors import BadInput, NotFound, Refused
from voice_ai.settings import Settings

_SQL = queries("scores")


@dataclass(frozen=True)
class Source:
    """Rows to learn from; `shelf` is whose model one of them is."""

    table: Table
    shelf: str


@dataclass(frozen=True)
class Made:
    """`evaluation` and `verdict` are of a model that did not see the held-out rows, the last ones.

    `final`, which is kept, learnt from those too unless the file itself holds them out.
    """

    final: TableFit
    findings: Sequence[Finding]
    evaluation: LeadEvaluation
    verdict: Verdict


@dataclass(frozen=True)
class Trained:
    made: Made
    source: str
    run_id: str
    version: str | None
    promoted: bool
    reason: str

    def as_json(self) -> dict[str, Any]:
        final, judged = self.made.final, self.made.evaluation.as_json()
        return {
            **judged,
            "version": self.version,
            "run_id": self.run_id,
            "model_hash": final.fitted.fingerprint,
            "params": final.params,
            "candidates": dict(final.gains),
            "source": self.source,
            "findings": [finding.as_json() for finding in self.made.findings],
            "gate": self.made.verdict.as_json(),
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


def make(
    source: Source,
    *,
    keep: Sequence[str] = (),
    as_of: float | None = None,
    seed: int = SEED,
    progress: Progress,
) -> Made:
    """Train, judge on the rows held out, and train on all of them the same way.

    Raises BadInput and Refused.
    """
    positive = positive_labels(source.table)
    table, findings = cleaned(with_split(source.table), positive, keep=keep, as_of=as_of)
    for finding in findings:
        progress(0.0, f"{finding.action}: {finding.detail}")
    held_out = table.part("heldout")
    if not held_out.rows:
        raise BadInput(f"{table.name} leaves no row to judge the model on; give more rows")
    made = fit(table.part("train"), seed=seed, progress=_within(progress, 0.0, 0.45))
    model = serve(made.pipeline, made.settings)
    said = [finding.detail for finding in findings]
    evaluation = evaluate_leads(model, held_out, leaks=said)
    assert evaluation.in_time is not None
    verdict = judge(evaluation.in_time)
    if source.table.rows[0].split is None:
        progress(0.45, "training again, on the held-out rows too")
        rows = [replace(row, split="train") for row in source.table.rows]
        every, _ = cleaned(source.table.with_rows(rows), positive, keep=keep, as_of=as_of)
        made = fit(every, seed=seed, progress=_within(progress, 0.45, 0.45))
    made = replace(made, settings={**made.settings, "shelf": source.shelf})
    return Made(made, findings, evaluation, verdict)


def train(
    settings: Settings,
    source: Source,
    *,
    keep: Sequence[str] = (),
    as_of: float | None = None,
    seed: int = SEED,
    register: bool = True,
    progress: Progress,
) -> Trained:
    """Make a model and record it. It takes part in a seller's scores when it was learnt from that
    seller's dials and what was judged passes its gate. Raises BadInput and Refused.
    """
    made = make(source, keep=keep, as_of=as_of, seed=seed, progress=progress)
    lifecycle, origin = Lifecycle.of(settings), source.table.source
    card = lead_card(LEAD, made.final, origin, made.findings, made.evaluation, made.verdict)
    progress(0.9, "recording the run in the registry")
    notes, manifest = notes_of(made.evaluation, card), proved(made)
    with lifecycle.locked():
        run_id = lifecycle.registry.log(LEAD, made.final.fitted, manifest, notes)
        version = lifecycle.registry.register(LEAD, run_id) if register else None
        if version is not None:
            version = lifecycle.write_verdict(LEAD, version, manifest, made.verdict)
        promoted, reason = _settle(lifecycle, version, made.verdict, source.shelf)
    progress(1.0, reason)
    number = version.version if version else None
    return Trained(made, origin, run_id, number, promoted, reason)


def evaluate_file(
    settings: Settings, data: Path, *, label: str = LABEL, version: str | None = None
) -> LeadEvaluation:
    """Judge a version (the newest when None) on every row of a file. Raises BadInput, NotFound."""
    registry = Registry.of(settings)
    table = load_table(data, label=label)
    found = registry.find(LEAD, version)
    with tempfile.TemporaryDirectory() as folder:
        model_file, manifest = registry.fetch(found, Path(folder))
        model = kept.opened(model_file.parent, manifest).model
    seen = []
    if manifest.dataset == table.name:
        seen = [
            "the version learnt from a file of this name: of rows it has seen it knows too much"
        ]
    return evaluate_leads(model, table, version=found.version, leaks=seen)


def promote(settings: Settings, version: str, *, why: str) -> Registered:
    """Let a version take part in the scores of the seller whose dials it learnt from.

    Raises Refused without a passed gate, or when it was learnt from a file.
    """
    lifecycle = Lifecycle.of(settings)
    found = lifecycle.registry.find(LEAD, version)
    if not lifecycle.passed(found):
        raise Refused(f"lead version {found.version} has not passed its gate; train a better one")
    _serve(lifecycle, found, why=why)
    return found


def proved(made: Made) -> Manifest:
    """What a kept model is proved by."""
    fitted = made.final.fitted
    return manifest_of(LEAD, fitted, fitted.dataset.inputs, made.evaluation.metrics)


def _settle(
    lifecycle: Lifecycle, version: Registered | None, verdict: Verdict, shelf: str
) -> tuple[bool, str]:
    """The newest that passed is used: one before it has seen the rows that both are judged on."""
    if version is None:
        return False, "trained; `voice-ai models register lead` makes it a version"
    made = f"version {version.version}"
    if not verdict.passed:
        return False, f"{made} is registered but not used: {'; '.join(verdict.reasons)}"
    if shelf == kept.FILES:
        return False, (
            f"{made} passed its gate and is registered; scores use only a model that was learnt"
            " from the seller's own dials"
        )
    _serve(lifecycle, version, why="it passed its gate after training")
    return True, f"{made} passed its gate and takes part in the seller's scores from now on"


def _serve(lifecycle: Lifecycle, version: Registered, *, why: str) -> None:
    with lifecycle.fetched(version) as (folder, manifest):
        shelf = str(manifest.settings.get("shelf", kept.FILES))
        if shelf == kept.FILES:
            raise Refused(
                f"lead version {version.version} was learnt from a file; scores use only a model of"
                " the seller's own dials (`voice-ai models train lead`)"
            )
        deploy(folder / MODEL_FILE, manifest, kept.shelf_home(lifecycle.home, shelf))
    lifecycle.record("model.promote", LEAD.name, version.version, why=why, shelf=shelf)


def _within(progress: Progress, start: float, part: float) -> Progress:
    return lambda share, what: progress(start + part * share, what)

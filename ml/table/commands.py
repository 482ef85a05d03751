"""`voice-ai models train lead` and `evaluate lead`: what they answer, and how a person reads it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ml.gates import Verdict
from ml.kinds import Progress
from ml.table.evaluate import LeadEvaluation
from ml.table.rows import LABEL
from voice_ai.errors import UsageError
from voice_ai.settings import Settings

Answer = tuple[dict[str, Any], list[str]]


def train_lead(
    settings: Settings,
    *,
    data: Path | None,
    label: str | None,
    keep: Sequence[str],
    seller: str | None,
    as_of: str | None,
    seed: int,
    register: bool,
    progress: Progress,
) -> Answer:
    """From a file, or from the dials of a seller. Raises BadInput, NotFound, Refused."""
    from ml.table.train import from_file, from_history, train

    moment = _moment(as_of)
    if data is not None:
        source = from_file(data, label=label or LABEL)
    else:
        from voice_ai.context import open_context

        with open_context() as context:
            source = from_history(
                context.role_url("flows"),
                seller,
                rehearsal=context.rehearsal,
                as_of=moment or context.clock.now(),
            )
    trained = train(
        settings,
        source,
        keep=keep,
        as_of=moment.timestamp() if moment else None,
        seed=seed,
        register=register,
        progress=progress,
    )
    judged = trained.made.evaluation
    lines = [
        f"lead on {judged.n} held-out rows, the last in time: {_figures(judged)}",
        *_windows(judged),
        *_goal(judged),
        *_checks(trained.made.verdict),
        trained.reason,
    ]
    return trained.as_json(), lines


def evaluate_lead(
    settings: Settings, data: Path, *, label: str | None, version: str | None
) -> Answer:
    """Judge a registered version on a file. Raises BadInput, NotFound, Refused."""
    from ml.table.evaluate import judge
    from ml.table.train import evaluate_file

    judged = evaluate_file(settings, data, label=label or LABEL, version=version)
    assert judged.in_time is not None
    verdict = judge(judged.in_time)
    lines = [
        f"lead version {judged.version} on {judged.n} rows: {_figures(judged)}",
        *_windows(judged),
        *_checks(verdict),
    ]
    if judged.missing_columns:
        lines.append(f"columns the file does not have: {', '.join(judged.missing_columns)}")
    if judged.unknown_labels:
        lines.append(f"labels the model does not know: {', '.join(judged.unknown_labels)}")
    lines.extend(f"take care: {leak}" for leak in judged.leaks)
    return {**judged.as_json(), "gate": verdict.as_json()}, lines


def _goal(judged: LeadEvaluation) -> list[str]:
    seen = judged.goal_in_time
    if seen is None or seen.auc is None:
        return []
    low, high = seen.gain_interval
    return [
        f"  the goal: AUC inside windows {seen.auc:.3f}, gain over its base rate {seen.gain:+.5f}"
        f" (95 % interval {low:+.5f} to {high:+.5f})"
    ]


def _checks(verdict: Verdict) -> list[str]:
    return [f"{'passed' if c.passed else 'failed'}: {c.detail}" for c in verdict.checks]


def _moment(written: str | None) -> datetime | None:
    """Raises UsageError."""
    if written is None:
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise UsageError(f"--as-of {written!r} is not a time such as 2026-01-31T15:00Z") from None
    if moment.tzinfo is None:
        raise UsageError("--as-of needs its offset from UTC, as in 2026-01-31T15:00+00:00")
    return moment


def _figures(judged: LeadEvaluation) -> str:
    names = ("macro_f1", "accuracy", "auc", "log_loss", "brier", "ece", "auc_in_windows")
    known = [name for name in names if name in judged.metrics]
    return ", ".join(f"{name} {judged.metrics[name]:.3f}" for name in known)


def _windows(judged: LeadEvaluation) -> list[str]:
    """A line per window of time."""
    return [
        f"  rows {w.first + 1:>6}-{w.first + w.n:<6} rate {w.rate:.3f}, known before"
        f" {w.known_rate:.3f}; AUC {'  -  ' if w.auc is None else f'{w.auc:.3f}'};"
        f" log loss {w.log_loss_anchored:.4f} against {w.log_loss_base:.4f}"
        for w in (judged.in_time.windows if judged.in_time else ())
    ]

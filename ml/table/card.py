"""The model card of a lead model."""

from collections.abc import Sequence

from ml.gates import Verdict
from ml.table.evaluate import LeadEvaluation
from ml.table.fit import TableFit
from ml.table.leaks import Finding
from ml.tasks import Task


def lead_card(
    task: Task,
    made: TableFit,
    source: str,
    findings: Sequence[Finding],
    held_out: LeadEvaluation,
    verdict: Verdict,
) -> str:
    """Markdown: purpose, data and what was dropped of it, windows of time, limits."""
    seen = held_out.in_time
    windows = seen.windows if seen is not None else ()
    lines = [
        f"# {task.model_name}",
        "",
        f"{task.purpose}. {made.chosen.words.capitalize()}, {len(made.table.rows):,} rows from"
        f" {source}, SHA-256 `{made.table.sha256}`.",
        "",
        "## Left out",
        *(f"- {finding.action}: {finding.detail}" for finding in findings),
        "",
        "## In windows of time",
        "| from row | n | rate | known before | AUC | log loss | of the base rate | lift |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(
            f"| {w.first + 1} | {w.n} | {w.rate:.3f} | {w.known_rate:.3f} | {_cell(w.auc)} |"
            f" {w.log_loss_anchored:.4f} | {w.log_loss_base:.4f} | {_cell(w.lift)} |"
            for w in windows
        ),
        "",
        "## Gate",
        *(f"- {'passed' if c.passed else 'failed'}: {c.detail}" for c in verdict.checks),
        "",
        "## Use and limits",
        "- Orders waiting leads; it decides about nobody, and never when somebody may be called.",
        "- Its level is set to the rate known when it scores; only the order is its own.",
        "- Takes rows through `ml.table.encode.Encoding.matrix` of its settings.",
        "",
    ]
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

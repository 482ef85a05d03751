"""The model card of one training run, for the people who decide about it."""

from ml.evaluate import Evaluation, Slice
from ml.kinds import Fitted
from ml.tasks import Task


def model_card(task: Task, made: Fitted, held_out: Evaluation) -> str:
    """Markdown: purpose, data, figures with intervals, every label, limits."""
    low, high = held_out.intervals["macro_f1"]
    figures = held_out.metrics
    lines = [
        f"# {task.model_name}",
        "",
        f"{task.purpose}.",
        "",
        "## Data",
        f"{made.dataset.name}: {len(made.dataset.examples)} texts to learn from, "
        f"SHA-256 `{made.dataset.sha256}`; judged on {held_out.n} held-out texts, "
        f"SHA-256 `{held_out.dataset_sha256}`.",
        "",
        "## Figures",
        f"- held-out macro-F1 {figures['macro_f1']:.3f} (95 % interval {low:.3f} to {high:.3f}), "
        f"accuracy {figures['accuracy']:.3f}, calibration error {figures['ece']:.3f}",
        f"- cross-validated macro-F1 on the training part {made.cross_validated['macro_f1']:.3f}",
        "",
        "| label | n | precision | recall |",
        "|---|--:|--:|--:|",
        *(_row(name, part) for name, part in held_out.slices["label"].items()),
        "",
        "## Use and limits",
        "- Gives one probability per label; who loads it from MLflow passes texts through "
        "`ml.text.cleaning.clean` in the style of the manifest first.",
        "- Hears words only: irony and the voice are outside it. Not for decisions about people "
        "beyond the turn of the call it heard.",
        "- An opt-out is also caught by fixed phrases; this model does not decide it alone.",
        "",
    ]
    return "\n".join(lines)


def _row(name: str, part: Slice) -> str:
    precision = "-" if part.precision is None else f"{part.precision:.2f}"
    return f"| {name} | {part.n} | {precision} | {part.accuracy:.2f} |"

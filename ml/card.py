"""The model card of one training run, for the people who decide about it."""

from collections.abc import Iterator, Mapping

from ml.evaluate import Evaluation, Slice
from ml.kinds import Fitted
from ml.tasks import Task

_MOST_LABELS = 40
_HOW = {
    "text": "Takes one utterance; who loads it from MLflow passes texts through"
    " `ml.text.cleaning.clean` in the style of the manifest first. It hears words only: irony and"
    " the voice are outside it.",
    "voice": "Takes the features of `ml.voice.features` of one turn of 8 kHz telephone sound. It"
    " hears how something is said, not what.",
}


def model_card(task: Task, made: Fitted, held_out: Evaluation) -> str:
    """Markdown: purpose, data, training, figures with intervals, slices, calibration, limits."""
    parts = (
        _head(task, made, held_out),
        _figures(made, held_out),
        _rejection(held_out),
        _labels(held_out.slices.get("label", {})),
        _slices(held_out),
        _calibration(held_out),
        _use(task),
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(task: Task, made: Fitted, held_out: Evaluation) -> Iterator[str]:
    data = made.dataset
    yield from (f"# {task.model_name}", "", f"{task.purpose}.", "", "## Data")
    yield (
        f"{data.name}: {len(data.examples):,} rows to learn from, SHA-256 `{data.sha256}`; judged"
        f" on {held_out.n:,} held-out rows, SHA-256 `{held_out.dataset_sha256}`."
    )
    yield from (f"- **Leak**: {leak}." for leak in held_out.leaks)
    yield from ("", "## Training")
    yield from (f"- {name.replace('_', ' ')}: {value}" for name, value in made.params.items())
    yield from (f"- {note}" for note in made.notes)
    yield f"- model hash `{made.fingerprint}`: the same data and seed give the same one"


def _figures(made: Fitted, held_out: Evaluation) -> Iterator[str]:
    yield from ("", "## Figures", "| held out | value | 95 % interval |", "|---|--:|--:|")
    for name in ("macro_f1", "weighted_f1", "micro_f1", "accuracy", "uar", "ece", "brier"):
        if (value := held_out.metrics.get(name)) is not None:
            bounds = held_out.intervals.get(name)
            between = f"{bounds[0]:.3f} to {bounds[1]:.3f}" if bounds else "–"
            yield f"| {name} | {value:.3f} | {between} |"
    yield ""
    yield from (
        f"Cross-validated {name} on the rows learnt from: {value:.3f}."
        for name, value in made.cross_validated.items()
    )
    p50, p95 = (held_out.metrics.get(f"latency_{name}_us") for name in ("p50", "p95"))
    if p50 is not None and p95 is not None:
        yield f"One answer took {p50:,.0f} µs at the median, {p95:,.0f} µs at the 95th percentile."


def _rejection(held_out: Evaluation) -> Iterator[str]:
    told = held_out.rejecting
    if told is None:
        return
    yield from ("", "## What belongs to no label")
    figures = ", ".join(f"{name.replace('_', ' ')} {v:.3f}" for name, v in told.metrics.items())
    yield f"{told.n_outside} such rows held out: {figures}."
    yield from ("", "| rejected of those outside | right of those inside |", "|--:|--:|")
    yield from (f"| {p.oos_recall:.2f} | {p.in_scope_accuracy:.3f} |" for p in told.curve[::5])


def _labels(slices: Mapping[str, Slice]) -> Iterator[str]:
    """The weakest first, as those are what one must know of."""
    yield from ("", "## Labels", "| label | n | precision | recall (95 %) | F1 |")
    yield "|---|--:|--:|--:|--:|"
    weakest = sorted(slices.items(), key=lambda item: (item[1].f1 or 0.0, item[0]))
    for name, part in weakest[:_MOST_LABELS]:
        precision = "–" if part.precision is None else f"{part.precision:.2f}"
        recall = f"{part.accuracy:.2f} ({part.low:.2f}–{part.high:.2f})"
        yield f"| {name} | {part.n} | {precision} | {recall} | {part.f1 or 0.0:.2f} |"
    if len(weakest) > _MOST_LABELS:
        yield f"\nand {len(weakest) - _MOST_LABELS} labels that do better than these."


def _slices(held_out: Evaluation) -> Iterator[str]:
    others = {name: parts for name, parts in held_out.slices.items() if name != "label"}
    if not others:
        return
    yield from ("", "## Slices", "| slice | n | accuracy (95 %) |", "|---|--:|--:|")
    for name, parts in others.items():
        for value, part in parts.items():
            share = f"{part.accuracy:.2f} ({part.low:.2f}–{part.high:.2f})"
            yield f"| {name}: {value} | {part.n} | {share} |"


def _calibration(held_out: Evaluation) -> Iterator[str]:
    yield from ("", "## Calibration", "| said | came true | n |", "|--:|--:|--:|")
    yield from (f"| {b.said:.2f} | {b.right:.2f} | {b.n} |" for b in held_out.calibration)


def _use(task: Task) -> Iterator[str]:
    yield from ("", "## Use and limits")
    if task.kind in _HOW:
        yield f"- {_HOW[task.kind]}"
    yield "- Not for decisions about a person beyond the call it heard."
    yield from (f"- {caution}" for caution in task.cautions)

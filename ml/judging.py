"""Measures a model on the gate's rows, beside the champion, and hands the figures to the rules."""

from pathlib import Path

from ml.artifact import Manifest, load_verified
from ml.datasets import Dataset, with_split
from ml.deploy import Champion, models_folder, read_manifest
from ml.evaluate import answered, evaluate
from ml.gate_limits import GATES_FILE, Limits, limits_of
from ml.gates import Figures, Part, Verdict, ece_by_chance, judge, without_rows
from ml.kinds import Model, kind_of
from ml.tasks import TASKS, Task
from voice_ai.errors import BadInput, Refused


def judge_files(
    task: Task,
    home: Path,
    folder: Path,
    manifest: Manifest,
    champion: Champion | None,
    rows: Dataset | None = None,
) -> Verdict:
    """The verdict on the model in `folder`; one that fails its self-test is measured no further.

    The champion is the copy that serves from `home`. `rows` are judged on where neither the home
    nor the task has its own. Raises BadInput for a bad file of limits or rows.
    """
    limits = limits_of(home, task.name, task.limits, TASKS)
    wanted = task.labels if limits.labels == "task" else None
    try:
        model = load_verified(folder, manifest)
    except Refused as error:
        return without_rows(wanted, manifest.labels, self_test=error.message)
    rows = rows_of(task, limits) or rows
    if rows is None or (wanted is not None and set(model.labels) != set(wanted)):
        return without_rows(wanted, model.labels, missing=_missing(task) if rows is None else None)
    ours = figures_of(task, model, rows, manifest.version)
    if champion is None:
        return judge(limits, ours, labels=wanted)
    if champion.version == manifest.version:
        return judge(limits, ours, labels=wanted, alone="it is the champion itself")
    place = models_folder(home) / task.name / champion.version
    try:
        theirs = load_verified(place, read_manifest(place, champion.manifest_sha256))
    except Refused as error:
        return judge(limits, ours, labels=wanted, alone=f"the champion is damaged: {error.message}")
    if set(theirs.labels).isdisjoint(rows.labels):
        why = f"the champion, version {champion.version}, knows none of the labels of the rows"
        return judge(limits, ours, labels=wanted, alone=why)
    before = figures_of(task, theirs, rows, champion.version)
    return judge(limits, ours, before, labels=wanted)


def rows_of(task: Task, limits: Limits) -> Dataset | None:
    """What versions of the task are judged on: the home's file, else what the task ships."""
    kind = kind_of(task.kind)
    if limits.rows is not None:
        own = kind.load(Path(limits.rows).expanduser())
        if all(example.split is None for example in own.examples):
            return own
        held_out = own.part("heldout")
        if not held_out.examples:
            raise BadInput("holds no heldout row to judge on", file=limits.rows)
        return held_out
    return with_split(kind.load(task.data_file)).part("heldout") if task.has_data else None


def figures_of(task: Task, model: Model, rows: Dataset, version: str | None) -> Figures:
    """The figures of one model on the gate's rows."""
    judged = evaluate(model, rows, task=task.name, version=version)
    answers = answered(model, rows)
    metrics = dict(judged.metrics)
    metrics["latency_p95_ms"] = metrics["latency_p95_us"] / 1000
    metrics["ece_by_chance"] = ece_by_chance([(one.n, one.said) for one in judged.calibration])
    slices = {
        f"{kind} {name}": Part(part.n, part.accuracy)
        for kind, parts in judged.slices.items()
        for name, part in parts.items()
    }
    recalls = {name: Part(p.n, p.accuracy) for name, p in judged.slices["label"].items()}
    return Figures(
        version,
        answers.labels,
        judged.n,
        metrics,
        recalls,
        slices,
        answers.given,
        answers.chosen,
    )


def _missing(task: Task) -> str:
    return (
        f"there are no rows to judge {task.name} on; name a file in the home's models/{GATES_FILE}"
        f" ({task.name}: {{rows: FILE}})"
    )

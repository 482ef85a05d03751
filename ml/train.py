"""From a data file to a served champion: train, judge, register, promote, deploy."""

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ml.artifact import load_verified
from ml.card import model_card
from ml.datasets import Dataset, columns_of, leaks, with_split
from ml.deploy import in_use, models_folder
from ml.evaluate import Evaluation, evaluate
from ml.kinds import Fitted, Progress, kind_of
from ml.lifecycle import Lifecycle, Settled
from ml.proof import manifest_of
from ml.registry_records import Registered, notes_of
from ml.tasks import TASKS, Task, find_task
from voice_ai.errors import BadInput, Refused
from voice_ai.settings import Settings

SEED = 7
_READ = 0.1  # of the whole, for the progress
# A file of sound clips given to a task about words is one for its sister about the voice.
_OF_SOUND = {"emotion": "emotion_voice"}


@dataclass(frozen=True)
class Trained:
    """`evaluation` is on the file's own held-out rows, `settled` what its gate made of it.

    `settled` is None for a run that was not registered. `model_hash` is of what the model computes:
    the same data and seed give the same one. `notes` say what was left out, and why.
    """

    task: str
    run_id: str
    version: str | None
    model_hash: str
    params: Mapping[str, str | int | float]
    cross_validated: Mapping[str, float]
    evaluation: Evaluation
    settled: Settled | None
    reason: str
    notes: Sequence[str] = ()

    @property
    def promoted(self) -> bool:
        return self.settled is not None and self.settled.promoted

    def as_json(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "run_id": self.run_id,
            "version": self.version,
            "model_hash": self.model_hash,
            "params": dict(self.params),
            "cross_validated": dict(self.cross_validated),
            "notes": list(self.notes),
            **{k: v for k, v in self.evaluation.as_json().items() if k not in {"task", "version"}},
            "gate": self.settled.verdict.as_json() if self.settled else None,
            "promoted": self.promoted,
            "reason": self.reason,
        }


def train(
    settings: Settings,
    name: str,
    *,
    data: Path | None = None,
    seed: int = SEED,
    register: bool = True,
    options: Mapping[str, Any] | None = None,
    progress: Progress,
) -> Trained:
    """Train one task on its own data, or on the rows of `data`, and promote it if it may be.

    `options` are those of the task's kind (`embeddings` for text).
    It becomes champion when it passes its gate (`ml.gates`): on the task's held-out rows, beside
    the champion; on the file's own where the task ships none.
    """
    task = task_for(name, data)
    rows, shipped = _rows(task, data, progress)
    learn, own = rows.part("train"), rows.part("heldout")
    if shipped is not None:
        learn = learn.without(shipped)
    if not own.examples:
        raise BadInput(
            f"{rows.name} leaves nothing to judge the model on; give every label five texts or "
            "more, or name heldout rows in a column split"
        )
    progress(_READ, f"{task.name}: {len(learn.examples):,} rows to learn from")
    kind = kind_of(task.kind)
    made = kind.fit(
        learn,
        seed=seed,
        progress=lambda share, what: progress(_READ + (0.8 - _READ) * share, what),
        options=options or {},
    )
    progress(0.8, f"judging on {len(own.examples):,} held-out rows")
    made, evaluation = _judge_sizes(task, made, own, leaks(learn, own))
    notes = notes_of(evaluation, model_card(task, made, evaluation))
    lifecycle = Lifecycle.of(settings)
    settled, reason = None, f"trained; `voice-ai models register {task.name}` makes it a version"
    with lifecycle.locked():
        progress(0.85, "recording the run in the registry")
        manifest = manifest_of(task, made, own.inputs, evaluation.metrics)
        run_id = lifecycle.registry.log(task, made, manifest, notes)
        version = lifecycle.registry.register(task, run_id) if register else None
        if version is not None:
            progress(0.95, f"judging version {version.version}")
            settled = lifecycle.settle(task, version, rows=own if shipped is None else None)
            reason = settled.reason
    number = version.version if version else None
    progress(1.0, reason)
    return Trained(
        task=task.name,
        run_id=run_id,
        version=number,
        model_hash=made.fingerprint,
        params=made.params,
        cross_validated=made.cross_validated,
        evaluation=replace(evaluation, version=number),
        settled=settled,
        reason=reason,
        notes=made.notes,
    )


def register_newest(settings: Settings, name: str) -> Registered:
    """Register the newest run of a task and judge it; the same run again gives the same version."""
    lifecycle = Lifecycle.of(settings)
    with lifecycle.locked():
        task = find_task(name)
        found = lifecycle.registry.register(task)
        if task.kind == "table":  # judged when it is trained
            return found
        return found if lifecycle.passed(found) else lifecycle.gate(name, found.version)[0]


def evaluate_version(
    settings: Settings,
    name: str,
    data: Path,
    version: str | None = None,
    progress: Progress = lambda share, what: None,
) -> Evaluation:
    """Judge a registered version (the newest when None) on the rows of a file."""
    task = task_for(name, data)
    rows = kind_of(task.kind).load(data, lambda share: progress(0.4 * share, "reading rows"))
    progress(0.4, "fetching the version")
    lifecycle = Lifecycle.of(settings)
    found = lifecycle.registry.find(task, version)
    with lifecycle.fetched(found) as (folder, manifest):
        model = load_verified(folder, manifest)
    progress(0.5, f"judging version {found.version} on {len(rows.examples):,} rows")
    judged = evaluate(model, rows, task=task.name, version=found.version)
    progress(1.0, "judged")
    return judged


def ensure_champions(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Give every task a served champion: keep, else deploy the registry's, else train one.

    Returns per task `version` and `how`: kept, deployed or trained. Who comes while another does
    the same in this home waits, and keeps what that one made.
    """
    with _alone(models_folder(settings.home)):
        return _ensure(settings, progress)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".ensure.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _ensure(settings: Settings, progress: Progress) -> dict[str, Any]:
    lifecycle = Lifecycle.of(settings)
    result: dict[str, Any] = {}
    owned = {name: task for name, task in TASKS.items() if task.has_data}
    for place, (name, task) in enumerate(owned.items()):
        told = _within(progress, place, len(owned))
        kept = in_use(settings.home, name)
        if kept is not None:
            result[name] = {"version": kept.version, "how": "kept"}
            continue
        with lifecycle.locked():
            taken = lifecycle.take_champion(task)
        if taken is not None:
            told(1.0, f"{name}: deployed version {taken} from the registry")
            result[name] = {"version": taken, "how": "deployed"}
            continue
        made = train(settings, name, progress=told)
        if not made.promoted:
            raise Refused(f"no model of {name} can be served: {made.reason}")
        result[name] = {"version": made.version, "how": "trained"}
    return result


def task_for(name: str, data: Path | None) -> Task:
    """The task of that name; for a file of sound clips its sister that listens to the voice."""
    sister = _OF_SOUND.get(name)
    if data is not None and sister is not None and sister in TASKS and "path" in columns_of(data):
        return find_task(sister)
    return find_task(name)


def _rows(task: Task, data: Path | None, progress: Progress) -> tuple[Dataset, Dataset | None]:
    """All rows to learn from and to judge on, and the task's own held-out ones, if it has any."""
    kind = kind_of(task.kind)
    shipped = with_split(kind.load(task.data_file)) if task.has_data else None
    if data is not None:
        rows = with_split(kind.load(data, lambda share: progress(_READ * share, "reading rows")))
    elif shipped is not None:
        rows = shipped
    else:
        raise BadInput(f"{task.name} ships no data of its own; name a file with --data")
    return rows, shipped.part("heldout") if shipped is not None else None


def _judge_sizes(
    task: Task, made: Fitted, own: Dataset, found: list[str]
) -> tuple[Fitted, Evaluation]:
    """The trained model, or its smaller twin where that loses nothing on the held-out rows."""
    kind = kind_of(task.kind)
    model = kind.serve(made.pipeline, made.settings)
    evaluation = evaluate(model, own, task=task.name, leaks=found)
    smaller = kind.quantised(made)
    if smaller is None:
        return made, evaluation
    light = kind.serve(smaller.pipeline, smaller.settings)
    judged = evaluate(light, own, task=task.name, leaks=found)
    lost = any(judged.metrics[name] < evaluation.metrics[name] for name in ("macro_f1", "accuracy"))
    if lost or judged.metrics["ece"] > evaluation.metrics["ece"] + 0.001:
        return made, evaluation
    return smaller, judged


def _within(progress: Progress, place: int, parts: int) -> Progress:
    return lambda share, what: progress((place + share) / parts, what)

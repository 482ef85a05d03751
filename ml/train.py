"""From a data file to a served champion: train, judge, register, promote, deploy."""

import fcntl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ml.artifact import Golden, Manifest, load_verified
from ml.card import model_card
from ml.datasets import Dataset, columns_of, leaks, with_split
from ml.deploy import champion_file, deploy, models_folder, read_champion, read_manifest
from ml.evaluate import Evaluation, evaluate
from ml.gates import Verdict, judge, not_worse
from ml.kinds import Fitted, Model, Progress, kind_of
from ml.registry import CHAMPION, Registered, Registry, notes_of
from ml.tasks import TASKS, Task, find_task
from voice_ai.errors import BadInput, Refused
from voice_ai.settings import Settings

SEED = 7
_GOLDEN_ROWS = 24
# A file of sound clips given to a task about words is one for its sister about the voice.
_OF_SOUND = {"emotion": "emotion_voice"}


@dataclass(frozen=True)
class Trained:
    """`evaluation` is on the file's own held-out rows, `verdict` on the task's.

    `model_hash` is of what the model computes: the same data and seed give the same one.
    """

    task: str
    run_id: str
    version: str | None
    model_hash: str
    params: Mapping[str, str | int | float]
    cross_validated: Mapping[str, float]
    evaluation: Evaluation
    verdict: Verdict
    promoted: bool
    reason: str

    def as_json(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "run_id": self.run_id,
            "version": self.version,
            "model_hash": self.model_hash,
            "params": dict(self.params),
            "cross_validated": dict(self.cross_validated),
            **{k: v for k, v in self.evaluation.as_json().items() if k not in {"task", "version"}},
            "gate": self.verdict.as_json(),
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
    It becomes champion when it passes the task's gate and there is no champion, or it is not
    worse than the champion on the task's held-out texts.
    """
    task = task_for(name, data)
    rows, shipped = _rows(task, data)
    learn, own = rows.part("train"), rows.part("heldout")
    if shipped is not None:
        learn = learn.without(shipped)
    if not own.examples:
        raise BadInput(
            f"{rows.name} leaves nothing to judge the model on; give every label five texts or "
            "more, or name heldout rows in a column split"
        )
    progress(0.0, f"{task.name}: {len(learn.examples):,} rows to learn from")
    kind = kind_of(task.kind)
    made = kind.fit(
        learn,
        seed=seed,
        progress=lambda share, what: progress(0.8 * share, what),
        options=options or {},
    )
    progress(0.8, f"judging on {len(own.examples):,} held-out rows")
    made, model, evaluation = _judge_sizes(task, made, own, leaks(learn, own))
    verdict = judge(task, made.labels, _judged(task, model, shipped))
    notes = notes_of(evaluation, verdict, model_card(task, made, evaluation, verdict))
    registry = Registry.of(settings)
    with _locked(settings, registry):
        progress(0.85, "recording the run in the registry")
        run_id = registry.log(task, made, _manifest(task, made, own, evaluation), notes)
        version = registry.register(task, run_id) if register else None
        promoted, reason = _settle(settings, registry, task, version, verdict)
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
        verdict=verdict,
        promoted=promoted,
        reason=reason,
    )


def register_newest(settings: Settings, name: str) -> Registered:
    """Register the newest run of a task; the same run again gives the same version."""
    registry = Registry.of(settings)
    with _locked(settings, registry):
        return registry.register(find_task(name))


def evaluate_version(
    settings: Settings, name: str, data: Path, version: str | None = None
) -> Evaluation:
    """Judge a registered version (the newest when None) on the rows of a file."""
    task = task_for(name, data)
    rows = kind_of(task.kind).load(data)
    registry = Registry.of(settings)
    found = registry.find(task, version)
    model, _ = _open(registry, found)
    return evaluate(model, rows, task=task.name, version=found.version)


def promote(settings: Settings, name: str, version: str) -> Registered:
    """Make a version the champion and serve it. Raises Refused without a passed gate."""
    task = find_task(name)
    registry = Registry.of(settings)
    with _locked(settings, registry):
        found = registry.find(task, version)
        _make_champion(settings, registry, task, found)
        return registry.find(task, found.version)


def ensure_champions(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Give every task a served champion: keep, else deploy the registry's, else train one.

    Returns per task `version` and `how`: kept, deployed or trained.
    """
    result: dict[str, Any] = {}
    owned = {name: task for name, task in TASKS.items() if task.has_data}
    for place, (name, task) in enumerate(owned.items()):
        told = _within(progress, place, len(owned))
        kept = _served_version(settings.home, name)
        if kept is not None:
            result[name] = {"version": kept, "how": "kept"}
            continue
        registry = Registry.of(settings)
        with _locked(settings, registry):
            champion = registry.champion(task)
            if champion is not None and champion.gate == "passed":
                told(0.5, f"{name}: deploying version {champion.version} from the registry")
                _deploy(settings, registry, champion)
                result[name] = {"version": champion.version, "how": "deployed"}
                continue
        made = train(settings, name, progress=told)
        if not made.promoted:
            raise Refused(f"no model of {name} can be served: {made.reason}")
        result[name] = {"version": made.version, "how": "trained"}
    return result


def status(settings: Settings) -> dict[str, Any]:
    """Per task: what is served from this home and what the registry knows."""
    registry = Registry.of(settings)
    tasks = {}
    for name, task in TASKS.items():
        versions = registry.versions(task)
        champion = next((v for v in versions if CHAMPION in v.aliases), None)
        tasks[name] = {
            "served": _served_version(settings.home, name),
            "champion": champion.version if champion else None,
            "newest": versions[-1].version if versions else None,
            "versions": [
                {"version": v.version, "gate": v.gate, "aliases": list(v.aliases)} for v in versions
            ],
        }
    return {"registry": registry.address, "models": tasks}


def task_for(name: str, data: Path | None) -> Task:
    """The task of that name; for a file of sound clips its sister that listens to the voice."""
    sister = _OF_SOUND.get(name)
    if data is not None and sister is not None and sister in TASKS and "path" in columns_of(data):
        return find_task(sister)
    return find_task(name)


def _rows(task: Task, data: Path | None) -> tuple[Dataset, Dataset | None]:
    """All rows to learn from and to judge on, and the task's own held-out ones, if it has any."""
    kind = kind_of(task.kind)
    shipped = with_split(kind.load(task.data_file)) if task.has_data else None
    if data is not None:
        rows = with_split(kind.load(data))
    elif shipped is not None:
        rows = shipped
    else:
        raise BadInput(f"{task.name} ships no data of its own; name a file with --data")
    return rows, shipped.part("heldout") if shipped is not None else None


def _judge_sizes(
    task: Task, made: Fitted, own: Dataset, found: list[str]
) -> tuple[Fitted, Model, Evaluation]:
    """The trained model, or its smaller twin where that loses nothing on the held-out rows."""
    kind = kind_of(task.kind)
    model = kind.serve(made.pipeline, made.settings)
    evaluation = evaluate(model, own, task=task.name, leaks=found)
    smaller = kind.quantised(made)
    if smaller is None:
        return made, model, evaluation
    light = kind.serve(smaller.pipeline, smaller.settings)
    judged = evaluate(light, own, task=task.name, leaks=found)
    lost = any(judged.metrics[name] < evaluation.metrics[name] for name in ("macro_f1", "accuracy"))
    if lost or judged.metrics["ece"] > evaluation.metrics["ece"] + 0.001:
        return made, model, evaluation
    return smaller, light, judged


def _within(progress: Progress, place: int, parts: int) -> Progress:
    return lambda share, what: progress((place + share) / parts, what)


def _judged(task: Task, model: Model, shipped: Dataset | None) -> Evaluation | None:
    if shipped is None or set(model.labels) != set(task.labels):
        return None
    return evaluate(model, shipped, task=task.name)


def _settle(
    settings: Settings,
    registry: Registry,
    task: Task,
    version: Registered | None,
    verdict: Verdict,
) -> tuple[bool, str]:
    """Promote the version if it may be; returns whether, and the reason for people."""
    if version is None:
        return False, f"trained; `voice-ai models register {task.name}` makes it a version"
    made = f"version {version.version}"
    if not verdict.passed:
        return False, f"{made} is registered but not promoted: {'; '.join(verdict.reasons)}"
    champion = registry.champion(task)
    if champion is None or champion.gate != "passed":
        _make_champion(settings, registry, task, version)
        return True, f"{made} is the champion, the first that passed the gate"
    _, shipped = _rows(task, None)
    assert shipped is not None  # a verdict that passed was given on it
    ours, theirs = (
        evaluate(_open(registry, v)[0], shipped, task=task.name, version=v.version)
        for v in (version, champion)
    )
    check = not_worse(ours, theirs)
    if not check.passed:
        return False, f"{made} is registered but not promoted: {check.detail}"
    _make_champion(settings, registry, task, version)
    return True, f"{made} is the champion: {check.detail}"


def _make_champion(settings: Settings, registry: Registry, task: Task, version: Registered) -> None:
    if version.gate != "passed":
        raise Refused(
            f"{task.name} version {version.version} has not passed its gate, "
            "so it cannot become champion; train a better one"
        )
    # Deployed first: a version that fails its self-test must not hold the alias.
    _deploy(settings, registry, version)
    registry.set_champion(task, version)


def _open(registry: Registry, version: Registered) -> tuple[Model, Manifest]:
    with tempfile.TemporaryDirectory() as folder:
        model_file, manifest = registry.fetch(version, Path(folder))
        return load_verified(model_file.parent, manifest), manifest


def _deploy(settings: Settings, registry: Registry, version: Registered) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model_file, manifest = registry.fetch(version, Path(folder))
        deploy(model_file, manifest, settings.home)


def _served_version(home: Path, task: str) -> str | None:
    path = champion_file(home, task)
    if not path.exists():
        return None
    try:
        champion = read_champion(path)
        read_manifest(path.parent / champion.version, champion.manifest_sha256)
    except Refused:  # a damaged copy is replaced, and serving says why it refused it
        return None
    return champion.version


def _manifest(task: Task, made: Fitted, held_out: Dataset, evaluation: Evaluation) -> Manifest:
    step = max(1, len(held_out.examples) // _GOLDEN_ROWS)
    inputs = held_out.inputs[::step][:_GOLDEN_ROWS]
    answers = kind_of(task.kind).reference(made.pipeline, made.settings, inputs)
    return Manifest(
        task=task.name,
        kind=task.kind,
        model_name=task.model_name,
        version=None,
        sha256="",
        parameters_sha256=made.fingerprint,
        labels=made.labels,
        settings=made.settings,
        dataset=made.dataset.name,
        dataset_sha256=made.dataset.sha256,
        metrics={k: v for k, v in evaluation.metrics.items() if not k.startswith("latency")},
        golden=tuple(
            Golden(one, dict(zip(made.labels, row.tolist(), strict=True)))
            for one, row in zip(inputs, answers, strict=True)
        ),
    )


@contextmanager
def _locked(settings: Settings, registry: Registry) -> Iterator[None]:
    """One trainer at a time per registry: two would both be the first champion."""
    folder = registry.folder or models_folder(settings.home)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield

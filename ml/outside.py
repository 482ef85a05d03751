"""Models as a folder: written out of the registry, and taken in from outside in proved steps.

A folder holds `<task>/model.skops` and `<task>/manifest.json`, or the two files of one model. All
models in it are proved before the first is registered, and when one cannot be served in the end,
those that were switched before it are switched back.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ml.artifact import MANIFEST_FILE, MODEL_FILE, Manifest, load_model, load_verified
from ml.deploy import in_use, models_folder
from ml.gates import Verdict
from ml.kinds import kind_of
from ml.lifecycle import Lifecycle
from ml.registry_records import Registered
from ml.serving import ModelServer
from ml.tasks import Task, find_task
from voice_ai.errors import BadInput, Refused, VoiceAIError

_WATCH = (
    "every call is answered by it from now on; `voice-ai models status` and the Health page show "
    "it, `voice-ai models rollback {}` takes it back"
)


@dataclass(frozen=True)
class Done:
    """One step of one model; `passed` is False for the step that ended it."""

    task: str
    step: str
    passed: bool
    detail: str


@dataclass
class Delivery:
    """How far a folder came. `served` is version by task, empty unless all of it is served."""

    folder: str
    dry_run: bool
    steps: list[Done] = field(default_factory=list)
    served: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return all(step.passed for step in self.steps)

    @contextmanager
    def step(self, task: str, name: str) -> "Iterator[_Said]":
        """A step that passes unless it raises; an error of ours ends the delivery."""
        said = _Said()
        try:
            yield said
        except VoiceAIError as error:
            self.steps.append(Done(task, name, False, error.message))
            raise _Ended from error
        self.steps.append(Done(task, name, True, said.detail))

    def as_json(self) -> dict[str, Any]:
        steps = [vars(step) for step in self.steps]
        head = {"folder": self.folder, "dry_run": self.dry_run, "passed": self.passed}
        return {**head, "served": self.served, "steps": steps}


@dataclass
class _Said:
    detail: str = ""


class _Ended(Exception):
    """A step said no; the delivery holds which."""


@dataclass(frozen=True)
class _Staged:
    task: Task
    folder: Path
    manifest: Manifest
    verdict: Verdict


def export(lifecycle: Lifecycle, name: str, wanted: str, into: Path) -> tuple[Path, Registered]:
    """Write a version as a folder that `deliver` takes. Raises Refused over what is there."""
    found = lifecycle.registry.find(find_task(name), wanted)
    target = into / name
    if target.exists():
        raise Refused(f"{target} is there already; give another folder")
    with lifecycle.fetched(found) as (folder, manifest):
        load_verified(folder, manifest)
        target.mkdir(parents=True)
        shutil.copyfile(folder / MODEL_FILE, target / MODEL_FILE)
        (target / MANIFEST_FILE).write_bytes(manifest.to_bytes())
    return target, found


def deliver(lifecycle: Lifecycle, folder: Path, *, why: str, dry_run: bool = False) -> Delivery:
    """Validate, stage, self-test and gate every model; then register, promote and verify them.

    Raises BadInput when the folder holds no model; anything else is a step that did not pass.
    """
    places = _places(folder)
    delivery = Delivery(str(folder), dry_run)
    root = models_folder(lifecycle.home)
    root.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".delivery-", dir=root))
    try:
        staged = [_prove(lifecycle, delivery, place, staging) for place in places]
        if not dry_run:
            with lifecycle.locked():
                _serve(lifecycle, delivery, staged, why)
    except _Ended:
        delivery.served.clear()
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return delivery


def _places(folder: Path) -> list[Path]:
    if (folder / MANIFEST_FILE).is_file():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{MANIFEST_FILE}"))
    if not found:
        raise BadInput(
            f"holds no model; a model is a folder with {MODEL_FILE} and {MANIFEST_FILE}",
            file=folder,
        )
    return found


def _prove(lifecycle: Lifecycle, delivery: Delivery, place: Path, staging: Path) -> _Staged:
    """Everything that can be known of a model before anybody else sees it."""
    with delivery.step(place.name, "validate") as said:
        manifest = _manifest(place)
        task = find_task(manifest.task)
        if any(step.task == task.name for step in delivery.steps):
            raise Refused(f"the folder holds two models of {task.name}; keep one")
        said.detail = f"a model of {task.name} with {len(manifest.labels)} labels"
    delivery.steps[-1] = replace(delivery.steps[-1], task=task.name)
    with delivery.step(task.name, "stage") as said:
        staged = _stage(place, manifest, staging / task.name)
        said.detail = f"copied; {(staged / MODEL_FILE).stat().st_size / 1e6:.1f} MB"
    with delivery.step(task.name, "self-test") as said:
        load_verified(staged, manifest)
        said.detail = f"hash, types and {len(manifest.golden)} recorded answers are right"
    with delivery.step(task.name, "gate") as said:
        verdict = lifecycle.judge(task, staged, manifest)
        if not verdict.passed:
            raise Refused("; ".join(verdict.reasons))
        (beside,) = [one for one in verdict.checks if one.name == "champion"]
        said.detail = f"{sum(one.passed is True for one in verdict.checks)} passed; {beside.detail}"
    return _Staged(task, staged, manifest, verdict)


def _manifest(place: Path) -> Manifest:
    if not (place / MODEL_FILE).is_file():
        raise BadInput(f"holds no {MODEL_FILE}", file=place)
    try:
        content = (place / MANIFEST_FILE).read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", file=place / MANIFEST_FILE) from error
    # The number it had elsewhere means another model here.
    return replace(Manifest.from_bytes(content), version=None)


def _stage(place: Path, manifest: Manifest, target: Path) -> Path:
    """A copy, so that what is proved is what is registered."""
    target.mkdir()
    try:
        shutil.copyfile(place / MODEL_FILE, target / MODEL_FILE)
    except OSError as error:
        raise Refused(f"{place / MODEL_FILE} cannot be copied ({error.strerror})") from error
    (target / MANIFEST_FILE).write_bytes(manifest.to_bytes())
    return target


def _serve(lifecycle: Lifecycle, delivery: Delivery, staged: list[_Staged], why: str) -> None:
    """Register all, then switch one after the other; a failure switches all of them back."""
    made = [(one, _register(lifecycle, delivery, one)) for one in staged]
    undo: list[Callable[[], None]] = []
    try:
        for one, version in made:
            name = one.task.name
            with delivery.step(name, "promote") as said:
                undo.append(_back_from(lifecycle, one.task))
                lifecycle.put_in_use(one.task, version, why=why)
                said.detail = f"version {version.version} is the champion"
            with delivery.step(name, "verify") as said:
                said.detail = _verify(lifecycle.home, one, version.version)
            delivery.served[name] = version.version
            delivery.steps.append(Done(name, "watch", True, _WATCH.format(name)))
    except _Ended:
        for step in reversed(undo):
            step()
        raise


def _register(lifecycle: Lifecycle, delivery: Delivery, one: _Staged) -> Registered:
    with delivery.step(one.task.name, "register") as said:
        version = _known(lifecycle, one) or _adopt(lifecycle, delivery, one)
        version = lifecycle.write_verdict(one.task, version, one.manifest, one.verdict)
        said.detail = f"version {version.version} of {one.task.model_name}"
    return version


def _known(lifecycle: Lifecycle, one: _Staged) -> Registered | None:
    """The version that an earlier delivery of the same files made."""
    pin = hashlib.sha256(one.manifest.to_bytes()).hexdigest()
    versions = lifecycle.registry.versions(one.task)
    return next((known for known in versions if known.manifest_sha256 == pin), None)


def _adopt(lifecycle: Lifecycle, delivery: Delivery, one: _Staged) -> Registered:
    pipeline = load_model(
        one.folder / MODEL_FILE, one.manifest.sha256, kind_of(one.task.kind).ALLOWED
    )
    made = lifecycle.registry.adopt(one.task, one.folder, one.manifest, pipeline)
    why = f"delivered in {delivery.folder}"
    lifecycle.record("model.register", one.task.name, made.version, why=why)
    return made


def _back_from(lifecycle: Lifecycle, task: Task) -> Callable[[], None]:
    """What undoes a switch: the version that served before, or none again."""
    before = in_use(lifecycle.home, task.name)

    def undo() -> None:
        why = "another step of the delivery did not pass"
        if in_use(lifecycle.home, task.name) == before:
            return
        if before is None:
            lifecycle.withdraw(task, why=why)
        else:
            lifecycle.rollback(task.name, before.version, why=why)

    return undo


def _verify(home: Path, one: _Staged, version: str) -> str:
    """Ask as the server does, from the files it reads. Raises Refused."""
    server = ModelServer(home)
    server.refresh()
    golden = one.manifest.golden[0]
    heard = server.predict(one.task.name, golden.input)
    if heard is None or heard.version != version:
        raise Refused(f"a server does not answer with version {version} of {one.task.name}")
    return f"a server answers with version {version} in {heard.latency_us:.0f} µs"

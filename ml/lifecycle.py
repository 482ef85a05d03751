"""What may become of a version: judged, promoted, taken back. Every step is told to the trail.

What calls are answered with is the copy in the home, so it is switched first and the registry's
aliases follow; while the registry is down they are owed (`aliases.json`) and `ml.sync` pays.
"""

import fcntl
import getpass
import json
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from ml.artifact import MODEL_FILE, Manifest, safe_name
from ml.datasets import Dataset
from ml.deploy import (
    deploy,
    go_back,
    history,
    in_use,
    models_folder,
    registry_pin,
    replace_file,
    serve_nothing,
)
from ml.gates import Verdict
from ml.judging import judge_files
from ml.registry import CHAMPION, PREVIOUS, Registry
from ml.registry_records import Registered
from ml.seal import proves, seal_of
from ml.tasks import Task, find_task
from ml.words_in_use import words_in_use
from voice_ai.context import secret_text
from voice_ai.errors import NotAvailable, Refused
from voice_ai.settings import Settings
from voice_ai.store.model_trail import Judged, ModelTrail, Step
from voice_ai.vault import Keyring

_PATIENCE_S = 30.0
_OWED_FILE = "aliases.json"
GATE_FILE = "gate.json"
# Alias to version; None takes the alias away.
Aliases = Mapping[str, str | None]


@dataclass(frozen=True)
class Moved:
    """What serves from now on; `owed` when the registry's aliases still have to follow."""

    task: str
    version: str
    before: str | None
    owed: bool


@dataclass(frozen=True)
class Settled:
    """What the gate made of a new version; `reason` is for people."""

    verdict: Verdict
    promoted: bool
    reason: str


@dataclass(frozen=True)
class Lifecycle:
    """The steps of one home. `actor` is who takes them."""

    settings: Settings
    registry: Registry
    actor: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    new_id: Callable[[], UUID] = uuid4

    @classmethod
    def of(cls, settings: Settings, actor: str | None = None) -> "Lifecycle":
        return cls(settings, Registry.of(settings), actor or os_user())

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def keyring(self) -> Keyring:
        return Keyring.open(self.home, secret_text(self.settings))

    def record(
        self,
        action: str,
        task: str,
        version: str,
        *,
        why: str,
        judged: Judged | None = None,
        **details: Any,
    ) -> None:
        """One step in the audit trail; durable on return."""
        told = {"task": task, "version": version, "why": why, **details}
        step = Step(
            self.new_id(), self.now(), self.actor, action, f"{task} {version}", told, judged
        )
        ModelTrail(self.home).put(step)

    def passed(self, version: Registered) -> bool:
        """Whether the version passed its gate in this installation; a tag alone proves nothing."""
        return version.gate == "passed" and proves(
            self.keyring, version.task, version.manifest_sha256, version.gate_seal
        )

    def gate(
        self, name: str, wanted: str | None = None, rows: Dataset | None = None
    ) -> tuple[Registered, Verdict]:
        """Judge a registered version (the newest when None) and write the verdict down.

        `rows` are judged on where neither this home nor the task has its own.
        """
        task = find_task(name)
        if task.kind == "table":
            raise Refused(
                f"a {name} model is judged when it is trained, inside windows of time; "
                f"`voice-ai models train {name}` makes and judges one"
            )
        found = self.registry.find(task, wanted)
        with self.fetched(found) as (folder, manifest):
            verdict = self.judge(task, folder, manifest, rows)
        return self.write_verdict(task, found, manifest, verdict), verdict

    def judge(
        self, task: Task, folder: Path, manifest: Manifest, rows: Dataset | None = None
    ) -> Verdict:
        """Every check of the model in `folder`, beside what serves from this home."""
        champion = in_use(self.home, task.name)
        return judge_files(task, self.home, folder, manifest, champion, rows)

    def write_verdict(
        self, task: Task, found: Registered, manifest: Manifest, verdict: Verdict
    ) -> Registered:
        """The verdict with its seal in the registry, and as a row of the gates' table."""
        assert found.manifest_sha256 is not None
        champion = in_use(self.home, task.name)
        seal = seal_of(self.keyring, task.name, found.manifest_sha256) if verdict.passed else ""
        tags = {
            "gate": "passed" if verdict.passed else "failed",
            "gate_reasons": "; ".join(verdict.reasons),
            "gate_against": champion.version if champion else "",
            "gate_seal": seal,
            **words_in_use(),
        }
        checks = verdict.as_json()["checks"]
        self.registry.tag(found, tags)
        self.registry.write_text(found, GATE_FILE, json.dumps(verdict.as_json(), indent=1))
        judged = Judged(
            task.name, task.model_name, found.version, manifest.sha256, verdict.passed, checks
        )
        why = "every check passed" if verdict.passed else tags["gate_reasons"]
        self.record("model.gate", task.name, found.version, why=why, judged=judged)
        return self.registry.find(task, found.version)

    def promote(self, name: str, wanted: str, *, why: str) -> Moved:
        """Serve a version that passed its gate, and make it champion.

        It is judged again when the champion is another one than at its gate. Raises Refused.
        """
        task = find_task(name)
        with self.locked():
            found = self.registry.find(task, wanted)
            before = in_use(self.home, name)
            against = before.version if before else ""
            if before is not None and before.version == found.version:
                against = found.gate_against or ""
            if found.gate == "passed" and (
                not self.passed(found) or (found.gate_against or "") != against
            ):
                found, _ = self.gate(name, found.version)
            if not self.passed(found):
                raise Refused(
                    f"{name} version {found.version} has not passed its gate"
                    f"{f' ({found.gate_reasons})' if found.gate_reasons else ''}, so it cannot "
                    f"become champion; `voice-ai models gate {name} {found.version}` judges it"
                )
            return self.put_in_use(task, found, why=why)

    def settle(self, task: Task, version: Registered, rows: Dataset | None = None) -> "Settled":
        """Judge a new version, and promote it when it passes. The caller holds the lock."""
        found, verdict = self.gate(task.name, version.version, rows)
        made = f"version {found.version}"
        if not verdict.passed:
            said = f"{made} is registered but not promoted: {'; '.join(verdict.reasons)}"
            return Settled(verdict, False, said)
        self.put_in_use(task, found, why="it passed its gate after training")
        (against,) = [check for check in verdict.checks if check.name == "champion"]
        return Settled(verdict, True, f"{made} is the champion: {against.detail}")

    def take_champion(self, task: Task) -> str | None:
        """Serve the registry's champion where its gate is proved, or is passed now.

        Returns its version; None where there is none that may. The caller holds the lock.
        """
        found = self.registry.champion(task)
        if found is not None and not self.passed(found):
            found, _ = self.gate(task.name, found.version)
        if found is None or not self.passed(found):
            return None
        self.put_in_use(task, found, why="this home served no model of the task")
        return found.version

    def put_in_use(self, task: Task, found: Registered, *, why: str) -> Moved:
        """Copy, self-test and serve; then the aliases. The caller holds the lock."""
        before = in_use(self.home, task.name)
        # Served first: a version that fails its self-test must not hold the alias.
        with self.fetched(found) as (folder, manifest):
            deploy(folder / MODEL_FILE, manifest, self.home)
        served = before.version if before else None
        self.record(
            "model.promote",
            task.name,
            found.version,
            why=why,
            before=served,
            manifest_sha256=found.manifest_sha256,
            words=words_in_use(),
        )
        return self._tell_registry(task, found.version, served)

    def follow(self, task: Task, found: Registered, *, why: str) -> None:
        """Serve what the alias names already. The caller holds the lock.

        A version that served here before is gone back to, so that what came after it is not what a
        rollback finds; the alias `previous` is then left as whoever moved the other one left it.
        """
        before = in_use(self.home, task.name)
        served = before.version if before else None
        if not self._went_back(task.name, found):
            with self.fetched(found) as (folder, manifest):
                deploy(folder / MODEL_FILE, manifest, self.home)
            if served not in (None, found.version):
                self.registry.set_aliases(task, {PREVIOUS: served})
        self.record("model.follow", task.name, found.version, why=why, before=served)

    def rollback(self, name: str, to: str | None = None, *, why: str) -> Moved:
        """Serve the version before again, from the copies of this home: no registry is needed.

        Raises NotFound, or Refused when the copy is damaged.
        """
        task = find_task(name)
        before = [one.version for one in history(self.home, name)][-1:]
        target = go_back(self.home, name, to)
        served = before[0] if before else None
        self.record("model.rollback", name, target.version, why=why, before=served)
        return self._tell_registry(task, target.version, served)

    def withdraw(self, task: Task, *, why: str) -> None:
        """Serve no model of the task to who starts from now on, and take the alias away."""
        before = in_use(self.home, task.name)
        serve_nothing(self.home, task.name)
        self.owe(task, {CHAMPION: None})
        self.record("model.withdraw", task.name, before.version if before else "", why=why)

    def settle_aliases(self, task: Task) -> bool:
        """Move the aliases that are owed; whether there were any. Raises NotAvailable."""
        owed = self.owed(task.name)
        if owed is None:
            return False
        self.registry.set_aliases(task, owed)
        if self.owed(task.name) == owed:  # nothing was added meanwhile
            self._owed_file(task.name).unlink(missing_ok=True)
        return True

    def owed(self, task: str) -> Aliases | None:
        """Aliases that the registry does not know of yet."""
        try:
            found = json.loads(self._owed_file(task).read_bytes())
        except (OSError, ValueError):
            return None
        return {str(alias): version for alias, version in found.items()}

    @contextmanager
    def fetched(self, version: Registered) -> Iterator[tuple[Path, Manifest]]:
        """The files of a version, its manifest's pin checked, in a folder for the moment."""
        with tempfile.TemporaryDirectory() as folder:
            model_file, manifest = self.registry.fetch(version, Path(folder))
            yield model_file.parent, manifest

    @contextmanager
    def locked(self, *, wait: bool = True) -> Iterator[None]:
        """One at a time per registry: two would both be the first champion.

        Raises BlockingIOError when another one holds it and `wait` is False.
        """
        folder = self.registry.folder or models_folder(self.home)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield

    def _went_back(self, task: str, found: Registered) -> bool:
        """Whether the version is one of this home's earlier ones, and serves again."""
        known = [one for one in history(self.home, task)[:-1] if one.version == found.version]
        try:
            if not known or registry_pin(self.home, known[-1]) != found.manifest_sha256:
                return False
            go_back(self.home, task, found.version)
        except Refused:  # its copy is damaged: it is fetched again
            return False
        return True

    def _tell_registry(self, task: Task, version: str, before: str | None) -> Moved:
        """What the aliases must say now that the version serves."""
        known = history(self.home, task.name)
        previous = next((one.version for one in known[-2::-1] if one.version != version), None)
        late = not self.owe(task, {CHAMPION: version, PREVIOUS: previous})
        return Moved(task.name, version, before, late)

    def owe(self, task: Task, aliases: Aliases) -> bool:
        """Whether the registry follows already: owed first, so that no crash between loses it."""
        owed = {**(self.owed(task.name) or {}), **aliases}
        replace_file(self._owed_file(task.name), json.dumps(owed).encode())
        done: Future[bool] = Future()

        def ask() -> None:
            try:
                done.set_result(self.settle_aliases(task))
            except BaseException as error:  # told to whoever waits
                done.set_exception(error)

        # A registry that hangs is not waited for: what is owed is paid by the flows process.
        threading.Thread(target=ask, daemon=True).start()
        try:
            return done.result(timeout=_PATIENCE_S)
        except (NotAvailable, TimeoutError):
            return False

    def _owed_file(self, task: str) -> Path:
        return models_folder(self.home) / safe_name(task) / _OWED_FILE


def deliver_trail(lifecycle: Lifecycle) -> str:
    """Move the steps into the audit log where a database runs; says in a sentence what came of it.

    It starts none: training needs no database, and what waits is delivered by the next command
    or by the flows process.
    """
    import psycopg

    from voice_ai.context import database_runs, open_context
    from voice_ai.db.connect import connect

    trail = ModelTrail(lifecycle.home)
    waiting = len(trail.waiting())
    if not waiting:
        return "nothing waits for the audit log"
    kept = f"{waiting} steps wait in the home for the audit log"
    if not database_runs(lifecycle.settings):
        return f"{kept}; no database runs here now"
    try:
        with open_context() as context, connect(context.role_url("flows"), autocommit=True) as db:
            return f"{trail.deliver(db)} steps written to the audit log"
    except (NotAvailable, psycopg.Error) as error:
        return f"{kept}: {str(error).splitlines()[0]}"


def os_user() -> str:
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return "unknown"

"""The registry's facts without waiting: MLflow takes seconds to load, so a thread asks it."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

from ml.deploy import champion_file, damage_of, read_champion, read_manifest
from ml.lifecycle import Lifecycle
from ml.registry_records import Registered, Told
from ml.standing import Notes, notes_on, status
from ml.tasks import TASKS
from voice_ai.errors import VoiceAIError
from voice_ai.settings import Settings

T = TypeVar("T")
_FRESH = 30.0  # seconds


@dataclass(frozen=True)
class Served:
    """What this home's files say of a task; `trouble` where they cannot be used."""

    version: str | None = None
    since: datetime | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    dataset: str | None = None
    trouble: str | None = None


def served(settings: Settings, task: str) -> Served:
    """From the local copy that calls are answered with."""
    path = champion_file(settings.home, task)
    if not path.exists():
        return Served()
    try:
        champion = read_champion(path)
        manifest = read_manifest(path.parent / champion.version, champion.manifest_sha256)
    except VoiceAIError as error:
        return Served(trouble=error.message)
    since = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    trouble = damage_of(settings.home, task)
    return Served(champion.version, since, manifest.metrics, manifest.dataset, trouble)


@dataclass(frozen=True)
class Facts:
    """Versions by task, the newest first, and what is wrong with each task, in sentences."""

    versions: Mapping[str, Sequence[Told]]
    trouble: Mapping[str, Sequence[str]]

    def find(self, task: str, version: str | None) -> Told | None:
        known = self.versions.get(task, ())
        return next((one for one in known if one.version.version == version), None)

    def holder(self, task: str, alias: str) -> Told | None:
        """The version that carries the alias."""
        known = self.versions.get(task, ())
        return next((one for one in known if alias in one.version.aliases), None)


@dataclass(frozen=True)
class Seen(Generic[T]):
    """`facts` is None until the registry has answered once."""

    facts: T | None
    trouble: str | None
    asking: bool


class _Question(Generic[T]):
    """Keeps the last answer and asks again when it is older than `_FRESH`."""

    def __init__(self, ask: Callable[[], T], thread: Executor, monotonic: Callable[[], float]):
        self._ask = ask
        self._thread = thread
        self._monotonic = monotonic
        self._asked: Future[T] | None = None
        self._at = float("-inf")
        self._facts: T | None = None
        self._trouble: str | None = None

    def look(self) -> Seen[T]:
        if self._asked is not None and self._asked.done():
            self._take(self._asked)
            self._asked = None
        if self._asked is None and self._monotonic() - self._at >= _FRESH:
            self._asked = self._thread.submit(self._ask)
        return Seen(self._facts, self._trouble, asking=self._asked is not None)

    def forget(self) -> None:
        self._at = float("-inf")

    def _take(self, answer: "Future[T]") -> None:
        self._at = self._monotonic()
        try:
            self._facts, self._trouble = answer.result(), None
        except VoiceAIError as error:
            self._trouble = error.message


class RegistryReader:
    """Asks in one thread, for all who look at the pages; never makes them wait."""

    def __init__(
        self, lifecycle: Lifecycle, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._lifecycle = lifecycle
        self._monotonic = monotonic
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="registry")
        self._all = self._question(self._ask)
        self._notes: dict[str, _Question[Notes]] = {}

    def look(self) -> Seen[Facts]:
        """What is known of all versions by now."""
        return self._all.look()

    def look_at(self, version: Registered) -> Seen[Notes]:
        """What is known of one version's gate and card by now."""
        if version.run_id not in self._notes:
            registry = self._lifecycle.registry
            self._notes[version.run_id] = self._question(lambda: notes_on(registry, version))
        return self._notes[version.run_id].look()

    def forget(self) -> None:
        """Ask again at the next look."""
        self._all.forget()
        for question in self._notes.values():
            question.forget()

    def _question(self, ask: Callable[[], T]) -> _Question[T]:
        return _Question(ask, self._thread, self._monotonic)

    def _ask(self) -> Facts:
        registry = self._lifecycle.registry
        versions = {name: registry.told(task) for name, task in TASKS.items()}
        told = status(self._lifecycle)["models"]
        return Facts(versions, {name: told[name]["trouble"] for name in TASKS})

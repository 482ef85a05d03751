"""The registry's facts without waiting: MLflow takes seconds to load, so a thread asks it."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from ml.deploy import champion_file, read_champion, read_manifest
from ml.registry import Registry
from ml.registry_records import Told
from ml.tasks import TASKS
from voice_ai.errors import VoiceAIError
from voice_ai.settings import Settings

_FRESH = 30.0  # seconds

Facts = dict[str, list[Told]]


@dataclass(frozen=True)
class Served:
    """What this home's files say of a task; `trouble` where they cannot be used."""

    version: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
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
    return Served(champion.version, dict(manifest.metrics), manifest.dataset)


@dataclass(frozen=True)
class Seen:
    """`facts` is None until the registry has answered once."""

    facts: Facts | None
    trouble: str | None
    asking: bool


class RegistryReader:
    """Keeps the last answer and asks again, in one thread, when it is older than `_FRESH`."""

    def __init__(self, registry: Registry, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._monotonic = monotonic
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="registry")
        self._asked: Future[Facts] | None = None
        self._at = float("-inf")
        self._seen = Seen(None, None, asking=False)

    def look(self) -> Seen:
        """What is known by now; never waits."""
        if self._asked is not None and self._asked.done():
            self._take(self._asked)
            self._asked = None
        if self._asked is None and self._monotonic() - self._at >= _FRESH:
            self._asked = self._thread.submit(self._ask)
        return Seen(self._seen.facts, self._seen.trouble, asking=self._asked is not None)

    def forget(self) -> None:
        """Ask again at the next look."""
        self._at = float("-inf")

    def _take(self, answer: "Future[Facts]") -> None:
        self._at = self._monotonic()
        try:
            self._seen = Seen(answer.result(), None, asking=False)
        except VoiceAIError as error:
            self._seen = Seen(self._seen.facts, error.message, asking=False)

    def _ask(self) -> Facts:
        return {name: self._registry.told(task) for name, task in TASKS.items()}

"""Answers with the champions of a home, from their local copies: no registry, no MLflow."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ml.artifact import Manifest, load_verified
from ml.deploy import CHAMPION_FILE, models_folder, read_champion, read_manifest
from ml.fallback import NEUTRAL, Fallback, read_fallback
from ml.fusion import Fusion
from ml.kinds import Model
from voice_ai.errors import Refused

if TYPE_CHECKING:
    from ml.voice.listening import Listener

WORDS_TASK, VOICE_TASK = "emotion", "emotion_voice"
_FUSION = Fusion()

# What a changed file cannot keep: modification time, inode, size.
_Stamp = tuple[int, int, int]
_HOW = {True: "neutral, without a score", False: "for itself"}


@dataclass(frozen=True)
class Prediction:
    """`scores` are probabilities over all labels, `score` is that of `label`.

    `fallback`: the version drifted and a person wants it to say nothing; the label is then
    `neutral`, there is no score, and `scores` is empty.
    """

    task: str
    label: str
    scores: Mapping[str, float]
    score: float | None
    model_name: str
    version: str
    latency_us: float
    fallback: bool = False


class Witness(Protocol):
    """As much of a prediction as it takes to make one of two."""

    @property
    def scores(self) -> Mapping[str, float]: ...

    @property
    def model_name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def latency_us(self) -> float: ...


class VoiceListener:
    """Of one call. Feed it a turn's mu-law audio, then ask; see `ml.voice.listening`."""

    def __init__(self, listener: "Listener[Prediction]") -> None:
        self.feed = listener.feed
        self.drop = listener.drop
        self.end = listener.end

    @staticmethod
    def together(words: Witness | None, sound: Witness) -> Prediction | None:
        """One feeling of both, under the task of the words; None where it is better to say none."""
        fused = _FUSION(None if words is None else words.scores, sound.scores)
        if fused.label is None:
            return None
        # One that drifted, and is to say nothing, has no scores.
        witnesses = [one for one in (words, sound) if one is not None and one.scores]
        return Prediction(
            task=WORDS_TASK,
            label=fused.label,
            scores=fused.scores,
            score=fused.scores[fused.label],
            model_name="+".join(one.model_name for one in witnesses),
            version="+".join(one.version for one in witnesses),
            latency_us=sum(one.latency_us for one in witnesses),
        )


@dataclass(frozen=True)
class _Loaded:
    model: Model
    manifest: Manifest
    version: str


@dataclass
class ModelServer:
    """The models of one home. `refresh` may load for about a second; call it off the event loop."""

    home: Path
    _served: dict[str, _Loaded] = field(default_factory=dict)
    _stamps: dict[str, _Stamp] = field(default_factory=dict)
    _refused: dict[str, str] = field(default_factory=dict)
    _fallbacks: dict[str, Fallback] = field(default_factory=dict)

    def refresh(self) -> list[str]:
        """Load champions that changed since the last call; says in sentences what happened.

        A champion that fails its pins or its self-test is refused and the one before is kept.
        """
        found = [
            news
            for path in sorted(models_folder(self.home).glob(f"*/{CHAMPION_FILE}"))
            if (news := self._look_at(path)) is not None
        ]
        return [*found, *filter(None, map(self._look_at_fallback, sorted(self._served)))]

    def _look_at(self, path: Path) -> str | None:
        task = path.parent.name
        try:
            stat = path.stat()
        except OSError:  # replaced or removed this instant: the next refresh sees it
            return None
        stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        if self._stamps.get(task) == stamp:
            return None
        self._stamps[task] = stamp
        try:
            loaded = _load(path)
        except Refused as error:
            self._refused[task] = error.message
            before = self._served.get(task)
            kept = f"still serving version {before.version}" if before else "nothing is served"
            return f"{task}: the new champion is refused, {kept}: {error.message}"
        self._refused.pop(task, None)
        self._served[task] = loaded
        return f"{task}: serving version {loaded.version}"

    def _look_at_fallback(self, task: str) -> str | None:
        before = self._silent(task)
        try:
            self._fallbacks[task] = read_fallback(self.home, task)
        except Refused as error:
            return f"{task}: {error.message}"
        if (now := self._silent(task)) == before:
            return None
        version = self._served[task].version
        return f"{task}: version {version} {'drifted, it' if now else 'again'} answers {_HOW[now]}"

    def _silent(self, task: str) -> bool:
        fallback, loaded = self._fallbacks.get(task), self._served.get(task)
        return bool(
            fallback
            and loaded
            and fallback.holds_for(loaded.version)
            and NEUTRAL in loaded.manifest.labels
        )

    def predict(self, task: str, text: Any) -> Prediction | None:
        """The champion's answer; None while there is no champion of the task."""
        loaded = self._served.get(task)
        if loaded is None:
            return None
        if self._silent(task):
            name = loaded.manifest.model_name
            return Prediction(task, NEUTRAL, {}, None, name, loaded.version, 0.0, fallback=True)
        started = time.perf_counter_ns()
        values = loaded.model.probabilities(text)
        scores = dict(zip(loaded.model.labels, values.tolist(), strict=True))
        label = loaded.model.decision.label(values, loaded.model.labels)
        return Prediction(
            task=task,
            label=label,
            scores=scores,
            score=scores[label],
            model_name=loaded.manifest.model_name,
            version=loaded.version,
            latency_us=(time.perf_counter_ns() - started) / 1000,
        )

    def listener(self) -> "VoiceListener | None":
        """What hears the feelings in one call's voice; None while no such model is served."""
        if VOICE_TASK not in self._served:
            return None
        from ml.voice.listening import Listener

        def ask(voice: Sequence[float]) -> Prediction | None:
            return self.predict(VOICE_TASK, voice)

        return VoiceListener(Listener(ask))

    def status(self) -> dict[str, Any]:
        """Per task: the version served with its pins and figures, and what was refused."""
        return {
            task: {
                **_standing(self._served.get(task), self._refused.get(task)),
                "fallback": self._silent(task),
            }
            for task in sorted({*self._served, *self._refused})
        }


def _load(path: Path) -> _Loaded:
    champion = read_champion(path)
    folder = path.parent / champion.version
    manifest = read_manifest(folder, champion.manifest_sha256)
    if (manifest.task, manifest.version) != (champion.task, champion.version):
        raise Refused("the manifest belongs to another task or version")
    return _Loaded(load_verified(folder, manifest), manifest, champion.version)


def _standing(loaded: _Loaded | None, refused: str | None) -> dict[str, Any]:
    manifest = loaded.manifest if loaded else None
    return {
        "serving": loaded.version if loaded else None,
        "model_name": manifest.model_name if manifest else None,
        "sha256": manifest.sha256 if manifest else None,
        "dataset_sha256": manifest.dataset_sha256 if manifest else None,
        "labels": list(manifest.labels) if manifest else [],
        "metrics": dict(manifest.metrics) if manifest else {},
        "refused": refused,
    }

"""Answers with the models of a home, from their local copies: no registry, no MLflow.

The champion answers; a challenger answers in its share of the calls; a shadow only listens.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ml.artifact import MODEL_FILE, Manifest, load_verified
from ml.candidates import (
    CANDIDATES,
    CHALLENGER,
    CHAMPION,
    SLOTS,
    Candidate,
    SlotName,
    read_candidate,
)
from ml.deploy import models_folder, read_champion, read_manifest
from ml.fallback import NEUTRAL, Fallback, read_fallback
from ml.fusion import Fusion
from ml.kinds import Model
from ml.opinions import Opinion
from voice_ai.errors import NotAvailable, Refused

__all__ = ["NO_ARMS", "Arms", "ModelServer", "Opinion", "Prediction", "Scored", "VoiceListener"]

if TYPE_CHECKING:
    from ml.voice.listening import Listener

WORDS_TASK, VOICE_TASK = "emotion", "emotion_voice"
_FUSION = Fusion()

# What a changed file cannot keep: modification time, inode, size.
_Stamp = tuple[int, int, int]
_Place = tuple[str, SlotName]
# Longer ones hardly come again.
_PHRASE = 60
_PHRASES_KEPT = 4096
_HOW = {True: "neutral, without a score", False: "for itself"}


@dataclass(frozen=True)
class Prediction:
    """`scores` are probabilities over all labels, `score` is that of `label`.

    `fallback`: the version drifted and a person wants it to say nothing; the label is then
    `neutral`, there is no score, and `scores` is empty. `slot` is whose answer it is in a call that
    takes part in a canary; None in every other call.
    """

    task: str
    label: str
    scores: Mapping[str, float]
    score: float | None
    model_name: str
    version: str
    latency_us: float
    fallback: bool = False
    slot: SlotName | None = None


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
class Scored:
    """What one version says of many inputs, in their order; `scores` are those of the labels."""

    model_name: str
    version: str
    labels: Sequence[str]
    scores: Sequence[float]


@dataclass(frozen=True)
class _Loaded:
    model: Model
    manifest: Manifest
    candidate: Candidate
    phrases: dict[str, tuple[str, Mapping[str, float]]] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return self.candidate.version

    def says(self, text: Any, slot: SlotName | None) -> Prediction:
        started = time.perf_counter_ns()
        label, scores = self._heard(text)
        return Prediction(
            task=self.candidate.task,
            label=label,
            scores=scores,
            score=scores[label],
            model_name=self.manifest.model_name,
            version=self.version,
            latency_us=(time.perf_counter_ns() - started) / 1000,
            slot=slot,
        )

    def _heard(self, text: Any) -> tuple[str, Mapping[str, float]]:
        """People say the same few phrases; an answer to one is kept while the version serves."""
        if isinstance(text, str) and (kept := self.phrases.get(text)) is not None:
            return kept
        values = self.model.probabilities(text)
        scores = dict(zip(self.model.labels, values.tolist(), strict=True))
        heard = self.model.decision.label(values, self.model.labels), scores
        if isinstance(text, str) and len(text) <= _PHRASE:
            if len(self.phrases) >= _PHRASES_KEPT:
                self.phrases.clear()
            self.phrases[text] = heard
        return heard


@dataclass(frozen=True)
class Arms:
    """Who answers in one call, drawn once at its beginning.

    By task the challenger's version; None is the champion, held against it. A task that is not
    named has no canary in this call.
    """

    by_task: Mapping[str, str | None] = field(default_factory=dict)


NO_ARMS = Arms()


@dataclass
class ModelServer:
    """The models of one home. `refresh` may load for about a second; call it off the event loop."""

    home: Path
    _served: dict[_Place, _Loaded] = field(default_factory=dict)
    _stamps: dict[_Place, _Stamp] = field(default_factory=dict)
    _refused: dict[_Place, str] = field(default_factory=dict)
    _fallbacks: dict[str, Fallback] = field(default_factory=dict)

    def refresh(self, *, most_bytes: int | None = None) -> list[str]:
        """Load what changed since the last call; says in sentences what happened.

        A champion that fails its pins or its self-test is refused and the one before is kept; a
        candidate that does is refused, and the others go on. Models of more than `most_bytes` are
        left for the next call, so that a server begins while its large ones are still cold.
        """
        found = {
            (path.parent.name, slot): path
            for slot in SLOTS
            for path in sorted(models_folder(self.home).glob(f"*/{slot}.json"))
        }
        news = [self._look_at(place, path, most_bytes) for place, path in found.items()]
        gone = [place for place in self._stamps if place[1] != CHAMPION and place not in found]
        news += map(self._drop, gone)
        news += [
            self._look_at_fallback(task) for task, slot in sorted(self._served) if slot == CHAMPION
        ]
        return [told for told in news if told is not None]

    def _look_at(self, place: _Place, path: Path, most_bytes: int | None) -> str | None:
        task, slot = place
        try:
            stat = path.stat()
        except OSError:  # replaced or removed this instant: the next refresh sees it
            return None
        stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        if self._stamps.get(place) == stamp:
            return None
        if most_bytes is not None and _bytes_beside(path) > most_bytes:
            return f"{task}: calls begin before this large model is loaded"
        self._stamps[place] = stamp
        try:
            loaded = self._load(place, path)
        except (Refused, NotAvailable) as error:
            self._refused[place] = error.message
            return self._refusal(place, error.message)
        self._refused.pop(place, None)
        self._served[place] = loaded
        return f"{task}: {_role(slot, loaded.candidate)}"

    def _load(self, place: _Place, path: Path) -> _Loaded:
        """Raises Refused. A candidate of which only the share changed is not loaded again."""
        if place[1] == CHAMPION:
            champion = read_champion(path)
            named = Candidate(champion.task, champion.version, champion.manifest_sha256)
        else:
            named = read_candidate(path)
        folder = path.parent / named.version
        manifest = read_manifest(folder, named.manifest_sha256)
        if (manifest.task, manifest.version) != (named.task, named.version):
            raise Refused("the manifest belongs to another task or version")
        before = None if place[1] == CHAMPION else self._served.get(place)
        if before is not None and before.candidate.manifest_sha256 == named.manifest_sha256:
            return replace(before, candidate=named)
        return _Loaded(load_verified(folder, manifest), manifest, named)

    def _look_at_fallback(self, task: str) -> str | None:
        before = self._silent(task)
        try:
            self._fallbacks[task] = read_fallback(self.home, task)
        except Refused as error:
            return f"{task}: {error.message}"
        if (now := self._silent(task)) == before:
            return None
        version = self._served[task, CHAMPION].version
        return f"{task}: version {version} {'drifted, it' if now else 'again'} answers {_HOW[now]}"

    def _silent(self, task: str) -> bool:
        """Whether the champion drifted and is to say nothing; a candidate is another version."""
        fallback, loaded = self._fallbacks.get(task), self._served.get((task, CHAMPION))
        return bool(
            fallback
            and loaded
            and fallback.holds_for(loaded.version)
            and NEUTRAL in loaded.manifest.labels
        )

    def _refusal(self, place: _Place, why: str) -> str:
        task, slot = place
        if slot != CHAMPION:
            self._served.pop(place, None)
            return f"{task}: the {slot} is refused, calls go on without it: {why}"
        before = self._served.get(place)
        kept = f"still serving version {before.version}" if before else "nothing is served"
        return f"{task}: the new champion is refused, {kept}: {why}"

    def _drop(self, place: _Place) -> str | None:
        """The slot was emptied."""
        self._stamps.pop(place, None)
        self._refused.pop(place, None)
        loaded = self._served.pop(place, None)
        return (
            f"{place[0]}: version {loaded.version} is no longer the {place[1]}" if loaded else None
        )

    def version_of(self, task: str, slot: SlotName = CHAMPION) -> str | None:
        """The version that serves there; None while none does."""
        loaded = self._served.get((task, slot))
        return None if loaded is None else loaded.version

    def batch(self, task: str, inputs: Sequence[Any], slot: SlotName = CHAMPION) -> Scored | None:
        """What a served version says of many inputs at once; None while none serves there."""
        loaded = self._served.get((task, slot))
        if loaded is None:
            return None
        values = loaded.model.batch(inputs)
        labels = [loaded.model.decision.label(row, loaded.model.labels) for row in values]
        place = {label: column for column, label in enumerate(loaded.model.labels)}
        scores = [float(row[place[label]]) for row, label in zip(values, labels, strict=True)]
        return Scored(loaded.manifest.model_name, loaded.version, labels, scores)

    def listener(self, arms: Arms = NO_ARMS) -> "VoiceListener | None":
        """What hears the feelings in one call's voice; None while no such model is served."""
        if (VOICE_TASK, CHAMPION) not in self._served:
            return None
        from ml.voice.listening import Listener

        def ask(voice: Sequence[float]) -> Prediction | None:
            return self.predict(VOICE_TASK, voice, arms)

        return VoiceListener(Listener(ask))

    def arms_of(self, call_id: str, campaign: str | None = None) -> Arms:
        """Which side of each running canary the call is on."""
        return Arms(
            {
                task: loaded.version if loaded.candidate.takes(call_id) else None
                for (task, slot), loaded in tuple(self._served.items())
                if slot == CHALLENGER and loaded.candidate.may_touch(campaign)
            }
        )

    def predict(self, task: str, text: Any, arms: Arms = NO_ARMS) -> Prediction | None:
        """The answer for a call of these arms; None while there is no champion of the task.

        A challenger that was taken back since the call began, or that fails, answers no more.
        """
        slot: SlotName | None = CHAMPION if task in arms.by_task else None
        wanted = arms.by_task.get(task)
        if wanted is not None:
            challenger = self._served.get((task, CHALLENGER))
            if challenger is not None and challenger.version == wanted:
                try:
                    return challenger.says(text, CHALLENGER)
                except Exception as error:  # whatever a candidate does, the call goes on
                    self._give_up((task, CHALLENGER), error)
            slot = None  # neither side's: it was to be the challenger's
        champion = self._served.get((task, CHAMPION))
        if champion is not None and self._silent(task):
            name, version = champion.manifest.model_name, champion.version
            return Prediction(task, NEUTRAL, {}, None, name, version, 0.0, fallback=True, slot=slot)
        return None if champion is None else champion.says(text, slot)

    @property
    def candidates(self) -> frozenset[str]:
        """The tasks of which somebody listens to what the champion hears."""
        return frozenset(task for task, slot in tuple(self._served) if slot in CANDIDATES)

    def opinions(self, task: str, text: Any, answer: Any) -> Sequence[Opinion]:
        """What each candidate makes of a turn, beside the champion's word on it.

        `answer` is the prediction that the call went by, whoever made it, or None. Takes a model's
        time for each candidate: not on the event loop.
        """
        listening = [(slot, self._served.get((task, slot))) for slot in CANDIDATES]
        present = [(slot, loaded) for slot, loaded in listening if loaded is not None]
        by_challenger = answer is not None and answer.slot == CHALLENGER
        kept = self._served.get((task, CHAMPION)) if by_challenger and present else None
        champion = (kept.says(text, None) if kept else None) if by_challenger else answer
        said = []
        for slot, loaded in present:
            same = by_challenger and slot == CHALLENGER and answer.version == loaded.version
            try:
                word = answer if same else loaded.says(text, slot)
            except Exception as error:  # as above: it only listens
                self._give_up((task, slot), error)
                continue
            said.append(Opinion.of(slot, word, champion, acted_on=same))
        return said

    def _give_up(self, place: _Place, error: Exception) -> None:
        """Until its file is written again."""
        self._served.pop(place, None)
        self._refused[place] = f"it failed on a turn ({type(error).__name__}: {error})"

    def status(self) -> dict[str, Any]:
        """Per task: the version served with its pins and figures, candidates, what was refused."""
        return {task: self._standing(task) for task in sorted({t for t, _ in self._known()})}

    def _known(self) -> set[_Place]:
        return {*self._served, *self._refused}

    def _standing(self, task: str) -> dict[str, Any]:
        loaded = self._served.get((task, CHAMPION))
        manifest = loaded.manifest if loaded else None
        return {
            "serving": loaded.version if loaded else None,
            "model_name": manifest.model_name if manifest else None,
            "sha256": manifest.sha256 if manifest else None,
            "dataset_sha256": manifest.dataset_sha256 if manifest else None,
            "labels": list(manifest.labels) if manifest else [],
            "metrics": dict(manifest.metrics) if manifest else {},
            "refused": self._refused.get((task, CHAMPION)),
            "fallback": self._silent(task),
            "candidates": {
                slot: self._candidate(task, slot)
                for slot in CANDIDATES
                if (task, slot) in self._known()
            },
        }

    def _candidate(self, task: str, slot: SlotName) -> dict[str, Any]:
        loaded = self._served.get((task, slot))
        return {
            "version": loaded.version if loaded else None,
            "share": loaded.candidate.share if loaded else None,
            "refused": self._refused.get((task, slot)),
        }


def _role(slot: SlotName, candidate: Candidate) -> str:
    if slot == CHAMPION:
        return f"serving version {candidate.version}"
    if slot == CHALLENGER:
        return f"version {candidate.version} answers in {candidate.share:g} % of the calls"
    return f"version {candidate.version} listens as a shadow"


def _bytes_beside(pointer: Path) -> int:
    """The size of the largest model of the task: which one is meant is read when it is loaded."""
    sizes = [path.stat().st_size for path in pointer.parent.glob(f"*/{MODEL_FILE}")]
    return max(sizes, default=0)

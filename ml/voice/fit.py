"""Fit a voice classifier: several kinds are tried on speakers that they have not heard.

A clip is also learnt from at other speeds, as if more people had said it: few corpora have many
speakers, and those few are what limits a model (docs/models-voice.md has what it is worth).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets import Dataset
from ml.evaluate import Answers, figures
from ml.kinds import Fitted, Progress
from ml.voice.audio import read_sound, telephone
from ml.voice.features import NAMES, features_of
from ml.voice.kind import VoiceDataset
from ml.voice.model import INPUT_WIDTH
from ml.voice.speaker import Population, SpeakerSoFar
from voice_ai.errors import BadInput

Floats = NDArray[np.float64]
Labels = NDArray[np.str_]

SPEEDS = (0.85, 0.9, 0.95, 1.05, 1.1, 1.15)
# More clips than this have speakers enough, and would take minutes to hear seven times.
_MOST_VARIED = 2500
_FOLDS = 5
_KERNEL_CLIPS = 500
_TEMPERATURES = np.geomspace(0.1, 8.0, 177)
_VARIED_SHARE, _TRIED_SHARE = 0.5, 0.9


@dataclass(frozen=True)
class Clips:
    """Rows to learn from: `inputs` float64[rows, INPUT_WIDTH]; `varied` the same ones at other

    speeds; `speakers` has None for a clip whose speaker is unknown.
    """

    inputs: Floats
    labels: Labels
    speakers: Sequence[str | None]
    varied: Sequence[Floats] = ()

    def of(self, rows: NDArray[np.intp]) -> "Clips":
        return Clips(
            self.inputs[rows],
            self.labels[rows],
            [self.speakers[row] for row in rows],
            [part[rows] for part in self.varied],
        )

    @property
    def population(self) -> Population:
        return Population.of(self.inputs[:, : len(NAMES)], self.speakers)

    def to_learn(self, population: Population) -> tuple[Floats, Labels]:
        """Normalised rows at every speed; a clip too short at a speed is left out there."""
        parts = [self.inputs, *self.varied]
        rows = np.vstack([population.normalised(part) for part in parts])
        heard = ~np.isnan(rows).any(axis=1)
        return rows[heard], np.tile(self.labels, len(parts))[heard]


@dataclass(frozen=True)
class Candidate:
    """`make` gives an unfitted pipeline for a seed."""

    name: str
    make: Callable[[int], Any]


@dataclass(frozen=True)
class Choice:
    candidate: Candidate
    temperature: float
    figures: Mapping[str, float]


def fit(data: Dataset, *, seed: int, progress: Progress) -> Fitted:
    """Train on every row. Raises BadInput when it cannot teach a distinction."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    clips = heard_clips(data, seed, progress)
    # The matrices are small: one thread is several times faster, and repeats exactly.
    with threadpool_limits(limits=1):
        choice = choose(clips, seed, progress)
        progress(_TRIED_SHARE, f"fitting {choice.candidate.name}")
        pipeline, settings, rows = fitted(clips, choice, seed)
    progress(1.0, "fitted")
    return Fitted(
        pipeline=pipeline,
        labels=tuple(str(label) for label in pipeline.classes_),
        settings=settings,
        params={
            "algorithm": choice.candidate.name,
            "features": len(NAMES),
            "temperature": round(choice.temperature, 4),
            "speeds": 1 + len(clips.varied),
            "speakers": len(set(clips.speakers)),
            "seed": seed,
            "n_train": len(clips.labels),
        },
        cross_validated=choice.figures,
        fingerprint=fingerprint(pipeline, settings),
        example=rows[:3],
        dataset=data,
        notes=("Folds are cut by speaker; each clip knows its speaker's earlier clips only.",),
    )


def fitted(clips: Clips, choice: Choice, seed: int) -> tuple[Any, dict[str, Any], Floats]:
    """The chosen pipeline with its settings, and the rows it learnt from."""
    population = clips.population
    rows, labels = clips.to_learn(population)
    pipeline = choice.candidate.make(seed).fit(rows, labels)
    model = pipeline.named_steps["model"]
    model.coef_ = model.coef_ / choice.temperature
    model.intercept_ = model.intercept_ / choice.temperature
    return pipeline, {"features": list(NAMES), "population": population.as_settings()}, rows


def fingerprint(pipeline: Any, settings: Mapping[str, Any]) -> str:
    """Hash of what the model computes."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    steps = pipeline.named_steps
    digest.update(repr([str(label) for label in steps["model"].classes_]).encode())
    numbers = [steps["scale"].mean_, steps["scale"].scale_]
    if "kernel" in steps:
        numbers += [steps["kernel"].components_, steps["kernel"].normalization_]
    for values in (*numbers, steps["model"].coef_, steps["model"].intercept_):
        digest.update(np.ascontiguousarray(values, "<f8").tobytes())
    return digest.hexdigest()


def heard_clips(data: Dataset, seed: int, progress: Progress) -> Clips:
    """The rows in which there is a voice, also at other speeds. Raises BadInput."""
    rows = [e for e in data.examples if len(e.input)]
    _check(data, Counter(e.label for e in rows))
    sounds = data.sounds if isinstance(data, VoiceDataset) else {}
    speakers = [sounds[e.key][1] if e.key in sounds else e.group for e in rows]
    varied = []
    if len(rows) <= _MOST_VARIED and all(e.key in sounds for e in rows):
        for number, speed in enumerate(SPEEDS):
            share = _VARIED_SHARE * number / len(SPEEDS)
            progress(share, f"listening at {speed:g} times the speed")
            varied.append(_at_speed([sounds[e.key] for e in rows], speed, seed + number))
    inputs = np.array([e.input for e in rows], np.float64)
    return Clips(inputs, np.array([e.label for e in rows]), speakers, varied)


def _check(data: Dataset, counts: Mapping[str, int]) -> None:
    if data.multi_label:
        raise BadInput(f"{data.name} has rows with several labels; a voice takes one, the main one")
    if len(counts) < 2:
        raise BadInput(f"{data.name} has {len(counts)} label to learn; give at least two")
    label, fewest = min(counts.items(), key=lambda item: (item[1], item[0]))
    if fewest < 2:
        raise BadInput(
            f"{data.name} has only {fewest} clip to learn the label {label!r} from; give two"
        )


def _at_speed(sounds: Sequence[tuple[Any, str | None]], speed: float, seed: int) -> Floats:
    """float64[sounds, INPUT_WIDTH], NaN where there is no voice.

    Another order too, so that an order of the file in which labels follow each other teaches less.
    """
    inputs = np.full((len(sounds), INPUT_WIDTH), np.nan)
    so_far: dict[str, SpeakerSoFar] = {}
    for row in np.random.default_rng(seed).permutation(len(sounds)):
        path, speaker = sounds[row]
        samples, rate = read_sound(path)
        features = features_of(telephone(samples, rate, speed=speed))
        if features is None:
            continue
        known = SpeakerSoFar(len(NAMES))
        if speaker is not None:
            known = so_far.setdefault(speaker, known)
        inputs[row] = known.seen_before(features)
    return inputs


def candidates(clips: int) -> tuple[Candidate, ...]:
    """The one to take where nothing speaks against it first; then linear ones before others."""
    linear = (0.01, 0.003, 0.03, 0.1)
    return (
        *(Candidate(f"logistic regression, C {c:g}", partial(_logistic, c)) for c in linear),
        *(
            Candidate(f"linear discriminant, shrinkage {s:g}", partial(_discriminant, s))
            for s in (0.3, 0.5, 0.7)
        ),
        *(
            Candidate(f"RBF kernel logistic regression, C {c:g}", partial(_curved, c, clips))
            for c in (0.3, 3.0)
        ),
    )


def _logistic(strength: float, seed: int) -> Any:
    del seed
    return _pipeline([("model", _regression(strength))])


def _discriminant(shrinkage: float, seed: int) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    del seed
    return _pipeline([("model", LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage))])


def _curved(strength: float, clips: int, seed: int) -> Any:
    from sklearn.kernel_approximation import Nystroem

    kernel = Nystroem(
        gamma=0.5 / len(NAMES), n_components=min(_KERNEL_CLIPS, clips // 2), random_state=seed
    )
    return _pipeline([("kernel", kernel), ("model", _regression(strength))])


def _regression(strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)


def _pipeline(steps: list[tuple[str, Any]]) -> Any:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    return Pipeline([("scale", StandardScaler()), *steps])


def choose(clips: Clips, seed: int, progress: Progress) -> Choice:
    """By mean recall on speakers left out, and its temperature.

    Of those within one standard error of the best the first is taken (Breiman et al. 1984): on few
    clips the best one of nine is mostly the luckiest.
    """
    classes = np.unique(clips.labels)
    truth = np.searchsorted(classes, clips.labels)
    tried = candidates(len(truth))
    logits = np.zeros((len(tried), len(truth), len(classes)))
    folds = _folds(clips, seed)
    for number, (learn, judge) in enumerate(folds):
        part = clips.of(learn)
        population = part.population
        rows, labels = part.to_learn(population)
        unseen = population.normalised(clips.inputs[judge])
        for place, candidate in enumerate(tried):
            done = (number * len(tried) + place) / (len(folds) * len(tried))
            share = _VARIED_SHARE + (_TRIED_SHARE - _VARIED_SHARE) * done
            progress(share, f"trying {candidate.name} on speakers left out")
            pipeline = candidate.make(seed).fit(rows, labels)
            known = np.searchsorted(classes, pipeline.named_steps["model"].classes_)
            # A label of none but the speakers left out cannot be said of them.
            logits[place, judge] = -30.0
            said = _as_logits(pipeline.decision_function(unseen))
            logits[place][np.ix_(judge, known)] = said
    guesses = logits.argmax(axis=2)
    recalls = np.array([_mean_recall(truth, guess) for guess in guesses])
    error = np.sqrt(recalls.max() * (1 - recalls.max()) / len(truth))
    best = int(np.argmax(recalls >= recalls.max() - error))
    given, chosen = (np.eye(len(classes), dtype=bool)[one] for one in (truth, guesses[best]))
    answers = Answers(tuple(classes.tolist()), logits[best], given, chosen)
    return Choice(tried[best], _temperature(logits[best], truth), figures(answers))


def _folds(clips: Clips, seed: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """By speaker; by clip where fewer than two are known."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    groups = [speaker or f"row {row}" for row, speaker in enumerate(clips.speakers)]
    fewest = min(Counter(clips.labels.tolist()).values())
    if len(set(groups)) < 2:
        parts: Any = StratifiedKFold(min(_FOLDS, fewest), shuffle=True, random_state=seed)
        return list(parts.split(clips.inputs, clips.labels))
    count = min(_FOLDS, len(set(groups)), max(2, fewest))
    parts = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return list(parts.split(clips.inputs, clips.labels, groups))


def _as_logits(decision: Floats) -> Floats:
    return decision if decision.ndim == 2 else np.column_stack([np.zeros_like(decision), decision])


def _mean_recall(truth: NDArray[np.intp], guess: NDArray[np.intp]) -> float:
    return float(np.mean([(guess[truth == label] == label).mean() for label in np.unique(truth)]))


def _temperature(logits: Floats, truth: NDArray[np.intp]) -> float:
    """What the logits must be divided by for their probabilities to be the likeliest."""

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        top = scaled.max(axis=1, keepdims=True)
        log_sums = np.log(np.exp(scaled - top).sum(axis=1)) + top[:, 0]
        return float((log_sums - scaled[np.arange(len(truth)), truth]).mean())

    return float(min(_TEMPERATURES, key=loss))

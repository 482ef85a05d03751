"""One feeling of a turn from its words and from its sound. Pure.

A logarithmic opinion pool (Genest and Zidek 1986, Statistical Science 1(1), eq. 3.2):

    p(label) ~ words(label)^w_words · sound(label)^w_sound

renormalised. With weights of one it is Bayes' rule for independent witnesses and equal priors;
smaller weights discount a witness that is less reliable than it says. A witness that is not there
has the weight nought, so the other speaks alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, log
from types import MappingProxyType

# Acted corpora name feelings by other words; calm is what a telephone call calls neutral.
SOUND_IN_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "calm": "neutral",
        "happy": "joy",
        "happiness": "joy",
        "angry": "anger",
        "sad": "sadness",
        "fearful": "fear",
        "surprised": "surprise",
        "disgusted": "disgust",
    }
)
_LEAST = 1e-6


@dataclass(frozen=True)
class Fusion:
    """`names`: what a label of the sound is called among those of the words; others keep theirs.

    The weights are chosen, not learnt: no data are shipped in which a turn has both. The sound's is
    half the words', as the best that was measured of it is right in three of five acted turns
    (docs/models-voice.md). Below `sure` nothing is said, nor where the two witnesses each are
    `opposed` sure of different labels: irony, or one of them is wrong.
    """

    words: float = 1.0
    sound: float = 0.5
    sure: float = 0.4
    opposed: float = 0.7
    names: Mapping[str, str] = field(default_factory=lambda: SOUND_IN_WORDS)

    def __call__(
        self, words: Mapping[str, float] | None, sound: Mapping[str, float] | None
    ) -> "Fused":
        """From probabilities by label; None or empty: nothing was heard there."""
        said, heard = dict(words or {}), self._renamed(sound or {})
        scores = self._pooled(said, heard)
        if not scores:
            return Fused(None, scores)
        best = max(scores, key=lambda label: (scores[label], label))
        if scores[best] < self.sure or self._opposed(said, heard):
            return Fused(None, scores)
        return Fused(best, scores)

    def _pooled(
        self, words: Mapping[str, float], sound: Mapping[str, float]
    ) -> Mapping[str, float]:
        """Over the labels that every witness knows; over those of the words, if they share none."""
        witnesses = [(self.words, words), (self.sound, sound)]
        there = [(weight, scores) for weight, scores in witnesses if scores and weight > 0]
        if not there:
            return {}
        shared = [label for label in there[0][1] if all(label in scores for _, scores in there)]
        labels = shared or list(there[0][1])
        logs = {
            label: sum(w * log(max(scores.get(label, 0.0), _LEAST)) for w, scores in there)
            for label in labels
        }
        top = max(logs.values())
        total = sum(exp(value - top) for value in logs.values())
        return {label: exp(value - top) / total for label, value in logs.items()}

    def _renamed(self, sound: Mapping[str, float]) -> dict[str, float]:
        renamed: dict[str, float] = {}
        for label, score in sound.items():
            name = self.names.get(label, label)
            renamed[name] = renamed.get(name, 0.0) + score
        return renamed

    def _opposed(self, words: Mapping[str, float], sound: Mapping[str, float]) -> bool:
        if not words or not sound:
            return False
        said, heard = (max(scores, key=lambda label: scores[label]) for scores in (words, sound))
        return said != heard and min(words[said], sound[heard]) >= self.opposed


@dataclass(frozen=True)
class Fused:
    """`label` is None when it is better to say nothing; `scores` sum to one, or are empty."""

    label: str | None
    scores: Mapping[str, float]

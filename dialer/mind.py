"""Hears what an utterance means: the served models, with keywords below them as the floor.

Calls may begin before the models are loaded: until then the intent comes from keywords and the
emotion is unknown.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from dialer.ports import Prediction, Understanding
from ml.serving import ModelServer
from voice_ai.conversation.keywords import guess_intent


@dataclass(frozen=True)
class KeywordGuess:
    """A prediction that no model made."""

    label: str
    latency_us: float
    task: str = "intent"
    model_name: str = "keywords"
    version: str = "1"
    score: float | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ServedMind:
    models: ModelServer

    def understand(self, text: str) -> Understanding:
        intent: Prediction | None = self.models.predict("intent", text)
        return Understanding(
            intent=intent if intent is not None else _keywords(text),
            emotion=self.models.predict("emotion", text),
            opt_out=self.models.predict("opt_out", text),
        )

    def who_says(self, text: str) -> Mapping[str, float] | None:
        told = self.models.predict("answer", text)
        return None if told is None else told.scores


def _keywords(text: str) -> KeywordGuess | None:
    started = time.perf_counter()
    label = guess_intent(text)
    if label is None:
        return None
    return KeywordGuess(label=label, latency_us=(time.perf_counter() - started) * 1e6)

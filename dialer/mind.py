"""Hears what an utterance means: the served models, with keywords below them as the floor.

Calls may begin before the models are loaded: until then the intent comes from keywords and the
emotion is unknown.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dialer.ports import Prediction, Understanding, VoiceEars
from ml.serving import NO_ARMS, Arms, ModelServer
from voice_ai.conversation.keywords import guess_intent
from voice_ai.emotions import OFF, TEXT, VOICE, EmotionSource


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
    slot: str | None = None


@dataclass(frozen=True)
class ServedMind:
    """`emotion`: what the call's campaign lets emotions be heard from.

    `arms`: which side of each canary the call is on; outside of a call the champions answer.
    """

    models: ModelServer
    emotion: EmotionSource = TEXT
    arms: Arms = NO_ARMS

    def of_call(
        self, call_id: str, campaign: str | None = None, emotion: EmotionSource = TEXT
    ) -> "ServedMind":
        """The mind of one call, whose sides are drawn now and stay."""
        return replace(self, emotion=emotion, arms=self.models.arms_of(call_id, campaign))

    def voice_ears(self) -> VoiceEars | None:
        """For one call; None where its campaign does not say voice, or no model is served."""
        return self.models.listener(self.arms) if self.emotion == VOICE else None

    def understand(self, text: str) -> Understanding:
        intent: Prediction | None = self.models.predict("intent", text, self.arms)
        return Understanding(
            intent=intent if intent is not None else _keywords(text),
            emotion=(
                None if self.emotion == OFF else self.models.predict("emotion", text, self.arms)
            ),
            opt_out=self.models.predict("opt_out", text, self.arms),
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

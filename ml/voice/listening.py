"""Hears the feelings in one person's voice, turn by turn, and forgets the person with the call."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from ml.voice.features import NAMES, VoiceFeatures
from ml.voice.speaker import SpeakerSoFar

Answer = TypeVar("Answer")


class Listener(Generic[Answer]):
    """One call's. `ask` is a model's answer to its input."""

    def __init__(self, ask: Callable[[Sequence[float]], Answer | None]) -> None:
        self._ask = ask
        self._speaker = SpeakerSoFar(len(NAMES))
        self._turn = VoiceFeatures()

    def feed(self, ulaw: bytes) -> None:
        """More of the present turn; half a millisecond of work once a second."""
        self._turn.feed(ulaw)

    def drop(self) -> None:
        """It was no turn after all."""
        self._turn = VoiceFeatures()

    def end(self) -> Answer | None:
        """Of the turn that is over, in about a millisecond; None: too little voice, or no model."""
        turn, self._turn = self._turn, VoiceFeatures()
        features = turn.finish()
        return None if features is None else self._ask(self._speaker.seen_before(features))

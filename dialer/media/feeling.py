"""Which feeling is in the voice of each of the person's turns, where a campaign wants to know.

A call without it has none of this: not a branch a frame. What is heard is only what the person said
after they were told of it, and nothing once they objected or the call goes to a colleague, who is
never listened to.
"""

from dataclasses import replace
from typing import Any, cast

from dialer.media.frames import SAMPLE_RATE
from dialer.media.turn_taking import PersonTurn
from dialer.ports import Prediction, Understanding, VoiceEars
from voice_ai.conversation.graph import Script
from voice_ai.conversation.notice import notice_of
from voice_ai.conversation.turns import State

# A turn is noticed some frames after it began.
_LATEST_BYTES = SAMPLE_RATE // 2
WORDS_APART = "emotion_text"


class Feeling:
    """Goes by the audio's own seconds, as turn-taking does.

    `informed`: there is no notice to wait for, or it was heard before.
    """

    def __init__(self, ears: VoiceEars, *, informed: bool) -> None:
        self._ears = ears
        self._from_s: float | None = 0.0 if informed else None
        self._latest = bytearray()
        self._open = False

    @classmethod
    def of_call(cls, ears: VoiceEars | None, script: Script, state: State) -> "Feeling | None":
        """None where nobody listens: the campaign does not, or the person objected before."""
        if ears is None or state.unrecorded:
            return None
        return cls(ears, informed=state.noticed or notice_of(script) is None)

    def inform(self, now_s: float) -> None:
        """The notice was heard to its end."""
        if self._from_s is None:
            self._from_s = now_s

    def stop(self) -> None:
        """For good."""
        self._from_s = float("inf")
        self._latest.clear()
        self._close()

    def hear(self, audio: bytes, now_s: float, since_s: float | None) -> None:
        """A frame that ends at `now_s`; `since_s` is the onset of what the person is saying."""
        if since_s is not None and self._from_s is not None and since_s >= self._from_s:
            if not self._open:
                self._open = True
                before = int((now_s - since_s) * SAMPLE_RATE) - len(audio)
                if before > 0:
                    self._ears.feed(bytes(self._latest[-before:]))
            self._ears.feed(audio)
            return
        self._close()
        self._latest += audio
        del self._latest[:-_LATEST_BYTES]

    def end(self, turn: PersonTurn) -> None:
        """The turn is over; what was heard of it is noted on it."""
        if self._open:
            self._open = False
            turn.felt = self._ears.end()

    def understood(self, words: Understanding, felt: Prediction | None) -> Understanding:
        """What was understood of the words, with what the voice says of them."""
        if felt is None:
            return words
        said = words.emotion
        apart = (felt,) if said is None else (_apart(said), felt)
        return replace(words, emotion=self._ears.together(said, felt), apart=apart)

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._ears.drop()


def _apart(words: Prediction) -> Prediction:
    """Under the name of its part, where the whole has its own. Predictions are data classes."""
    renamed: Prediction = replace(cast(Any, words), task=WORDS_APART)
    return renamed

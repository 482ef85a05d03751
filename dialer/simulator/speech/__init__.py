"""Speech of the simulator: a built-in voice, and ears that recognise what it said.

The agent's speech (the TTS endpoints) and the callees' (the carrier) go through one `Speech`, so
each side can be heard by the other without any link between the two simulated vendors.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np

from dialer.simulator.draws import Draws
from dialer.simulator.speech import formant
from dialer.simulator.speech.formant import Samples
from dialer.simulator.speech.index import FrameIndex
from dialer.simulator.speech.listener import Final, Hearing, Listener, Partial
from dialer.simulator.speech.utterance import Utterance, Word
from dialer.simulator.speech.voices import STYLES, Style, Voice, style_named, voice_named
from dialer.simulator.speech.word_errors import distort
from voice_ai.mulaw import FRAME_BYTES, SAMPLE_RATE, SILENCE, encode

__all__ = [
    "STYLES",
    "Final",
    "Hearing",
    "Listener",
    "Partial",
    "Speech",
    "Utterance",
    "VoiceEngine",
    "Word",
]

VoiceEngine = Literal["builtin", "espeak", "auto"]
Synthesis = Callable[[str, Voice, Style, np.random.Generator], tuple[Samples, tuple[Word, ...]]]

# Noise of this amplitude on the 16-bit scale (about three mu-law steps, inaudible) makes every
# frame of every utterance unlike any other, also in pauses.
_NOISE_PEAK = 24
_INDEX_BYTES = 96_000_000


class Speech:
    """Everything said in this process: speaks, remembers, and lends ears.

    `word_error_rate` applies to ears that mishear (the simulated recogniser's). The index keeps the
    last `memory_bytes` of audio; an utterance that is forgotten is not recognised any more.
    """

    def __init__(
        self,
        *,
        seed: int,
        word_error_rate: float = 0.08,
        voice_engine: VoiceEngine = "builtin",
        memory_bytes: int = _INDEX_BYTES,
    ) -> None:
        self.seed = seed
        self.word_error_rate = word_error_rate
        self._index = FrameIndex(memory_bytes)
        self._synthesise = _engine(voice_engine)

    @property
    def slow(self) -> bool:
        """Whether speaking takes long enough to be kept off an event loop."""
        return self._synthesise is not formant.synthesise

    def speak(self, text: str, *, voice: str, style: str = "calm") -> Utterance:
        """Synthesise once; the same text, voice and style are the same bytes ever after.

        Raises BadInput for an unknown style and ValueError for a text without a word.
        """
        name = (text, voice, style)
        known = self._index.recall(name)
        return known or self._index.keep(name, self._make(text, voice, style))

    def listen(self, *, silence_commit_s: float = 0.5, mishearing: bool = False) -> Listener:
        """An ear of its own, independent of all others.

        With `mishearing` it is the recogniser's: it makes the word errors. Without, it is a
        person's: it understands an utterance also when playback stalled in the middle.
        """
        return Listener(
            self._index,
            silence_commit_s=silence_commit_s,
            mishear=self._misheard if mishearing else _as_said,
            mends=not mishearing,
        )

    @staticmethod
    def beep(seconds: float = 0.4) -> bytes:
        """An answering machine's tone."""
        return _tone((1000.0,), seconds)

    @staticmethod
    def ring(seconds: float = 2.0) -> bytes:
        """The North American ringback tone."""
        return _tone((440.0, 480.0), seconds)

    @staticmethod
    def busy(seconds: float = 0.5) -> bytes:
        """The North American busy tone."""
        return _tone((480.0, 620.0), seconds)

    @staticmethod
    def silence(seconds: float) -> bytes:
        return SILENCE * round(seconds * SAMPLE_RATE)

    def _make(self, text: str, voice: str, style: str) -> Utterance:
        if not text.split():
            raise ValueError("there is no word to speak")
        identity = int(Draws.about("utterance", self.seed, voice, style).unit(text) * 2**53)
        noise = np.random.Generator(np.random.PCG64(identity))
        samples, words = self._synthesise(text, voice_named(voice), style_named(style), noise)
        return Utterance(identity, voice, text, _finish(samples, noise), words)

    def _misheard(self, utterance: Utterance) -> tuple[str, ...]:
        said = _as_said(utterance)
        return distort(said, rate=self.word_error_rate, seed=self.seed)


def _as_said(utterance: Utterance) -> tuple[str, ...]:
    return tuple(word.text for word in utterance.words)


def _engine(name: VoiceEngine) -> Synthesis:
    """Raises NotAvailable when espeak is demanded and not installed."""
    if name == "builtin":
        return formant.synthesise
    from dialer.simulator.speech import espeak  # an optional, native library

    if name == "auto" and not espeak.available():
        return formant.synthesise
    espeak.load()
    return espeak.synthesise


def _finish(samples: Samples, noise: np.random.Generator) -> bytes:
    """Mu-law in whole frames, each unique and none beginning with the silence byte."""
    length = -(-len(samples) // FRAME_BYTES) * FRAME_BYTES
    padded = np.zeros(length, np.float32)
    padded[: len(samples)] = samples
    padded += noise.integers(-_NOISE_PEAK, _NOISE_PEAK, length, np.int8, endpoint=True)
    audio = bytearray(encode(np.clip(padded, -32000, 32000).astype(np.int16)))
    for frame in range(0, length, FRAME_BYTES):
        if audio[frame] == SILENCE[0]:
            audio[frame] -= 1
    return bytes(audio)


@lru_cache(maxsize=16)
def _tone(hertz: tuple[float, ...], seconds: float) -> bytes:
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = sum((np.sin(2 * np.pi * f * at) for f in hertz), np.zeros(len(at))) / len(hertz)
    return encode((8000 * wave).astype(np.int16))

"""eSpeak NG as the voice, when the optional `espeakng-loader` is installed.

The library is loaded at run time and is not thread-safe: one instance, one lock.
"""

import ctypes
import threading
from functools import cache
from typing import Any, Final

import numpy as np

from dialer.simulator.speech.formant import Samples
from dialer.simulator.speech.utterance import Word
from dialer.simulator.speech.voices import Style, Voice
from voice_ai.errors import NotAvailable
from voice_ai.mulaw import SAMPLE_RATE

_SYNCHRONOUS, _UTF8 = 2, 1
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_EVENTS_END, _EVENT_WORD = 0, 1
_WORDS_PER_MINUTE: Final = 165
_TAIL_S: Final = 0.06


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Library:
    """The loaded library, and what its callback collected in the current synthesis."""

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError:
            raise NotAvailable(
                "the espeak voice is not installed; run `pip install voice-ai[espeak]`, "
                "or use the built-in voice"
            ) from None
        self._lib: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(espeakng_loader.get_data_path()).encode()
        self._rate = self._lib.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
        if self._rate <= 0:
            raise NotAvailable("eSpeak NG did not start; use the built-in voice")
        self._lock = threading.Lock()
        self._samples: list[bytes] = []
        self._starts: list[tuple[int, float]] = []
        self._callback = _Callback(self._collect)
        self._lib.espeak_SetSynthCallback(self._callback)

    def speak(
        self, text: str, voice: Voice, style: Style
    ) -> tuple[Samples, list[tuple[int, float]]]:
        """Samples at 8 kHz, and (character position counted from 1, seconds) of every word."""
        with self._lock:
            self._samples, self._starts = [], []
            self._lib.espeak_SetVoiceByName(voice.engine_variant.encode())
            pitch = 50 * style.pitch + (8 if voice.gender == "female" else 0)
            for parameter, value in (
                (_RATE, _WORDS_PER_MINUTE * style.rate),
                (_PITCH, min(99.0, pitch)),
                (_RANGE, min(99.0, 50 * style.melody)),
                (_VOLUME, min(190.0, 90 * style.loudness)),
            ):
                self._lib.espeak_SetParameter(parameter, int(value), 0)
            plain = text.encode()
            self._lib.espeak_Synth(plain, len(plain) + 1, 0, 0, 0, _UTF8, None, None)
            self._lib.espeak_Synchronize()
            wide = np.frombuffer(b"".join(self._samples), np.int16)
            return _narrow(wide, self._rate), self._starts

    def _collect(self, wave: Any, count: int, events: Any) -> int:
        number = 0
        while events[number].type != _EVENTS_END:
            event = events[number]
            if event.type == _EVENT_WORD:
                self._starts.append((event.text_position, event.audio_position / 1000))
            number += 1
        if wave and count > 0:
            self._samples.append(ctypes.string_at(wave, 2 * count))
        return 0


@cache
def load() -> _Library:
    """The library, started. Raises NotAvailable."""
    return _Library()


def available() -> bool:
    """Whether this voice can speak here."""
    try:
        load()
    except NotAvailable:
        return False
    return True


def synthesise(
    text: str, voice: Voice, style: Style, noise: np.random.Generator
) -> tuple[Samples, tuple[Word, ...]]:
    """As `formant.synthesise`. Raises NotAvailable without the library."""
    samples, starts = load().speak(text, voice, style)
    tail = np.zeros(int(_TAIL_S * SAMPLE_RATE), np.float32)
    return np.concatenate([samples, tail]), _words(text, starts, len(samples) / SAMPLE_RATE)


def _narrow(wide: "np.ndarray[Any, np.dtype[np.int16]]", rate: int) -> Samples:
    """Down to 8 kHz: a windowed-sinc low pass at 3.6 kHz, then linear interpolation."""
    taps = np.arange(-32, 33)
    cutoff = 2 * 3600 / rate
    kernel = cutoff * np.sinc(cutoff * taps) * np.hamming(len(taps))
    smooth = np.convolve(wide.astype(np.float32), kernel.astype(np.float32), "same")
    at = np.arange(int(len(wide) * SAMPLE_RATE / rate)) * (rate / SAMPLE_RATE)
    narrow: Samples = np.interp(at, np.arange(len(wide)), smooth).astype(np.float32)
    return narrow


def _words(text: str, starts: list[tuple[int, float]], until: float) -> tuple[Word, ...]:
    """Give every written word the time of the first spoken one in it; others share its neighbour's.

    eSpeak speaks `$15` as several words and joins others, so positions decide.
    """
    spoken = sorted(starts)
    begins: list[float] = []
    position, clock = 0, 0.0
    words = text.split()
    for word in words:
        first = text.index(word, position)
        position = first + len(word)
        inside = [seconds for place, seconds in spoken if first <= place - 1 < position]
        clock = max(clock, min(inside, default=clock))
        begins.append(clock)
    ends = [*begins[1:], until]
    return tuple(
        Word(word, begin, max(begin + 0.01, end))
        for word, begin, end in zip(words, begins, ends, strict=True)
    )

"""The built-in voice: formant tones and noise, paced like speech, made in about a millisecond.

It does not sound human and is not meant to; it gives an utterance of the right length, a timbre per
voice, a pitch contour per style, and the time of every word.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dialer.simulator.speech.utterance import Word
from dialer.simulator.speech.voices import Style, Voice
from voice_ai.mulaw import SAMPLE_RATE

Samples = NDArray[np.float32]

_PERIOD: Final = 256
_LEAD_S: Final = 0.02
_TAIL_S: Final = 0.06
_PEAK: Final = 6000.0

# Formants in Hz of an adult male's vowels and of a murmur (m, n, l, r, w, and voiced stops).
_FORMANTS: Final[tuple[tuple[float, float, float], ...]] = (
    (730, 1090, 2440),  # a
    (530, 1840, 2480),  # e
    (300, 2240, 2900),  # i
    (520, 900, 2400),  # o
    (320, 870, 2240),  # u
    (270, 1200, 2300),  # murmur
)
_MURMUR: Final = 5
_VOWELS: Final = {"a": 0, "e": 1, "i": 2, "y": 2, "o": 3, "u": 4}
_MURMURED: Final = "bdgjlmnrvwz"
_HISSED: Final = "cfhkpqstx"
_DIGITS: Final = "0123456789"
_PAUSES: Final = {",": 0.2, ";": 0.25, ":": 0.25, ".": 0.34, "!": 0.34, "?": 0.34, "\n": 0.3}


def _table_of(rules: dict[str, float], default: float) -> NDArray[np.float32]:
    table = np.full(256, default, np.float32)
    for character, value in rules.items():
        table[ord(character)] = value
        table[ord(character.upper())] = value
    return table


@lru_cache(maxsize=1)
def _letters() -> tuple[Samples, NDArray[np.intp], Samples, Samples]:
    """Per Latin-1 character: seconds, wave table, share of voice, share of hiss."""
    seconds = dict.fromkeys(_VOWELS, 0.088) | dict.fromkeys(_MURMURED + _HISSED, 0.062)
    seconds |= dict.fromkeys(_DIGITS, 0.26) | {" ": 0.04, "'": 0.0, "-": 0.04} | _PAUSES
    waves = {c: float(n) for c, n in _VOWELS.items()} | dict.fromkeys(_DIGITS, 1.0)
    voiced = dict.fromkeys([*_VOWELS, *_DIGITS], 1.0) | dict.fromkeys(_MURMURED, 0.45)
    hissed = dict.fromkeys(_HISSED, 0.3) | dict.fromkeys("jvz", 0.1)
    return (
        _table_of(seconds, 0.06),
        _table_of(waves, float(_MURMUR)).astype(np.intp),
        _table_of(voiced, 0.0),
        _table_of(hissed, 0.0),
    )


@lru_cache(maxsize=512)
def _wave_tables(pitch: float, tract: float) -> Samples:
    """One glottal period per vowel, flattened: `table * _PERIOD + phase`."""
    harmonics = np.arange(1, max(3, int(3400 / pitch)) + 1)
    phase = 2 * np.pi * np.outer(harmonics, np.arange(_PERIOD) / _PERIOD)
    tables = []
    for formants in _FORMANTS:
        hertz = harmonics * pitch
        weight = 0.04 / np.sqrt(harmonics)
        for number, formant in enumerate(formants):
            weight += np.exp(-(((hertz - formant * tract) / 130) ** 2)) / (1 + number)
        wave = weight @ np.sin(phase + (harmonics**2 * 0.7)[:, None])
        tables.append(wave / np.abs(wave).max())
    return np.concatenate(tables).astype(np.float32)


def synthesise(
    text: str, voice: Voice, style: Style, noise: np.random.Generator
) -> tuple[Samples, tuple[Word, ...]]:
    """Samples on the 16-bit scale and the words' times; `noise` must be seeded by the caller."""
    seconds, waves, voiced, hissed = _letters()
    letters = np.frombuffer(text.encode("latin-1", "replace"), np.uint8)
    pace = np.maximum(1, seconds[letters] * (SAMPLE_RATE / style.rate)).astype(np.intp)
    pace[-1] = pace[-1] if text[-1] not in _PAUSES else 1
    lead = int(_LEAD_S * SAMPLE_RATE)
    ends = lead + np.cumsum(pace)
    starts = ends - pace
    total = int(ends[-1]) + int(_TAIL_S * SAMPLE_RATE)

    owner = np.repeat(np.arange(len(letters)), pace)
    envelope = _envelope(np.arange(len(owner)) - (starts - lead)[owner], pace[owner])
    phase = _phase(len(owner), voice, style, asks=text.rstrip().endswith("?"))
    table = _wave_tables(voice.pitch * style.pitch, voice.tract)
    tone = table[waves[letters][owner] * _PERIOD + phase]
    hiss = noise.random(len(owner), np.float32) - np.float32(0.5)
    hiss[1:] -= hiss[:-1]
    breath = np.float32(voice.breath) * voiced[letters][owner]
    sound = (voiced[letters][owner] * tone + (hissed[letters][owner] + breath) * hiss) * envelope
    samples = np.zeros(total, np.float32)
    samples[lead : lead + len(owner)] = sound * np.float32(_PEAK * style.loudness)
    return samples, _words(text, starts, ends)


def _envelope(position: NDArray[np.intp], length: NDArray[np.intp]) -> Samples:
    ramp: Samples = np.minimum(position + 1, length - position).astype(np.float32)
    ramp /= np.float32(0.012 * SAMPLE_RATE)
    return np.clip(ramp, 0, 1, out=ramp)


def _phase(samples: int, voice: Voice, style: Style, *, asks: bool) -> NDArray[np.intp]:
    """Where in its period the voice is: falling over the utterance, rising at a question's end."""
    at = np.arange(samples, dtype=np.float32) / SAMPLE_RATE
    left = at[-1] - at
    melody = 0.06 * style.melody * np.sin(2 * np.pi * 2.3 * at) - 0.1 * at / max(1.0, at[-1])
    rise = 0.3 * np.clip(1 - left / 0.35, 0, 1) if asks else np.float32(0)
    hertz = voice.pitch * style.pitch * (1 + melody + rise)
    turns = np.cumsum(hertz, dtype=np.float64) * (_PERIOD / SAMPLE_RATE)
    return turns.astype(np.intp) % _PERIOD


def _words(text: str, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> tuple[Word, ...]:
    words = []
    position = 0
    for word in text.split():
        first = text.index(word, position)
        position = first + len(word)
        spoken = len(word.rstrip(".,;:!?")) or len(word)
        last = first + spoken - 1
        words.append(
            Word(word, float(starts[first]) / SAMPLE_RATE, float(ends[last]) / SAMPLE_RATE)
        )
    return tuple(words)

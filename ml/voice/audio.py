"""Sound files as a telephone would give them: 8 kHz, mu-law, mono."""

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voice_ai import mulaw

Samples = NDArray[np.float64]

_PCM, _FLOAT, _MU_LAW, _EXTENSIBLE = 1, 3, 7, 0xFFFE
_FULL_SCALE = 32767.0


class UnreadableSound(ValueError):
    """The text says what is wrong with a file, to follow its name."""


def read_sound(path: Path) -> tuple[Samples, int]:
    """Samples within ±32768, the mean of the channels, and their rate in Hz.

    WAV: PCM of 8 to 32 bits, 32-bit float, mu-law. Raises UnreadableSound, OSError.
    """
    kind, channels, rate, bits, data = _parts(path.read_bytes())
    samples = _decoded(kind, bits, data)
    whole = len(samples) // channels * channels
    if not whole:
        raise UnreadableSound("holds no sound")
    mono = samples[:whole].reshape(-1, channels).mean(axis=1)
    return np.asarray(mono, np.float64), rate


def telephone(samples: Samples, rate: int, *, speed: float = 1.0) -> bytes:
    """mu-law bytes. At another speed it sounds like somebody else: quicker, with a smaller head."""
    from scipy.signal import resample_poly

    ratio = Fraction(mulaw.SAMPLE_RATE / (rate * speed)).limit_denominator(1000)
    at_8k = resample_poly(samples, ratio.numerator, ratio.denominator)
    return mulaw.encode(np.clip(np.round(at_8k), -_FULL_SCALE, _FULL_SCALE).astype(np.int16))


def _parts(content: bytes) -> tuple[int, int, int, int, bytes]:
    """The standard library's reader takes neither mu-law nor the extensible header."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise UnreadableSound("is not a WAV file; convert it to WAV")
    layout: tuple[int, int, int, int] | None = None
    at = 12
    while at + 8 <= len(content):
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        body = content[at + 8 : at + 8 + size]
        if name == b"fmt " and len(body) >= 16:
            kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
            if kind == _EXTENSIBLE and len(body) >= 26:
                kind = int.from_bytes(body[24:26], "little")
            layout = kind, channels, rate, bits
        elif name == b"data":
            if layout is None or layout[1] < 1 or layout[2] < 1:
                raise UnreadableSound("is a WAV file without a usable header")
            return *layout, body
        at += 8 + size + size % 2
    raise UnreadableSound("is a WAV file that breaks off before its sound")


def _decoded(kind: int, bits: int, data: bytes) -> Samples:
    data = data[: len(data) // max(1, bits // 8) * max(1, bits // 8)]
    if kind == _MU_LAW:
        return mulaw.decode(data).astype(np.float64)
    if kind == _FLOAT and bits == 32:
        return np.frombuffer(data, "<f4").astype(np.float64) * _FULL_SCALE
    if kind == _PCM and bits == 8:
        return (np.frombuffer(data, np.uint8).astype(np.float64) - 128) * 256
    if kind == _PCM and bits == 16:
        return np.frombuffer(data, "<i2").astype(np.float64)
    if kind == _PCM and bits == 24:
        parts = np.frombuffer(data, np.uint8).reshape(-1, 3)
        high = np.ascontiguousarray(parts[:, 1:]).view("<i2")[:, 0]
        return high.astype(np.float64) + parts[:, 0] / 256
    if kind == _PCM and bits == 32:
        return np.frombuffer(data, "<i4").astype(np.float64) / 65536
    raise UnreadableSound(f"is WAV of a kind that is not read (format {kind}, {bits} bits)")

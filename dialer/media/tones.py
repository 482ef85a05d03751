"""Steady tones on the line: a mailbox's beep, a fax machine, the three tones of an intercept.

A window of 40 ms is a tone when nearly all its energy lies at one frequency, which a voice does not
do for long. Times are seconds of the audio that was fed.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dialer.media.frames import SAMPLE_RATE
from dialer.media.voice_activity import pcm16

Floats = NDArray[np.float32]

_WINDOW = 320
WINDOW_S = _WINDOW / SAMPLE_RATE
_HERTZ_PER_BIN = SAMPLE_RATE / _WINDOW
_LOWEST_BIN = 10  # 250 Hz: below is hum
# A Hann window spreads a tone over two bins to each side.
_SPREAD = 2
_PURE = 0.9
_STEADY_HZ = 15.0
# Mean square of 16-bit samples at -42 dBFS: what is quieter is not listened to.
_AUDIBLE = 260.0**2


@dataclass(frozen=True, slots=True)
class Tone:
    """`over` when it has ended; before that it is told once, as soon as it is long enough."""

    hertz: float
    began_s: float
    seconds: float
    over: bool


@cache
def _tables() -> tuple[Floats, Floats]:
    """Samples of every mu-law byte, and the window."""
    samples = np.frombuffer(pcm16(bytes(range(256))), "<i2")
    return samples.astype(np.float32), np.hanning(_WINDOW).astype(np.float32)


class ToneEar:
    """`tell_after_s`: a tone that lasts so long is told while it still sounds.

    `power` is the mean square of the window that the last frame completed, None when it did not.
    """

    def __init__(self, tell_after_s: float = 0.4) -> None:
        self._tell_after_s = tell_after_s
        self._samples, self._shape = _tables()
        self._waiting = bytearray()
        self._fed = 0
        self._hertz: list[float] = []
        self._told = False
        self.power: float | None = None

    @property
    def sounding(self) -> bool:
        """At least two windows of the same tone: what is loud now is no voice."""
        return len(self._hertz) > 1

    def feed(self, frame: bytes) -> Tone | None:
        self._waiting += frame
        self._fed += len(frame)
        self.power = None
        if len(self._waiting) < _WINDOW:
            return None
        window = bytes(self._waiting[:_WINDOW])
        del self._waiting[:_WINDOW]
        return self._take(self._pitch(window))

    def _take(self, hertz: float | None) -> Tone | None:
        known = self._hertz
        if hertz is not None and (not known or abs(hertz - known[-1]) < _STEADY_HZ):
            known.append(hertz)
            if not self._told and self._seconds >= self._tell_after_s:
                self._told = True
                return self._tone(over=False)
            return None
        ended = self._tone(over=True) if len(known) > 1 else None
        self._hertz, self._told = ([] if hertz is None else [hertz]), False
        return ended

    @property
    def _seconds(self) -> float:
        return len(self._hertz) * _WINDOW / SAMPLE_RATE

    def _tone(self, *, over: bool) -> Tone:
        now_s = (self._fed - len(self._waiting) - (_WINDOW if over else 0)) / SAMPLE_RATE
        hertz = sum(self._hertz) / len(self._hertz)
        return Tone(hertz, now_s - self._seconds, self._seconds, over)

    def _pitch(self, window: bytes) -> float | None:
        """The frequency of a pure tone, else None."""
        heard = self._samples[np.frombuffer(window, np.uint8)]
        self.power = float(heard @ heard) / _WINDOW
        if self.power < _AUDIBLE:
            return None
        spectrum: Any = np.fft.rfft(heard * self._shape)
        power = spectrum.real**2 + spectrum.imag**2
        peak = int(power.argmax())
        if not _LOWEST_BIN <= peak < len(power) - _SPREAD - 1:
            return None
        near = power[peak - _SPREAD : peak + _SPREAD + 1]
        if float(near.sum()) < _PURE * float(power[1:].sum()):
            return None
        # Where the peak lies between the bins: by the amplitudes beside it.
        left, middle, right = np.sqrt(near[_SPREAD - 1 : _SPREAD + 2]).tolist()
        shift = (right - left) / (left + middle + right) * 1.5 if middle else 0.0
        return (peak + shift) * _HERTZ_PER_BIN

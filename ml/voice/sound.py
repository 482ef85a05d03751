"""What is measured every 10 ms of telephone audio: pitch, loudness and the shape of the spectrum.

The frames lie on one grid, and are worked on in blocks of a second (a longer block falls out of
the processor's cache, a shorter one pays more for its calls). The same grid whatever pieces the
audio comes in, so the figures of a stream are those of the whole, bit by bit.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft  # several times as quick as numpy's for many short frames

from voice_ai.mulaw import SAMPLE_RATE, decode

Floats32 = NDArray[np.float32]

HOP: Final = 80  # samples
WINDOW: Final = 256
FRAMES_A_SECOND: Final = SAMPLE_RATE // HOP
_BLOCK_FRAMES = 100
_FFT = 512
_BINS = _FFT // 2 + 1
_MELS = 26
_MEL_EDGES_HZ = (100.0, 3800.0)
CEPSTRA: Final = 13
# Where a voice's fundamental is looked for.
_SHORTEST_LAG, _LONGEST_LAG = SAMPLE_RATE // 500, SAMPLE_RATE // 60
_LAGS = np.arange(_SHORTEST_LAG, _LONGEST_LAG + 1)
# A lag twice as long correlates as well: an octave costs so much correlation.
_OCTAVE_COST = 0.02
_TINY = np.float32(1e-9)

# The columns of a frame's figures; the cepstra are those from `CEPSTRUM` on.
COLUMNS: Final[Mapping[str, int]] = MappingProxyType(
    {
        name: at
        for at, name in enumerate(
            (
                "level",  # dB of full scale
                "crossings",  # share of sample pairs that change sign
                "periodicity",  # the autocorrelation at the pitch period, at most about one
                "pitch",  # semitones above 100 Hz; means nothing where there is no period
                "centre",  # Hz, of the power spectrum
                "alpha",  # dB, above against below 1 kHz
                "hammarberg",  # dB, strongest below against strongest above 2 kHz
            )
        )
    }
)
CEPSTRUM: Final = len(COLUMNS)
WIDTH: Final = CEPSTRUM + CEPSTRA


@dataclass(frozen=True)
class _Tables:
    window: Floats32
    lag_weights: Floats32
    lag_costs: Floats32
    hertz: Floats32
    mels: Floats32
    cosines: Floats32


def _tables() -> _Tables:
    window = np.hanning(WINDOW)
    own = np.fft.irfft(np.abs(np.fft.rfft(window, _FFT)) ** 2, _FFT)[: _LONGEST_LAG + 1]
    hertz = np.linspace(0.0, SAMPLE_RATE / 2, _BINS)
    lowest, highest = (2595 * math.log10(1 + edge / 700) for edge in _MEL_EDGES_HZ)
    mel_edges = np.linspace(lowest, highest, _MELS + 2)
    edges = 700 * (10 ** (mel_edges / 2595) - 1)
    low, peak, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (hertz - low) / (peak - low), (high - hertz) / (high - peak)
    cosines = np.cos(np.pi / _MELS * np.outer(np.arange(CEPSTRA), np.arange(_MELS) + 0.5))
    as32 = np.float32
    return _Tables(
        window=window.astype(as32),
        lag_weights=(own[0] / own[_LAGS]).astype(as32),
        lag_costs=(_OCTAVE_COST * np.log2(_LAGS / _SHORTEST_LAG)).astype(as32),
        hertz=hertz.astype(as32),
        mels=np.maximum(0, np.minimum(rising, falling)).T.astype(as32),
        cosines=(cosines.T * np.sqrt(2 / _MELS)).astype(as32),
    )


_T = _tables()
_LINEAR = (decode(bytes(range(256))).astype(np.float32)) / np.float32(32768.0)
_KHZ1 = int(np.searchsorted(_T.hertz, 1000))
_KHZ2 = int(np.searchsorted(_T.hertz, 2000))
_RUMBLE = int(np.searchsorted(_T.hertz, 50))
# By one product: the power in all, below and above 1 kHz, times frequency, and in each mel band.
_MEL_COLUMNS = slice(4, 4 + _MELS)
_SUMS = np.zeros((_BINS, 4 + _MELS), np.float32)
_SUMS[:, 0] = 1.0
_SUMS[_RUMBLE:_KHZ1, 1] = 1.0
_SUMS[_KHZ1:, 2] = 1.0
_SUMS[:, 3] = _T.hertz
_SUMS[:, _MEL_COLUMNS] = _T.mels
# OpenBLAS wakes threads for products of more than 2^18 multiplications; they then spin in wait for
# the next one, which costs a call ten times what it gains.
_ROWS_AT_ONCE = 2**18 // _SUMS.size


class Frames:
    """Figures of the frames of one stretch of mu-law audio, fed in pieces of any length.

    Keeps less than a block of audio, and `WIDTH` float32 a frame.
    """

    def __init__(self) -> None:
        self._audio = bytearray()
        self._blocks: list[Floats32] = []

    def feed(self, ulaw: bytes) -> None:
        """Works once a second of audio, for about half a millisecond."""
        self._audio += ulaw
        needed = (_BLOCK_FRAMES - 1) * HOP + WINDOW
        while len(self._audio) >= needed:
            self._measure(bytes(self._audio[:needed]))
            del self._audio[: _BLOCK_FRAMES * HOP]

    def finish(self) -> Floats32:
        """float32[frames, WIDTH] of everything fed; feed nothing more."""
        whole = (len(self._audio) - WINDOW) // HOP + 1
        if whole > 0:
            self._measure(bytes(self._audio[: (whole - 1) * HOP + WINDOW]))
        self._audio.clear()
        if not self._blocks:
            return np.zeros((0, WIDTH), np.float32)
        return np.concatenate(self._blocks)

    def _measure(self, ulaw: bytes) -> None:
        samples = _LINEAR[np.frombuffer(ulaw, np.uint8)]
        frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
        figures = np.empty((len(frames), WIDTH), np.float32)
        column = {name: figures[:, at] for name, at in COLUMNS.items()}
        power = _power(frames)
        column["level"][:] = 10 * np.log10(np.einsum("ij,ij->i", frames, frames) / WINDOW + _TINY)
        column["crossings"][:] = _crossings(samples, len(frames))
        column["periodicity"][:], column["pitch"][:] = _pitch(irfft(power, _FFT))
        sums = _summed(power)
        total, low, high = (sums[:, at] + _TINY for at in range(3))
        column["centre"][:] = sums[:, 3] / total
        column["alpha"][:] = 10 * np.log10(high / low)
        strongest = power[:, :_KHZ2].max(axis=1), power[:, _KHZ2:].max(axis=1)
        column["hammarberg"][:] = 10 * np.log10((strongest[0] + _TINY) / (strongest[1] + _TINY))
        figures[:, CEPSTRUM:] = np.log(sums[:, _MEL_COLUMNS] + np.float32(1e-6)) @ _T.cosines
        self._blocks.append(figures)


def _power(frames: Floats32) -> Floats32:
    centred = (frames - frames.mean(axis=1, keepdims=True)) * _T.window
    spectrum = rfft(centred, _FFT)
    return np.asarray((spectrum * spectrum.conj()).real, np.float32)


def _summed(power: Floats32) -> Floats32:
    sums = np.empty((len(power), _SUMS.shape[1]), np.float32)
    for row in range(0, len(power), _ROWS_AT_ONCE):
        part = slice(row, row + _ROWS_AT_ONCE)
        np.matmul(power[part], _SUMS, out=sums[part])
    return sums


def _crossings(samples: Floats32, frames: int) -> Floats32:
    """By running sums: a frame's count is a difference of two of them."""
    changes = np.zeros(len(samples), np.int32)
    np.cumsum(np.diff(np.signbit(samples)), out=changes[1:])
    starts = np.arange(frames) * HOP
    counts = changes[starts + WINDOW - 1] - changes[starts]
    return np.asarray(counts / (WINDOW - 1), np.float32)


def _pitch(correlation: Floats32) -> tuple[Floats32, Floats32]:
    """Periodicity and pitch by autocorrelation of the windowed frame, less the window's own

    (Boersma 1993), at the lags of a voice; the peak is refined by a parabola.
    """
    lags: Floats32 = correlation[:, _SHORTEST_LAG : _LONGEST_LAG + 1] * _T.lag_weights
    lags /= correlation[:, :1] + np.float32(1e-12)
    rows = np.arange(len(lags))
    best = (lags - _T.lag_costs).argmax(axis=1)
    inner = np.clip(best, 1, lags.shape[1] - 2)
    before, at, after = lags[rows, inner - 1], lags[rows, inner], lags[rows, inner + 1]
    bend = before - 2 * at + after
    flat = np.abs(bend) < 1e-9
    shift = np.where(flat, 0.0, 0.5 * (before - after) / np.where(flat, 1.0, bend))
    period = _SHORTEST_LAG + inner + np.clip(shift, -0.5, 0.5)
    pitch = 12 * np.log2(SAMPLE_RATE / period / 100.0)
    periodicity: Floats32 = np.take_along_axis(lags, best[:, None], axis=1)[:, 0]
    return periodicity, np.asarray(pitch, np.float32)

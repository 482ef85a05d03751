"""What it costs to listen to a voice: a turn frame by frame, and its model's answer."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from ml.bench_models import row
from ml.voice.features import VoiceFeatures
from voice_ai import mulaw

ROW_NAMES = ("models.voice_features",)

_LIMIT_MS = 1.0  # of CPU, for a second of audio
_TURN_S = 4
_ROUNDS = 9
_TURNS = 20


def rows() -> Iterator[dict[str, Any]]:
    """The ratio is the limit's to ours. CPU time, as other processes are not ours to measure."""
    turn = _buzz()
    frames = [turn[at : at + mulaw.FRAME_BYTES] for at in range(0, len(turn), mulaw.FRAME_BYTES)]
    ours = min(_cpu_ms(frames) for _ in range(_ROUNDS))
    unit = "ms CPU per s of audio, vs limit"
    yield row(ROW_NAMES[0], ours, _LIMIT_MS, unit, _LIMIT_MS / ours, 1.0)


def _cpu_ms(frames: list[bytes]) -> float:
    started = time.process_time()
    for _ in range(_TURNS):
        features = VoiceFeatures()
        for frame in frames:
            features.feed(frame)
        assert features.finish() is not None
    return 1000 * (time.process_time() - started) / (_TURNS * _TURN_S)


def _buzz() -> bytes:
    """Overtones of a pitch that rises and falls, in syllables."""
    second = np.arange(mulaw.SAMPLE_RATE * _TURN_S) / mulaw.SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(140 * (1 + 0.2 * np.sin(5 * second))) / mulaw.SAMPLE_RATE
    overtones = np.sin(np.outer(np.arange(1, 16), phase)) / np.arange(1, 16)[:, None]
    loudness = 6000 * np.abs(np.sin(2 * np.pi * 2 * second))
    return mulaw.encode((loudness * overtones.sum(axis=0)).clip(-32000, 32000).astype(np.int16))

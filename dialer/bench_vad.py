"""`media.vad`: how well speech is told from noise, beside WebRTC's VAD alone.

Recorded speech of `VOICE_AI_DATA` (RAVDESS, 16 kHz) at 8 kHz mu-law under white noise, mains hum
and the babble of others. A frame is speech where the clean recording is within 30 dB of its loud
parts. Figures are the mean of speech found and noise left alone, in percent.
"""

import os
import wave
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from dialer.bench_lists import bench_row
from dialer.media.frames import FRAME_BYTES, SAMPLE_RATE
from dialer.media.voice_activity import VoiceActivity, pcm16
from voice_ai import mulaw

ROW_NAMES = ("media.vad",)
_DATA = Path(__file__).parents[2] / "shared" / "data"
_SNRS_DB = (40.0, 20.0, 10.0)
_SPEECH_DB = 30.0
_PEAK = 8000.0
_CLIPS = 32
Samples = NDArray[np.float64]
Detector = Callable[[bytes], list[bool]]


def rows() -> Iterator[Mapping[str, Any]]:
    folder = Path(os.environ.get("VOICE_AI_DATA", _DATA)) / "voice-emotion"
    clips = [_read(path) for path in sorted(folder.rglob("*.wav"))[::4][:_CLIPS]]
    if not clips:
        return
    scores = {
        name: 100 * float(np.mean([_score(detect, *case) for case in _cases(clips)]))
        for name, detect in (("ours", _ours), ("webrtc", _webrtc))
    }
    yield bench_row(
        "media.vad", scores["ours"], scores["webrtc"], "% balanced, vs webrtcvad", target=1.0
    )


def _read(path: Path) -> Samples:
    """At 8 kHz, with a second of silence on either side."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    halved = samples[: len(samples) // 2 * 2].reshape(-1, 2).mean(axis=1)
    silence = np.zeros(SAMPLE_RATE)
    clip: Samples = np.concatenate([silence, halved / np.abs(halved).max() * _PEAK, silence])
    return clip[: len(clip) // FRAME_BYTES * FRAME_BYTES]


def _cases(clips: list[Samples]) -> Iterator[tuple[bytes, NDArray[np.bool_]]]:
    """Mu-law under noise, and which of its frames are speech."""
    draws = np.random.default_rng(7)
    for clip in clips:
        power = 10 * np.log10((clip.reshape(-1, FRAME_BYTES) ** 2).mean(axis=1) + 1)
        speech = power > np.percentile(power, 95) - _SPEECH_DB
        loudness = np.sqrt((clip[np.repeat(speech, FRAME_BYTES)] ** 2).mean())
        seconds = np.arange(len(clip)) / SAMPLE_RATE
        others = draws.integers(len(clips), size=4)
        babble = np.sum([np.resize(clips[other], len(clip)) for other in others], axis=0)
        noises = (draws.standard_normal(len(clip)), np.sin(2 * np.pi * 60 * seconds), babble)
        for noise in noises:
            level = noise / np.sqrt((noise**2).mean())
            for snr in _SNRS_DB:
                mixed = clip + level * loudness / 10 ** (snr / 20)
                yield mulaw.encode(np.clip(mixed, -32767, 32767).astype(np.int16)), speech


def _score(detect: Detector, audio: bytes, speech: NDArray[np.bool_]) -> float:
    # Every detector may listen to the line for half a second first.
    found = np.array(detect(audio))[25:]
    truth = speech[25:]
    return float((found[truth].mean() + (~found[~truth]).mean()) / 2)


def _ours(audio: bytes) -> list[bool]:
    activity = VoiceActivity()
    return [activity.hears_voice(frame) for frame in _frames(audio)]


def _webrtc(audio: bytes) -> list[bool]:
    detector = webrtcvad.Vad(3)
    return [detector.is_speech(pcm16(frame), SAMPLE_RATE) for frame in _frames(audio)]


def _frames(audio: bytes) -> Iterator[bytes]:
    return (audio[at : at + FRAME_BYTES] for at in range(0, len(audio), FRAME_BYTES))

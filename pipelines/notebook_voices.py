"""Clips for the notebook about voices: those of VOICE_AI_DATA, or made-up ones."""

import csv
import os
import tempfile
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.notebook_models import rows_wanted

_FOLDER = "voice-emotion"
# The third part of a RAVDESS file's name; calm (02) is no label of ours.
_EMOTIONS = {
    "01": "neutral",
    "03": "joy",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
_RATE = 8000
_SPEAKERS, _CLIPS = 10, 4
# Pitch beside the speaker's own, loudness, swing of the pitch.
_MADE_UP = {
    "neutral": (1.0, 3000.0, 0.02),
    "anger": (1.2, 6000.0, 0.2),
    "sadness": (0.9, 2000, 0.05),
}


@dataclass(frozen=True)
class Voices:
    """A data file with the columns path, label and speaker; `said` tells what it is."""

    file: Path
    said: str


def voices() -> Voices:
    """The clips that are there; made-up voices otherwise, written to a folder for the moment."""
    into = Path(tempfile.mkdtemp(prefix="voice-ai-notebook-"))
    data = os.environ.get("VOICE_AI_DATA")
    clips = sorted((Path(data) / _FOLDER).glob("*.wav")) if data else []
    if clips and rows_wanted() is None:
        known = [(clip, *_told(clip.stem)) for clip in clips if _told(clip.stem)]
        return Voices(
            _written(into, [(str(clip), label, actor) for clip, label, actor in known]),
            f"{len(known)} clips of {len({actor for _, _, actor in known})} actors (RAVDESS)",
        )
    why = "VOICE_AI_DATA holds no voice-emotion/" if not clips else "only a few rows are wanted"
    return Voices(
        _written(into, list(_made_up(into))),
        f"made-up voices, as {why}: they say nothing of people",
    )


def first_columns(count: int) -> Callable[[Sequence[Any]], NDArray[np.float64]]:
    """Makes a matrix of the first `count` figures of each input; one without a voice is zeros."""

    def prepare(inputs: Sequence[Any]) -> NDArray[np.float64]:
        rows = [list(one[:count]) if len(one) else [0.0] * count for one in inputs]
        return np.nan_to_num(np.array(rows, dtype=np.float64))

    return prepare


def _told(stem: str) -> tuple[str, str] | tuple[()]:
    """Label and actor of a clip by its name; none for one that is no label of ours."""
    parts = stem.split("-")
    if len(parts) != 7 or parts[2] not in _EMOTIONS:
        return ()
    return _EMOTIONS[parts[2]], f"actor {parts[6]}"


def _made_up(folder: Path) -> Iterator[tuple[str, str, str]]:
    random = np.random.default_rng(3)
    for speaker in range(_SPEAKERS):
        usual = 90 + 18 * speaker
        for number in range(_CLIPS):
            for label, (higher, loud, swing) in _MADE_UP.items():
                path = folder / f"{speaker}-{label}-{number}.wav"
                pitch = usual * higher * random.uniform(0.96, 1.04)
                _write(path, _buzz(pitch, loud * random.uniform(0.8, 1.2), swing))
                yield str(path), label, f"voice {speaker}"


def _buzz(pitch_hz: float, loud: float, swing: float) -> NDArray[np.int16]:
    """0.8 s of eleven harmonics in four syllables a second, its pitch swinging by that share."""
    time = np.arange(int(_RATE * 0.8)) / _RATE
    pitch = pitch_hz * (1 + swing * np.sin(3 * np.pi * time))
    phase = 2 * np.pi * np.cumsum(pitch) / _RATE
    sound = np.sum([np.sin(n * phase) / n for n in range(1, 12)], axis=0)
    return np.asarray(
        np.clip(loud * sound * (np.abs(np.sin(4 * np.pi * time)) + 0.05), -32000, 32000), np.int16
    )


def _write(path: Path, samples: NDArray[np.int16]) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(_RATE)
        sound.writeframes(samples.astype("<i2").tobytes())


def _written(folder: Path, rows: Sequence[tuple[str, str, str]]) -> Path:
    path = folder / "voices.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "speaker"])
        writer.writerows(rows)
    return path

"""Made-up voices: a buzz at a pitch, louder or softer, in syllables."""

import wave
from pathlib import Path

import numpy as np

from voice_ai import mulaw


def samples(
    *,
    pitch_hz: float,
    rate: int = 8000,
    seconds: float = 0.8,
    loud: float = 6000.0,
    swing: float = 0.0,
) -> mulaw.Pcm16:
    """A buzz whose pitch swings by that share, four syllables a second."""
    time = np.arange(int(rate * seconds)) / rate
    pitch = pitch_hz * (1 + swing * np.sin(2 * np.pi * 1.5 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    buzz = sum(np.sin(number * phase) / number for number in range(1, 12))
    syllables = np.abs(np.sin(2 * np.pi * 2 * time)) + 0.05
    return np.asarray(np.clip(loud * buzz * syllables, -32000, 32000), np.int16)


def write_wav(path: Path, pcm16: mulaw.Pcm16, rate: int = 8000) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(pcm16.astype("<i2").tobytes())


def corpus(folder: Path, speakers: int = 5, clips: int = 3) -> Path:
    """A data file of people who are calm (even) and angry (higher, louder, swinging)."""
    random = np.random.default_rng(3)
    lines = ["path,label,speaker,room"]
    for speaker in range(speakers):
        usual = 90 + 40 * speaker
        for number in range(clips):
            for label, higher, loud, swing in (
                ("calm", 1.0, 3000, 0.02),
                ("anger", 1.2, 6000, 0.2),
            ):
                pitch = usual * higher * random.uniform(0.97, 1.03)
                name = f"{speaker}-{label}-{number}.wav"
                write_wav(folder / name, samples(pitch_hz=pitch, loud=loud, swing=swing))
                lines.append(f"{name},{label},s{speaker},{'big' if number else 'small'}")
    path = folder / "voices.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path

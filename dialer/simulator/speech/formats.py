"""Audio formats of the speech endpoints: out of and into mu-law at 8 kHz.

Upsampling keeps the original samples at every second place, so that what comes back at 16 kHz
from this process is still recognised. Other rates are accepted for recognition, and not recognised.
"""

from typing import Final

import numpy as np

from voice_ai.mulaw import SAMPLE_RATE, Pcm16, decode, encode

SPOKEN: Final = ("ulaw_8000", "pcm_8000", "pcm_16000")
HEARD: Final = {
    "ulaw_8000": 8000,
    "pcm_8000": 8000,
    "pcm_16000": 16000,
    "pcm_22050": 22050,
    "pcm_24000": 24000,
    "pcm_44100": 44100,
    "pcm_48000": 48000,
}
MEDIA_TYPES: Final = {"ulaw_8000": "audio/basic"}


def render(ulaw: bytes, output_format: str) -> bytes:
    """Mu-law as one of the SPOKEN formats."""
    if output_format == "ulaw_8000":
        return ulaw
    samples = decode(ulaw)
    if output_format == "pcm_8000":
        return samples.astype("<i2").tobytes()
    doubled = np.empty(2 * len(samples), np.int32)
    doubled[0::2] = samples
    doubled[1::2] = (samples + np.append(samples[1:], samples[-1:]).astype(np.int32)) // 2
    return doubled.astype("<i2").tobytes()


def resample(samples: Pcm16, rate: int) -> bytes:
    """Mu-law at 8 kHz of samples at `rate`, by taking the nearest ones."""
    if rate == SAMPLE_RATE:
        return encode(samples)
    count = len(samples) * SAMPLE_RATE // rate
    return encode(samples[np.arange(count) * rate // SAMPLE_RATE])


class Intake:
    """Turns a stream of chunks of one HEARD format, cut anywhere, into mu-law."""

    def __init__(self, audio_format: str) -> None:
        self._plain = audio_format == "ulaw_8000"
        self._rate = HEARD[audio_format]
        # Whole output samples come out of whole groups of input samples.
        group = self._rate // int(np.gcd(self._rate, SAMPLE_RATE))
        self._group_bytes = 2 * group
        self._rest = b""

    def take(self, chunk: bytes) -> bytes:
        if self._plain:
            return chunk
        data = self._rest + chunk
        whole = len(data) - len(data) % self._group_bytes
        self._rest = data[whole:]
        return resample(np.frombuffer(data[:whole], "<i2"), self._rate)

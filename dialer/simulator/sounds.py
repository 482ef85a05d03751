"""Sound files: what `<Play>` fetched as mu-law, and recordings as WAV."""

import io
import struct
import wave

import numpy as np

from dialer.simulator.call import Recording
from dialer.simulator.twiml import TwimlError
from dialer.simulator.webhooks import Reply
from voice_ai.mulaw import SAMPLE_RATE, decode, encode

_NO_SOUND = 12300
_PCM, _MULAW = 1, 7


def sound_of(reply: Reply) -> bytes:
    """Mu-law at 8 kHz of a fetched WAV (mu-law or 16-bit, 8 kHz, mono) or raw basic audio.

    Raises TwimlError for anything else; this carrier has no decoder for other formats.
    """
    if not reply.ok:
        raise TwimlError(_NO_SOUND, "The sound to play could not be fetched")
    if reply.content_type == "audio/basic":
        return reply.content
    coding, rate, channels, bits, data = _wave_parts(reply.content)
    if rate != SAMPLE_RATE or channels != 1 or (coding, bits) not in {(_PCM, 16), (_MULAW, 8)}:
        raise TwimlError(_NO_SOUND, "The sound to play must be 8 kHz mono, mu-law or 16-bit")
    return data if coding == _MULAW else encode(data)


def _wave_parts(content: bytes) -> tuple[int, int, int, int, bytes]:
    """Coding, sample rate, channels, bits per sample and data of a RIFF file."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise TwimlError(_NO_SOUND, f"Invalid Content-Type: not a WAV file ({len(content)} bytes)")
    at, head, data = 12, None, None
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        body = content[at + 8 : at + 8 + size]
        if content[at : at + 4] == b"fmt " and size >= 16:
            coding, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
            head = (coding, rate, channels, bits)
        elif content[at : at + 4] == b"data":
            data = body[: len(body) & ~1]
        at += 8 + size + (size & 1)
    if head is None or data is None:
        raise TwimlError(_NO_SOUND, "The WAV file to play has no format or no data")
    return (*head, data)


def wav_of(recording: Recording) -> bytes:
    """16-bit WAV: one channel with both sides mixed, or callee left and agent right."""
    callee, agent = decode(bytes(recording.callee)), decode(bytes(recording.agent))
    if recording.channels == 2:
        samples = np.column_stack((callee, agent)).ravel()
    else:
        mixed = callee.astype(np.int32) + agent
        samples = np.clip(mixed, -32768, 32767).astype(np.int16)
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(recording.channels)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return target.getvalue()

"""Whether somebody is speaking, from mu-law frames: loud enough, and like a voice to WebRTC's VAD.

It decides in time of the audio itself, so the same audio gives the same answer on any machine, at
any pace. It is quick (a microsecond for a quiet frame, three for a loud one) and knows nothing of
language: the recogniser's text is the second opinion (see `turn_taking`).

Either alone is not enough. Loudness takes a street or a fan for speech until it has learned the
line; WebRTC's VAD takes the faint voices of a room for it. `make bench` (`media.vad`) has figures.
"""

from functools import cache

import webrtcvad

from dialer.media.frames import FRAME_BYTES, SAMPLE_RATE

# Steps of 6 dB: the segment number of a mu-law byte. Segment 0 is under -45 dBFS.
_LOWEST_STEP = 1
_HIGHEST_STEP = 6
_LOUD_SHARE = 0.12
_ONSET_S = 0.06
# Longer than anybody speaks without a breath: the line itself is loud, so listen above it.
_NO_BREATH_S = 6.0
_BREATH_S = 0.12
_QUIET_AGAIN_S = 3.0
# WebRTC's second strictest: the strictest notices a beginning 80 ms later.
_AGGRESSIVENESS = 2


@cache
def _quieter_than(step: int) -> bytes:
    """The mu-law bytes whose magnitude is below segment `step`."""
    return bytes(byte for byte in range(256) if ((~byte & 0x70) >> 4) < step)


@cache
def _halves() -> tuple[bytes, bytes]:
    """The low and the high byte of the 16-bit sample of each mu-law byte (G.711)."""
    samples = []
    for byte in range(256):
        code = ~byte & 0xFF
        magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
        samples.append((-magnitude if code & 0x80 else magnitude) & 0xFFFF)
    return bytes(each & 0xFF for each in samples), bytes(each >> 8 for each in samples)


def pcm16(ulaw: bytes) -> bytes:
    """Little-endian 16-bit samples; half a microsecond for 20 ms."""
    low, high = _halves()
    samples = bytearray(2 * len(ulaw))
    samples[::2], samples[1::2] = ulaw.translate(low), ulaw.translate(high)
    return bytes(samples)


class VoiceActivity:
    """Times are seconds of audio fed so far; `voiced_until_s` is None before the first voice."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.voiced_until_s: float | None = None
        self.onset_s: float | None = None
        self._bytes = 0
        self._step = _LOWEST_STEP
        self._voiced_bytes = 0
        self._run_from_s = 0.0
        self._breath_at_s = 0.0
        self._louder_at_s = 0.0
        self._vad = webrtcvad.Vad(_AGGRESSIVENESS)
        self._latest = b""

    def feed(self, frame: bytes) -> bool:
        """Whether this frame is voiced."""
        began_s = self.now_s
        self._bytes += len(frame)
        self.now_s = self._bytes / SAMPLE_RATE
        if not self.hears_voice(frame):
            self._quiet(frame)
            return False
        self._loud(began_s, len(frame))
        return self.onset_s is not None

    def hears_voice(self, frame: bytes) -> bool:
        """What this frame sounds like by itself. `feed` asks it once a frame."""
        return self._is_loud(frame, self._step) and self._is_voice(frame)

    def end_turn(self) -> None:
        """Forget the present onset: what comes next is another turn."""
        self.onset_s = None
        self._voiced_bytes = 0

    def _loud(self, began_s: float, size: int) -> None:
        if self._voiced_bytes == 0:
            self._run_from_s = began_s
        self._voiced_bytes += size
        if self.onset_s is None and self._voiced_bytes >= _ONSET_S * SAMPLE_RATE:
            self.onset_s = self._run_from_s
        if self.onset_s is not None:
            self.voiced_until_s = self.now_s
        if self.now_s - self._breath_at_s > _NO_BREATH_S and self._step < _HIGHEST_STEP:
            self._step += 1
            self._breath_at_s = self._louder_at_s = self.now_s

    def _quiet(self, frame: bytes) -> None:
        if self.onset_s is None:
            self._voiced_bytes = max(0, self._voiced_bytes - len(frame))
        if self.now_s - (self.voiced_until_s or 0.0) >= _BREATH_S:
            self._breath_at_s = self.now_s
        if self._step == _LOWEST_STEP:
            return
        if self._is_loud(frame, self._step - 1):
            self._louder_at_s = self.now_s
        elif self.now_s - self._louder_at_s >= _QUIET_AGAIN_S:
            self._step -= 1
            self._louder_at_s = self.now_s

    def _is_voice(self, frame: bytes) -> bool:
        """Asked for loud frames only: silence needs no opinion, and the faint is not for us."""
        if len(frame) != FRAME_BYTES:  # the VAD wants 20 ms, so it gets the latest ones
            frame = self._latest = (self._latest + frame)[-FRAME_BYTES:]
            if len(frame) < FRAME_BYTES:
                return True
        voiced: bool = self._vad.is_speech(pcm16(frame), SAMPLE_RATE)
        return voiced

    @staticmethod
    def _is_loud(frame: bytes, step: int) -> bool:
        return len(frame.translate(None, _quieter_than(step))) > _LOUD_SHARE * len(frame)

"""Whether somebody is speaking, from the loudness of mu-law frames alone.

It decides in time of the audio itself, so the same audio gives the same answer on any machine, at
any pace. It is quick (a microsecond a frame) and knows nothing of language: the recogniser's text
is the second opinion (see `turn_taking`).
"""

from functools import cache

from dialer.media.frames import SAMPLE_RATE

# Steps of 6 dB: the segment number of a mu-law byte. Segments below 2 are under -39 dBFS.
_LOWEST_STEP = 2
_HIGHEST_STEP = 6
_LOUD_SHARE = 0.12
_ONSET_S = 0.06
# Longer than anybody speaks without a breath: the line itself is loud, so listen above it.
_NO_BREATH_S = 6.0
_BREATH_S = 0.12
_QUIET_AGAIN_S = 3.0


@cache
def _quieter_than(step: int) -> bytes:
    """The mu-law bytes whose magnitude is below segment `step`."""
    return bytes(byte for byte in range(256) if ((~byte & 0x70) >> 4) < step)


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

    def feed(self, frame: bytes) -> bool:
        """Whether this frame is voiced."""
        began_s = self.now_s
        self._bytes += len(frame)
        self.now_s = self._bytes / SAMPLE_RATE
        if not self._is_loud(frame, self._step):
            self._quiet(frame)
            return False
        self._loud(began_s, len(frame))
        return self.onset_s is not None

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

    @staticmethod
    def _is_loud(frame: bytes, step: int) -> bool:
        return len(frame.translate(None, _quieter_than(step))) > _LOUD_SHARE * len(frame)

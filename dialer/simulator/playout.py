"""What the callee is about to hear: a buffer played at real time, with marks between the sounds."""

from collections import deque

from voice_ai.mulaw import FRAME_BYTES, SILENCE

# How many frames to wait for the rest of a broken frame before it is filled up with silence.
_PATIENCE = 2


class Playout:
    """FIFO of mu-law bytes of any size, taken 20 ms at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._read = 0
        self._marks: deque[tuple[int, str]] = deque()
        self._written = 0
        self._played = 0
        self._starved = 0

    @property
    def empty(self) -> bool:
        return self._read >= len(self._buffer)

    @property
    def played(self) -> int:
        """Bytes played since the line opened."""
        return self._played

    @property
    def written(self) -> int:
        """Bytes written since the line opened."""
        return self._written

    def write(self, audio: bytes) -> None:
        self._buffer += audio
        self._written += len(audio)

    def mark(self, name: str) -> None:
        """Remember a name that is due once everything written before it was played."""
        self._marks.append((self._written, name))

    def clear(self) -> list[str]:
        """Drop what was not played; all pending marks come back at once."""
        self._played = self._written
        self._buffer.clear()
        self._read = 0
        self._starved = 0
        return self.due()

    def take_back(self, begins: int) -> None:
        """Drop what was written from this byte on and was not played."""
        unplayed = self._written - max(begins, self._played)
        if unplayed > 0:
            del self._buffer[len(self._buffer) - unplayed :]
            self._written -= unplayed

    def due(self) -> list[str]:
        """Names of the marks whose sounds have been played."""
        names = []
        while self._marks and self._marks[0][0] <= self._played:
            names.append(self._marks.popleft()[1])
        return names

    @property
    def has_due(self) -> bool:
        return bool(self._marks) and self._marks[0][0] <= self._played

    def frame(self) -> bytes | None:
        """The next 20 ms, None for silence."""
        left = len(self._buffer) - self._read
        if left <= 0:
            return None
        if left < FRAME_BYTES and self._starved < _PATIENCE:
            self._starved += 1
            return None
        self._starved = 0
        end = min(self._read + FRAME_BYTES, len(self._buffer))
        frame = bytes(self._buffer[self._read : end])
        self._played += end - self._read
        self._read = end
        if self._read == len(self._buffer):
            self._buffer.clear()
            self._read = 0
        elif self._read > 1 << 16:
            del self._buffer[: self._read]
            self._read = 0
        return frame if len(frame) == FRAME_BYTES else frame.ljust(FRAME_BYTES, SILENCE)

"""The audio of one call on one timeline: what the person sounded like, what the agent played.

The timeline is the carrier's: inbound audio by its timestamps. What the agent sends is played one
piece after the other, when it arrives or when the piece before it is over; the mark that comes back
after a line says where the line really ended, and what a clear threw away was never played. Only
memory is touched here: writing is somebody else's work, after the call.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from dialer.media.frames import FRAME_BYTES, SAMPLE_RATE, SILENCE

_BYTES_PER_MS = SAMPLE_RATE // 1000
# Further than this a mark is late for another reason than the way to the carrier and back.
_FURTHEST_SHIFT = 2 * SAMPLE_RATE


class Tracks(NamedTuple):
    """Mu-law, 8 kHz, both of the same length."""

    caller: bytes
    agent: bytes

    @property
    def seconds(self) -> float:
        return len(self.caller) / SAMPLE_RATE


@dataclass
class _Said:
    """A line on its way: its pieces, each with the moment at which it was sent."""

    mark: str
    pieces: list[tuple[int, bytes]] = field(default_factory=list)


class Tape:
    """Takes at most `longest_s` seconds (16 kB each); what comes later is left out.

    With `after_notice` nothing is kept of what was said before `begin`: when that never comes, as
    in a call whose notice was cut off, nothing is kept at all.
    """

    def __init__(self, longest_s: float, *, after_notice: bool = False) -> None:
        self.discarded = False
        self._begins: int | None = None if after_notice else 0
        self._most = int(longest_s * SAMPLE_RATE)
        self._caller = bytearray()
        self._agent = bytearray()
        self._waiting: list[_Said] = []
        self._waiting_bytes = 0

    def begin(self) -> None:
        """The notice was heard to its end; said again, it changes nothing."""
        if self._begins is None:
            self._begins = len(self._caller)

    def discard(self) -> None:
        """The person objects: what there is goes, and nothing more is taken."""
        self.discarded = True
        self._most = 0
        self._caller.clear()
        self._agent.clear()
        self._waiting.clear()
        self._waiting_bytes = 0

    def heard(self, audio: bytes, at_ms: int | None) -> None:
        """A frame of the person's; `at_ms` is the carrier's timestamp, None when it gave none."""
        if self._most == 0:
            return
        at = len(self._caller)
        if at_ms is not None and at_ms * _BYTES_PER_MS - at >= FRAME_BYTES:
            at = min(at_ms * _BYTES_PER_MS, self._most)  # frames were lost on the way
            self._caller += SILENCE * (at - len(self._caller))
        self._caller += audio[: max(0, self._most - at)]

    def sent(self, mark: str, audio: bytes) -> None:
        """A piece of the line with this mark was handed to the carrier."""
        if len(self._agent) + self._waiting_bytes >= self._most:
            return
        if not self._waiting or self._waiting[-1].mark != mark:
            self._waiting.append(_Said(mark))
        self._waiting[-1].pieces.append((len(self._caller), audio))
        self._waiting_bytes += len(audio)

    def played(self, mark: str) -> None:
        """The mark came back: its line ended now. A mark of before a clear is not known here."""
        if not any(said.mark == mark for said in self._waiting):
            return
        while self._waiting:
            said = self._waiting.pop(0)
            self._lay(said, ends_now=said.mark == mark)
            if said.mark == mark:
                return

    def cleared(self) -> None:
        """The carrier was told to throw away what it has not played."""
        for said in self._waiting:
            self._lay(said, ends_now=False)
        self._waiting.clear()
        del self._agent[len(self._caller) :]

    def take(self) -> Tracks:
        """Everything so far that may be kept, once the call is over."""
        self.cleared()
        self._agent += SILENCE * (len(self._caller) - len(self._agent))
        begins = len(self._caller) if self._begins is None else self._begins
        tracks = Tracks(bytes(self._caller[begins:]), bytes(self._agent[begins:]))
        self._caller.clear()
        self._agent.clear()
        return tracks

    def _lay(self, said: _Said, *, ends_now: bool) -> None:
        starts, free = [], len(self._agent)
        for sent_at, audio in said.pieces:
            starts.append(max(sent_at, free))
            free = starts[-1] + len(audio)
        late = len(self._caller) - free if ends_now else 0
        shift = late if abs(late) <= _FURTHEST_SHIFT else 0
        for start, (_, audio) in zip(starts, said.pieces, strict=True):
            self._agent += SILENCE * (start + shift - len(self._agent))
            self._agent += audio[: max(0, self._most - len(self._agent))]
            self._waiting_bytes -= len(audio)

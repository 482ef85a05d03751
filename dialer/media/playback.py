"""What the agent has said, as far as it was really played: lines, marks, and what a cut left heard.

Everything sent lies in the carrier's buffer and is played in real time; a mark comes back when what
was sent before it has been played. Times are seconds of inbound audio, which runs at the same pace.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from math import inf

from dialer.media.frames import SAMPLE_RATE

# Only for guessing the length of a sentence whose synthesis was not over when it was cut.
_CHARACTERS_PER_S = 14.0


class Floor(Enum):
    """What the agent is doing, as far as interrupting it is concerned."""

    QUIET = "quiet"
    OPEN = "open"
    PROTECTED = "protected"


@dataclass(eq=False)
class Line:
    """One sentence of the agent on its way to the person's ear."""

    text: str
    key: str | None
    interruptible: bool
    node: str
    silence_s: float | None = None
    notice: bool = False
    mark: str = ""
    sent_bytes: int = 0
    all_sent: bool = False
    starts_s: float | None = None
    ended_s: float | None = None
    tts_first_byte_ms: float | None = None
    response_ms: float | None = None
    ends_ms: list[int] = field(default_factory=list)
    told_fraction: float | None = None  # where a carrier says itself how much was heard
    mind_ms: float | None = None

    @property
    def seconds(self) -> float:
        """Its length; while it is still being synthesised, at least a guess by its letters."""
        sent = self.sent_bytes / SAMPLE_RATE
        return sent if self.all_sent else max(sent, len(self.text) / _CHARACTERS_PER_S)

    def heard_fraction(self, now_s: float) -> float:
        if self.told_fraction is not None:
            return self.told_fraction
        return min(1.0, self._played_s(now_s) / self.seconds) if self.seconds else 0.0

    def heard_text(self, now_s: float) -> str:
        """The whole words that were heard: by the vendor's alignment where it was given."""
        played_ms = 1000 * self._played_s(now_s)
        aligned = len(self.ends_ms) >= len(self.text)
        if aligned or (self.ends_ms and played_ms <= self.ends_ms[-1]):
            return _whole_words(self.text, bisect_right(self.ends_ms, played_ms))
        return _whole_words(self.text, int(len(self.text) * self.heard_fraction(now_s)))

    def _played_s(self, now_s: float) -> float:
        if self.starts_s is None:
            return 0.0
        return min(max(0.0, now_s - self.starts_s), self.sent_bytes / SAMPLE_RATE)


@dataclass(frozen=True, slots=True)
class Cut:
    """A line that was stopped, and what of it was heard; a line never begun has fraction 0."""

    line: Line
    heard_fraction: float
    heard_text: str


class Playback:
    def __init__(self) -> None:
        self.generation = 0
        self._count = 0
        self._lines: list[Line] = []
        self._heard: list[str] = []
        self._free_from_s = 0.0

    @property
    def floor(self) -> Floor:
        if not self._lines:
            return Floor.QUIET
        return Floor.OPEN if self._lines[0].interruptible else Floor.PROTECTED

    @property
    def lines(self) -> tuple[Line, ...]:
        """Not yet played to their end, in order."""
        return tuple(self._lines)

    @property
    def open_since_s(self) -> float:
        """Where the line being played began; inf when none is."""
        starts_s = self._lines[0].starts_s if self._lines else None
        return inf if starts_s is None else starts_s

    def queue(self, lines: Iterable[Line]) -> None:
        """Lines of one answer; what was heard of the answer before is forgotten."""
        self._heard = []
        for line in lines:
            self._mark(line)
            self._lines.append(line)

    def put_before(self, line: Line, first: Line) -> None:
        """`first` is played before `line`, of which nothing was sent."""
        self._mark(first)
        self._lines.insert(self._lines.index(line), first)

    def _mark(self, line: Line) -> None:
        self._count += 1
        line.mark = f"{self.generation}.{self._count}"

    def sent(self, line: Line, size: int, now_s: float) -> None:
        """`size` bytes of the line were handed to the socket."""
        if line.starts_s is None and self._lines and self._lines[0] is line:
            line.starts_s = max(now_s, self._free_from_s)
        line.sent_bytes += size

    def marked(self, name: str, now_s: float) -> list[Line]:
        """The lines that are over with this mark; none for a mark of before a cut."""
        for position, line in enumerate(self._lines):
            if line.mark == name and line.all_sent:
                return [self._over(now_s) for _ in range(position + 1)]
        return []

    def overdue(self, now_s: float, grace_s: float) -> list[Line]:
        """Lines that must have been played although their mark did not come back."""
        over = []
        while self._lines:
            line = self._lines[0]
            ends = (line.starts_s if line.starts_s is not None else now_s) + line.seconds
            if not line.all_sent or now_s < ends + grace_s:
                break
            over.append(self._over(ends))
        return over

    def cut(self, now_s: float) -> list[Cut]:
        """Stop everything; what was heard stays in `heard_text`. Send a clear after this."""
        cuts = []
        for line in self._lines:
            fraction = line.heard_fraction(now_s)
            text = line.heard_text(now_s)
            line.ended_s = now_s
            if text:
                self._heard.append(text)
            cuts.append(Cut(line, fraction, text))
        self._lines.clear()
        self._free_from_s = now_s
        self.generation += 1
        return cuts

    @property
    def heard_text(self) -> str:
        """What was heard of the present answer so far."""
        return " ".join(self._heard)

    def _over(self, now_s: float) -> Line:
        line = self._lines.pop(0)
        if line.starts_s is None:
            line.starts_s = max(self._free_from_s, now_s - line.seconds)
        line.ended_s = max(now_s, line.starts_s)
        self._free_from_s = line.ended_s
        self._heard.append(line.text)
        if self._lines and self._lines[0].sent_bytes:
            self._lines[0].starts_s = line.ended_s
        return line


def _whole_words(text: str, characters: int) -> str:
    """The whole words among so many of its first characters."""
    if characters >= len(text):
        return text
    beginning = text[:characters]
    return beginning if text[characters] == " " else beginning.rpartition(" ")[0]

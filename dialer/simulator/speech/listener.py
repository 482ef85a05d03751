"""An ear: recognises audio that this process synthesised, by its exact bytes.

It proves plumbing, timing, barge-in and logic. It says nothing about the accuracy of a real
recogniser: audio that was not synthesised here, or that was resampled on its way, gives no text.

What is heard depends on the bytes alone: any chunk size, any alignment and any pace give the same
finals. A step on the way through mu-law → 16-bit → mu-law changes no byte.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dialer.simulator.speech.index import FrameIndex
from dialer.simulator.speech.utterance import Utterance, Word
from voice_ai.mulaw import FRAME_BYTES, SAMPLE_RATE, SILENCE

# A word counts as heard when this share of it was.
_HEARD_SHARE = 0.6

Mishear = Callable[[Utterance], tuple[str, ...]]


@dataclass(frozen=True)
class Partial:
    """The words of an utterance so far; the first one of each, at its onset, has no text.

    Times are in seconds of everything the ear was fed.
    """

    text: str
    start_s: float
    end_s: float
    utterance_id: int


@dataclass(frozen=True)
class Final:
    """An utterance as far as it was heard; `complete` when that is every word, to its end.

    Times, those of `words` too, are in seconds of everything the ear was fed.
    """

    text: str
    words: tuple[Word, ...]
    start_s: float
    end_s: float
    utterance_id: int
    complete: bool


Hearing = Partial | Final


@dataclass
class _Span:
    """Bytes `first` to `next` of an utterance, heard from byte `at` of the stream on."""

    at: int
    first: int
    next: int


@dataclass
class _Heard:
    """The utterance being heard, as the spans of it that came; `said` is its words as taken."""

    utterance: Utterance
    said: tuple[str, ...]
    due: list[int]  # the byte at which each word counts as heard
    spans: list[_Span]
    told: int = 0
    text: str = ""

    @property
    def end(self) -> int:
        last = self.spans[-1]
        return last.at + last.next - last.first

    def continues_at(self, utterance: Utterance, offset: int) -> bool:
        return utterance.id == self.utterance.id and offset >= self.spans[-1].next

    def words(self) -> tuple[Word, ...]:
        """The words that came, in the stream's time; those the ear dropped have no text."""
        timed = (
            self._timed(word, said)
            for word, said in zip(self.utterance.words, self.said, strict=True)
        )
        return tuple(word for word in timed if word is not None)

    def complete(self) -> bool:
        last = self.utterance.words[-1].end * SAMPLE_RATE
        return self.spans[-1].next >= last and len(self.words()) == len(self.utterance.words)

    def _timed(self, word: Word, said: str) -> Word | None:
        start, end = word.start * SAMPLE_RATE, word.end * SAMPLE_RATE
        shares = [max(0.0, min(end, span.next) - max(start, span.first)) for span in self.spans]
        if sum(shares) < _HEARD_SHARE * (end - start):
            return None
        span = self.spans[shares.index(max(shares))]
        shift = span.at - span.first
        return Word(said, (start + shift) / SAMPLE_RATE, (end + shift) / SAMPLE_RATE)


def join(words: tuple[Word, ...]) -> str:
    return " ".join(word.text for word in words if word.text)


class Listener:
    """One ear on one stream of mu-law bytes.

    `silence_commit_s`: an utterance is final once that much audio passed without a frame of it, or
    as soon as another one begins. `mishear` gives an utterance's words as this ear takes them. An
    ear that `mends` tells an utterance that goes on after such a silence once more, from its
    start, so that playback that stalls costs time and not meaning.
    """

    def __init__(
        self, index: FrameIndex, *, silence_commit_s: float, mishear: Mishear, mends: bool
    ) -> None:
        self._index = index
        self._mishear = mishear
        self._mends = mends
        self._torn: _Heard | None = None  # the last one that ended in silence before its end
        self._patience = silence_commit_s * SAMPLE_RATE
        self._rest = b""
        self._consumed = 0  # bytes of the stream before `_rest`
        self._heard: _Heard | None = None
        self._following = False  # the next byte should be the next one of `_heard`

    @property
    def position_s(self) -> float:
        """Seconds of audio fed so far."""
        return (self._consumed + len(self._rest)) / SAMPLE_RATE

    @property
    def hearing(self) -> bool:
        """Whether an utterance has begun that is not final yet."""
        return self._heard is not None

    def feed(self, audio: bytes) -> list[Hearing]:
        """Hear the next bytes, any number of them."""
        if b"\x7f" in audio:
            audio = audio.replace(b"\x7f", SILENCE)  # mu-law's other zero
        if self._heard is None and not self._rest and not audio.lstrip(SILENCE):
            self._consumed += len(audio)
            return []
        return self._listen(self._rest + audio)

    def commit(self) -> list[Hearing]:
        """End what is being heard now, for a caller that does not wait for silence."""
        if self._heard is None:
            return []
        return [self._finish(self._heard)]

    def _listen(self, buffer: bytes) -> list[Hearing]:
        out: list[Hearing] = []
        base, at = self._consumed, 0
        while True:
            if self._following and self._heard is not None:
                at = self._follow(self._heard, buffer, at, out)
                if self._following:
                    break
            at, found = self._seek(buffer, at)
            heard = self._heard
            if heard is not None and base + at - heard.end >= self._patience:
                out.append(self._finish(heard))
                self._torn = heard if self._mends and not heard.complete() else None
            if found is None:
                break
            self._begin(base + at, *found, out)
        self._consumed = base + at
        self._rest = buffer[at:]
        return out

    def _follow(self, heard: _Heard, buffer: bytes, at: int, out: list[Hearing]) -> int:
        """Take every whole frame that continues the utterance; stop following at another one."""
        span, audio = heard.spans[-1], heard.utterance.audio
        room = min(len(buffer) - at, len(audio) - span.next) // FRAME_BYTES * FRAME_BYTES
        taken = room
        if buffer[at : at + room] != audio[span.next : span.next + room]:
            taken = 0
            while (
                buffer[at + taken : at + taken + FRAME_BYTES]
                == audio[span.next + taken : span.next + taken + FRAME_BYTES]
            ):
                taken += FRAME_BYTES
        span.next += taken
        self._following = taken == room and span.next < len(audio)
        if heard.told < len(heard.due) and span.next >= heard.due[heard.told]:
            self._tell(heard, out)
        return at + taken

    def _seek(self, buffer: bytes, at: int) -> tuple[int, tuple[Utterance, int] | None]:
        """Where the search ends, and the utterance with its byte offset that begins there.

        No frame begins with silence, so silence is skipped without a look-up.
        """
        at = len(buffer) - len(buffer[at:].lstrip(SILENCE))
        stop = len(buffer) - FRAME_BYTES + 1
        if at >= stop:
            return at, None
        found = self._index.find(buffer, at, stop)
        return (stop, None) if found is None else (found[0], found[1:])

    def _begin(self, position: int, utterance: Utterance, offset: int, out: list[Hearing]) -> None:
        span = _Span(position, offset, offset)
        current = self._heard or self._torn
        at_s = position / SAMPLE_RATE
        if current is not None and current.continues_at(utterance, offset):
            current.spans.append(span)
            if self._heard is None:
                start_s = current.spans[0].at / SAMPLE_RATE
                out.append(Partial(current.text, start_s, at_s, utterance.id))
            self._heard = current
        else:
            if self._heard is not None:
                out.append(self._finish(self._heard))
            due = [
                round((word.start + _HEARD_SHARE * (word.end - word.start)) * SAMPLE_RATE)
                for word in utterance.words
            ]
            self._heard = _Heard(utterance, self._mishear(utterance), due, [span])
            out.append(Partial("", at_s, at_s, utterance.id))
        self._torn = None
        self._following = True

    def _tell(self, heard: _Heard, out: list[Hearing]) -> None:
        reached = heard.spans[-1].next
        while heard.told < len(heard.due) and heard.due[heard.told] <= reached:
            heard.told += 1
        text = join(heard.words())
        if text != heard.text:
            heard.text = text
            start, end = heard.spans[0].at / SAMPLE_RATE, heard.end / SAMPLE_RATE
            out.append(Partial(text, start, end, heard.utterance.id))

    def _finish(self, heard: _Heard) -> Final:
        self._heard, self._following = None, False
        words = heard.words()
        return Final(
            text=join(words),
            words=tuple(word for word in words if word.text),
            start_s=heard.spans[0].at / SAMPLE_RATE,
            end_s=heard.end / SAMPLE_RATE,
            utterance_id=heard.utterance.id,
            complete=heard.complete(),
        )

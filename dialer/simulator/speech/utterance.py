"""What was said: the text, its mu-law audio, and when each word sounds."""

from dataclasses import dataclass

from voice_ai.mulaw import SAMPLE_RATE


@dataclass(frozen=True)
class Word:
    """A word with its punctuation; times in seconds from the start of the utterance."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Utterance:
    """One piece of synthesised speech; `id` is a hash of text, voice and style.

    `audio` is mu-law at 8 kHz, whole 20 ms frames, none of which occurs in another utterance.
    """

    id: int
    speaker: str
    text: str
    audio: bytes
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        return len(self.audio) / SAMPLE_RATE


@dataclass(frozen=True)
class Alignment:
    """Seconds from the start of the utterance for every character of its text."""

    characters: tuple[str, ...]
    starts: tuple[float, ...]
    ends: tuple[float, ...]


def align_characters(utterance: Utterance) -> Alignment:
    """Spread each word's time evenly over its characters; spaces fill the gaps between words."""
    characters: list[str] = []
    starts: list[float] = []
    ends: list[float] = []
    position, clock = 0, 0.0
    for word in utterance.words:
        found = utterance.text.find(word.text, position)
        for gap in utterance.text[position:found]:
            characters.append(gap)
            starts.append(clock)
            ends.append(word.start)
            clock = word.start
        step = (word.end - word.start) / len(word.text)
        for number, character in enumerate(word.text):
            characters.append(character)
            starts.append(word.start + number * step)
            ends.append(word.start + (number + 1) * step)
        position, clock = found + len(word.text), word.end
    for rest in utterance.text[position:]:
        characters.append(rest)
        starts.append(clock)
        ends.append(clock)
    return Alignment(tuple(characters), tuple(starts), tuple(ends))

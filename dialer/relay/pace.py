"""How long a text takes to be spoken, and where in it a listener stopped hearing.

The carrier tells neither when a sentence begins nor when it is over: there are no marks. So playing
time is an estimate by words, and it is wrong by as much as the voice is quicker or slower.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# 150 words a minute, and the pause after a sentence. Each digit is a word of its own.
WORDS_PER_S = 2.5
PAUSE_S = 0.3
_WORD = re.compile(r"\d|[^\W\d_]+(?:['’][^\W\d_]+)*")


def speaking_s(text: str) -> float:
    """The estimate for one sentence, the pause behind it included."""
    return len(_WORD.findall(text)) / WORDS_PER_S + PAUSE_S


@dataclass(frozen=True, slots=True)
class Place:
    """A point in lines of text: everything before `line` was heard, and of it this fraction."""

    line: int
    fraction: float


def place_of(heard: str, lines: Sequence[str]) -> Place | None:
    """Where `heard` ends in what was said; None when it is not a beginning of any of it.

    It may count from the first line or from any later one: a carrier may tell a talk cycle or one
    sentence. Words are compared without their punctuation and case. The last match holds, because
    what was said later is what can still be interrupted.
    """
    words = [
        (_plain(match.group()), number, match.end())
        for number, line in enumerate(lines)
        for match in _WORD.finditer(line)
    ]
    told = [_plain(word) for word in _WORD.findall(heard)]
    if not told:
        return None
    spoken = [word for word, _, _ in words]
    for number in range(len(lines) - 1, -1, -1):
        first = next((at for at, word in enumerate(words) if word[1] == number), None)
        if first is not None and spoken[first : first + len(told)] == told:
            last = first + len(told) - 1
            _, line, end = words[last]
            whole = last + 1 == len(words) or words[last + 1][1] != line
            return Place(line, 1.0 if whole else _share(lines[line], end))
    return None


def _plain(word: str) -> str:
    return word.casefold().replace("’", "'")


def _share(line: str, end: int) -> float:
    """How much of the line that is, up to the space after the word that ends there."""
    space = line.find(" ", end)
    return 1.0 if space < 0 else (space + 0.5) / len(line)

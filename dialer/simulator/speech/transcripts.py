"""Words as the recogniser's answers spell them."""

from collections.abc import Iterable
from typing import Any

from dialer.simulator.speech import Final, Word

# The simulated recogniser is always this sure; it measures nothing.
_LOGPROB = -0.05


def joined(finals: Iterable[Final]) -> str:
    return " ".join(final.text for final in finals if final.text)


def words_of(finals: Iterable[Final], speaker: str) -> list[dict[str, Any]]:
    """Words and the spacings between them, times in seconds of the audio."""
    out: list[dict[str, Any]] = []
    for word in (word for final in finals for word in final.words):
        if out:
            out.append(_entry(Word(" ", out[-1]["end"], word.start), "spacing", speaker))
        out.append(_entry(word, "word", speaker))
    return out


def _entry(word: Word, kind: str, speaker: str) -> dict[str, Any]:
    return {
        "text": word.text,
        "start": round(word.start, 3),
        "end": round(max(word.start, word.end), 3),
        "type": kind,
        "speaker_id": speaker,
        "logprob": _LOGPROB if kind == "word" else 0.0,
        "characters": None,
    }

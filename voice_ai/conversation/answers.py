"""Free-form answers: what a script lets a language model answer, and out of what."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from voice_ai.conversation.written import Frozen


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class FreeAnswer(Frozen):
    """What may be answered, out of which facts, how long and how late; else `fallback` is said."""

    topic: str = Field(min_length=1, max_length=200)
    facts: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(min_length=1, max_length=40)
    max_words: int = Field(30, ge=5, le=40)
    timeout_s: float = Field(3.0, ge=0.5, le=8)
    fallback: str


def spoken_form(text: str) -> str:
    """One line, as a voice can say it."""
    return " ".join(text.split()).strip(" \"'“”")


def bounded(facts: Iterable[str], limit: int = 2000) -> tuple[str, ...]:
    """Facts up to so many characters in all."""
    kept: list[str] = []
    for fact in facts:
        limit -= len(fact)
        if limit < 0:
            break
        kept.append(fact)
    return tuple(kept)

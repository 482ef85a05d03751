"""Chance without a stream: every draw is a hash of what it is about, so order cannot matter."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
_SEPARATOR = b"\x1f"


@dataclass(frozen=True)
class Draws:
    """Draws about one subject: the seed, and usually a number and the nth attempt to it."""

    subject: bytes

    @classmethod
    def about(cls, *parts: str | int) -> "Draws":
        return cls(_SEPARATOR.join(str(part).encode() for part in parts))

    def narrow(self, *parts: str | int) -> "Draws":
        return Draws(_SEPARATOR.join([self.subject, *(str(part).encode() for part in parts)]))

    def unit(self, *question: str | int) -> float:
        """A number in [0, 1), the same for the same question."""
        digest = hashlib.sha256(self.narrow(*question).subject).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    def between(self, low: float, high: float, *question: str | int) -> float:
        return low + (high - low) * self.unit(*question)

    def chance(self, probability: float, *question: str | int) -> bool:
        return self.unit(*question) < probability

    def pick(self, choices: Sequence[T], *question: str | int) -> T:
        return choices[int(self.unit(*question) * len(choices))]

    def weighted(self, weights: Mapping[str, float], *question: str | int) -> str:
        """A key of `weights`, as often as its weight says; the order of keys does not matter."""
        names = sorted(name for name, weight in weights.items() if weight > 0)
        left = self.unit(*question) * sum(weights[name] for name in names)
        for name in names:
            left -= weights[name]
            if left < 0:
                return name
        return names[-1]

"""How far two scorers agree beyond chance: Cohen's kappa. Pure."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

# Below this the automatic score is not to be trusted.
TRUSTED = 0.7


@dataclass(frozen=True)
class Agreement:
    """`kappa` None: nothing was scored twice, or both always say the same one thing."""

    n: int
    observed: float | None
    kappa: float | None

    @property
    def trusted(self) -> bool | None:
        return None if self.kappa is None else self.kappa >= TRUSTED


def agreement(pairs: Sequence[tuple[Hashable, Hashable]]) -> Agreement:
    """Each pair is what two scorers said of the same thing."""
    return agreement_of(Counter(pairs))


def agreement_of(counts: Mapping[tuple[Hashable, Hashable], int]) -> Agreement:
    """The same from how often each pair was said."""
    n = sum(counts.values())
    if n == 0:
        return Agreement(0, None, None)
    observed = sum(times for (one, other), times in counts.items() if one == other) / n
    first, second = Counter[Hashable](), Counter[Hashable]()
    for (one, other), times in counts.items():
        first[one] += times
        second[other] += times
    expected = sum(first[label] * second[label] for label in first) / n**2
    kappa = None if expected == 1 else (observed - expected) / (1 - expected)
    return Agreement(n, observed, kappa)

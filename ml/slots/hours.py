"""How often people pick up by segment, weekday and local hour, with small counts pulled together.

A hierarchy of beta-binomials: a cell (hour of a weekday in a segment) is pulled towards its hour,
the hour towards its segment, the segment towards all dials. Where a parent's rate is m and its
level's strength is s (in dials), a child with k contacts of n dials has the posterior

    Beta(s * m + k, s * (1 - m) + n - k)

and its mean is what its own children are pulled to (Gelman et al., Bayesian Data Analysis, 3rd ed.,
section 5.3). s is the one of each level under which its counts are likeliest: empirical Bayes over
the beta-binomial's marginal likelihood (Kass and Steffey 1989). Counts that differ no more than
chance lets them get the greatest strength, so hours that do not matter come out alike.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

# A cell: segment, weekday (0 is Monday), hour, both by the called party's clock.
Cell = tuple[str, int, int]

K = TypeVar("K", bound=Hashable)

_STRENGTHS = np.geomspace(5.0, 20_000.0, 40)
# One dial at evens: an hour about which nothing at all is known.
_EVEN = (0.5, 0.5)


@dataclass(frozen=True)
class Count:
    contacts: int
    dials: int

    def __add__(self, other: "Count") -> "Count":
        return Count(self.contacts + other.contacts, self.dials + other.dials)


@dataclass(frozen=True)
class Posterior:
    """Beta(a, b) over the chance that a dial is picked up by a person."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)


@dataclass(frozen=True)
class Hours:
    """What was learnt; `of` answers for any cell, seen or not. `strengths` are of each level,
    `counts` the dials of each segment and hour."""

    whole: Posterior
    segments: Mapping[str, Posterior]
    hours: Mapping[tuple[str, int], Posterior]
    cells: Mapping[Cell, Posterior]
    strengths: Mapping[str, float]
    counts: Mapping[tuple[str, int], Count]

    @property
    def dials(self) -> int:
        return sum(count.dials for count in self.counts.values())

    def of(self, segment: str, weekday: int, hour: int) -> Posterior:
        """The cell's posterior; of a cell without dials it is its parent's mean at its strength."""
        known = self.cells.get((segment, weekday, hour))
        if known is not None:
            return known
        parent = self.hours.get((segment, hour))
        if parent is not None:
            return _at(parent.mean, self.strengths["cell"])
        place = self.segments.get(segment, _at(self.whole.mean, self.strengths["segment"]))
        return _at(place.mean, self.strengths["hour"])


def learn_hours(counts: Mapping[Cell, Count]) -> Hours:
    """From counts of past dials; none at all gives evens everywhere."""
    whole = _sum(counts.values())
    a, b = _EVEN
    top = Posterior(a + whole.contacts, b + whole.dials - whole.contacts)
    by_segment = _grouped(counts, lambda cell: cell[0])
    by_hour = _grouped(counts, lambda cell: (cell[0], cell[2]))
    segments, segment_strength = _level(by_segment, lambda _: top.mean)
    hours, hour_strength = _level(by_hour, lambda key: segments[key[0]].mean)
    cells, cell_strength = _level(counts, lambda cell: hours[cell[0], cell[2]].mean)
    strengths = {"segment": segment_strength, "hour": hour_strength, "cell": cell_strength}
    return Hours(top, segments, hours, cells, strengths, by_hour)


def strength(counts: Iterable[tuple[Count, float]]) -> float:
    """The strength in dials under which the counts, each with its parent's rate, are likeliest."""
    from scipy.special import betaln

    pairs = list(counts)
    if not pairs:
        return float(_STRENGTHS[-1])
    k = np.array([count.contacts for count, _ in pairs], dtype=np.float64)
    n = np.array([count.dials for count, _ in pairs], dtype=np.float64)
    mean = np.clip([mean for _, mean in pairs], 1e-4, 1 - 1e-4)
    a, b = _STRENGTHS[:, None] * mean, _STRENGTHS[:, None] * (1 - mean)
    likelihood = (betaln(a + k, b + n - k) - betaln(a, b)).sum(axis=1)
    return float(_STRENGTHS[int(likelihood.argmax())])


def _level(
    counts: Mapping[K, Count], parent: Callable[[K], float]
) -> tuple[dict[K, Posterior], float]:
    found = strength((count, parent(key)) for key, count in counts.items())
    return {
        key: Posterior(
            found * parent(key) + count.contacts,
            found * (1 - parent(key)) + count.dials - count.contacts,
        )
        for key, count in counts.items()
    }, found


def _grouped(counts: Mapping[Cell, Count], key: Callable[[Cell], K]) -> dict[K, Count]:
    groups: dict[K, list[Count]] = defaultdict(list)
    for cell, count in counts.items():
        groups[key(cell)].append(count)
    return {name: _sum(parts) for name, parts in groups.items()}


def _sum(counts: Iterable[Count]) -> Count:
    return sum(counts, Count(0, 0))


def _at(mean: float, found: float) -> Posterior:
    return Posterior(found * mean, found * (1 - mean))

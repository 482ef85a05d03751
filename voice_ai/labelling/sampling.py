"""How many turns of each stratum are drawn: every label is seen, and unsure answers more often.

Strata are predicted label by band of its score. Their shares follow the square root of their size
(power allocation: Bankier, The American Statistician 42, 1988), doubled where the model was
unsure; a drawn turn keeps size ÷ drawn as its weight, so that estimates stay unbiased.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from voice_ai.errors import BadInput

SIZE = 200
# Bands of the score: below the first unsure, below the second so-so, sure from there.
BANDS = (0.5, 0.8)
_FACTORS = (2.0, 1.0, 0.5)
_LEAST = 2


@dataclass(frozen=True)
class Stratum:
    """`band`: 0 unsure, 1 so-so, 2 sure."""

    label: str
    band: int
    turns: int


def allocate(strata: Sequence[Stratum], size: int = SIZE) -> list[int]:
    """How many to draw of each stratum: `size` together, or all there are.

    Each gets two while there is room for that, or as many as it has.
    """
    takes = [0] * len(strata)
    left = min(size, sum(one.turns for one in strata))
    # The largest first, so that where there is no room for all it is the rare ones that go empty.
    by_size = sorted(range(len(strata)), key=lambda place: (-_pull(strata[place]), place))
    for _ in range(_LEAST):
        for place in by_size:
            if left and takes[place] < strata[place].turns:
                takes[place] += 1
                left -= 1
    for _ in range(left):
        # Highest averages (Webster): the one whose share is least satisfied gets the next.
        place = max(
            (p for p in by_size if takes[p] < strata[p].turns),
            key=lambda p: _pull(strata[p]) / (2 * takes[p] + 1),
        )
        takes[place] += 1
    return takes


def monday(day: date) -> date:
    """The first day of its week."""
    return day - timedelta(days=day.weekday())


def finished_week(now: datetime) -> date:
    """The Monday of the last whole week (UTC) before `now`."""
    return monday(now.date()) - timedelta(days=7)


def week_of(text: str) -> date:
    """A day's week from YYYY-MM-DD. Raises BadInput."""
    try:
        return monday(date.fromisoformat(text))
    except ValueError:
        raise BadInput(f"{text!r} is not a day; write it as 2026-11-23", field="week") from None


def _pull(stratum: Stratum) -> float:
    return math.sqrt(stratum.turns) * _FACTORS[stratum.band]

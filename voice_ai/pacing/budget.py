"""Spend: what calls have cost so far, by minutes, against what they may cost."""

from dataclasses import dataclass
from decimal import Decimal

# A call that is still going is counted with this much: it cannot be taken back.
LIVE_MINUTES = 2


@dataclass(frozen=True)
class Minutes:
    """Started minutes of ended calls, and calls that are still live."""

    ended: int
    live: int


def spent(minutes: Minutes, per_minute: Decimal) -> Decimal:
    """An estimate on the safe side: carriers bill started minutes."""
    return (minutes.ended + minutes.live * LIVE_MINUTES) * per_minute


def is_spent(minutes: Minutes, per_minute: Decimal, most: Decimal) -> bool:
    return spent(minutes, per_minute) >= most

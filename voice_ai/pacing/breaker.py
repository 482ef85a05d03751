"""The failure breaker: when most requests fail, more of them help nobody."""

from dataclasses import dataclass
from datetime import timedelta

# Looked at: the dials of the last two minutes, or since the last hold ended.
WINDOW = timedelta(minutes=2)
# Each hold within this time doubles the next.
MEMORY = timedelta(minutes=30)
_FEWEST = 20
_SHARE = 0.5
_FIRST_HOLD = timedelta(seconds=15)
_LONGEST_HOLD = timedelta(minutes=10)


@dataclass(frozen=True)
class Requests:
    """Dials that came to an end at the carrier, and those that failed there."""

    ended: int
    failed: int


def hold(recent: Requests, holds_before: int) -> timedelta | None:
    """How long nothing is dialed; None: the breaker stays closed."""
    if recent.ended < _FEWEST or recent.failed / recent.ended < _SHARE:
        return None
    doublings: int = 2 ** min(holds_before, 16)
    return min(_FIRST_HOLD * doublings, _LONGEST_HOLD)

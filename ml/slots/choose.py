"""Which of the allowed hours a lead is called at: Thompson sampling, with a hold-out for ever.

One lead in ten, by a hash of the person, gets an hour that is uniformly random, for as long as it
is called: the difference between the arms is what choosing is worth (`ml.slots.benefit`), and hours
that nobody would choose stay measured. Every draw has its own stream, seeded by the person and the
day, so that a lead's hour depends on no other lead and is the same when it is asked for again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from ml.slots.hours import Hours

Arm = Literal["chosen", "random"]
HOLD_OUT = 0.10


@dataclass(frozen=True)
class Slot:
    """`hour` by the called party's clock; `mean` is its estimated chance of a contact."""

    hour: int
    arm: Arm
    mean: float


def arm_of(person: str, hold_out: float = HOLD_OUT) -> Arm:
    """For ever the same for a person; a greater share only adds people to the hold-out."""
    return "random" if _unit("hold-out", person) < hold_out else "chosen"


def choose_slot(
    hours: Hours,
    person: str,
    segment: str,
    day: date,
    allowed: Sequence[int],
    *,
    hold_out: float = HOLD_OUT,
) -> Slot | None:
    """The hour of `allowed` for that day; None when none is allowed.

    Thompson (1933): one draw from each hour's posterior, and the hour of the greatest. An hour is
    chosen as often as it is likely to be the best, so that little known ones are tried.
    """
    if not allowed:
        return None
    arm = arm_of(person, hold_out)
    if arm == "random":
        place = int(_unit("hour", person, day.isoformat()) * len(allowed))
        hour = allowed[min(place, len(allowed) - 1)]
        return Slot(hour, arm, hours.of(segment, day.weekday(), hour).mean)
    posteriors = [hours.of(segment, day.weekday(), hour) for hour in allowed]
    random = np.random.default_rng(_number("thompson", person, day.isoformat()))
    drawn = random.beta([p.a for p in posteriors], [p.b for p in posteriors])
    best = int(drawn.argmax())
    return Slot(allowed[best], arm, posteriors[best].mean)


def _number(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big")


def _unit(*parts: str) -> float:
    """In [0, 1)."""
    return (_number(*parts) >> 11) / 2**53

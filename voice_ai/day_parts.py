"""Parts of the day where the called party is, and when another one begins. Pure.

A person who does not pick up in the morning is tried at another time of the day. Where a number may
be in several zones, a moment lies in one part for each of them, and another part of the day is one
that is another in all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from voice_ai.compliance.windows import next_open


class DayPart(StrEnum):
    MORNING = "morning"
    MIDDAY = "midday"
    LATE_AFTERNOON = "late_afternoon"
    EVENING = "evening"


_BEGINS = ((12, DayPart.MIDDAY), (15, DayPart.LATE_AFTERNOON), (18, DayPart.EVENING))
# The law's outermost window; a schedule only narrows it.
_FIRST, _LAST = time(8, 0), time(21, 0)
_WEEK = timedelta(days=8)
_DAY = timedelta(days=1)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Window:
    """When a campaign calls, by the called party's clock."""

    start: time = _FIRST
    end: time = _LAST
    days: frozenset[int] = frozenset(range(7))

    @classmethod
    def of(cls, schedule: Mapping[str, Any] | None, profile: str | None = None) -> "Window":
        """From a campaign's stored schedule, None: the law's window alone, and the profile of rules
        that it chose. Holidays and the rules of places are `decide()`'s to know."""
        law = _STRICTEST if profile == "strictest" else cls()
        if schedule is None:
            return law
        start = max(law.start, time.fromisoformat(schedule["start"]))
        return cls(
            start,
            max(start, min(law.end, time.fromisoformat(schedule["end"]))),
            law.days & {_WEEKDAYS.index(day) for day in schedule["days"]},
        )

    def next(self, zones: Sequence[str], at: datetime) -> datetime | None:
        """The first moment from `at` on that lies in it in every zone.

        None: there is none, as for a place that is not known.
        """
        if any(_zone(name) is None for name in zones):
            return None
        return next_open(zones, self.start, self.end, self.days, at)


# The profile's window in compliance/packs/strictest.yaml.
_STRICTEST = Window(time(10, 0), time(18, 0), frozenset(range(5)))


def known_zones(zones: Sequence[str]) -> tuple[str, ...]:
    """Each once, without what is no zone."""
    return _known(tuple(zones))


def part_of(moment: time) -> DayPart:
    found = DayPart.MORNING
    for hour, part in _BEGINS:
        if moment.hour >= hour:
            found = part
    return found


def parts_of(zones: Sequence[str], at: datetime) -> frozenset[DayPart]:
    """The part of the day in each zone; none when no zone is known."""
    return frozenset(part_of(at.astimezone(ZoneInfo(name)).time()) for name in known_zones(zones))


def next_day(zones: Sequence[str], at: datetime) -> datetime:
    """The first moment at which it is a later date than at `at` in every zone."""
    return max(_midnight_after(zone, at) for zone in _places(zones))


def same_day(zones: Sequence[str], one: datetime, other: datetime) -> bool:
    """Whether both lie on one date in any of the zones."""
    return any(
        one.astimezone(zone).date() == other.astimezone(zone).date() for zone in _places(zones)
    )


def other_part(
    zones: Sequence[str], last: datetime, start: datetime, window: Window
) -> datetime | None:
    """The first open moment from `start` on in a part of the day that `last` was not in.

    None when the window has no such moment within eight days, as one that is open in the morning
    only.
    """
    known = known_zones(zones)
    used = parts_of(known, last)
    if not used:
        return None
    at: datetime | None = window.next(known, start)
    while at is not None and at <= start + _WEEK:
        if not used & parts_of(known, at):
            return at
        at = window.next(known, _part_after(known, at))
    return None


def _part_after(zones: Sequence[str], at: datetime) -> datetime:
    """When the next part of the day begins in any of the zones."""
    return min(_boundary(name, at) for name in zones)


def _boundary(name: str, at: datetime) -> datetime:
    zone = ZoneInfo(name)
    today = at.astimezone(zone).date()
    for hour, _ in _BEGINS:
        begins = datetime.combine(today, time(hour), tzinfo=zone).astimezone(UTC)
        if begins > at:
            return begins
    return _midnight_after(zone, at)


def _midnight_after(zone: ZoneInfo, at: datetime) -> datetime:
    day = at.astimezone(zone).date() + _DAY
    return datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)


def _places(zones: Sequence[str]) -> tuple[ZoneInfo, ...]:
    return tuple(ZoneInfo(name) for name in known_zones(zones)) or (ZoneInfo("UTC"),)


@lru_cache(maxsize=1024)
def _known(zones: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({name for name in zones if _zone(name) is not None}))


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None

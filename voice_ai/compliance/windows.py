"""Calling windows in the called party's local time, for every zone the party may be in."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# One minute before the end nothing is started any more: a carrier needs a moment to place a call.
END_GUARD = timedelta(seconds=60)
# Two Mondays in a row may be holidays, and an order may close a state for weeks.
HORIZON_DAYS = 35
# A process runs for years.
_DAYS_KEPT = 200

Interval = tuple[datetime, datetime]
Span = tuple[time, time]
# The window of a local date; None: closed.
DayRule = Callable[[date], Span | None]


class Openings:
    """When the windows of all zones are open at once; it remembers the days it has worked out.

    Unknown places are never open: no zone, no opening. Raises KeyError on a zone that is none.
    """

    def __init__(self, zones: Sequence[str], rule: DayRule) -> None:
        self._zones = tuple(zone_of(name) for name in zones)
        self._rule = rule
        self._days: dict[date, tuple[Interval, ...]] = {}
        self._last: tuple[datetime, datetime, datetime] | None = None

    def next(self, now: datetime) -> datetime | None:
        """The earliest moment from `now` on that is open; None: none in the next five weeks.

        Edges are wall times of each date, so the nights when clocks change are right.
        """
        last = self._last
        if last is not None and last[0] <= now < last[2]:
            return max(now, last[1])
        if not self._zones:
            return None
        first = min(now.astimezone(zone).date() for zone in self._zones) - timedelta(days=1)
        for offset in range(HORIZON_DAYS + 2):
            for opens, closes in self._day(first + timedelta(days=offset)):
                if now < closes:
                    self._last = (now, opens, closes)
                    return max(now, opens)
        return None

    def _day(self, day: date) -> tuple[Interval, ...]:
        known = self._days.get(day)
        if known is None:
            if len(self._days) > _DAYS_KEPT:
                self._days.clear()
            known = self._days[day] = _meet([self._near(zone, day) for zone in self._zones])
        return known

    def _near(self, zone: ZoneInfo, day: date) -> list[Interval]:
        """The zone's windows on the dates around `day`: neighbours meet across the date line."""
        found = []
        for near in (day - timedelta(days=1), day, day + timedelta(days=1)):
            span = self._rule(near)
            interval = None if span is None else interval_of(zone, near, span)
            if interval is not None:
                found.append(interval)
        return found


@lru_cache(maxsize=8192)
def interval_of(zone: ZoneInfo, day: date, span: Span) -> Interval | None:
    """The window as moments, without the minute before its end."""
    opens = datetime.combine(day, span[0], tzinfo=zone).astimezone(UTC)
    closes = datetime.combine(day, span[1], tzinfo=zone).astimezone(UTC) - END_GUARD
    return (opens, closes) if opens < closes else None


def is_open(
    zones: Sequence[str], start: time, end: time, days: frozenset[int], now: datetime
) -> bool:
    """Whether `now` lies in the window in every zone. Raises KeyError on an unknown zone."""
    return next_open(zones, start, end, days, now) == now


def next_open(
    zones: Sequence[str], start: time, end: time, days: frozenset[int], now: datetime
) -> datetime | None:
    """The earliest moment from `now` on that lies in one weekly window in every zone at once."""
    return _weekly(tuple(zones), start, end, days).next(now) if days else None


@lru_cache(maxsize=512)
def _weekly(zones: tuple[str, ...], start: time, end: time, days: frozenset[int]) -> Openings:
    return Openings(zones, lambda day: (start, end) if day.weekday() in days else None)


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """Raises KeyError for anything that is no zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise KeyError(name) from error


def _meet(per_zone: Sequence[Sequence[Interval]]) -> tuple[Interval, ...]:
    meeting: list[Interval] = list(per_zone[0])
    for windows in per_zone[1:]:
        meeting = [
            (max(a, c), min(b, d)) for a, b in meeting for c, d in windows if max(a, c) < min(b, d)
        ]
    return tuple(sorted(meeting))

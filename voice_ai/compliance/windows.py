"""Calling windows in the called party's local time, for every zone the party may be in."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# One minute before the end nothing is started any more: a carrier needs a moment to place a call.
END_GUARD = timedelta(seconds=60)
_HORIZON_DAYS = 15

Interval = tuple[datetime, datetime]


def is_open(
    zones: Sequence[str], start: time, end: time, days: frozenset[int], now: datetime
) -> bool:
    """Whether `now` lies in the window in every zone. Raises KeyError on an unknown zone."""
    return next_open(zones, start, end, days, now) == now


def next_open(
    zones: Sequence[str], start: time, end: time, days: frozenset[int], now: datetime
) -> datetime | None:
    """The earliest moment from `now` on that lies in the window in every zone at once.

    None when the windows do not meet within two weeks, or when no zone is given: unknown places
    are never open. Edges are wall times of each date, so the nights when clocks change are right.
    """
    if not zones or not days:
        return None
    local_days = {_day(zone, now) for zone in zones}
    first = min(local_days) - timedelta(days=1)
    for offset in range(_HORIZON_DAYS + 2):
        day = first + timedelta(days=offset)
        for opens, closes in _meet([_windows(zone, start, end, days, day) for zone in zones]):
            if now < closes:
                return max(now, opens)
    return None


def _day(zone: str, now: datetime) -> date:
    return now.astimezone(_zone(zone)).date()


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise KeyError(name) from error


@lru_cache(maxsize=20_000)
def _windows(
    zone: str, start: time, end: time, days: frozenset[int], day: date
) -> tuple[Interval, ...]:
    """The zone's windows on the dates around `day`: neighbours meet across the date line."""
    found = []
    for near in (day - timedelta(days=1), day, day + timedelta(days=1)):
        if near.weekday() in days:
            place = _zone(zone)
            opens = datetime.combine(near, start, tzinfo=place).astimezone(UTC)
            closes = datetime.combine(near, end, tzinfo=place).astimezone(UTC) - END_GUARD
            if opens < closes:
                found.append((opens, closes))
    return tuple(found)


def _meet(per_zone: Sequence[tuple[Interval, ...]]) -> list[Interval]:
    meeting: list[Interval] = list(per_zone[0])
    for windows in per_zone[1:]:
        meeting = [
            (max(a, c), min(b, d)) for a, b in meeting for c, d in windows if max(a, c) < min(b, d)
        ]
    return sorted(meeting)

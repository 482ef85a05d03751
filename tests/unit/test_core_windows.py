"""Calling windows: right on the nights when clocks change, and equal to a scan of the minutes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_ai.compliance import is_open, next_open

EVERY_DAY = frozenset(range(7))
OPENS, CLOSES = time(8, 0), time(21, 0)
ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Adak",
    "America/Puerto_Rico",
    "America/Indiana/Indianapolis",
    "America/Indiana/Knox",
    "America/St_Johns",
    "Pacific/Honolulu",
    "Pacific/Guam",
    "Pacific/Chatham",
    "Europe/London",
)

# The UTC hour at which 08:00 comes, on the day before the clocks change and on the day itself.
SPRING = {
    "America/New_York": (13, 12),
    "America/Indiana/Indianapolis": (13, 12),
    "America/Chicago": (14, 13),
    "America/Indiana/Knox": (14, 13),
    "America/Denver": (15, 14),
    "America/Phoenix": (15, 15),
    "America/Los_Angeles": (16, 15),
    "America/Anchorage": (17, 16),
    "Pacific/Honolulu": (18, 18),
    "America/Puerto_Rico": (12, 12),
}


def allowed_by_the_wall_clock(
    zones: Sequence[str], start: time, end: time, days: frozenset[int], moment: datetime
) -> bool:
    """The rule said again in its own words: a look at the clock on the wall of every place."""
    for zone in zones:
        wall = moment.astimezone(ZoneInfo(zone))
        last = (datetime.combine(wall.date(), end) - timedelta(seconds=60)).time()
        if wall.weekday() not in days or not start <= wall.time() < last:
            return False
    return True


@pytest.mark.parametrize("zone", SPRING)
@pytest.mark.parametrize(
    ("change", "before", "after"), [(date(2026, 3, 8), 0, 1), (date(2026, 11, 1), 1, 0)]
)
def test_eight_in_the_morning_is_right_around_the_night_when_clocks_change(
    zone: str, change: date, before: int, after: int
) -> None:
    for day, which in ((change - timedelta(days=1), before), (change, after)):
        opens = datetime(day.year, day.month, day.day, SPRING[zone][which], tzinfo=UTC)
        closes = opens + timedelta(hours=12, minutes=59)
        midnight = datetime.combine(day, time(0, 0), tzinfo=ZoneInfo(zone)).astimezone(UTC)
        assert next_open([zone], OPENS, CLOSES, EVERY_DAY, midnight) == opens
        assert not is_open([zone], OPENS, CLOSES, EVERY_DAY, opens - timedelta(seconds=1))
        assert is_open([zone], OPENS, CLOSES, EVERY_DAY, opens)
        assert is_open([zone], OPENS, CLOSES, EVERY_DAY, closes - timedelta(seconds=1))
        assert not is_open([zone], OPENS, CLOSES, EVERY_DAY, closes)


def test_nothing_starts_in_the_last_minute() -> None:
    last = datetime(2026, 6, 9, 20, 59, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    assert is_open(["America/New_York"], OPENS, CLOSES, EVERY_DAY, last - timedelta(seconds=1))
    assert not is_open(["America/New_York"], OPENS, CLOSES, EVERY_DAY, last)
    assert not is_open(["America/New_York"], OPENS, CLOSES, EVERY_DAY, last + timedelta(seconds=59))


def test_coast_to_coast_and_hawaii_leave_only_what_all_of_them_share() -> None:
    zones = ["America/New_York", "America/Los_Angeles", "Pacific/Honolulu"]
    morning = datetime(2026, 6, 9, 12, 0, tzinfo=UTC)  # 08:00 in New York
    # 08:00 in Honolulu is 14:00 in New York.
    assert next_open(zones, OPENS, CLOSES, EVERY_DAY, morning) == datetime(
        2026, 6, 9, 18, 0, tzinfo=UTC
    )


def test_friday_evening_waits_for_monday_in_every_zone() -> None:
    weekdays = frozenset(range(5))
    evening = datetime(2026, 6, 5, 22, 0, tzinfo=ZoneInfo("America/Chicago")).astimezone(UTC)
    monday = datetime(2026, 6, 8, 8, 0, tzinfo=ZoneInfo("America/Chicago")).astimezone(UTC)
    assert next_open(["America/Chicago"], OPENS, CLOSES, weekdays, evening) == monday


def test_across_the_date_line_a_tuesday_here_and_a_monday_there_are_two_days() -> None:
    zones = ["Pacific/Guam", "Pacific/Honolulu"]
    # Honolulu's Monday from 12:00 on is Guam's Tuesday from 08:00 on: no day is Tuesday in both
    # until Honolulu's Tuesday morning, which is Guam's Wednesday.
    tuesdays = frozenset({1})
    now = datetime(2026, 6, 8, 0, 0, tzinfo=UTC)
    assert next_open(zones, OPENS, CLOSES, tuesdays, now) is None
    both = next_open(zones, OPENS, CLOSES, frozenset({0, 1}), now)
    assert both == datetime(2026, 6, 8, 12, 0, tzinfo=ZoneInfo("Pacific/Honolulu"))


@pytest.mark.parametrize(
    ("zones", "days"), [([], EVERY_DAY), (["America/New_York"], frozenset[int]())]
)
def test_no_place_or_no_day_is_never_open(zones: list[str], days: frozenset[int]) -> None:
    now = datetime(2026, 6, 9, 16, 0, tzinfo=UTC)
    assert next_open(zones, OPENS, CLOSES, days, now) is None
    assert not is_open(zones, OPENS, CLOSES, days, now)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "America", "../../etc/passwd", "x\x00y"])
def test_an_unknown_zone_is_an_error_and_not_an_open_door(zone: str) -> None:
    now = datetime(2026, 6, 9, 16, 0, tzinfo=UTC)
    with pytest.raises(KeyError):
        next_open(["America/New_York", zone], OPENS, CLOSES, EVERY_DAY, now)


minutes_of_2026 = st.integers(0, 365 * 24 * 60 - 1).map(
    lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)
some_zones = st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True)
some_days = st.frozensets(st.integers(0, 6), min_size=1)
# Quarters of an hour, and not in the small hours, in which a wall time can be missing or double.
quarters = st.integers(5 * 4, 23 * 4).map(lambda q: time(q // 4, q % 4 * 15))


@settings(max_examples=60, deadline=None)
@given(some_zones, quarters, quarters, some_days, minutes_of_2026)
def test_next_open_is_what_a_scan_of_the_minutes_finds(
    zones: list[str], one: time, other: time, days: frozenset[int], now: datetime
) -> None:
    start, end = min(one, other), max(one, other)
    found = next_open(zones, start, end, days, now)
    horizon = timedelta(days=3)
    until = min(found, now + horizon) if found is not None else now + horizon
    step = timedelta(minutes=1)
    moment = now
    while moment < until:
        assert not allowed_by_the_wall_clock(zones, start, end, days, moment), moment
        moment += step
    if found is not None:
        assert allowed_by_the_wall_clock(zones, start, end, days, found)


@pytest.mark.parametrize("day", range(7))
def test_never_means_that_no_quarter_hour_of_two_weeks_is_open(day: int) -> None:
    zones, days = ["Pacific/Guam", "Pacific/Honolulu"], frozenset({day})
    now = datetime(2026, 2, 25, tzinfo=UTC)
    assert next_open(zones, OPENS, CLOSES, days, now) is None
    for quarter in range(14 * 96):
        moment = now + timedelta(minutes=15 * quarter)
        assert not allowed_by_the_wall_clock(zones, OPENS, CLOSES, days, moment)


@settings(max_examples=100, deadline=None)
@given(some_zones, st.sampled_from(ZONES), some_days, minutes_of_2026)
def test_one_more_candidate_zone_never_opens_earlier(
    zones: list[str], another: str, days: frozenset[int], now: datetime
) -> None:
    fewer = next_open(zones, OPENS, CLOSES, days, now)
    more = next_open([*zones, another], OPENS, CLOSES, days, now)
    assert more is None or (fewer is not None and fewer <= more)

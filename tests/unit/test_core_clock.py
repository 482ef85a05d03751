"""A rehearsal begins at a good hour of a working day, and its clock never goes back."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_ai.clock import (
    ManualClock,
    RehearsalClock,
    SystemClock,
    next_working_day,
    parse_clock_start,
    rehearsal_anchor,
)
from voice_ai.compliance import CampaignFacts, LeadFacts, Policy, decide
from voice_ai.compliance.codes import US_STATES
from voice_ai.errors import BadInput

NEW_YORK = ZoneInfo("America/New_York")


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


@pytest.mark.parametrize(
    ("real_now", "anchor"),
    [
        ("2026-11-24T11:00", "2026-11-25T14:00"),  # Tuesday -> Wednesday
        ("2026-11-27T23:59", "2026-11-30T14:00"),  # Friday night -> Monday
        ("2026-11-28T03:00", "2026-11-30T14:00"),  # Saturday -> Monday
        ("2026-11-29T15:00", "2026-11-30T14:00"),  # Sunday -> Monday
        ("2026-03-06T12:00", "2026-03-09T14:00"),  # over the night when clocks change
    ],
)
def test_a_new_home_rehearses_at_two_in_the_afternoon_of_the_next_working_day(
    real_now: str, anchor: str
) -> None:
    found = rehearsal_anchor(new_york(real_now), chosen=None, current=None)
    assert found == new_york(anchor)
    assert found.tzinfo is UTC


def test_the_next_working_day_is_later_and_never_a_weekend() -> None:
    friday = date(2026, 11, 20)
    assert next_working_day(friday) == date(2026, 11, 23)
    assert next_working_day(date(2026, 11, 23)) == date(2026, 11, 24)


@pytest.mark.parametrize(
    ("after", "day"),
    [
        (date(2026, 11, 25), date(2026, 11, 30)),  # Thanksgiving, and the day after it in Louisiana
        (date(2026, 11, 30), date(2026, 12, 2)),  # Rosa Parks Day in Alabama
        (date(2026, 12, 24), date(2026, 12, 28)),
    ],
)
def test_no_rehearsal_begins_on_a_day_on_which_some_state_may_not_be_called(
    after: date, day: date
) -> None:
    assert next_working_day(after) == day


@pytest.mark.parametrize(
    ("current", "kept"),
    [
        ("2026-11-25T14:00", True),
        ("2026-11-25T16:29", True),
        ("2026-11-25T16:30", False),
        ("2026-11-25T13:59", False),
        ("2026-11-28T15:00", False),  # a Saturday
    ],
)
def test_a_rehearsal_goes_on_where_it_was_while_the_hour_is_good(current: str, kept: bool) -> None:
    real_now = new_york("2026-11-24T11:00")
    found = rehearsal_anchor(real_now, chosen=None, current=new_york(current))
    assert (found == new_york(current)) is kept


moments = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)


@settings(deadline=None)
@given(moments, st.none() | moments, st.none() | moments)
def test_the_clock_never_goes_back(
    real_now: datetime, chosen: datetime | None, current: datetime | None
) -> None:
    found = rehearsal_anchor(real_now, chosen=chosen, current=current)
    assert current is None or found >= current
    assert chosen is None or found >= chosen


@settings(deadline=None)
@given(moments, st.none() | moments)
def test_unless_chosen_the_whole_mainland_may_be_called_at_the_start(
    real_now: datetime, current: datetime | None
) -> None:
    found = rehearsal_anchor(real_now, chosen=None, current=current)
    lead = LeadFacts(
        zones=("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"),
        countries=("US",),
        states=tuple(sorted(US_STATES - {"AK", "HI"})),
        suppressed=False,
        list_consent="written",
    )
    campaign = CampaignFacts(
        running=True,
        schedule_start=time(0, 0),
        schedule_end=time(23, 59),
        schedule_days=frozenset(range(7)),
        max_attempts=6,
        purpose="informational",
    )
    assert decide(lead, campaign, found, Policy()).allow


def test_a_chosen_time_is_taken_as_it_is_also_at_night() -> None:
    chosen = new_york("2026-11-28T03:00")
    assert rehearsal_anchor(new_york("2026-11-24T11:00"), chosen=chosen, current=None) == chosen


def test_a_chosen_time_that_has_passed_does_not_turn_the_clock_back() -> None:
    current = new_york("2026-12-01T03:00")
    chosen = new_york("2026-11-28T03:00")
    assert rehearsal_anchor(current, chosen=chosen, current=current) == current


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_a_rehearsal_clock_runs_from_its_anchor_at_its_speed(speed: float) -> None:
    anchor = datetime(2026, 11, 25, 19, 0, tzinfo=UTC)
    before = datetime.now(UTC)
    real = before - timedelta(hours=1)
    shown = RehearsalClock(real, anchor, speed).now()
    after = datetime.now(UTC)
    assert anchor + (before - real) * speed <= shown <= anchor + (after - real) * speed


async def test_a_manual_clock_moves_only_when_told() -> None:
    start = datetime(2026, 11, 25, 19, 0, tzinfo=UTC)
    clock = ManualClock(start)
    assert (clock.now(), clock.monotonic()) == (start, 0.0)
    await clock.sleep(90)
    clock.advance(30)
    assert (clock.now(), clock.monotonic()) == (start + timedelta(minutes=2), 120.0)
    await clock.sleep(-5)
    assert clock.now() == start + timedelta(minutes=2)


def test_the_system_clock_speaks_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_a_clock_start_is_an_aware_time_in_utc() -> None:
    parsed = parse_clock_start("2026-11-24T11:00:00-05:00")
    assert parsed == datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
    assert parsed.utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", ["tomorrow", "2026-11-24T11:00:00", "2026-11-24", "11:00-05:00"])
def test_a_clock_start_without_day_or_offset_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadInput, match=r"VOICE_AI_CLOCK_START .*2026-11-24T11:00:00-05:00"):
        parse_clock_start(text)

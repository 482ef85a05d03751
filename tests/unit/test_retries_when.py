"""Which moment the words of a person name."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.agreed import moment_meant
from voice_ai.conversation.keywords import find_when
from voice_ai.conversation.when import time_named

NEW_YORK, CHICAGO, DETROIT = "America/New_York", "America/Chicago", "America/Detroit"
# A Tuesday, two in the afternoon.
NOW = datetime(2026, 11, 24, 14, 0, tzinfo=ZoneInfo(NEW_YORK))


def meant(words: str, now: datetime = NOW) -> str | None:
    at = time_named(words, now)
    return None if at is None else f"{at:%a %d %H:%M}"


@pytest.mark.parametrize(
    ("words", "then"),
    [
        ("in an hour", "Tue 24 15:00"),
        ("in half an hour", "Tue 24 14:30"),
        ("in a couple of hours", "Tue 24 16:00"),
        ("in 20 minutes", "Tue 24 14:20"),
        ("in three days", "Fri 27 14:00"),
        ("in a week around ten", "Tue 01 10:00"),
        ("tomorrow", "Wed 25 10:00"),
        ("tomorrow at three", "Wed 25 15:00"),
        ("tomorrow at 3 p m", "Wed 25 15:00"),
        ("tomorrow at 9", "Wed 25 09:00"),
        ("tomorrow morning", "Wed 25 10:00"),
        ("tomorrow after lunch", "Wed 25 13:30"),
        ("tomorrow evening around eight", "Wed 25 20:00"),
        ("on thursday at ten thirty", "Thu 26 10:30"),
        ("next tuesday at noon", "Tue 01 12:00"),
        ("this afternoon", "Tue 24 15:00"),
        ("tonight", "Tue 24 18:30"),
        ("at five", "Tue 24 17:00"),
        ("at ten", "Wed 25 10:00"),
        ("around 16 30", "Tue 24 16:30"),
        ("in the evening", "Tue 24 18:30"),
        ("later", None),
        ("another time", None),
        ("next month", None),
        ("on the weekend", None),
        ("today at nine", None),
        ("after four or at five", None),
        ("monday or tuesday", None),
        ("at 99", None),
        ("in 99 weeks", None),
    ],
)
def test_words_name_a_moment_or_leave_it_open(words: str, then: str | None) -> None:
    assert meant(words) == then


@pytest.mark.parametrize(
    ("said", "then"),
    [
        ("Call me back tomorrow at three o'clock, please.", "Wed 25 15:00"),
        ("I'm driving, could you ring in half an hour?", "Tue 24 14:30"),
        ("No, not now.", None),
    ],
)
def test_the_words_that_are_found_in_a_sentence_are_understood(said: str, then: str | None) -> None:
    found = find_when(said)
    assert (None if found is None else meant(found)) == then


def test_an_hour_is_an_hour_in_the_night_when_clocks_change() -> None:
    before = datetime(2026, 11, 1, 0, 30, tzinfo=ZoneInfo(NEW_YORK))
    at = time_named("in two hours", before)
    assert at is not None
    assert (at.astimezone(UTC) - before.astimezone(UTC)).total_seconds() == 7200


def test_a_clock_time_is_agreed_only_where_every_zone_means_the_same() -> None:
    now = NOW.astimezone(UTC)
    at_three = moment_meant("tomorrow at three", [NEW_YORK, DETROIT], now)
    assert at_three == datetime(2026, 11, 25, 20, tzinfo=UTC)
    assert moment_meant("tomorrow at three", [NEW_YORK, CHICAGO], now) is None
    assert moment_meant("in an hour", [NEW_YORK, CHICAGO], now) is not None
    assert moment_meant("in an hour", [], now) is None


WORDS = ("in", "at", "half", "a", "an", "tomorrow", "today", "three", "9", "thirty", "p", "m")


@given(st.lists(st.sampled_from((*WORDS, "hours", "days", "monday", "evening")), max_size=8))
def test_whatever_is_said_nothing_is_agreed_for_the_past(words: list[str]) -> None:
    at = time_named(" ".join(words), NOW)
    assert at is None or at > NOW

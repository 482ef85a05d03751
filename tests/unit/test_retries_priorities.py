"""Fresher before staler, likelier before less likely, rested before tired."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_ai.priorities import FRESHEST, freshness, priority, tired

AGES = st.timedeltas(timedelta(days=-1), timedelta(days=400))
SCORES, DIALS = st.floats(0, 1), st.integers(0, 8)


@pytest.mark.parametrize(
    ("days", "step"),
    [(0, 6), (0.9, 6), (1, 5), (3, 4), (7, 3), (15, 2), (31, 1), (63, 0), (400, 0)],
)
def test_freshness_falls_by_one_each_time_the_age_doubles(days: float, step: int) -> None:
    assert freshness(timedelta(days=days)) == step


@given(AGES, AGES, SCORES, SCORES, DIALS, DIALS)
def test_a_fresher_lead_comes_before_a_likelier_one(
    one: timedelta, other: timedelta, score: float, worse: float, dials: int, fewer: int
) -> None:
    if freshness(one) > freshness(other):
        assert priority(one, worse, dials) > priority(other, score, fewer)


@given(AGES, SCORES, DIALS)
def test_a_dial_never_makes_a_lead_more_urgent_nor_staler(
    age: timedelta, score: float, dials: int
) -> None:
    now = priority(age, score, dials)
    assert priority(age, score, dials + 1) <= now
    assert freshness(age) <= tired(now) <= now < FRESHEST + 1

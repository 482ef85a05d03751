"""Caller ids: who sees which number, how much a number may be used, when it rests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_ai.pacing.caller_ids import (
    BURNED_REST,
    COOL_OFF,
    AnswerRates,
    CallerId,
    Limits,
    Rate,
    Standing,
    Stands,
    ceiling,
    chance_below,
    choose,
    has_dropped,
    next_standing,
    usable,
)

NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ALBANY = CallerId(1, "US", frozenset({"NY"}))
AUSTIN = CallerId(2, "US", frozenset({"TX"}))
LONDON = CallerId(3, "GB")
POOL = (ALBANY, AUSTIN, LONDON)
LIMITS = Limits(daily_ceiling=100, max_concurrent=None)


def shown(
    lead: int = 7,
    states: set[str] | None = None,
    country: str | None = "US",
    last: int | None = None,
    pool: tuple[CallerId, ...] = POOL,
) -> int | None:
    caller = choose(
        pool,
        lead_id=lead,
        lead_states=frozenset(states or ()),
        lead_country=country,
        last_shown=last,
    )
    return None if caller is None else caller.number_id


def test_the_number_seen_before_then_the_persons_state_then_the_country_then_any() -> None:
    assert shown(states={"TX"}, last=3) == 3
    assert shown(states={"TX", "OK"}) == 2
    assert {shown(lead, states={"CA"}) for lead in range(50)} == {1, 2}
    assert {shown(lead, country="GB") for lead in range(50)} == {3}
    assert {shown(lead, country=None) for lead in range(50)} == {1, 2, 3}
    assert shown(last=99, states={"NY"}) == 1
    assert shown(pool=()) is None


@given(st.integers(0, 10**9))
def test_the_same_lead_sees_the_same_number_again(lead: int) -> None:
    assert shown(lead) == shown(lead)


def test_a_new_number_warms_up_for_three_weeks() -> None:
    new = replace(ALBANY, standing=Standing.WARMING, standing_since=NOW)
    at = [ceiling(new, LIMITS, NOW + days * DAY) for days in (0, 6, 7, 14, 20, 21)]
    assert at == [10, 10, 20, 30, 30, 100]
    assert ceiling(replace(new, daily_ceiling=5), LIMITS, NOW) == 5
    assert ceiling(new, Limits(None, None), NOW) == 10
    assert next_standing(new, answers(Rate(0, 0), Rate(0, 0)), 0, NOW + 21 * DAY) == Stands(
        Standing.ACTIVE, None
    )


@pytest.mark.parametrize(
    ("caller", "limits", "may"),
    [
        (replace(ALBANY, dials=99), LIMITS, True),
        (replace(ALBANY, dials=100), LIMITS, False),
        (replace(ALBANY, dials=50, daily_ceiling=50), LIMITS, False),
        (replace(ALBANY, dials=10**6), Limits(None, None), True),
        (replace(ALBANY, live=2), Limits(None, 2), False),
        (replace(ALBANY, standing=Standing.COOLING, cool_until=NOW + DAY), LIMITS, False),
        (replace(ALBANY, standing=Standing.COOLING, cool_until=NOW), LIMITS, True),
        (replace(ALBANY, standing=Standing.BURNED, cool_until=None), LIMITS, False),
    ],
)
def test_a_number_is_used_only_while_it_may_be(caller: CallerId, limits: Limits, may: bool) -> None:
    assert usable(caller, limits, NOW) is may


def answers(own: Rate, pool: Rate, newest: Rate | None = None) -> AnswerRates:
    """Where nothing is said of the newest dials they are as good as the others'."""
    return AnswerRates(own, newest or Rate(25, 25), pool)


def test_only_a_sure_and_large_drop_counts() -> None:
    pool = Rate(1000, 200)
    assert has_dropped(answers(Rate(100, 5), pool))
    assert not has_dropped(answers(Rate(100, 12), pool))  # 12 % of 20 %: may be chance
    assert not has_dropped(answers(Rate(49, 0), pool))
    assert not has_dropped(answers(Rate(100, 5), Rate(99, 20)))
    assert not has_dropped(answers(Rate(100, 0), Rate(1000, 0)))


def test_a_number_that_suddenly_nobody_answers_rests_before_its_rate_shows_it() -> None:
    own, pool = Rate(100, 25), Rate(1000, 300)
    assert not has_dropped(answers(own, pool))
    assert has_dropped(answers(own, pool, newest=Rate(25, 0)))
    assert not has_dropped(answers(own, pool, newest=Rate(25, 3)))


def test_the_chance_is_that_of_a_uniform_prior() -> None:
    # Nothing seen: the chance that a rate is below a third is a third.
    assert abs(chance_below(Rate(0, 0), 1 / 3) - 1 / 3) < 1e-12
    assert chance_below(Rate(100, 50), 0.0) == 0.0
    assert chance_below(Rate(100, 50), 1.0) == 1.0
    assert abs(chance_below(Rate(100, 50), 0.5) - 0.5) < 0.01


@given(st.integers(0, 99), st.floats(0.0, 1.0))
def test_more_answers_make_a_fall_less_probable(k: int, limit: float) -> None:
    assert chance_below(Rate(100, k), limit) >= chance_below(Rate(100, k + 1), limit) - 1e-12


def test_a_number_cools_comes_back_and_is_burned_in_the_end() -> None:
    bad = answers(Rate(100, 2), Rate(1000, 200))
    good = answers(Rate(100, 20), Rate(1000, 200))
    assert next_standing(ALBANY, bad, 0, NOW) == Stands(Standing.COOLING, NOW + COOL_OFF)
    assert next_standing(ALBANY, bad, 2, NOW) == Stands(Standing.BURNED, NOW + BURNED_REST)
    assert next_standing(ALBANY, good, 0, NOW) is None
    cooling = replace(ALBANY, standing=Standing.COOLING, cool_until=NOW)
    assert next_standing(cooling, bad, 1, NOW) == Stands(Standing.ACTIVE, None)
    assert next_standing(cooling, bad, 1, NOW - DAY) is None
    burned = replace(ALBANY, standing=Standing.BURNED, cool_until=NOW)
    assert next_standing(burned, bad, 3, NOW) == Stands(Standing.WARMING, None)
    assert next_standing(burned, bad, 3, NOW - DAY) is None

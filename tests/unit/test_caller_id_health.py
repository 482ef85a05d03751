"""A caller id's health: what it is made of, and when a number must rest."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from voice_ai.caller_id_health import RecentDial, score
from voice_ai.pacing.caller_ids import Rate

NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
HALF, NOBODY = Rate(1000, 500), Rate(0, 0)


def dials(*answers: bool, talk_s: float | None = 40.0, conversed: bool = True) -> list[RecentDial]:
    """The newest first."""
    return [
        RecentDial(
            at=NOW - timedelta(minutes=place),
            answered=answered,
            human=answered,
            conversed=answered and conversed,
            talk_s=talk_s if answered else None,
        )
        for place, answered in enumerate(answers)
    ]


def every(nth: int, n: int) -> list[RecentDial]:
    return dials(*(place % nth == 0 for place in range(n)))


def test_fewer_than_twenty_dials_say_nothing() -> None:
    assert score([], NOBODY).score is None
    found = score(every(2, 19), Rate(1000, 900))
    assert (found.score, found.n, found.verdict) == (None, 19, "ok")
    assert found.answer_rate == 10 / 19


def test_a_number_that_is_answered_like_its_pool_is_well() -> None:
    found = score(every(2, 100), HALF)
    assert found.score == 100.0
    assert (found.answer_rate, found.n, found.verdict) == (0.5, 100, "ok")


def test_a_number_that_is_answered_far_less_than_its_pool_rests() -> None:
    # 12 of 100 where the pool has one of two: below 0.7 of it with near certainty.
    found = score(every(9, 100), HALF)
    assert found.answer_rate == 0.12
    assert found.verdict == "cool"


def test_a_low_rate_that_the_whole_pool_has_is_no_sign() -> None:
    assert score(every(9, 100), Rate(1000, 120)).verdict == "ok"


def test_a_pool_too_small_to_tell_is_not_compared_with() -> None:
    assert score(every(4, 40), Rate(19, 17)).verdict != "cool"


def test_a_number_that_suddenly_nobody_answers_rests_before_its_rate_shows_it() -> None:
    found = score(dials(*[False] * 25, *[True, False, False] * 25), Rate(1000, 300))
    assert found.answer_rate == 0.25
    assert found.verdict == "cool"


def test_a_number_that_nobody_ever_answers_has_few_points() -> None:
    found = score(dials(*[False] * 30), NOBODY)
    assert found.score is not None
    assert found.score < 50
    assert found.verdict == "watch"  # there is nothing to hold it against


def test_people_who_hang_up_at_once_are_a_warning() -> None:
    short = dials(*[True, False] * 50, talk_s=1.0, conversed=False)
    found = score(short, HALF)
    assert found.score is not None
    assert 50 <= found.score < 70
    assert found.verdict == "watch"


def test_only_the_last_hundred_count_in_whatever_order_they_come() -> None:
    old = [RecentDial(NOW - timedelta(days=9), False, False, False)] * 500
    recent = every(2, 100)
    assert score([*old, *reversed(recent)], HALF) == score(recent, HALF)


@given(st.lists(st.booleans(), min_size=20, max_size=150), st.integers(0, 500))
def test_a_score_lies_between_nothing_and_a_hundred(answers: list[bool], pool: int) -> None:
    found = score(dials(*answers), Rate(500, pool))
    assert found.score is not None
    assert 0.0 <= found.score <= 100.0 + 1e-9

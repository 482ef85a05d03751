"""Wilson intervals: bounds, symmetry, a published value, and one figure per frame and scalar."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.metrics.intervals import rate, with_rates, with_shares

trials = st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


# Newcombe (1998), Statistics in Medicine 17, table I, method 3: the interval of Wilson (1927).
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_values(k: int, n: int, low: float, high: float) -> None:
    found = rate(k, n)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


def test_nothing_tried_has_no_rate() -> None:
    assert rate(0, 0) == rate(0, 0).__class__(0, 0, None, None, None)
    row = with_rates(pl.DataFrame({"k": [0], "n": [0]}), "k").row(0, named=True)
    assert (row["rate"], row["low"], row["high"], row["thin"]) == (None, None, None, True)


@given(trials)
def test_interval_is_inside_zero_to_one_and_around_the_rate(trial: tuple[int, int]) -> None:
    found = rate(*trial)
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


@given(trials)
def test_failures_mirror_successes(trial: tuple[int, int]) -> None:
    k, n = trial
    one, other = rate(k, n), rate(n - k, n)
    assert one.low is not None
    assert other.high is not None
    assert one.low == pytest.approx(1 - other.high, abs=1e-9)


@given(trials)
def test_more_trials_narrow_the_interval(trial: tuple[int, int]) -> None:
    k, n = trial
    few, many = rate(k, n), rate(4 * k, 4 * n)
    assert few.low is not None
    assert few.high is not None
    assert many.low is not None
    assert many.high is not None
    assert many.high - many.low < few.high - few.low


@given(st.lists(trials, min_size=1, max_size=20))
def test_frame_and_scalar_say_the_same(rows: list[tuple[int, int]]) -> None:
    frame = with_rates(pl.DataFrame(rows, schema=["k", "n"], orient="row"), "k")
    for row in frame.iter_rows(named=True):
        one = rate(row["k"], row["n"])
        assert (row["rate"], row["thin"]) == (one.value, one.thin)
        assert row["low"] == pytest.approx(one.low, abs=1e-12)
        assert row["high"] == pytest.approx(one.high, abs=1e-12)


def test_shares_are_of_the_sum() -> None:
    frame = with_shares(pl.DataFrame({"k": [3, 1]}), "k")
    assert frame["n"].to_list() == [4, 4]
    assert frame["rate"].to_list() == [0.75, 0.25]

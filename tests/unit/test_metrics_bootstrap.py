"""Bootstrap intervals: the same twice, near what theory says, holding the truth often enough."""

from collections.abc import Callable

import numpy as np
import pytest

from pipelines.metrics.bootstrap import Estimate, mean, median, ratio


def test_nothing_measured_has_no_estimate() -> None:
    nothing = Estimate(0, None, None, None)
    assert mean(np.array([])) == nothing
    assert ratio(np.array([]), np.array([])) == nothing
    assert ratio(np.array([1.0]), np.array([0.0])) == Estimate(1, None, None, None)
    assert mean(np.array([4.0])) == Estimate(1, 4.0, 4.0, 4.0)
    assert mean(np.array([4.0])).thin


def test_the_same_values_say_the_same_twice() -> None:
    values = np.random.default_rng(1).lognormal(size=300)
    assert median(values) == median(values)
    assert median(values, seed=1) != median(values, seed=2)


def test_of_a_mean_it_is_near_the_normal_interval() -> None:
    values = np.random.default_rng(2).normal(10, 3, 900)
    found = mean(values, draws=4000)
    half = 1.96 * values.std(ddof=1) / 30
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.03)
    assert found.high == pytest.approx(values.mean() + half, abs=0.03)


def test_a_ratio_of_sums_is_not_a_mean_of_ratios() -> None:
    found = ratio(np.array([1.0, 9.0] * 30), np.array([1.0, 3.0] * 30))
    assert found.value == 2.5
    assert found.low is not None
    assert found.high is not None
    assert 2 < found.low < 2.5 < found.high < 3


@pytest.mark.parametrize(("estimate", "truth"), [(mean, np.exp(0.125)), (median, 1.0)])
def test_95_of_100_intervals_hold_the_truth(
    estimate: Callable[..., Estimate], truth: float
) -> None:
    random, held = np.random.default_rng(3), 0
    for seed in range(200):
        found = estimate(random.lognormal(0, 0.5, 120), draws=400, seed=seed)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    # Within three standard errors of 95 % for 200 tries, the percentile interval's own bias apart.
    assert 178 <= held <= 199

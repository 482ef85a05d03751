"""How often the experiment's test errs, what it needs, what it decides."""

import numpy as np
import pytest

from voice_ai.errors import BadInput
from voice_ai.experiments.power import needed, needed_always_valid
from voice_ai.experiments.sequential import LEAST, Reals, always_valid, intervals, running
from voice_ai.experiments.verdict import Arm, Rules, judge, sample_ratio_p

LOOKS, A_DAY, RUNS = 30, 100, 4000
ALPHA = 0.05


Looks = tuple[Reals, Reals, Reals, Reals]


def looked_at_daily(p1: float, p0: float, seed: int) -> Looks:
    """k1, n1, k0, n0 at the end of each of thirty days, of many experiments (runs x days)."""
    dice = np.random.default_rng(seed)
    k1 = dice.binomial(A_DAY, p1, (RUNS, LOOKS)).cumsum(1).astype(float)
    k0 = dice.binomial(A_DAY, p0, (RUNS, LOOKS)).cumsum(1).astype(float)
    n = np.broadcast_to(np.arange(1, LOOKS + 1) * float(A_DAY), k1.shape)
    return k1, n, k0, n


def test_looking_every_day_errs_often_with_the_classical_test_and_not_with_ours() -> None:
    # Published for thirty daily looks: 29.4 % against 1.6 % with an anytime-valid test.
    k1, n1, k0, n0 = looked_at_daily(0.1, 0.1, seed=7)
    pooled = (k1 + k0) / (n1 + n0)
    z = np.abs(k1 / n1 - k0 / n0) / np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0))
    classical = (z > 1.959964).any(1).mean()
    low, high, p = running(*intervals(k1, n1, k0, n0, ALPHA))
    ours = ((low > 0) | (high < 0)).any(1).mean()
    assert 0.26 < classical < 0.33
    assert ours <= ALPHA
    assert (p[:, -1] <= ALPHA).mean() == pytest.approx(ours, abs=0.002)


@pytest.mark.parametrize(("p1", "p0"), [(0.10, 0.10), (0.15, 0.10), (0.02, 0.02), (0.4, 0.5)])
def test_the_interval_holds_the_truth_on_every_day_at_once(p1: float, p0: float) -> None:
    low, high, _ = running(*intervals(*looked_at_daily(p1, p0, seed=11), ALPHA))
    held = ((low <= p1 - p0) & (p1 - p0 <= high)).all(1).mean()
    assert held >= 1 - ALPHA


def test_the_planned_number_finds_the_planned_effect() -> None:
    baseline, effect = 0.12, 0.04
    n = needed_always_valid(baseline, effect)
    dice = np.random.default_rng(3)
    size = np.full(RUNS, float(n))
    k1 = dice.binomial(n, baseline + effect, RUNS).astype(float)
    k0 = dice.binomial(n, baseline, RUNS).astype(float)
    low, _, _ = intervals(k1, size, k0, size, ALPHA, effect)
    assert (low > 0).mean() == pytest.approx(0.8, abs=0.03)
    assert 1.3 < n / needed(baseline, effect) < 2.2  # the price of looking whenever one likes


def test_needed_agrees_with_published_figures() -> None:
    # R 4.4, help of power.prop.test: p1 = .50, p2 = .75, power = .90 gives n = 76.7.
    assert needed(0.50, 0.25, power=0.90) == 77
    assert needed(0.50, 0.25, power=0.90) == needed(0.75, -0.25, power=0.90)
    assert needed(0.12, 0.03, arms=3) > needed(0.12, 0.03)


@pytest.mark.parametrize(("baseline", "effect"), [(0.0, 0.1), (0.95, 0.1), (0.2, 0.0), (0.1, -0.2)])
def test_what_cannot_be_planned_is_refused(baseline: float, effect: float) -> None:
    with pytest.raises(BadInput):
        needed(baseline, effect)


def test_little_is_said_of_few() -> None:
    assert always_valid(0, 0, 0, 0).value is None
    few = always_valid(LEAST - 1, LEAST - 1, 0, LEAST)
    assert (few.value, few.low, few.p) == (1.0, None, 1.0)


def test_a_sample_ratio_that_is_off_stops_everything() -> None:
    control, arm = Arm("A", 0.5, 5400, 540), Arm("B", 0.5, 4600, 900)
    found = judge(control, (arm,), Rules())
    assert (found.kind, found.arm) == ("shares", None)
    # 10,000 leads in halves: a chi-square of 64 with one degree of freedom.
    assert sample_ratio_p((control, arm)) == pytest.approx(1.24e-15, rel=0.01)


def test_harm_comes_before_a_win() -> None:
    control = Arm("A", 0.5, 2000, 200, opt_outs=20)
    arm = Arm("B", 0.5, 2000, 320, opt_outs=80)
    assert (judge(control, (arm,), Rules()).kind, judge(control, (arm,), Rules()).arm) == (
        "harm",
        "B",
    )
    clean = Arm("B", 0.5, 2000, 320, opt_outs=21)
    assert (judge(control, (clean,), Rules()).kind, judge(control, (clean,), Rules()).arm) == (
        "winner",
        "B",
    )


def test_the_control_wins_when_every_other_arm_is_worse() -> None:
    control = Arm("A", 1 / 3, 3000, 450)
    others = (Arm("B", 1 / 3, 3000, 250), Arm("C", 1 / 3, 3000, 240))
    assert judge(control, others, Rules()).arm == "A"


def test_an_experiment_without_a_difference_ends_when_it_has_run_as_long_as_planned() -> None:
    control, arm = Arm("A", 0.5, 1000, 100), Arm("B", 0.5, 1000, 104)
    assert judge(control, (arm,), Rules(planned=1001)).kind == "go on"
    assert judge(control, (arm,), Rules(planned=1000)).kind == "no difference"

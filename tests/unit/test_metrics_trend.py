"""The small line and the change of a figure."""

from datetime import timedelta

import pytest

from pipelines.metrics.calls import activity, activity_counts, activity_step
from pipelines.metrics.trend import PERIOD, trends
from tests.metric_rows import START, attempt, attempts


def dials(per_interval: list[str], seconds: float) -> list[dict[str, object]]:
    """One dial per interval of five seconds and code, from `seconds` on."""
    return [
        attempt(
            place + int(seconds) * 10,
            code,
            ended_at=START + timedelta(seconds=seconds + 5 * place),
        )
        for place, code in enumerate(per_interval)
    ]


def test_change_compares_two_whole_periods_and_leaves_out_the_running_interval() -> None:
    before = [*dials(["no_answer"] * PERIOD, 0), *dials(["no_answer"] * PERIOD, 1)]
    last = [*dials(["goal"] * PERIOD, 50), *dials(["goal"] * PERIOD, 51)]
    last += [*dials(["no_answer"] * PERIOD, 52)]
    running = dials(["no_answer"], 100)
    made = attempts(*before, *last, *running)
    step = activity_step(made)
    assert step == timedelta(seconds=5)
    found = trends(activity(activity_counts(made)), step)
    assert found["dials"].change == 10
    assert found["dials"].period == timedelta(seconds=50)
    assert found["dials"].line == (2.0,) * 10 + (3.0,) * 10 + (1.0,)
    assert found["answered_per_dial"].change == pytest.approx(2 / 3)
    assert found["answered_per_dial"].line[-1] == pytest.approx(20 / 51)


def test_a_change_that_rests_on_few_dials_is_not_told() -> None:
    made = attempts(*dials(["no_answer"] * 10 + ["goal"] * 10 + ["goal"], 0))
    found = trends(activity(activity_counts(made)), timedelta(seconds=5))
    assert found["dials"].change == 0
    assert found["answered_per_dial"].change is None
    assert found["conversed_per_human"].change is None


def test_a_young_campaign_has_a_line_and_no_change() -> None:
    made = attempts(*dials(["goal", "no_answer", "goal"], 0))
    found = trends(activity(activity_counts(made)), timedelta(seconds=5))
    assert found["answered_per_dial"].line == (1.0, 0.5, 2 / 3)
    assert {trend.change for trend in found.values()} == {None}


def test_intervals_without_a_dial_are_on_the_line() -> None:
    made = attempts(*dials(["goal"], 0), *dials(["goal"], 20))
    assert trends(activity(activity_counts(made)), timedelta(seconds=5))["dials"].line == (
        1.0,
        0.0,
        0.0,
        0.0,
        1.0,
    )


def test_nothing_dialed_has_no_trend() -> None:
    assert trends(activity(activity_counts(attempts())), timedelta(seconds=5)) == {}

"""Gates: what holds a version back, what only is named, and limits a home writes for itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.gate_limits import Limits, limits_of, read_limits
from ml.gates import (
    Bools,
    Check,
    Figures,
    Part,
    Verdict,
    ece_by_chance,
    judge,
    paired_interval,
    without_rows,
)
from ml.tasks import EMOTION, INTENT
from voice_ai.errors import BadInput

LABELS = ("no", "opt_out", "yes")
TASKS = ("intent", "emotion")
OURS = Figures(
    version="2",
    labels=LABELS,
    n=400,
    metrics={"macro_f1": 0.90, "ece": 0.03, "brier": 0.12, "latency_p95_ms": 0.2},
    recalls={"opt_out": Part(40, 0.95)},
    slices={"length 1-2 words": Part(200, 0.91), "language es": Part(20, 0.50)},
)
BEFORE = replace(
    OURS,
    version="1",
    metrics={**OURS.metrics, "macro_f1": 0.88, "brier": 0.13},
    slices={"length 1-2 words": Part(200, 0.90), "language es": Part(20, 0.95)},
)
LIMITS = Limits(floors={"macro_f1": 0.80}, recalls={"opt_out": 0.90})


def check_of(verdict: Verdict, name: str) -> Check:
    (found,) = [check for check in verdict.checks if check.name == name]
    return found


def test_a_better_version_passes_every_check_and_each_has_figure_and_limit() -> None:
    verdict = judge(LIMITS, OURS, BEFORE, labels=LABELS)
    assert verdict.passed
    assert verdict.reasons == []
    champion = check_of(verdict, "champion")
    assert champion.figure == pytest.approx(0.02)
    assert champion.limit == 0.0
    assert check_of(verdict, "brier").limit == pytest.approx(0.13)
    assert check_of(verdict, "slice length 1-2 words").limit == pytest.approx(0.87)


def test_slices_of_few_rows_are_named_and_hold_nobody_back() -> None:
    small = check_of(judge(LIMITS, OURS, BEFORE), "small slices")
    assert small.passed is None
    assert small.detail == "too few rows to judge them (under 100): language es (20)"
    strict = LIMITS.with_own({"slice_rows": 20})
    assert judge(strict, OURS, BEFORE).reasons == [
        "language es: 0.500 against 0.950 on 20 rows, worse by more than 0.03"
    ]


def test_without_a_champion_it_stands_alone() -> None:
    verdict = judge(LIMITS, OURS)
    assert verdict.passed
    assert check_of(verdict, "champion").passed is None


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        ({"macro_f1": 0.79}, "held-out macro_f1 0.790 is below 0.80"),
        ({"macro_f1": 0.87}, "held-out macro_f1 0.870 against 0.880 of version 1"),
        ({"ece": 0.051}, "calibration error 0.051 is above 0.050"),
        ({"brier": 0.14}, "Brier score 0.1400 is above 0.1300"),
        ({"latency_p95_ms": 51.0}, "an answer takes 51.00 ms (p95), which is above 50 ms"),
    ],
)
def test_each_limit_stops_alone(metrics: dict[str, float], reason: str) -> None:
    worse = replace(OURS, metrics={**OURS.metrics, **metrics})
    verdict = judge(LIMITS, worse, BEFORE)
    assert not verdict.passed
    assert reason in verdict.reasons


def test_missed_opt_outs_other_labels_and_other_answers_stop_it() -> None:
    deaf = replace(OURS, recalls={"opt_out": Part(40, 0.85)})
    (reason,) = judge(LIMITS, deaf).reasons
    assert reason == "held-out recall of opt_out 0.850 is below 0.90"
    (reason,) = judge(LIMITS, OURS, labels=("maybe", "no", "opt_out")).reasons
    assert reason == "the labels are not the task's: without maybe and with yes"
    broken = without_rows(LABELS, LABELS, self_test="it answers otherwise")
    assert broken.reasons == ["it answers otherwise"]
    assert without_rows(None, LABELS, missing="there are no rows").reasons == ["there are no rows"]


def test_what_was_not_measured_is_open_and_not_passed_for_good() -> None:
    silent = replace(OURS, metrics={"macro_f1": 0.9}, recalls={})
    verdict = judge(LIMITS, silent, BEFORE)
    assert verdict.passed
    open_checks = {check.name for check in verdict.checks if check.passed is None}
    assert open_checks == {"recall of opt_out", "latency", "small slices"}


def test_few_rows_cannot_blame_a_model_for_chance() -> None:
    few, many = ece_by_chance([(20, 0.7)] * 15), ece_by_chance([(2000, 0.7)] * 15)
    assert 0.08 < few < 0.13
    assert many < 0.012
    assert ece_by_chance([(20, 1.0)] * 15) == 0.0
    noisy = replace(OURS, metrics={**OURS.metrics, "ece": 0.09, "ece_by_chance": few})
    verdict = judge(LIMITS, noisy)
    assert verdict.passed
    assert "a calibrated model shows by chance on 400 rows" in check_of(verdict, "ece").detail


def test_the_tasks_set_limits_of_their_own() -> None:
    assert INTENT.limits.recalls == {"opt_out": 0.90}
    assert (INTENT.limits.floors, INTENT.limits.ece) == ({"macro_f1": 0.80}, 0.08)
    assert EMOTION.limits.slice_drop == 0.03


def test_a_delta_and_a_switched_off_limit_are_kept_to() -> None:
    lower = replace(OURS, metrics={**OURS.metrics, "macro_f1": 0.87, "ece": 0.4, "brier": 0.5})
    loose = LIMITS.with_own({"delta": 0.02, "ece": None, "brier_slack": None})
    assert judge(loose, lower, BEFORE).passed
    must_gain = LIMITS.with_own({"delta": -0.05})
    assert not judge(must_gain, OURS, BEFORE).passed


def guesses(wrong: int) -> Bools:
    truth = np.eye(2, dtype=np.bool_)[np.arange(200) % 2]
    guess = truth.copy()
    guess[:wrong] = ~guess[:wrong]
    return guess


def test_the_paired_interval_holds_the_difference_and_repeats() -> None:
    truth = guesses(0)
    low, high = paired_interval(truth, guesses(10), guesses(40), seed=7)
    assert 0.08 < low < 0.15 < high < 0.22
    assert (low, high) == paired_interval(truth, guesses(10), guesses(40), seed=7)
    assert paired_interval(truth, guesses(10), guesses(10), seed=7) == (0.0, 0.0)
    ours = replace(OURS, labels=("a", "b"), truth=truth, guess=guesses(10))
    theirs = replace(BEFORE, labels=("a", "b"), truth=truth, guess=guesses(40))
    assert "95 % interval +0.1" in check_of(judge(LIMITS, ours, theirs), "champion").detail


def test_a_home_overrides_single_limits(tmp_path: Path) -> None:
    assert limits_of(tmp_path, "intent", LIMITS, TASKS) == LIMITS
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / "gates.yaml"
    path.write_text("intent:\n  floors: {accuracy: 0.7}\n  ece: null\n  slice_rows: 30\n")
    found = limits_of(tmp_path, "intent", LIMITS, TASKS)
    assert found.floors == {"macro_f1": 0.80, "accuracy": 0.7}
    assert (found.ece, found.slice_rows, found.recalls) == (None, 30, {"opt_out": 0.90})
    assert limits_of(tmp_path, "emotion", LIMITS, TASKS) == LIMITS


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("intent:\n  ece: many\n", "gates.yaml:2, field intent.ece"),
        ("intent:\n  ece: 0.1\n  floor: 1\n", "gates.yaml:3, field intent.floor: there is no such"),
        ("mood:\n  ece: 0.1\n", "gates.yaml:1, field mood: there is no task"),
        ("intent: 3\n", "gates.yaml:1, field intent: give limits"),
        ("- intent\n", "gates.yaml:1: the limits are a YAML mapping"),
        ("intent:\n  recalls: {opt_out: 2}\n", "gates.yaml:2, field intent.recalls.opt_out"),
    ],
)
def test_a_fault_in_the_limits_names_line_and_field(text: str, place: str) -> None:
    with pytest.raises(BadInput) as raised:
        read_limits(text, source="gates.yaml", known=TASKS)
    assert raised.value.message.startswith(place)

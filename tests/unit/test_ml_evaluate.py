"""Figures equal scikit-learn's, and the gate reads them."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from ml.datasets import Dataset, Example
from ml.evaluate import Evaluation, Slice, calibration_error, confusion, evaluate, f1_scores
from ml.fit import fit
from ml.gates import judge, not_worse
from ml.linear_text import LinearText
from ml.tasks import EMOTION, INTENT
from voice_ai.errors import BadInput

_ROWS = {
    "yes": ("yes", "yeah", "yep", "yes sure", "oh yes", "yes okay"),
    "no": ("no", "nope", "nah", "no sorry", "oh no", "no never"),
}


def data(rows: Mapping[str, tuple[str, ...]]) -> Dataset:
    return Dataset("d", tuple(Example(text, y) for y, texts in rows.items() for text in texts))


def model() -> LinearText:
    return LinearText.from_pipeline(fit(data(_ROWS)).pipeline)


def figures(macro_f1: float, opt_out_recall: float = 1.0) -> Evaluation:
    slices = {"label": {"opt_out": Slice(n=40, accuracy=opt_out_recall)}}
    return Evaluation("intent", "1", "", 100, {"macro_f1": macro_f1}, {}, slices, ())


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
@settings(deadline=None)
def test_macro_f1_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    truth, guess = (np.array(column, dtype=np.intp) for column in zip(*pairs, strict=True))
    expected = f1_score(truth, guess, average="macro")
    assert math.isclose(f1_scores(confusion(truth, guess, 4)).mean(), expected, abs_tol=1e-12)


def test_evaluation_counts_every_row_and_slices_by_label_and_length() -> None:
    ticks = iter(range(0, 10**9, 2000))
    result = evaluate(
        model(), data({**_ROWS, "yes": ("yes", "oh no")}), task="t", timer=lambda: next(ticks)
    )
    assert result.n == 8
    assert result.metrics["accuracy"] == 7 / 8
    assert result.slices["label"]["yes"].recall == 0.5
    assert result.slices["label"]["no"].precision == 6 / 7
    assert result.slices["length"]["1-2 words"].n == 8
    assert result.metrics["latency_p50_us"] == 2.0
    low, high = result.intervals["accuracy"]
    assert low < 7 / 8 <= high


def test_labels_the_model_does_not_know_count_as_wrong_and_are_listed() -> None:
    result = evaluate(model(), data({"yes": ("yes",), "maybe": ("perhaps",)}), task="t")
    assert result.unknown_labels == ("maybe",)
    assert result.metrics["accuracy"] == 0.5
    with pytest.raises(BadInput, match="none of the labels"):
        evaluate(model(), data({"maybe": ("perhaps",)}), task="t")


def test_calibration_error_is_nought_when_confidence_is_the_hit_rate() -> None:
    correct = np.array([True, False] * 150)
    assert calibration_error(np.full(300, 0.5), correct) == pytest.approx(0.0)
    assert calibration_error(np.full(300, 0.9), correct) == pytest.approx(0.4)


def test_the_gate_asks_for_labels_floor_and_opt_out_recall() -> None:
    labels = INTENT.labels
    assert judge(INTENT, labels, figures(INTENT.floor)).passed
    assert not judge(INTENT, labels, figures(INTENT.floor - 0.001)).passed
    assert judge(INTENT, labels, figures(0.99, 0.5)).reasons == [
        "held-out recall of opt_out 0.500 is below 0.90"
    ]
    foreign = judge(EMOTION, ["joy", "calm"], None)
    assert not foreign.passed
    assert "with calm" in foreign.reasons[0]


def test_an_equal_version_may_take_the_place_and_a_worse_one_may_not() -> None:
    assert not_worse(figures(0.8), figures(0.8)).passed
    assert not not_worse(figures(0.79), figures(0.8)).passed

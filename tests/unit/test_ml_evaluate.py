"""Figures equal scikit-learn's."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from ml.datasets import Dataset
from ml.evaluate import Answers, calibration_error, evaluate, figures
from ml.rejecting import rejecting
from ml.text.kind import example, fit, serve
from ml.text.linear import LinearText
from voice_ai.errors import BadInput
from voice_ai.intervals import wilson

_ROWS = {
    "yes": ("yes", "yeah", "yep", "yes sure", "oh yes", "yes okay"),
    "no": ("no", "nope", "nah", "no sorry", "oh no", "no never"),
}


def data(rows: Mapping[str, tuple[str, ...]]) -> Dataset:
    return Dataset("d", tuple(example(text, y) for y, texts in rows.items() for text in texts))


def model() -> LinearText:
    made = fit(data(_ROWS), seed=7, progress=lambda share, what: None)
    return serve(made.pipeline, made.settings)


_ROW = st.lists(st.booleans(), min_size=6, max_size=6)


@given(st.lists(_ROW, min_size=1, max_size=30))
@settings(deadline=None)
def test_figures_are_scikit_learns(rows: list[list[bool]]) -> None:
    """Three labels that may coincide: the truth in the first half of a row, the guess after."""
    given_, chosen = np.array(rows)[:, :3], np.array(rows)[:, 3:]
    found = figures(Answers(("a", "b", "c"), chosen.astype(float), given_, chosen))
    seen = (given_ | chosen).any(axis=0)
    f1 = f1_score(given_, chosen, average=None, zero_division=0.0)
    assert found["macro_f1"] == pytest.approx(f1[seen].mean() if seen.any() else 0.0)
    micro = f1_score(given_, chosen, average="micro", zero_division=0.0)
    assert found["micro_f1"] == pytest.approx(micro)
    weighted = f1_score(given_, chosen, average="weighted", zero_division=0.0)
    assert found["weighted_f1"] == pytest.approx(weighted)
    assert found["accuracy"] == pytest.approx((given_ == chosen).all(axis=1).mean())


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


def test_wilsons_interval_is_the_published_one() -> None:
    """Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0 / 20, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_rejecting_is_told_at_the_threshold_and_along_the_curve() -> None:
    scores = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.2, 0.6], [0.45, 0.15, 0.4]])
    truth = np.eye(3, dtype=bool)[[0, 0, 2, 2]]
    chosen = np.eye(3, dtype=bool)[scores.argmax(axis=1)]
    told = rejecting(scores, truth, chosen, 2, known=True)
    assert told.metrics == {"oos_recall": 0.5, "oos_auroc": 1.0, "in_scope_accuracy": 0.5}
    assert told.n_outside == 2
    assert (told.curve[0].in_scope_accuracy, told.curve[0].oos_recall) == (0.5, 0.0)
    assert told.curve[-1].oos_recall == 1.0

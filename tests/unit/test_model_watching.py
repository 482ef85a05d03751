"""The rules of the watch: published examples, no drift that is none, drift that is one."""

import numpy as np
import polars as pl
import pytest

from ml.watching import label_shift
from ml.watching.judge import (
    Words,
    judge_agreement,
    judge_labelled,
    judge_missing,
    judge_turns,
    judge_words,
)
from ml.watching.labelled import calibration_error, weighted_share
from ml.watching.measures import PSI_LIMITS, Measure, graded, worst
from ml.watching.psi import binned, psi, quantile_edges, smoothed
from ml.watching.reference import Reference, held_out, of_turns, unknown_share
from voice_ai.qa.agreement import agreement

LABELS = ("neutral", "joy", "anger")


def turns(
    n: int, mix: tuple[float, ...] = (0.6, 0.3, 0.1), *, seed: int = 1, sure: float = 5.0
) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "call": np.arange(n) // 5,
            "label": [LABELS[k] for k in random.choice(3, n, p=mix)],
            "score": random.beta(sure, 2.0, n),
            "words": random.poisson(6, n) + 1,
        }
    )


def by_name(measures: list[Measure]) -> dict[str, Measure]:
    return {one.name: one for one in measures}


def test_psi_of_a_published_example() -> None:
    # geeksforgeeks.org/data-science/population-stability-index-psi: income bands of two years.
    expected, observed = [0.40, 0.30, 0.30], [0.35, 0.25, 0.40]
    assert psi(expected, observed) == pytest.approx(0.00668 + 0.00912 + 0.02877, abs=2e-5)
    assert psi(observed, expected) == pytest.approx(psi(expected, observed))
    assert psi(expected, expected) == 0


def test_kappa_of_a_published_example() -> None:
    # en.wikipedia.org/wiki/Cohen's_kappa: fifty grant proposals, two readers.
    cells = {("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15}
    pairs = [pair for pair, n in cells.items() for _ in range(n)]
    found = agreement(pairs)
    assert found.observed == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)
    assert judge_agreement(found).verdict == "watch"
    assert judge_agreement(agreement(pairs[:20])).verdict == "too_few"


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.099, "stable"), (0.1, "watch"), (0.25, "watch"), (0.2501, "act")],
)
def test_the_limits_of_psi(value: float, verdict: str) -> None:
    assert graded(value, PSI_LIMITS) == verdict
    assert worst(["stable", "too_few", "watch"]) == "watch"
    assert worst([]) == "too_few"


def test_bins_are_fixed_from_the_reference_and_ties_merge_them() -> None:
    values = np.arange(1000) / 1000
    edges = quantile_edges(values)
    assert len(edges) == 9
    assert set(np.bincount(binned(values, edges))) == {100}
    same = quantile_edges(np.full(50, 0.8))
    assert binned(np.array([0.1, 0.8, 0.9]), same).tolist() == [0, 1, 2]
    assert (smoothed([0, 10]) > 0).all()


def test_the_same_speech_is_stable_and_a_shift_is_seen_with_its_interval() -> None:
    reference = of_turns(turns(2000, seed=3), LABELS)
    calm = by_name(judge_turns(reference, turns(3000, seed=4), seed=7))
    assert {calm[name].verdict for name in ("psi_score", "psi_labels", "psi_length")} == {"stable"}
    moved = by_name(judge_turns(reference, turns(3000, (0.2, 0.2, 0.6), sure=2.0), seed=7))
    for name in ("psi_score", "psi_labels"):
        one = moved[name]
        assert one.verdict == "act"
        assert one.value is not None
        assert one.low is not None
        assert one.high is not None
        assert 0.25 < one.low < one.value < one.high
    assert moved["psi_length"].verdict == "stable"
    assert judge_turns(reference, turns(3000), seed=7) == judge_turns(
        reference, turns(3000), seed=7
    )


def test_too_few_turns_get_no_figure() -> None:
    reference = of_turns(turns(2000), LABELS)
    for one in judge_turns(reference, turns(999), seed=7):
        assert (one.value, one.verdict, one.n) == (None, "too_few", 999)
    assert judge_turns(reference, turns(1000), seed=7)[0].value is not None


def test_turns_of_one_call_count_together() -> None:
    """Calls that say one thing five times tell less than calls that say five things."""
    reference = of_turns(turns(2000), LABELS)
    apart = turns(2000, seed=5).with_columns(call=pl.int_range(2000))
    alike = pl.concat([turns(400, seed=5)] * 5).with_columns(call=pl.int_range(2000) % 400)

    def width(frame: pl.DataFrame) -> float:
        one = by_name(judge_turns(reference, frame, seed=7))["psi_labels"]
        assert one.high is not None
        assert one.low is not None
        return one.high - one.low

    assert width(alike) > 1.5 * width(apart)


def test_a_label_that_the_reference_does_not_know_is_drift() -> None:
    reference = of_turns(turns(2000), LABELS)
    strange = turns(2000).with_columns(label=pl.lit("disgust"))
    one = by_name(judge_turns(reference, strange, seed=7))["psi_labels"]
    assert one.verdict == "act"
    assert one.detail["labels"][-1] == "other labels"


def test_the_true_mix_is_found_behind_a_classifier_that_errs() -> None:
    """Lipton, Wang and Smola: predictions of a shifted mix, put back through the confusion."""
    confusion = np.array([[80, 15, 5], [20, 70, 10], [10, 10, 30]])
    given_true = (confusion / confusion.sum(axis=1, keepdims=True)).T
    truth = np.array([0.1, 0.2, 0.7])
    found = label_shift.true_mix(confusion, given_true @ truth)
    assert found is not None
    assert found == pytest.approx(truth)
    many = label_shift.true_mix(confusion, np.array([given_true @ truth] * 2))
    assert many is not None
    assert many.shape == (2, 3)
    guessing = np.full((3, 3), 10)
    assert label_shift.true_mix(guessing, truth) is None
    assert label_shift.distance(truth, np.array([0.2, 0.2, 0.6])) == pytest.approx(0.1)


def test_label_shift_needs_held_out_rows_and_survives_a_store() -> None:
    rows = turns(300, seed=9)
    truth = [label if place % 9 else "joy" for place, label in enumerate(rows["label"])]
    judged = held_out(rows, truth, LABELS, unknown_words=0.1)
    assert Reference.from_json(judged.as_json()) == judged
    assert sum(map(sum, judged.confusion)) == 300
    reference = of_turns(turns(2000), LABELS, judged=judged)
    shift = by_name(judge_turns(reference, turns(2000, (0.2, 0.2, 0.6)), seed=7))["label_shift"]
    assert shift.verdict == "act"
    assert shift.detail["now"][2] > 0.5
    without = by_name(judge_turns(of_turns(turns(2000), LABELS), turns(2000), seed=7))
    assert "label_shift" not in without


def test_missing_answers() -> None:
    assert judge_missing(0, 0).value is None
    assert judge_missing(1, 150).verdict == "too_few"
    one = judge_missing(60, 1000)
    assert (one.value, one.verdict, one.n) == (0.06, "act", 1000)
    assert judge_missing(5, 1000).verdict == "stable"


def test_new_words_are_watched_and_never_alarm() -> None:
    judged = held_out(turns(300), list(turns(300)["label"]), LABELS, unknown_words=0.02)
    share, n = unknown_share(["hello there", "grzmot"], lambda word: word != "grzmot")
    assert share == pytest.approx(1 / 3)
    assert n == 3
    one = judge_words(judged, Words(5000, 4000))
    assert one is not None
    assert one.verdict == "watch"
    assert judge_words(of_turns(turns(2000), LABELS), Words(5000, 1)) is None


def test_weights_undo_the_unequal_chances_of_the_sample() -> None:
    # 900 sure turns of which 90 % are right, 100 unsure ones of which 40 % are: 85 % in all.
    sure = np.arange(50) < 45
    unsure = np.arange(50) < 20
    hits = np.concatenate([sure, unsure])
    weights = np.concatenate([np.full(50, 900 / 50), np.full(50, 100 / 50)])
    found = weighted_share(hits, weights)
    assert found.value == pytest.approx(0.85)
    assert found.low < 0.85 < found.high
    assert found.effective < 100
    assert weighted_share(hits, np.ones(100)).value == pytest.approx(0.65)


def test_calibration_counts_by_weight() -> None:
    right = np.array([True] * 80 + [False] * 20)
    assert calibration_error(np.full(20, 0.5), right[70:90], np.ones(20)) == pytest.approx(0.0)
    assert calibration_error(np.full(20, 0.9), right[70:90], np.ones(20)) == pytest.approx(0.4)
    heavy = np.where(right[70:90], 3.0, 1.0)  # three quarters of what the turns stand for
    assert calibration_error(np.full(20, 0.75), right[70:90], heavy) == pytest.approx(0.0)


def labelled_rows(n: int, right: float) -> pl.DataFrame:
    hits = np.arange(n) < right * n
    return pl.DataFrame(
        {
            "label": ["joy" if hit else "anger" for hit in hits],
            "predicted": ["joy"] * n,
            "score": np.random.default_rng(1).uniform(0.75, 0.95, n),
            "weight": np.ones(n),
        }
    )


def test_a_few_labels_do_not_condemn_a_model_and_many_do() -> None:
    good = by_name(judge_labelled(labelled_rows(200, 0.85), 0.86, seed=7))
    assert (good["accuracy"].verdict, good["accuracy"].n) == ("stable", 200)
    assert good["ece"].value is not None
    bad = by_name(judge_labelled(labelled_rows(200, 0.5), 0.86, seed=7))
    assert (bad["accuracy"].verdict, bad["ece"].verdict) == ("act", "act")
    few = by_name(judge_labelled(labelled_rows(40, 0.5), 0.86, seed=7))
    assert few["accuracy"].verdict == "too_few"
    assert judge_labelled(labelled_rows(0, 1), 0.86, seed=7) == []

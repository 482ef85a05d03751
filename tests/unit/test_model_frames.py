"""What a run recorded, as the page about one version draws it; also of runs that recorded less."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from app import model_frames as frames
from app.charts_models import (
    calibration_chart,
    confusion_chart,
    rejection_chart,
    slices_chart,
    versions_chart,
    windows_chart,
)
from ml.datasets import Dataset, Example
from ml.decisions import Decision, Floats
from ml.evaluate import evaluate
from ml.registry_records import Registered, Told
from pipelines.report.palette import Mode

LABELS = ("yes", "no", "oos")


class Parrot:
    """Says what its input begins with, and is rather sure of it."""

    labels = LABELS
    decision = Decision()

    def probabilities(self, one: str) -> Floats:
        return np.asarray(self.batch([one])[0])

    def batch(self, many: Sequence[str]) -> Floats:
        said = [LABELS.index(one.split()[0]) for one in many]
        return np.full((len(many), 3), 0.1) + 0.7 * np.eye(3)[said]


def judged() -> dict[str, Any]:
    rows = [("yes", "yes")] * 25 + [("yes", "no")] * 2 + [("no", "no")] * 4 + [("oos", "oos")] * 21
    examples = tuple(
        Example(f"{said} {place}", (truth,), key=str(place))
        for place, (truth, said) in enumerate(rows)
    )
    return evaluate(Parrot(), Dataset("d", examples), task="intent").as_json()


@pytest.fixture(scope="module")
def told() -> Told:
    found = judged()
    version = Registered("intent", "2", "run", "", "passed", (), "d" * 64, "m" * 64)
    intervals = {name: (low, high) for name, (low, high) in found["intervals"].items()}
    at = datetime(2026, 11, 27, tzinfo=UTC)
    return Told(version, at, found["metrics"], intervals, found["n"], "1", "d", {}, found)


def test_the_worst_slice_comes_first_and_a_thin_one_says_so(told: Told) -> None:
    rows = frames.slices(told.judged, "label")
    assert rows["name"].to_list() == ["yes", "no", "oos"]
    assert rows["n"].to_list() == [27, 4, 21]
    assert rows["thin"].to_list() == [False, True, False]
    assert rows["rate"][0] == pytest.approx(25 / 27)
    assert rows["low"][0] < 25 / 27 < rows["high"][0]
    assert frames.slice_kinds(told.judged) == ["label", "length"]


def test_confusions_are_shares_of_the_truths_rows(told: Told) -> None:
    rows = frames.confusions(told.judged)
    (mixed,) = rows.filter(pl.col("truth") != pl.col("given")).to_dicts()
    assert (mixed["truth"], mixed["given"], mixed["n"]) == ("yes", "no", 2)
    assert mixed["share"] == pytest.approx(2 / 27)


def test_of_many_labels_those_that_are_mixed_up_most_are_drawn() -> None:
    names = [f"label {number:03d}" for number in range(60)]
    pairs = [(name, name, 10) for name in names]
    pairs += [(names[at], names[at + 1], 9 - at // 8) for at in range(0, 40, 2)]
    parts = {name: {"n": 20, "accuracy": 0.5} for name in names}
    rows = frames.confusions({"confusions": pairs, "slices": {"label": parts}})
    assert set(rows["truth"]) == set(names[:28])
    assert rows["share"].max() == 0.5
    assert frames.slices({"slices": {"label": parts}}, "label").height == 40


def test_figures_are_compared_only_where_the_rows_are_the_same(told: Told) -> None:
    better = replace(told, metrics={**told.metrics, "macro_f1": 1.0})
    rows = {row.name: row for row in frames.compared(better, told)}
    assert rows["macro_f1"].theirs == told.metrics["macro_f1"]
    assert rows["macro_f1"].low is not None
    assert rows["ece"].low is None
    other_rows = replace(told, judged={**told.judged, "dataset_sha256": "other"})
    assert all(row.theirs is None for row in frames.compared(better, other_rows))
    assert all(row.theirs is None for row in frames.compared(better, None))


def test_versions_are_in_the_order_of_their_training(told: Told) -> None:
    first = replace(told, version=replace(told.version, version="1", gate=None))
    rows = frames.versions([told, first], "macro_f1", "1")
    assert rows["version"].to_list() == ["1", "2"]
    assert rows["state"].to_list() == ["serves", "passed"]
    assert frames.state_of(first, None) == "not judged"
    assert frames.versions([told], "auc", None).is_empty()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_chart_is_drawn_from_a_real_evaluation(told: Told, mode: Mode) -> None:
    found = told.judged
    at = told.metrics["oos_recall"], told.metrics["in_scope_accuracy"]
    window = {"n": 10, "gain": 0.1, "gain_interval": (0.0, 0.2), "auc": None}
    windows = frames.windows({"in_time": {"windows": [window]}})
    labels = frames.slices(found, "label")
    for chart in (
        slices_chart(labels, labels, mode, names=("version 2", "version 1")),
        slices_chart(labels, None, mode),
        calibration_chart(frames.calibration(found), mode),
        confusion_chart(frames.confusions(found), mode),
        rejection_chart(frames.rejection(found), at, mode),
        rejection_chart(frames.rejection(found), None, mode),
        versions_chart(frames.versions([told], "macro_f1", None), "Macro-F1", mode),
        windows_chart(windows, mode),
    ):
        assert "layer" in chart.to_dict() or "mark" in chart.to_dict()


def test_a_run_that_recorded_nothing_gives_empty_frames() -> None:
    for frame in (
        frames.calibration({}),
        frames.confusions({}),
        frames.rejection({}),
        frames.rejection({"rejecting": None}),
        frames.slices({}, "label"),
        frames.windows({"in_time": None}),
    ):
        assert frame.is_empty()
    assert frames.slice_kinds({}) == []

"""The contract of the metrics: each once, its page current, its cubes there, its changes told."""

from collections import Counter
from datetime import date
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from pipelines import metrics
from pipelines.lake.cube_list import CUBES
from pipelines.metrics import catalogue, rates
from pipelines.metrics.contract import Change, Metric
from pipelines.metrics.dictionary import page
from voice_ai.__main__ import run

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_is_current(tmp_path: Path) -> None:
    made = tmp_path / "metrics.md"
    assert run("docs", ["metrics", "--out", str(made)]) == 0
    assert made.read_text() == PAGE.read_text(), "run `voice-ai docs metrics`"


def test_every_subject_is_in_the_catalogue() -> None:
    listed = {metric.name for subject in catalogue.SUBJECTS for metric in subject}
    for found in iter_modules(metrics.__path__):
        subject = getattr(import_module(f"{metrics.__name__}.{found.name}"), "METRICS", ())
        own = subject.values() if isinstance(subject, dict) else subject
        assert {one.name for one in own} <= listed, found.name


def test_a_metric_is_defined_once() -> None:
    every = [metric for subject in catalogue.SUBJECTS for metric in subject]
    assert [name for name, times in Counter(one.name for one in every).items() if times > 1] == []
    assert [name for name, n in Counter(one.title for one in every).items() if n > 1] == []
    assert list(catalogue.ALL.values()) == every


@pytest.mark.parametrize("metric", catalogue.ALL.values(), ids=lambda one: one.name)
def test_a_contract_is_whole(metric: Metric) -> None:
    assert metric.numerator
    assert metric.denominator
    assert (metric.k is None) == (metric.n is None)
    if metric.k:
        known = [set(cube.measures) for cube in CUBES]
        assert any({metric.k, metric.n} <= measures for measures in known), "no cube has both"
    versions = [change.version for change in metric.changes]
    assert versions == list(range(2, metric.version + 1)), "every new version says what changed"
    assert [one.since for one in metric.changes] == sorted(one.since for one in metric.changes)


def test_rates_of_dials_and_leads_carry_their_denominator() -> None:
    assert all("_per_" in metric.name for metric in rates.METRICS)
    conversions = {"goals_per_conversation", "goals_per_human", "goal_leads_per_dialed_lead"}
    assert conversions <= set(catalogue.ALL)


def test_a_changed_definition_is_told_on_the_page() -> None:
    change = Change(2, date(2026, 5, 1), "Machines count too")
    changed = Metric("x_per_y", "X", "dial", "Xs", "ys", version=2, changes=(change,))
    assert "- Since 2026-05-01: version 2: Machines count too" in page([changed])

"""Charts of rates: a changed definition is marked over its day, thin cells are pale or left out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from app.charts_rates import bar_chart, dot_chart, heat_chart, line_chart
from pipelines.metrics import rates
from pipelines.metrics.contract import Change, Metric
from pipelines.metrics.intervals import with_rates

FIRST = date(2026, 11, 1)
METRIC = rates.ANSWERED_PER_DIAL


def days(count: int, **more: Sequence[object]) -> pl.DataFrame:
    every = [FIRST + timedelta(days=at) for at in range(count)]
    counts = {"day": every, "k": [5] * count, "n": [50] * count}
    return with_rates(pl.DataFrame(counts | more), "k")


def changed(*since: date) -> Metric:
    told = (Change(version, day, f"since {day}") for version, day in enumerate(since, 2))
    return replace(METRIC, changes=tuple(told), version=1 + len(since))


def marks(spec: dict[str, Any]) -> list[Any]:
    return [layer["mark"]["type"] for layer in spec["layer"]]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_changed_definition_shows_over_its_day(mode: Any) -> None:
    metric = changed(FIRST + timedelta(days=2), FIRST + timedelta(days=40))
    spec = line_chart(days(9), "day", metric, mode).to_dict()
    assert marks(spec) == ["area", "line", "circle", "rule", "text"]
    told = [row for rows in spec["datasets"].values() for row in rows if "told" in row]
    assert [row["told"] for row in told] == ["v2: since 2026-11-03"]
    plain = line_chart(days(9), "day", METRIC, mode).to_dict()
    assert marks(plain) == ["area", "line", "circle"]


def test_no_line_leads_to_a_thin_day_and_its_point_is_pale() -> None:
    spec = line_chart(days(3, n=[50, 10, 50]), "day", METRIC, "light").to_dict()
    area, line, circle = spec["layer"]
    assert area["transform"] == line["transform"] == [{"filter": "!datum.thin"}]
    assert circle["encoding"]["opacity"]["condition"]["test"] == "datum.thin"


def test_series_are_the_largest_and_no_more_than_there_are_colours() -> None:
    names = [f"list {n}" for n in range(9)]
    rows = days(9, n=[100 + n for n in range(9)], list=names)
    spec = line_chart(rows, "day", METRIC, "light", "list").to_dict()
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == names[3:]


def test_names_hours_and_pairs_are_drawn_with_n_and_interval() -> None:
    rows = with_rates(
        pl.DataFrame({"weekday": [1, 2], "hour": [9, None], "k": [5, 5], "n": [50, 10]}), "k"
    )
    for spec in (
        bar_chart(rows, "hour", METRIC, "light").to_dict(),
        dot_chart(rows, "weekday", METRIC, "dark").to_dict(),
    ):
        (tooltip,) = [
            one["encoding"]["tooltip"] for one in spec["layer"] if "tooltip" in one["encoding"]
        ]
        assert [one["field"] for one in tooltip[1:]] == ["rate", "low", "high", "k", "n"]
    heat = heat_chart(rows, "weekday", "hour", METRIC, "light").to_dict()
    (cells,) = heat["datasets"].values()
    assert [(cell["y"], cell["x"]) for cell in cells] == [("Mon", "09")]

"""An experiment's figures are its rows', and the planted lift is found where there is one."""

import polars as pl
import pytest

from pipelines.analyses import experiments
from pipelines.generate import planted
from pipelines.lake.read import Lake
from pipelines.metrics.experiments import days_left
from tests.factories_lake import shared_lake

_EARLY = ["human_hangup", "abandoned"]


@pytest.fixture(scope="module")
def lake() -> Lake:
    return shared_lake()


def test_the_figures_of_the_arms_are_those_of_their_leads(lake: Lake) -> None:
    known = experiments.experiments(lake)
    assert {one.name for one in known} == {name for name, _ in planted.EXPERIMENTS.values()}
    for one in known:
        found = experiments.read(lake, one)
        rows = lake.rows("attempts").filter(
            pl.col("campaign_id") == one.campaign_id, pl.col("experiment") == one.name
        )
        for arm in found.arms.iter_rows(named=True):
            own = rows.filter(pl.col("arm") == arm["arm"])
            assert arm["goals"] == own.filter("goal")["lead_id"].n_unique()
            assert arm["opt_outs"] == own["opted_out"].sum()
            early = own.filter("first_human", pl.col("disposition").is_in(_EARLY))
            assert arm["hang_ups"] == early.height == early["lead_id"].n_unique()
        given = lake.rows("assignments").filter(pl.col("experiment_id") == one.experiment_id)
        assert found.leads == given.height == one.leads


def test_the_course_ends_where_the_arms_stand_and_only_gets_surer(lake: Lake) -> None:
    one = experiments.experiments(lake)[0]
    found = experiments.read(lake, one)
    last = found.course.filter(pl.col("day") == pl.col("day").max()).row(0, named=True)
    rates = {row["arm"]: row["rate"] for row in found.arms.iter_rows(named=True)}
    assert last["value"] == pytest.approx(rates["B"] - rates["A"])
    widths = found.course.sort("day").select(pl.col("high") - pl.col("low"))["high"]
    assert (widths.diff().drop_nulls() <= 1e-12).all()
    assert found.verdict.srm_p > 0.001
    assert days_left(found, None, 30) is None
    assert days_left(found, 10**9, 30) is not None

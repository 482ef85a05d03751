"""Kaplan-Meier: published values to the last printed digit, and edges."""

import polars as pl
import pytest

from pipelines.metrics.survival import half_reached, kaplan_meier, risk_sets

# Weeks in remission of the 21 patients on 6-mercaptopurine; + is censored. Freireich et al. 1963,
# Blood 21:699; as in Cox and Oakes, Analysis of Survival Data, table 1.1.
SIX_MP = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
# Kleinbaum and Klein, Survival Analysis, 3rd ed., chapter 2; standard errors as R's survfit has
# them.
PUBLISHED = {
    6: (0.857, 0.0764), 7: (0.807, 0.0869), 10: (0.753, 0.0963), 13: (0.690, 0.1068),
    16: (0.627, 0.1141), 22: (0.538, 0.1282), 23: (0.448, 0.1346),
}  # fmt: skip


def exits(text: str) -> pl.DataFrame:
    rows = [
        (int(word.rstrip("+")), int(not word.endswith("+")), int(word.endswith("+")))
        for word in text.split()
    ]
    return pl.DataFrame(rows, schema=["time", "events", "censored"], orient="row")


def test_the_leukaemia_data_come_out_as_published() -> None:
    curve = kaplan_meier(risk_sets(exits(SIX_MP)))
    found = {
        time: (round(survival, 3), round(se, 4))
        for time, survival, se in curve.filter(pl.col("events") > 0)
        .select("time", "survival", "se")
        .iter_rows()
    }
    assert found == PUBLISHED
    # R: survfit(Surv(time, status) ~ 1, conf.type = "log-log"), first and last event.
    bounds = curve.filter(pl.col("time").is_in([6, 23])).select("low", "high").rows()
    assert [tuple(round(bound, 3) for bound in row) for row in bounds] == [
        (0.620, 0.952),
        (0.188, 0.680),
    ]
    assert half_reached(curve) == 23


def test_groups_are_apart_and_everybody_reached_has_no_interval() -> None:
    both = pl.concat(
        [
            exits(SIX_MP).with_columns(list=pl.lit("six")),
            exits("1 1 2 2").with_columns(list=pl.lit("all")),
        ]
    )
    curves = kaplan_meier(risk_sets(both, ["list"]), ["list"])
    alone = kaplan_meier(risk_sets(exits(SIX_MP)))
    assert curves.filter(list="six").drop("list").equals(alone)
    last = curves.filter(list="all").row(-1, named=True)
    assert (last["survival"], last["reached"], last["low"], last["high"]) == (0, 1, None, None)
    assert curves.filter(list="all")["thin"].all()


def test_nobody_dialed_gives_an_empty_curve() -> None:
    curve = kaplan_meier(risk_sets(exits("").cast(pl.Int64)))
    assert curve.is_empty()
    assert half_reached(curve) is None


def test_the_interval_of_a_curve_holds_it() -> None:
    curve = kaplan_meier(risk_sets(exits(SIX_MP)))
    inside = curve.filter(pl.col("low").is_not_null())
    assert (inside["low"] < inside["survival"]).all()
    assert (inside["high"] > inside["survival"]).all()
    assert inside["reached"][-1] == pytest.approx(1 - 0.448, abs=5e-4)

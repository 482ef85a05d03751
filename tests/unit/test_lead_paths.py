"""Best time, passes, cohorts, penetration and the forecast from small counts."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ml.slots.hours import Count, learn_hours
from pipelines.generate import planted
from pipelines.metrics.best_time import best_slots, best_time
from pipelines.metrics.forecast import forecast
from pipelines.metrics.lead_paths import by_attempt, cohorts, dials_per_lead, passes, penetration

MONDAY = date(2026, 11, 2)


def hours(*rows: tuple[int | None, int | None, int, int]) -> pl.DataFrame:
    schema = {"local_weekday": pl.Int32, "local_hour": pl.Int32, "dials": pl.Int64}
    return pl.DataFrame(rows, schema=schema | {"human_answered": pl.Int64}, orient="row")


def test_small_cells_are_pulled_to_their_like_as_where_hours_are_chosen() -> None:
    rows = [(day, hour, 400, 60 if hour < 17 else 130) for day in range(1, 6) for hour in (10, 17)]
    table = best_time(hours(*rows, (6, 17, 2, 2), (None, None, 90, 10)))
    chosen = learn_hours({("all", d - 1, h): Count(k, n) for d, h, n, k in [*rows, (6, 17, 2, 2)]})
    for row in table.iter_rows(named=True):
        cell = chosen.of("all", row["local_weekday"] - 1, row["local_hour"])
        assert row["rate"] == pytest.approx(cell.mean)
        assert row["low"] < row["rate"] < row["high"]
    lone = table.filter(local_weekday=6).row(0, named=True)
    assert lone["thin"]
    assert lone["raw"] == 1.0
    assert lone["rate"] < 0.5
    assert best_slots(table)["local_hour"].to_list() == [17, 17, 17]
    assert table["dials"].sum() == 4002, "a dial without an hour is in no cell"


def test_the_interval_of_a_cell_holds_the_truth_in_nearly_nine_of_ten() -> None:
    dice, held = np.random.default_rng(1), []
    for _ in range(20):
        truth = {
            (day, hour): 0.22 * planted.HUMAN_BY_HOUR[hour] * planted.HUMAN_BY_WEEKDAY[day]
            for day in planted.HUMAN_BY_WEEKDAY
            for hour in planted.HUMAN_BY_HOUR
        }
        dials = {cell: int(dice.integers(30, 400)) for cell in truth}
        rows = [(*cell, n, int(dice.binomial(n, truth[cell]))) for cell, n in dials.items()]
        for day, hour, low, high in (
            best_time(hours(*rows)).select("local_weekday", "local_hour", "low", "high").iter_rows()
        ):
            held.append(low <= truth[day, hour] <= high)
    assert sum(held) / len(held) > 0.85


def test_no_dial_gives_no_cell() -> None:
    assert best_time(hours()).is_empty()


def paths(*rows: tuple[str, date, int, int, int, int, int]) -> pl.DataFrame:
    names = ("list", "day", "attempt", "dials", "human_answered", "first_dial", "first_goal")
    frame = pl.DataFrame(rows, schema=names, orient="row")
    same = {name: pl.col("human_answered") for name in ("conversed", "goal", "opted_out")}
    return frame.with_columns(**same)


def test_attempts_cohorts_and_passes_count_a_lead_once() -> None:
    week = timedelta(days=7)
    found = paths(
        ("a", MONDAY, 1, 100, 30, 100, 10),
        ("a", MONDAY + timedelta(days=2), 1, 50, 10, 50, 5),
        ("a", MONDAY, 2, 70, 7, 0, 3),
        ("b", MONDAY + week, 1, 40, 8, 40, 4),
    )
    triangle = cohorts(found).select("week", "attempt", "first_goal", "n").rows()
    assert triangle == [(MONDAY, 1, 15, 150), (MONDAY, 2, 18, 150), (MONDAY + week, 1, 4, 40)]
    assert dials_per_lead(found).select("dials", "leads", "n").rows() == [
        (1, 120, 190),
        (2, 70, 190),
    ]
    human = by_attempt(found).filter(what="human")
    assert human.select("attempt", "k", "n").rows() == [(1, 48, 190), (2, 7, 70)]
    assert passes(found).select("list", "attempt", "dials", "human_answered_rate").rows() == [
        ("a", 1, 150, pytest.approx(40 / 150)),
        ("a", 2, 70, 0.1),
        ("b", 1, 40, 0.2),
    ]


def daily(**leads: int) -> pl.DataFrame:
    rows = [(MONDAY + timedelta(days=int(day[1:])), count) for day, count in leads.items()]
    return pl.DataFrame(rows, schema={"day": pl.Date, "leads": pl.Int64}, orient="row")


def test_penetration_counts_the_dialed_among_those_who_may_be() -> None:
    found = penetration(daily(d0=100, d3=50), daily(d0=20, d2=30), daily(d0=10, d2=-5))
    assert found.select("loaded", "dialed", "n").rows() == [
        (100, 20, 90),
        (100, 20, 90),
        (100, 50, 95),
        (150, 50, 145),
    ]
    assert found["rate"][-1] == pytest.approx(50 / 145)
    assert penetration(daily(), daily(), daily()).is_empty()


def test_a_steady_pace_is_done_when_it_should_be_and_rests_on_sundays() -> None:
    weeks = {f"d{day}": 10 for day in range(28) if day % 7 != 6}
    standing = penetration(daily(d0=10 * len(weeks) + 60), daily(**weeks, d28=0), daily())
    found = forecast(standing)
    assert found.remaining == 60
    # The last day is Monday the 30th; six days at ten a day end on Tuesday, after one Sunday.
    assert found.soonest == found.finish == found.latest == MONDAY + timedelta(days=35)
    assert found.fan["middle"][-1] == 10 * len(weeks) + 60
    sunday = found.fan.filter(pl.col("day").dt.weekday() == 7)["middle"][0]
    assert sunday == found.fan.filter(pl.col("day").dt.weekday() == 6)["middle"][0]


def test_days_that_differ_give_a_band_and_few_days_give_none() -> None:
    uneven = {f"d{day}": 2 + 17 * (day % 3 == 0) for day in range(28)}
    whole = sum(uneven.values())
    found = forecast(penetration(daily(d0=whole + 200), daily(**uneven, d28=1), daily()))
    assert found.soonest is not None
    assert found.finish is not None
    assert found.latest is not None
    assert found.soonest < found.finish < found.latest
    assert found.fan.filter(pl.col("low") > pl.col("high")).is_empty()
    few = forecast(penetration(daily(d0=50), daily(d0=5, d1=5), daily()))
    assert few.finish is None
    assert "5 are needed" in few.sentence
    done = forecast(penetration(daily(d0=5), daily(d0=5), daily()))
    assert done.sentence == "Every eligible lead has been dialed."

"""What the cubes say of timing and costs is what the rows say, lead by lead and call by call."""

import math
from datetime import timedelta

import polars as pl
import pytest

from pipelines.analyses import caller_ids, costs, timing
from pipelines.generate import planted
from pipelines.generate.plan import Ask, campaigns
from pipelines.lake.read import Lake
from pipelines.metrics.best_time import best_slots
from pipelines.metrics.intervals import with_rates
from pipelines.metrics.slices import Slice
from pipelines.metrics.survival import kaplan_meier, risk_sets
from tests.factories_lake import shared_lake

WHOLE = Slice(rehearsal=True)


@pytest.fixture(scope="module")
def lake() -> Lake:
    return shared_lake()


@pytest.fixture(scope="module")
def dials(lake: Lake) -> pl.DataFrame:
    """Every dial, those of a lead in the order of time."""
    rows = lake.rows("attempts").filter("reached_carrier")
    return rows.sort("campaign_id", "lead_id", "intended_at")


def by_lead(dials: pl.DataFrame, time: pl.Expr) -> pl.DataFrame:
    """One row per lead: when it was first picked up, or the newest dial without that."""
    timed = dials.with_columns(time=time)
    leads = timed.group_by("campaign_id", "lead_id", "list").agg(
        reached=pl.col("time").filter("human_answered").first(), last=pl.col("time").last()
    )
    event = pl.col("reached").is_not_null()
    return leads.select(
        "list",
        time=pl.coalesce("reached", "last").cast(pl.Int32),
        events=event.cast(pl.Int64),
        censored=(~event).cast(pl.Int64),
    )


def test_survival_by_dial_is_that_of_the_leads(lake: Lake, dials: pl.DataFrame) -> None:
    number = pl.col("lead_id").cum_count().over("campaign_id", "lead_id")
    exits = by_lead(dials, number)
    for by in ([], ["list"]):
        curve = timing.contact_by_dial(timing.paths(lake, WHOLE), by_list=bool(by))
        wanted = kaplan_meier(risk_sets(exits, by), by)
        columns = [*by, "time", "events", "at_risk", "survival", "se"]
        assert curve.select(columns).equals(wanted.select(columns))


def test_survival_by_hours_is_that_of_the_leads(lake: Lake, dials: pl.DataFrame) -> None:
    def within(hours: float) -> int:
        return int(hours) + 1 if hours < 72 else 24 * (int(hours / 24) + 1)

    hours = (pl.col("intended_at") - pl.col("loaded_at")).dt.total_microseconds() / 3.6e9
    exits = by_lead(dials, hours.map_elements(within, return_dtype=pl.Int64))
    curve = timing.contact_by_hour(lake, WHOLE, by_list=True)
    wanted = kaplan_meier(risk_sets(exits, ["list"]), ["list"])
    columns = ["list", "time", "events", "at_risk", "survival"]
    assert curve.select(columns).equals(wanted.select(columns))


def test_penetration_ends_where_the_leads_stand(lake: Lake, dials: pl.DataFrame) -> None:
    last = timing.penetration(lake, WHOLE).row(-1, named=True)
    leads = lake.rows("campaign_leads")
    newest = lake.rows("decisions").sort("decision_id").group_by("campaign_id", "lead_id").last()
    refused = newest.filter(~pl.col("allow")).join(dials, on=["campaign_id", "lead_id"], how="anti")
    assert last["loaded"] == leads.height
    assert last["dialed"] == dials.select("campaign_id", "lead_id").unique().height
    assert last["n"] == leads.height - refused.height


def test_costs_are_those_of_the_calls_one_by_one(lake: Lake, dials: pl.DataFrame) -> None:
    found = costs.spent(lake, WHOLE)
    price = {
        (row["item"], row["valid_from"], row["valid_to"]): row["amount"]
        for row in lake.rows("prices").iter_rows(named=True)
    }
    total = {"carrier_minute": 0.0, "stt_minute": 0.0, "tts_character": 0.0}
    for row in dials.iter_rows(named=True):
        used = {
            "carrier_minute": math.ceil((row["carrier_s"] or 0) / 60),
            "stt_minute": (row["caller_speech_s"] or 0) / 60,
            "tts_character": row["synthesised_characters"] or 0,
        }
        for (item, begins, ends), amount in price.items():
            at = row["intended_at"]
            if begins <= at < (ends or at + timedelta(days=1)):
                total[item] += used[item] * amount
    legs = dict(found.lines.group_by("item").agg(pl.col("amount").sum()).iter_rows())
    assert legs == pytest.approx(total)
    assert found.currency == "USD"
    assert {one.share for one in found.unpriced} == {0.0}
    goal = costs.per_result(found, "goal")
    assert goal.value == pytest.approx(sum(total.values()) / int(dials["goal"].sum()))
    further = costs.next_call(found, "first_goal")
    assert further["amount"].sum() == pytest.approx(sum(total.values()))
    assert further["k"].sum() == dials["first_goal"].sum()


def test_days_choose_leads_by_their_loading_and_calls_by_their_day(
    lake: Lake, dials: pl.DataFrame
) -> None:
    first = dials["loaded_at"].min()
    assert first is not None
    week = Slice(rehearsal=True, until=first.date() + timedelta(days=6))  # type: ignore[union-attr]
    mine = dials.filter(pl.col("loaded_at").dt.date() <= week.until)
    assert timing.paths(lake, week)["dials"].sum() == mine.height
    assert 0 < mine.height < dials.height
    called = dials.filter(pl.col("local_day") <= week.until)
    assert timing.best_time(lake, week)["dials"].sum() == called.height
    assert costs.spent(lake, week).usage["dials"].sum() == called.height


def test_every_number_beside_others_has_a_history(lake: Lake, dials: pl.DataFrame) -> None:
    found = caller_ids.histories(lake, WHOLE)
    assert {one.caller_id for one in found} == set(dials["caller_id"])
    assert sum(one.dials for one in found) <= dials.height
    assert all(one.days["usual"].is_not_null().all() for one in found)


def test_what_was_planted_is_found_again() -> None:
    lake = shared_lake(12_000, campaigns=1)
    (plan,) = campaigns(Ask(12_000, 7, 1, 3))
    table = timing.best_time(lake, WHOLE)
    assert set(best_slots(table, 3)["local_hour"]) <= {16, *planted.BEST_HOURS, 19}
    hours = with_rates(
        table.group_by("local_hour").agg(n=pl.col("dials").sum(), k=pl.col("human_answered").sum()),
        "k",
    )
    scale = sum(hours["rate"]) / sum(planted.HUMAN_BY_HOUR.values())
    inside = [
        row["low"] <= planted.HUMAN_BY_HOUR[row["local_hour"]] * scale <= row["high"]
        for row in hours.iter_rows(named=True)
    ]
    assert sum(inside) >= len(inside) - 2

    first = timing.contact_by_dial(timing.paths(lake, WHOLE), by_list=True).filter(time=1)
    reached = dict(first.select("list", "reached").iter_rows())
    by_truth = sorted(zip(planted.LIST_HUMAN, planted.LISTS, strict=True), reverse=True)
    assert sorted(reached, key=lambda name: -reached[name]) == [name for _, name in by_truth]

    changed = [one for one in caller_ids.histories(lake, WHOLE) if one.change]
    assert [one.caller_id for one in changed] == [plan.caller_ids[planted.BAD_CALLER_ID]]
    change = changed[0].change
    assert change is not None
    assert plan.bad_since is not None
    assert abs((change.since - plan.bad_since).days) <= 7
    assert change.low <= planted.BAD_HUMAN <= change.high

    minutes = costs.by_day(costs.spent(lake, WHOLE)).filter(item="carrier_minute")
    paid = (minutes["amount"] / minutes["quantity"]).round(6)
    assert (paid[0], paid[-1]) == planted.CARRIER_MINUTE

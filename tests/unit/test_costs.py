"""Costs: prices by their dates, nothing unknown as 0, nothing of two currencies added."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from pipelines.analyses.costs import Costs, next_call, per_result
from pipelines.lake.tables import TABLES
from pipelines.metrics.costs import by_leg, cost_lines, currencies, marginal, stopping, unpriced

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
_ZERO = dict.fromkeys(
    ("carrier_minutes", "speech_s", "characters", "first_dial", "carrier_unmeasured",
     "speech_unmeasured", "characters_unmeasured", "dials", "first_goal"), 0,
)  # fmt: skip


def used(*rows: Mapping[str, object]) -> pl.DataFrame:
    whole = [{**_ZERO, "country": None, "day": date(2026, 11, 2), **row} for row in rows]
    kinds: dict[str, Any] = {"hour": pl.Datetime("us", "UTC"), "country": pl.String}
    return pl.DataFrame(whole, schema_overrides=kinds, infer_schema_length=None)


def prices(*rows: tuple[str, str | None, float, str, datetime, datetime | None]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=TABLES["prices"].schema, orient="row")


def test_a_call_has_the_price_of_the_hour_in_which_it_was_dialed() -> None:
    table = prices(
        ("carrier_minute", None, 0.02, "USD", NOON - 99 * HOUR, NOON + HOUR / 2),
        ("carrier_minute", None, 0.01, "USD", NOON + HOUR / 2, None),
        ("carrier_minute", "US", 0.5, "USD", NOON + 2 * HOUR, NOON + 3 * HOUR),
    )
    asked = [(NOON - HOUR, "US"), (NOON, "US"), (NOON + 2 * HOUR, "US"), (NOON + 2 * HOUR, "DE")]
    usage = used(*({"hour": at, "country": place, "carrier_minutes": 10} for at, place in asked))
    lines = cost_lines(usage.with_row_index("row"), table).sort("row")
    assert lines["amount"].to_list() == [0.2, 0.1, 5.0, 0.1]
    # A correction that begins later leaves all of that as it was.
    later = pl.concat([table, prices(("carrier_minute", None, 9.0, "USD", NOON + 9 * HOUR, None))])
    assert cost_lines(usage.with_row_index("row"), later).sort("row").equals(lines)


def test_what_has_no_price_is_unknown_and_its_share_is_told() -> None:
    table = prices(("carrier_minute", None, 0.02, "USD", NOON, None))
    usage = used(
        {"hour": NOON - HOUR, "carrier_minutes": 30, "carrier_unmeasured": 2},
        {"hour": NOON, "carrier_minutes": 10, "characters": 400, "first_dial": 5},
    )
    lines = cost_lines(usage, table)
    assert "lead" not in set(lines["item"]), "nobody said that leads are bought"
    told = {one.item: (one.share, one.unmeasured) for one in unpriced(lines, usage)}
    assert told == {"carrier_minute": (0.75, 2), "tts_character": (1.0, 0)}
    legs = by_leg(lines).filter(pl.col("currency").is_null())
    assert legs["amount"].to_list() == [None, None]
    assert lines["amount"].sum() == pytest.approx(0.2)


def test_costs_per_result_leave_out_what_had_no_price_and_say_so() -> None:
    table = prices(("carrier_minute", None, 0.02, "USD", NOON, None))
    day = {"attempt": 1, "characters": 9, "dials": 100, "first_goal": 40, "carrier_minutes": 100}
    later = day | {"day": date(2026, 11, 3)}
    usage = used(day | {"hour": NOON - HOUR}, later | {"hour": NOON + 24 * HOUR})
    found = Costs(usage, cost_lines(usage, table), table)
    assert (found.comparable.without, found.comparable.days_left_out) == (("tts_character",), 1)
    cost = per_result(found, "first_goal")
    assert cost.n == 40
    assert cost.value == pytest.approx(2 / 40)
    assert next_call(found, "first_goal")["n"].to_list() == [100]


def test_amounts_of_two_currencies_are_never_one_sum() -> None:
    table = prices(
        ("carrier_minute", None, 0.02, "USD", NOON, None),
        ("tts_character", None, 0.001, "EUR", NOON, None),
    )
    row = {"hour": NOON, "carrier_minutes": 100, "characters": 1000, "dials": 50, "first_goal": 25}
    usage = used(row | {"attempt": 1})
    lines = cost_lines(usage, table)
    found = Costs(usage, lines, table)
    assert sorted(currencies(lines)) == ["EUR", "USD"]
    assert found.currency is None
    assert per_result(found, "first_goal").value is None
    assert next_call(found, "first_goal")["cost"].to_list() == [None]


def test_the_next_call_and_where_to_stop() -> None:
    spent = pl.DataFrame(
        {
            "attempt": [1, 2, 3, 4],
            "dials": [1000, 800, 600, 10],
            "amount": [20.0, 16.0, 12.0, 0.2],
            "goal": [100, 40, 6, 0],
        }
    )
    further = marginal(spent, "goal")
    assert further["cost"].to_list()[:3] == pytest.approx([0.2, 0.4, 2.0])
    assert further["cost"][3] is None
    assert further["cost_high"][3] is None
    low, high = further.row(1, named=True)["cost_low"], further.row(1, named=True)["cost_high"]
    assert low < 0.4 < high
    stop = stopping(further, 0.45)
    assert stop is not None
    assert (stop.after, stop.sure, stop.last) == (2, 1, 3), "dial 4 is too thin to say"
    assert stop.sentence.startswith("Stop after dial 2")
    assert "certain (95 %) up to dial 1" in stop.sentence
    cheap = stopping(further, 100.0)
    assert cheap is not None
    assert cheap.sentence == "Every dial up to number 3 is worth its cost."
    assert stopping(further.with_columns(cost_per_dial=None), 1.0) is None

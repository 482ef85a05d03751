"""Change-points of caller ids: a planted one is found on its day, none is found where there is
none."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from pipelines.metrics.caller_changes import Change, change_of, expected, histories

FIRST = date(2026, 6, 1)
SCHEMA = ["caller_id", "campaign_id", "list", "local_hour", "day", "dials", "human_answered"]


def made(
    seed: int, *, lines: int = 4, days: int = 60, drop: float = 1.0, per: int = 5
) -> pl.DataFrame:
    """Dials from numbers of one pool; all of them have good and bad days together, and number 1 is
    picked up `drop` times as often from day 27 on."""
    dice, rows = np.random.default_rng(seed), []
    for day in range(days):
        level = 0.3 * (1.3 - 0.8 * day / days) * (0.6 + 0.8 * dice.random())
        for line in range(lines):
            for hour in (10, 14, 18):
                dials = int(dice.integers(0, 4 * per))
                chance = level * (1.5 if hour == 18 else 0.8)
                chance *= drop if line == 1 and day >= 27 else 1
                people = int(dice.binomial(dials, min(chance, 0.9)))
                on = FIRST + timedelta(days=day)
                rows.append((f"L{line}", "one", "list", hour, on, dials, people))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def test_a_labelled_number_is_found_and_the_others_are_not_blamed() -> None:
    found = histories(made(3, drop=0.4))
    changes = {one.caller_id: one.change for one in found if one.change}
    assert list(changes) == ["L1"]
    assert found[0].caller_id == "L1"
    change = changes["L1"]
    assert isinstance(change, Change)
    assert abs((change.since - FIRST).days - 27) <= 2
    assert change.low < 0.4 < change.high < 0.7
    assert change.p <= 0.05


def test_where_nothing_changed_at_most_one_in_twenty_is_told_to_have() -> None:
    alarms = tested = 0
    for seed in range(50):
        for _, days in expected(made(seed, per=2)).partition_by("caller_id", as_dict=True).items():
            tested += 1
            alarms += change_of(days) is not None
    assert tested == 200
    assert alarms <= 0.05 * tested


def test_a_whole_pool_that_is_picked_up_less_is_no_change_of_a_number() -> None:
    both = made(8, per=8).with_columns(
        pl.when(pl.col("day") >= FIRST + timedelta(days=30))
        .then(pl.col("human_answered") // 3)
        .otherwise("human_answered")
        .alias("human_answered")
    )
    assert [one.change for one in histories(both)] == [None] * 4


def test_a_number_alone_and_a_few_days_say_nothing() -> None:
    assert histories(made(1, lines=1)) == []
    assert all(one.change is None for one in histories(made(1, days=4, drop=0.1)))
    assert histories(made(1, days=0).cast({"dials": pl.Int64, "human_answered": pl.Int64})) == []

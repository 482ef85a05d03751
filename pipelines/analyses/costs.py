"""What calls cost: usage from the cube, put to the prices in force when the calls were dialed."""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from pipelines.lake.read import Lake
from pipelines.metrics import costs
from pipelines.metrics.bootstrap import Estimate, ratio
from pipelines.metrics.slices import Slice

_USED = (
    "dials", "human_answered", "conversed", "goal", "first_dial", "first_human", "first_conversed",
    "first_goal", "carrier_minutes", "carrier_unmeasured", "characters", "characters_unmeasured",
    "speech_s", "speech_unmeasured",
)  # fmt: skip
_SUMS = ", ".join(
    f"sum({name})::{'DOUBLE' if name.endswith('_s') else 'BIGINT'} AS {name}" for name in _USED
)


@dataclass(frozen=True)
class Costs:
    """`usage` and `lines` (as `metrics.costs.cost_lines`) by day and attempt."""

    usage: pl.DataFrame
    lines: pl.DataFrame
    prices: pl.DataFrame

    @property
    def currency(self) -> str | None:
        """The one that all amounts are in; None: there is no amount, or there are several."""
        found = costs.currencies(self.lines)
        return found[0] if len(found) == 1 else None

    @property
    def unpriced(self) -> list[costs.Unpriced]:
        return costs.unpriced(self.lines, self.usage)

    @cached_property
    def comparable(self) -> "Comparable":
        """What costs per result are computed from: legs that had a price at all, on days on which
        all of those had one."""
        known = self.lines.filter(pl.col("amount").is_not_null())["item"].unique()
        mine = self.lines.filter(pl.col("item").is_in(known.implode()))
        partly = mine.filter(pl.col("amount").is_null())["day"].unique()
        kept = ~pl.col("day").is_in(partly.implode())
        without = sorted(set(self.lines["item"]) - set(known))
        return Comparable(self.usage.filter(kept), mine.filter(kept), tuple(without), partly.len())


@dataclass(frozen=True)
class Comparable:
    """`usage` and `lines` without gaps; `without`: legs left out because they never had a price;
    `days_left_out`: days left out because a leg had none on them."""

    usage: pl.DataFrame
    lines: pl.DataFrame
    without: tuple[str, ...]
    days_left_out: int


def spent(lake: Lake, part: Slice) -> Costs:
    where, values = part.where()
    usage = lake.sql(
        f"SELECT day, attempt, country, hour, {_SUMS} FROM cube_usage WHERE {where} GROUP BY ALL",
        values,
    )
    usage = usage.with_columns(pl.col("hour").cast(pl.Datetime("us", "UTC")))
    prices = lake.sql("SELECT * FROM prices")
    return Costs(usage, costs.cost_lines(usage, prices), prices)


def per_result(found: Costs, result: str) -> Estimate:
    """Cost of all dials over a result's count, with the bootstrap's interval by days; without a
    value where amounts are in several currencies or in none, and of fewer than twenty results."""
    whole = found.comparable
    daily = whole.usage.group_by("day").agg(pl.col(result).sum()).sort("day")
    money = whole.lines.group_by("day").agg(pl.col("amount").sum())
    both = daily.join(money, on="day", how="left").with_columns(pl.col("amount").fill_null(0.0))
    count = int(daily[result].sum())
    if found.currency is None or costs.is_thin(count):
        return Estimate(count, None, None, None)
    top, bottom = both["amount"].to_numpy(), both[result].cast(pl.Float64).to_numpy()
    one = ratio(top, bottom)
    return Estimate(count, one.value, one.low, one.high)


def next_call(found: Costs, result: str) -> pl.DataFrame:
    """As `metrics.costs.marginal`; `result`: first_human or first_goal. Amounts are null where they
    are in several currencies or in none."""
    whole = found.comparable
    counts = whole.usage.group_by("attempt").agg(pl.col("dials", result).sum())
    money = whole.lines.group_by("attempt").agg(pl.col("amount").sum())
    rows = counts.join(money, on="attempt", how="left")
    if found.currency is None:
        rows = rows.with_columns(amount=pl.lit(None, pl.Float64))
    return costs.marginal(rows, result)


def by_day(found: Costs) -> pl.DataFrame:
    """day, item, currency, quantity, amount (null: unpriced)."""
    return costs.by_leg(found.lines, "day")

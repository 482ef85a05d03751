"""What calls cost: usage put to the prices that were in force, leg by leg, and what results cost.

The rule of dates: a price holds from the full hour (UTC) in which it came into force, and a call
has the price of the hour in which it was dialed. A newer price changes nothing before it, and one
with an earlier date is only taken where none was in force (`voice_ai.store.prices`), so a figure
changes only from unknown to known. A country's own price comes before a general one. Where no price
was in force the amount is null and counts as unpriced; amounts of different currencies are never
added.
"""

from dataclasses import dataclass

import polars as pl

from pipelines.metrics.contract import THIN_BELOW, Metric
from pipelines.metrics.intervals import with_rates

# Items of the price table, the measure of the usage cube each is counted by, and how many of that
# one unit of the item are.
LEGS = {
    "carrier_minute": ("carrier_minutes", 1.0),
    "stt_minute": ("speech_s", 60.0),
    "tts_character": ("characters", 1.0),
    "lead": ("first_dial", 1.0),
}
# Not everybody buys leads: without a price they cost nothing, and nothing is missing.
OPTIONAL = frozenset({"lead"})
UNMEASURED = {
    "carrier_minute": "carrier_unmeasured",
    "stt_minute": "speech_unmeasured",
    "tts_character": "characters_unmeasured",
}
RESULTS = ("first_human", "conversed", "goal")

_COST = (
    "Carrier minutes as billed (started ones), minutes of the person's speech, characters spoken "
    "and leads first dialed, each at the price in force when the call was dialed"
)
_LEFT_OUT = (
    "legs without a price, stated beside it; what models on our own machines and answers of a "
    "language model cost, which is not measured"
)


def _cost_per(name: str, title: str, denominator: str) -> Metric:
    return Metric(
        name=name,
        title=title,
        unit="money",
        numerator=_COST,
        denominator=denominator,
        excludes=_LEFT_OUT,
        interval="bootstrap",
        better="fewer",
        source="ratio of sums over days, percentile bootstrap of days",
    )


COST_BY_LEG = Metric(
    name="cost_by_leg",
    title="What was spent",
    unit="money",
    numerator=_COST,
    denominator="the days shown",
    excludes=_LEFT_OUT,
    interval="none",
    better="fewer",
)
COST_PER_CONTACTED_LEAD = _cost_per(
    "cost_per_contacted_lead", "Cost per lead reached", "leads that a person picked up"
)
COST_PER_CONVERSATION = _cost_per(
    "cost_per_conversation", "Cost per conversation", "dials with a conversation"
)
COST_PER_GOAL = _cost_per("cost_per_goal", "Cost per goal", "dials that reached the goal")
MARGINAL_COST = Metric(
    name="cost_per_further_result_by_attempt",
    title="What the next call brings",
    unit="money",
    numerator="Cost of all k-th dials",
    denominator="leads first reached (or first brought to the goal) by their k-th dial",
    excludes=_LEFT_OUT,
    interval="wilson",
    better="fewer",
    chart="bar",
    source="cost per k-th dial ÷ Wilson interval of results per k-th dial; the cost per dial is "
    "taken as known, as it varies far less",
)
METRICS = (
    COST_BY_LEG,
    COST_PER_CONTACTED_LEAD,
    COST_PER_CONVERSATION,
    COST_PER_GOAL,
    MARGINAL_COST,
)


def price_periods(prices: pl.DataFrame) -> pl.DataFrame:
    """The price table by full hours: item, country, amount, currency, `begins`, and `ends` (null:
    still in force). One that was replaced within its first hour falls away."""
    hour = pl.col("valid_from", "valid_to").dt.truncate("1h")
    periods = prices.sort("valid_from").with_columns(hour)
    kept = periods.filter(
        pl.col("valid_to").is_null() | (pl.col("valid_to") > pl.col("valid_from"))
    )
    return kept.select(
        "item", "country", "amount", "currency", begins="valid_from", ends="valid_to"
    )


def cost_lines(usage: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """A row per row of `usage` (hour, country, measures of the usage cube, any splits) and leg that
    was used: its splits, `item`, `quantity` (in the price's unit), `amount` and `currency`, both
    null where no price was in force. Optional legs without a price have no row."""
    measures = [column for column, _ in LEGS.values()]
    keys = [column for column in usage.columns if column not in measures]
    legs = pl.concat(
        usage.select(*keys, item=pl.lit(item), quantity=pl.col(column).cast(pl.Float64) / unit)
        for item, (column, unit) in LEGS.items()
    ).filter(pl.col("quantity") != 0)
    asked = legs.select("item", "country", "hour").unique().sort("hour")
    priced = asked.join(
        _answers(asked, price_periods(prices)), on=_ASKED, how="left", nulls_equal=True
    )
    lines = legs.join(priced, on=_ASKED, how="left", nulls_equal=True).with_columns(
        amount=pl.col("quantity") * pl.col("price")
    )
    missing = pl.col("price").is_null() & pl.col("item").is_in(list(OPTIONAL))
    return lines.filter(~missing).drop("price", "country", "hour")


_ASKED = ("item", "country", "hour")


def _answers(asked: pl.DataFrame, periods: pl.DataFrame) -> pl.DataFrame:
    """item, country, hour with the price then in force and its currency."""
    pairs = asked.join(periods, on="item", suffix="_of_price")
    own, general = (
        pl.col("country_of_price") == pl.col("country"),
        pl.col("country_of_price").is_null(),
    )
    fits = (own | general) & (pl.col("begins") <= pl.col("hour"))
    fits &= pl.col("ends").is_null() | (pl.col("ends") > pl.col("hour"))
    chosen = pairs.filter(fits.fill_null(value=False)).sort(
        general, "begins", descending=[False, True]
    )
    first = chosen.unique(_ASKED, keep="first", maintain_order=True)
    return first.select(*_ASKED, "currency", price="amount")


def currencies(lines: pl.DataFrame) -> list[str]:
    """Those that amounts are in, the one of most lines first."""
    known = lines.drop_nulls("currency")["currency"].value_counts(sort=True)
    return known["currency"].to_list()


@dataclass(frozen=True)
class Unpriced:
    """Of one leg: share of its quantity without a price, and calls of which it was not measured."""

    item: str
    quantity: float
    unpriced: float
    unmeasured: int

    @property
    def share(self) -> float | None:
        return self.unpriced / self.quantity if self.quantity else None


def unpriced(lines: pl.DataFrame, usage: pl.DataFrame) -> list[Unpriced]:
    """What is missing from the amounts, by leg; legs that were not used at all are left out."""
    found = []
    for item in LEGS:
        mine = lines.filter(item=item)
        used = float(mine["quantity"].sum())
        without = float(mine.filter(pl.col("amount").is_null())["quantity"].sum())
        column = UNMEASURED.get(item)
        lost = int(usage[column].sum()) if column else 0
        if used or lost:
            found.append(Unpriced(item, used, without, lost))
    return found


def by_leg(lines: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """keys, item, currency, quantity and amount; what had no price is a row of its own, with
    neither currency nor amount."""
    sums = lines.group_by(*keys, "item", "currency")
    found = sums.agg(pl.col("quantity").sum(), pl.col("amount").sum())
    known = pl.when(pl.col("currency").is_not_null()).then(pl.col("amount"))
    return found.with_columns(amount=known).sort(*keys, "item", "currency", nulls_last=True)


def marginal(spent: pl.DataFrame, result: str) -> pl.DataFrame:
    """From `attempt`, `dials` (n), `amount` (null: not priced) and the result's count: per attempt
    `cost_per_dial`, the results per dial (rate, low, high), and `cost`, what one further result
    cost, with `cost_low` and `cost_high` (null: without bound, or no price); `thin`."""
    rates = with_rates(spent.select("attempt", "amount", n="dials", k=result), "k").sort("attempt")
    per_dial = pl.when(pl.col("n") > 0).then(pl.col("amount") / pl.col("n"))

    def each(rate: str) -> pl.Expr:
        return pl.when(pl.col(rate) > 0).then(pl.col("cost_per_dial") / pl.col(rate))

    return rates.with_columns(cost_per_dial=per_dial).with_columns(
        cost=each("rate"), cost_low=each("high"), cost_high=each("low")
    )


@dataclass(frozen=True)
class Stop:
    """`after`: the last dial whose result costs no more than it is worth; 0: not even the first.
    `sure`: up to this dial the whole interval is below the worth."""

    worth: float
    after: int
    sure: int
    last: int

    @property
    def sentence(self) -> str:
        if self.after == 0:
            return "Not even the first dial brings results at that price."
        if self.after == self.last:
            told = f"Every dial up to number {self.last} is worth its cost"
        else:
            told = f"Stop after dial {self.after}: a result by dial {self.after + 1} costs more"
        sure = "" if self.sure == self.after else f"; it is certain (95 %) up to dial {self.sure}"
        return f"{told}{sure}."


def stopping(further: pl.DataFrame, worth: float) -> Stop | None:
    """Where to stop, from `marginal`: the dials before the first one that costs more than a result
    is worth. Thin dials say nothing and end the row; None: there is nothing to go by."""
    known = further.sort("attempt").filter(~pl.col("thin") & pl.col("cost_per_dial").is_not_null())
    if known.is_empty() or int(known["attempt"][0]) != 1:
        return None
    after, sure = _first_run(known, "cost", worth), _first_run(known, "cost_high", worth)
    return Stop(worth, after, min(after, sure), int(known["attempt"][-1]))


def _first_run(known: pl.DataFrame, column: str, worth: float) -> int:
    """The last attempt of those that, one after the other from the first, cost no more."""
    run = 0
    for attempt, cost in known.select("attempt", column).iter_rows():
        if cost is None or cost > worth or attempt != run + 1:
            break
        run = attempt
    return run


def is_thin(results: int) -> bool:
    """Fewer results than this make no cost per result."""
    return results < THIN_BELOW

"""Charts of the page on costs. Pure: frames in, drawings out. One currency a chart."""

import altair as alt
import polars as pl

from app.theme import Drawing, ink, themed
from pipelines.metrics.costs import LEGS
from pipelines.report.palette import OUTCOME_COLOURS, SERIES, Mode

LEG_WORDS = {
    "carrier_minute": "Carrier",
    "stt_minute": "Speech understood",
    "tts_character": "Speech spoken",
    "lead": "Leads bought",
}


def legs_chart(days: pl.DataFrame, currency: str, mode: Mode) -> Drawing:
    """What was spent each day (or week, where there are many), stacked by leg."""
    long = days["day"].n_unique() > 120
    every = "1w" if long else "1d"
    rows = (
        days.filter(currency=currency)
        .group_by("item", day=pl.col("day").dt.truncate(every))
        .agg(pl.col("amount", "quantity").sum())
        .with_columns(
            leg=pl.col("item").replace_strict(LEG_WORDS, return_dtype=pl.String),
            until=pl.col("day").dt.offset_by(every),
            order=pl.col("item").replace_strict(
                {item: place for place, item in enumerate(LEGS)}, return_dtype=pl.Int64
            ),
        )
        .sort("day", "order")
    )
    names = [LEG_WORDS[item] for item in LEGS if item in set(rows["item"])]
    colours = [
        SERIES[place].on(mode) for place, item in enumerate(LEGS) if LEG_WORDS[item] in names
    ]
    bars = (
        alt.Chart(rows)
        .mark_bar(binSpacing=1, orient="vertical")
        .encode(
            x=alt.X("day:T", title=None, axis=alt.Axis(grid=False, format="%d %b", tickCount=8)),
            x2="until:T",
            y=alt.Y(
                "amount:Q",
                stack="zero",
                title=f"{currency} a {'week' if long else 'day'}",
                axis=alt.Axis(tickCount=5, format=",.2~f"),
            ),
            color=alt.Color("leg:N", sort=names, scale=alt.Scale(domain=names, range=colours)),
            order=alt.Order("order:Q"),
            tooltip=[
                alt.Tooltip("day:T", title="From", format="%d %b %Y"),
                alt.Tooltip("leg:N", title="Leg"),
                alt.Tooltip("amount:Q", title=currency, format=",.2f"),
                alt.Tooltip("quantity:Q", title="Units", format=",.0f"),
            ],
        )
    )
    return themed(bars.properties(height=300), mode)


def next_call_chart(
    further: pl.DataFrame, what: str, currency: str, worth: float | None, mode: Mode
) -> Drawing:
    """What one further result cost by each number of the dial, with its 95 % interval and, where it
    is known, what one is worth. `what`: human or goal."""
    rows = further.filter(pl.col("cost").is_not_null())
    top = float(rows["cost"].max() or 0) * 1.5  # type: ignore[arg-type]
    rows = rows.with_columns(shown_high=pl.min_horizontal("cost_high", pl.lit(top)))
    outcome = OUTCOME_COLOURS[what]
    money = alt.Axis(tickCount=5, format=",.2~f")
    base = alt.Chart(rows).encode(
        x=alt.X("attempt:O", title="number of the dial", axis=alt.Axis(labelAngle=0)),
        tooltip=[
            alt.Tooltip("attempt:O", title="Number of the dial"),
            alt.Tooltip("cost:Q", title=f"{currency} per further one", format=",.3f"),
            alt.Tooltip("cost_low:Q", title="95 % from", format=",.3f"),
            alt.Tooltip("cost_high:Q", title="95 % to", format=",.3f"),
            alt.Tooltip("cost_per_dial:Q", title=f"{currency} per dial", format=",.4f"),
            alt.Tooltip("k:Q", title="Further ones", format=","),
            alt.Tooltip("n:Q", title="n, dials", format=","),
        ],
    )
    bars = base.mark_bar(color=outcome.on(mode), cornerRadiusEnd=2, width={"band": 0.7}).encode(
        y=alt.Y("cost:Q", title=currency, axis=money, scale=alt.Scale(domain=[0, max(top, 1e-6)])),
        opacity=alt.condition("datum.thin", alt.value(0.3), alt.value(1.0)),
    )
    rules = base.mark_rule(color=ink(mode), opacity=0.75).encode(y="cost_low:Q", y2="shown_high:Q")
    layers: list[alt.Chart] = [bars, rules]
    if worth is not None and worth <= top:
        line = alt.Chart(pl.DataFrame({"worth": [worth], "text": ["worth"]})).encode(y="worth:Q")
        layers.append(line.mark_rule(color=ink(mode), strokeDash=[4, 3]))
        layers.append(line.mark_text(align="left", dy=-7, x=4).encode(text="text:N"))
    return themed(alt.LayerChart(layer=layers).properties(height=230), mode)

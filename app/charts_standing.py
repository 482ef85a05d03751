"""Charts of how calls are judged: verdicts on who answered, scorecard, abandonment. Pure."""

import altair as alt
import polars as pl

from app.theme import Drawing, ink, themed
from pipelines.metrics.abandonment import MOST
from pipelines.report.labels import percent
from pipelines.report.palette import PLAIN, Colour, Mode, outcome_colour

_BAND = Colour("#f0d9d2", "#4a2a22")
_PALE = alt.condition("datum.thin", alt.value(0.35), alt.value(1.0))
_SHOWN = {"person": "A person talked", "machine": "Final word: machine", "unclear": "Nothing shows"}
_SAID = {"none": "no verdict"}


def confusion_chart(cells: pl.DataFrame, mode: Mode) -> Drawing:
    """What was said against what the call showed: share of each column, n in each cell."""
    rows = cells.with_columns(
        said_words=pl.col("said").map_elements(
            lambda code: _SAID.get(code, code), return_dtype=pl.String
        ),
        shown_words=pl.col("shown").replace_strict(_SHOWN, return_dtype=pl.String),
        share=pl.col("calls") / pl.col("calls").sum().over("shown"),
        n=pl.col("calls").sum().over("shown"),
    ).with_columns(
        text=pl.format("{} ({} %)", "calls", (100 * pl.col("share")).round(1)),
        bright=pl.col("share") > 0.5,
    )
    base = alt.Chart(rows).encode(
        x=alt.X(
            "shown_words:N",
            sort=list(_SHOWN.values()),
            title="what the call showed",
            axis=alt.Axis(labelAngle=0, orient="top", labelLimit=140),
        ),
        y=alt.Y("said_words:N", title="verdict"),
    )
    tiles = base.mark_rect(cornerRadius=2).encode(
        color=alt.Color(
            "share:Q",
            scale=alt.Scale(domain=[0, 1], range=[_pale(mode), PLAIN.on(mode)]),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("said_words:N", title="Verdict"),
            alt.Tooltip("shown_words:N", title="Showed"),
            alt.Tooltip("calls:Q", title="Calls", format=","),
            alt.Tooltip("n:Q", title="n of the column", format=","),
            alt.Tooltip("share:Q", title="Share of the column", format=".1%"),
        ],
    )
    on_dark = "#ffffff" if mode == "light" else "#0e1117"
    texts = base.mark_text().encode(
        text="text:N", color=alt.condition("datum.bright", alt.value(on_dark), alt.value(ink(mode)))
    )
    return themed(
        (tiles + texts).properties(height=46 * max(rows["said"].n_unique(), 1) + 30), mode
    )


def _pale(mode: Mode) -> str:
    return "#eef3f8" if mode == "light" else "#1b2430"


def control_chart(days: pl.DataFrame, mode: Mode) -> Drawing:
    """Failed gates per judged call by day between its control limits; days outside stand out, days
    with fewer than twenty judged calls are pale."""
    top = min(1.0, max([*days["rate"], *days["upper"], 0.02]) * 1.1)
    x = alt.X("day:T", title=None, axis=alt.Axis(grid=False, format="%d %b", tickCount=8))
    base = alt.Chart(days).encode(x=x)
    scale = alt.Scale(domain=[0, top])
    y = alt.Y(
        "rate:Q",
        title="failed a gate per judged call",
        axis=alt.Axis(format="%", tickCount=5),
        scale=scale,
    )
    limits = base.mark_area(interpolate="step", color=PLAIN.on(mode), opacity=0.14).encode(
        y=alt.Y("lower:Q", scale=scale), y2="upper:Q"
    )
    centre = base.mark_rule(color=ink(mode), strokeDash=[4, 3]).encode(
        y=alt.Y("mean(centre):Q", scale=scale), x=alt.X()
    )
    line = base.mark_line(color=PLAIN.on(mode), opacity=0.5).encode(y=y)
    hot, plain = outcome_colour("opted_out").on(mode), PLAIN.on(mode)
    points = base.mark_circle(size=60).encode(
        y=y,
        opacity=_PALE,
        color=alt.condition("datum.out", alt.value(hot), alt.value(plain)),
        tooltip=[
            alt.Tooltip("day:T", title="Day", format="%d %b %Y"),
            alt.Tooltip("k:Q", title="Failed a gate", format=","),
            alt.Tooltip("n:Q", title="n, judged calls", format=","),
            alt.Tooltip("rate:Q", title="Share", format=".1%"),
            alt.Tooltip("centre:Q", title="Centre", format=".2%"),
            alt.Tooltip("lower:Q", title="Lower limit", format=".1%"),
            alt.Tooltip("upper:Q", title="Upper limit", format=".1%"),
            alt.Tooltip("out:N", title="Outside"),
        ],
    )
    return themed((limits + centre + line + points).properties(height=260), mode)


def gauge_chart(share: float, low: float | None, high: float | None, mode: Mode) -> Drawing:
    """One share on a bar from 0 to twice the rule's, the part above the rule in another colour."""
    top = max(2 * MOST, (high or share) * 1.1)
    zones = pl.DataFrame(
        {
            "from": [0.0, MOST],
            "to": [MOST, top],
            "tint": [_pale(mode), _BAND.on(mode)],
            "what": ["within the rule", "above the rule"],
        }
    )
    x = alt.X(
        "from:Q",
        title=None,
        axis=alt.Axis(format="%", tickCount=6),
        scale=alt.Scale(domain=[0, top]),
    )
    back = (
        alt.Chart(zones)
        .mark_bar(height=38)
        .encode(x=x, x2="to:Q", color=alt.Color("tint:N", scale=None), tooltip=["what:N"])
    )
    value = pl.DataFrame(
        {"from": [0.0], "to": [share], "low": [low], "high": [high], "text": [percent(share)]},
        schema_overrides={"low": pl.Float64, "high": pl.Float64},
    )
    tint = outcome_colour("opted_out") if share > MOST else outcome_colour("goal")
    tooltip = [
        alt.Tooltip("to:Q", title="Abandoned", format=".2%"),
        alt.Tooltip("low:Q", title="95 % from", format=".2%"),
        alt.Tooltip("high:Q", title="95 % to", format=".2%"),
    ]
    base = alt.Chart(value)
    bar = base.mark_bar(height=16, color=tint.on(mode)).encode(x=x, x2="to:Q", tooltip=tooltip)
    rule = base.mark_rule(color=ink(mode), strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q")
    return themed((back + bar + rule).properties(height=70), mode)


def rolling_chart(rolled: pl.DataFrame, mode: Mode) -> Drawing:
    """Thirty days up to each day, a line for each campaign (campaign, day, k, n, rate …); the band
    begins at the rule's 3 %."""
    shown = rolled.filter(~pl.col("thin"))
    top = max([2 * MOST, *shown["rate"].drop_nulls()]) * 1.05
    first, last = shown["day"].min(), shown["day"].max()
    zone = pl.DataFrame({"day": [first, last], "low": [MOST, MOST], "high": [top, top]})
    x = alt.X("day:T", title=None, axis=alt.Axis(grid=False, format="%d %b", tickCount=8))
    scale = alt.Scale(domain=[0, top])
    y = alt.Y(
        "rate:Q",
        title="abandoned per human answered, 30 days",
        axis=alt.Axis(format=".0%", tickCount=6),
        scale=scale,
    )
    band = (
        alt.Chart(zone)
        .mark_area(color=_BAND.on(mode), opacity=0.6)
        .encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q")
    )
    base = alt.Chart(shown).encode(x=x, y=y, detail="campaign:N")
    line = base.mark_line(color=PLAIN.on(mode), strokeWidth=1.6, opacity=0.75)
    points = base.mark_circle(size=30, opacity=0.01).encode(
        tooltip=[
            alt.Tooltip("campaign:N", title="Campaign"),
            alt.Tooltip("day:T", title="30 days to", format="%d %b %Y"),
            alt.Tooltip("k:Q", title="Abandoned", format=","),
            alt.Tooltip("n:Q", title="n, human answered", format=","),
            alt.Tooltip("rate:Q", title="Share", format=".2%"),
            alt.Tooltip("low:Q", title="95 % from", format=".2%"),
            alt.Tooltip("high:Q", title="95 % to", format=".2%"),
        ],
    )
    return themed((band + line + points).properties(height=260), mode)

"""Charts of the page on when to call. Pure: frames in, drawings out."""

from typing import Any

import altair as alt
import polars as pl

from app.theme import Drawing, ink, themed
from pipelines.report.labels import hour_words
from pipelines.report.palette import BACKGROUND, OUTCOME_COLOURS, PLAIN, SERIES, Colour, Mode

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_GREY = Colour("#d3d6db", "#3a3f4a")
_PALE = Colour("#e4edf6", "#1d2d3d")
MOST_LISTS = len(SERIES)
_PERCENT = alt.Axis(format="%", tickCount=5)


def heat_chart(table: pl.DataFrame, mode: Mode) -> Drawing:
    """A cell per weekday and hour of the called person, the darker the more people pick up; grey
    where it rests on too few dials."""
    rows = table.with_columns(
        weekday=pl.col("local_weekday").map_elements(
            lambda day: WEEKDAYS[day - 1], return_dtype=pl.String
        ),
        hour=pl.col("local_hour").map_elements(hour_words, return_dtype=pl.String),
        text=pl.col("rate").map_elements(lambda rate: f"{rate:.0%}", return_dtype=pl.String),
    )
    solid = rows.filter(~pl.col("thin"))["rate"]
    low, high = _span(solid)
    present = [day for day in WEEKDAYS if day in set(rows["weekday"])]
    base = alt.Chart(rows).encode(
        x=alt.X(
            "hour:N",
            sort=sorted(set(rows["hour"])),
            title="hour of the called person's day",
            axis=alt.Axis(labelAngle=0),
        ),
        y=alt.Y("weekday:N", sort=present, title=None),
    )
    tooltip = [
        alt.Tooltip("weekday:N", title="Weekday"),
        alt.Tooltip("hour:N", title="Local hour"),
        alt.Tooltip("rate:Q", title="Human answered per dial", format=".1%"),
        alt.Tooltip("low:Q", title="95 % from", format=".1%"),
        alt.Tooltip("high:Q", title="95 % to", format=".1%"),
        alt.Tooltip("raw:Q", title="Not pulled to its like", format=".1%"),
        alt.Tooltip("human_answered:Q", title="Human answered", format=","),
        alt.Tooltip("dials:Q", title="n, dials", format=","),
    ]
    colour: Any = alt.condition(
        "datum.thin",
        alt.value(_GREY.on(mode)),
        alt.Color(
            "rate:Q",
            scale=alt.Scale(domain=[low, high], range=[_PALE.on(mode), PLAIN.on(mode)]),
            legend=None,
        ),
    )
    cells = base.mark_rect(stroke=BACKGROUND.on(mode), strokeWidth=2, cornerRadius=3).encode(
        color=colour, tooltip=tooltip
    )
    strong = f"!datum.thin && datum.rate > {low + 0.55 * (high - low)}"
    texts = base.mark_text().encode(
        text="text:N",
        color=alt.condition(strong, alt.value(BACKGROUND.on(mode)), alt.value(ink(mode))),
        opacity=alt.condition("datum.thin", alt.value(0.5), alt.value(1.0)),
    )
    return themed((cells + texts).properties(height=34 * max(len(present), 1) + 30), mode)


def _span(rates: pl.Series) -> tuple[float, float]:
    known = [float(rate) for rate in rates]
    return (min(known), max(known)) if known else (0.0, 1.0)


def reached_chart(curve: pl.DataFrame, title: str, mode: Mode) -> Drawing:
    """Share of leads reached by then as a step curve with its 95 % band; a line per list where the
    curve has the column `list`."""
    rows = curve if "list" in curve.columns else curve.with_columns(list=pl.lit("All lists"))
    rows = rows.with_columns(pl.col("list").fill_null("no list"))
    names = sorted(set(rows["list"]))
    start = pl.DataFrame({"list": names}).with_columns(
        time=pl.lit(0).cast(rows["time"].dtype), reached=pl.lit(0.0)
    )
    rows = pl.concat([start, rows], how="diagonal").sort("list", "time")
    colours = [SERIES[place % MOST_LISTS].on(mode) for place in range(len(names))]
    scale = alt.Scale(domain=names, range=colours)
    legend = alt.Legend(symbolOpacity=1, symbolStrokeWidth=0) if len(names) > 1 else None
    colour = alt.Color("list:N", scale=scale, legend=legend)
    base = alt.Chart(rows).encode(
        x=alt.X("time:Q", title=title, axis=alt.Axis(grid=False, tickCount=6))
    )
    share = alt.Y("reached:Q", title="leads reached", axis=_PERCENT, scale=alt.Scale(domain=[0, 1]))
    band = base.mark_area(opacity=0.18, interpolate="step-after").encode(
        y=alt.Y("reached_low:Q"), y2="reached_high:Q", color=colour
    )
    line = base.mark_line(interpolate="step-after", strokeWidth=2).encode(y=share, color=colour)
    points = base.mark_circle(size=60, opacity=0.01).encode(
        y=share,
        color=colour,
        tooltip=[
            alt.Tooltip("list:N", title="List"),
            alt.Tooltip("time:Q", title=title[:1].upper() + title[1:]),
            alt.Tooltip("reached:Q", title="Reached by then", format=".1%"),
            alt.Tooltip("reached_low:Q", title="95 % from", format=".1%"),
            alt.Tooltip("reached_high:Q", title="95 % to", format=".1%"),
            alt.Tooltip("events:Q", title="Reached then", format=","),
            alt.Tooltip("at_risk:Q", title="n, not reached before", format=","),
        ],
    )
    return themed(alt.LayerChart(layer=[band, line, points]).properties(height=260), mode)


def attempt_chart(rates: pl.DataFrame, what: str, title: str, mode: Mode) -> Drawing:
    """A bar per number of the dial with its 95 % interval; `what`: human or goal."""
    rows = rates.filter(what=what)
    outcome = OUTCOME_COLOURS[what]
    base = alt.Chart(rows).encode(
        x=alt.X("attempt:O", title="number of the dial", axis=alt.Axis(labelAngle=0)),
        tooltip=[
            alt.Tooltip("attempt:O", title="Number of the dial"),
            alt.Tooltip("rate:Q", title=title, format=".1%"),
            alt.Tooltip("low:Q", title="95 % from", format=".1%"),
            alt.Tooltip("high:Q", title="95 % to", format=".1%"),
            alt.Tooltip("k:Q", title="Count", format=","),
            alt.Tooltip("n:Q", title="n", format=","),
        ],
    )
    bars = base.mark_bar(color=outcome.on(mode), cornerRadiusEnd=2, width={"band": 0.7}).encode(
        y=alt.Y("rate:Q", title=title.lower(), axis=_PERCENT),
        opacity=alt.condition("datum.thin", alt.value(0.3), alt.value(1.0)),
    )
    rules = base.mark_rule(color=ink(mode), opacity=0.75).encode(y="low:Q", y2="high:Q")
    return themed((bars + rules).properties(height=200), mode)


def triangle_chart(table: pl.DataFrame, mode: Mode) -> Drawing:
    """Cohorts: a row per week of loading, a column per number of the dial, goals per lead so
    far."""
    rows = table.with_columns(
        loaded=pl.col("week").dt.strftime("%d %b %Y"),
        text=pl.col("rate").map_elements(lambda rate: f"{rate:.1%}", return_dtype=pl.String),
    )
    low, high = _span(rows["rate"])
    base = alt.Chart(rows).encode(
        x=alt.X("attempt:O", title="by dial number", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("loaded:N", sort=rows["loaded"].unique(maintain_order=True).to_list(), title=None),
    )
    cells = base.mark_rect(stroke=BACKGROUND.on(mode), strokeWidth=2).encode(
        color=alt.condition(
            "datum.thin",
            alt.value(_GREY.on(mode)),
            alt.Color(
                "rate:Q",
                scale=alt.Scale(domain=[low, high], range=[_PALE.on(mode), PLAIN.on(mode)]),
                legend=None,
            ),
        ),
        tooltip=[
            alt.Tooltip("loaded:N", title="Week of loading from"),
            alt.Tooltip("attempt:O", title="By dial number"),
            alt.Tooltip("rate:Q", title="Goals per lead dialed", format=".1%"),
            alt.Tooltip("low:Q", title="95 % from", format=".1%"),
            alt.Tooltip("high:Q", title="95 % to", format=".1%"),
            alt.Tooltip("first_goal:Q", title="Goals", format=","),
            alt.Tooltip("n:Q", title="n, leads dialed", format=","),
        ],
    )
    strong = f"!datum.thin && datum.rate > {low + 0.55 * (high - low)}"
    texts = base.mark_text(fontSize=11).encode(
        text="text:N",
        color=alt.condition(strong, alt.value(BACKGROUND.on(mode)), alt.value(ink(mode))),
    )
    return themed((cells + texts).properties(height=24 * rows["week"].n_unique() + 30), mode)


def lead_histogram(shares: pl.DataFrame, mode: Mode) -> Drawing:
    """Leads by how many dials they had."""
    bars = (
        alt.Chart(shares)
        .mark_bar(color=PLAIN.on(mode), cornerRadiusEnd=2, width={"band": 0.75})
        .encode(
            x=alt.X("dials:O", title="dials of a lead so far", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("leads:Q", title="leads", axis=alt.Axis(format=",d", tickCount=5)),
            tooltip=[
                alt.Tooltip("dials:O", title="Dials"),
                alt.Tooltip("leads:Q", title="Leads", format=","),
                alt.Tooltip("rate:Q", title="Share of dialed leads", format=".1%"),
                alt.Tooltip("n:Q", title="n, leads dialed", format=","),
            ],
        )
    )
    return themed(bars.properties(height=220), mode)


def standing_chart(standing: pl.DataFrame, fan: pl.DataFrame, mode: Mode) -> Drawing:
    """Leads dialed over time under those that may be, and, dashed, what is to be expected with 50
    and 95 % bands."""
    ends = int(standing["n"][-1]) if standing.height else 0
    days = alt.X("day:T", title=None, axis=alt.Axis(grid=False, format="%d %b", tickCount=8))
    leads = alt.Axis(format=",d", tickCount=5)
    told = [
        alt.Tooltip("day:T", title="Day", format="%d %b %Y"),
        alt.Tooltip("dialed:Q", title="Leads dialed", format=","),
        alt.Tooltip("n:Q", title="n, eligible leads", format=","),
        alt.Tooltip("rate:Q", title="Dialed per eligible lead", format=".1%"),
        alt.Tooltip("shut_out:Q", title="Shut out by the rules", format=","),
    ]
    past = alt.Chart(standing).encode(x=days)
    eligible = past.mark_area(color=_GREY.on(mode), opacity=0.55).encode(
        y=alt.Y("n:Q", title="leads", axis=leads)
    )
    dialed = past.mark_area(color=PLAIN.on(mode), opacity=0.85).encode(y="dialed:Q", tooltip=told)
    layers: list[Any] = [eligible, dialed]
    if fan.height:
        coming = alt.Chart(fan).encode(x=days)
        for low, high, opacity in (("low", "high", 0.18), ("lower", "upper", 0.3)):
            layers.append(
                coming.mark_area(color=PLAIN.on(mode), opacity=opacity).encode(
                    y=f"{low}:Q", y2=f"{high}:Q"
                )
            )
        layers.append(
            coming.mark_line(color=PLAIN.on(mode), strokeDash=[4, 3]).encode(
                y="middle:Q",
                tooltip=[
                    alt.Tooltip("day:T", title="Day", format="%d %b %Y"),
                    alt.Tooltip("middle:Q", title="Leads dialed, middle", format=",.0f"),
                    alt.Tooltip("low:Q", title="95 % from", format=",.0f"),
                    alt.Tooltip("high:Q", title="95 % to", format=",.0f"),
                ],
            )
        )
        goal = alt.Chart(pl.DataFrame({"leads": [ends]})).encode(y="leads:Q")
        layers.append(goal.mark_rule(color=ink(mode), strokeDash=[2, 4], opacity=0.6))
    return themed(alt.LayerChart(layer=layers).properties(height=280), mode)

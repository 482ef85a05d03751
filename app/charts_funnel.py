"""Charts of the funnel: how far leads came, what each step lost and why, what the rules held back.

Pure: the frames of `pipelines.metrics.funnel` and `refusals` in, drawings out.
"""

import altair as alt
import polars as pl

from app.charts_waterfall import hanging_bars
from app.theme import Drawing, themed
from pipelines.report.labels import count, percent, words
from pipelines.report.palette import (
    PLAIN,
    REFUSED,
    SERIES,
    Mode,
    disposition_outcome,
    outcome_colour,
)

_OUTCOME_OF_STAGE = {
    "answered": "machine",
    "human": "human",
    "conversed": "conversed",
    "goal": "goal",
}


def funnel_chart(funnel: pl.DataFrame, mode: Mode) -> Drawing:
    """A bar for each step as long as its leads; beside it the share of the step that it is out of,
    and how many were lost."""
    rows = funnel.with_columns(
        label=_worded("stage"),
        tint=pl.col("stage").map_elements(
            lambda stage: _stage_colour(stage, mode), return_dtype=pl.String
        ),
        text=pl.struct("stage", "leads", "n", "rate").map_elements(
            _step_text, return_dtype=pl.String
        ),
        lost=pl.col("n") - pl.col("leads"),
    )
    reach = max(int(rows["leads"].max() or 0), 1)  # type: ignore[arg-type]
    base = alt.Chart(rows).encode(
        y=alt.Y("label:N", sort=rows["label"].to_list(), title=None),
        x=alt.X("leads:Q", axis=None, scale=alt.Scale(domain=[0, reach * 1.45])),
    )
    bars = base.mark_bar(height=20, cornerRadiusEnd=2).encode(
        color=alt.Color("tint:N", scale=None),
        opacity=alt.condition("datum.thin", alt.value(0.4), alt.value(1.0)),
        tooltip=[
            alt.Tooltip("label:N", title="Step"),
            alt.Tooltip("leads:Q", title="Leads", format=","),
            alt.Tooltip("n:Q", title="Out of", format=","),
            alt.Tooltip("rate:Q", title="Share of these", format=".1%"),
            alt.Tooltip("low:Q", title="95 % from", format=".1%"),
            alt.Tooltip("high:Q", title="95 % to", format=".1%"),
            alt.Tooltip("lost:Q", title="Lost", format=","),
            alt.Tooltip("of_all:Q", title="Share of the list", format=".1%"),
        ],
    )
    texts = base.mark_text(align="left", dx=6).encode(text="text:N")
    return themed((bars + texts).properties(height=31 * rows.height), mode)


def lost_chart(lost: pl.DataFrame, mode: Mode) -> Drawing:
    """For each step that was not taken, the dials that ended there, stacked by how they ended."""
    rows = (
        lost.group_by("stage", "disposition", maintain_order=True)
        .agg(pl.col("dials").sum(), pl.col("n").first())
        .with_columns(
            what=_worded("disposition").fill_null("Unknown"),
            share=pl.col("dials") / pl.col("n"),
            step=pl.format("Not: {}", pl.col("stage").map_elements(words, return_dtype=pl.String)),
            tint=pl.col("disposition").map_elements(
                lambda code: outcome_colour(disposition_outcome(code)).on(mode),
                return_dtype=pl.String,
            ),
        )
    )
    rows = rows.with_columns(
        until=pl.col("share").cum_sum().over("stage"),
        text=pl.when(pl.col("share") > 0.13).then(pl.col("what")).otherwise(pl.lit("")),
    ).with_columns(since=pl.col("until") - pl.col("share"))
    steps = rows["step"].unique(maintain_order=True).to_list()
    base = alt.Chart(rows).encode(
        y=alt.Y("step:N", sort=steps, title=None, axis=alt.Axis(labelLimit=200)),
    )
    bars = base.mark_bar(height=28, stroke=_edge(mode), strokeWidth=1.5).encode(
        x=alt.X("since:Q", title="share of the dials lost at the step", axis=_PERCENT),
        x2="until:Q",
        color=alt.Color("tint:N", scale=None),
        tooltip=[
            alt.Tooltip("step:N", title="Step that was not taken"),
            alt.Tooltip("what:N", title="How they ended"),
            alt.Tooltip("dials:Q", title="Dials", format=","),
            alt.Tooltip("n:Q", title="n, all lost at the step", format=","),
            alt.Tooltip("share:Q", title="Share", format=".1%"),
        ],
    )
    texts = base.mark_text(align="left", dx=5, color=_edge(mode), fontSize=11).encode(
        x="since:Q", text="text:N"
    )
    return themed((bars + texts).properties(height=46 * len(steps)), mode)


_PERCENT = alt.Axis(format="%", tickCount=5)


def blocked_chart(blocked: pl.DataFrame, mode: Mode) -> Drawing:
    """From all leads to the eligible ones; each bar hangs where the one before ended."""
    ends = pl.col("code").is_in(["leads", "eligible"])
    rows = blocked.select(
        label=pl.when(ends)
        .then(_worded("code"))
        .otherwise(pl.col("code").map_elements(reasons_words, return_dtype=pl.String)),
        leads="leads",
        start=pl.when(ends).then(0).otherwise(pl.col("before") - pl.col("leads")),
        to="before",
        tint=pl.when(ends).then(pl.lit(PLAIN.on(mode))).otherwise(pl.lit(REFUSED.on(mode))),
        text=pl.col("leads").map_elements(count, return_dtype=pl.String),
    )
    return hanging_bars(rows, mode, room=1.35)


def split_chart(funnels: pl.DataFrame, split: str, mode: Mode) -> Drawing:
    """Each step's share of the step it is out of, side by side for the values of `split`, with its
    interval; thin ones are pale."""
    steps = funnels.filter(~pl.col("stage").is_in(["leads"])).with_columns(
        step=_worded("stage"), series=pl.col(split).fill_null("unknown")
    )
    first = steps["stage"].unique(maintain_order=True).to_list()
    names = steps["series"].unique(maintain_order=True).to_list()
    colours = [SERIES[place % len(SERIES)].on(mode) for place in range(len(names))]
    pale = alt.condition("datum.thin", alt.value(0.3), alt.value(1.0))
    base = alt.Chart(steps).encode(
        x=alt.X(
            "step:N", sort=[words(one) for one in first], title=None, axis=alt.Axis(labelAngle=0)
        ),
        xOffset=alt.XOffset("series:N", sort=names),
        color=alt.Color("series:N", sort=names, scale=alt.Scale(domain=names, range=colours)),
        opacity=pale,
    )
    whiskers = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y("low:Q", title="share of the step before", axis=_PERCENT), y2="high:Q"
    )
    dots = base.mark_circle(size=80).encode(
        y="rate:Q",
        tooltip=[
            alt.Tooltip("series:N", title=words(split)),
            alt.Tooltip("step:N", title="Step"),
            alt.Tooltip("leads:Q", title="Leads", format=","),
            alt.Tooltip("n:Q", title="n, out of", format=","),
            alt.Tooltip("rate:Q", title="Share", format=".1%"),
            alt.Tooltip("low:Q", title="95 % from", format=".1%"),
            alt.Tooltip("high:Q", title="95 % to", format=".1%"),
        ],
    )
    return themed((whiskers + dots).properties(height=260), mode)


def reasons_words(code: str) -> str:
    """Reasons joined by + as they are said."""
    return ", ".join(words(part) for part in code.split("+")) if code else "No reason given"


def _worded(column: str) -> pl.Expr:
    return pl.col(column).map_elements(words, return_dtype=pl.String)


def _edge(mode: Mode) -> str:
    return "#ffffff" if mode == "light" else "#0e1117"


def _stage_colour(stage: str, mode: Mode) -> str:
    outcome = _OUTCOME_OF_STAGE.get(stage)
    return (outcome_colour(outcome) if outcome else PLAIN).on(mode)


def _step_text(row: dict[str, object]) -> str:
    leads, out_of, rate = row["leads"], row["n"], row["rate"]
    if not isinstance(leads, int) or not isinstance(out_of, int):
        return "–"
    if leads == out_of or not isinstance(rate, float):
        return count(leads)
    return f"{count(leads)}  ({percent(rate)}, −{count(out_of - leads)})"

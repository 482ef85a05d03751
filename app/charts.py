"""Frames to charts. Pure: no page, no database; every chart carries n in its tooltip."""

from collections.abc import Callable, Iterable
from datetime import timedelta

import altair as alt
import polars as pl

from app.theme import Drawing, ink, themed
from pipelines.metrics.calls import OUTCOMES
from pipelines.report.labels import outcome_words, words
from pipelines.report.palette import (
    OUTCOME_COLOURS,
    PLAIN,
    Colour,
    Mode,
    emotion_colour,
)

_BAR_STEP = 27


def activity_chart(activity: pl.DataFrame, step: timedelta, mode: Mode) -> Drawing:
    """Dials per interval, stacked by outcome, the wanted ones at the bottom."""
    order = {outcome: place for place, outcome in enumerate(OUTCOMES)}
    rows = activity.select(
        "at",
        "dials",
        until=pl.col("at") + step,
        what=pl.col("outcome").map_elements(outcome_words, return_dtype=pl.String),
        order=pl.col("outcome").replace_strict(order, return_dtype=pl.Int64),
    )
    names = [outcome_words(outcome) for outcome in OUTCOMES]
    colours = [OUTCOME_COLOURS[outcome].on(mode) for outcome in OUTCOMES]
    utc = alt.Scale(type="utc")
    clock = "%H:%M" if step < timedelta(hours=3) else "%d %b %H:%M"
    chart = (
        alt.Chart(rows)
        .mark_bar(orient="vertical", binSpacing=1)
        .encode(
            x=alt.X(
                "at:T", scale=utc, title=None, axis=alt.Axis(grid=False, tickCount=8, format=clock)
            ),
            x2="until:T",
            y=alt.Y("dials:Q", stack="zero", title="dials", axis=alt.Axis(tickMinStep=1)),
            color=alt.Color("what:N", scale=alt.Scale(domain=names, range=colours), sort=names),
            order=alt.Order("order:Q"),
            tooltip=[
                alt.Tooltip("at:T", title="From (UTC)", format="%Y-%m-%d %H:%M:%S"),
                alt.Tooltip("what:N", title="Outcome"),
                alt.Tooltip("dials:Q", title="Dials", format=","),
            ],
        )
        .properties(height=300)
    )
    return themed(chart, mode)


def share_chart(
    shares: pl.DataFrame,
    key: str,
    count: str,
    mode: Mode,
    *,
    colour: Callable[[str], Colour] | None = None,
) -> Drawing:
    """A bar per row in the frame's order, its 95 % interval, and the count beside it; rows that
    rest on fewer than twenty observations are pale."""
    tint = colour or (lambda _code: PLAIN)
    rows = shares.with_columns(
        label=pl.col(key).map_elements(words, return_dtype=pl.String),
        tint=pl.Series([tint(code).on(mode) for code in shares[key]], dtype=pl.String),
        text=pl.Series(_beside(shares[count], shares["rate"]), dtype=pl.String),
    )
    labels = rows["label"].to_list()
    reach = max([*rows["high"].drop_nulls(), 0.01])
    base = alt.Chart(rows).encode(y=alt.Y("label:N", sort=labels, title=None))
    x = alt.X("rate:Q", title=None, axis=None, scale=alt.Scale(domain=[0, reach * 1.35]))
    faded = alt.condition("datum.thin", alt.value(0.45), alt.value(1.0))
    tooltip = [
        alt.Tooltip("label:N", title="What"),
        alt.Tooltip(f"{count}:Q", title="Count", format=","),
        alt.Tooltip("n:Q", title="n", format=","),
        alt.Tooltip("rate:Q", title="Share", format=".1%"),
        alt.Tooltip("low:Q", title="95 % from", format=".1%"),
        alt.Tooltip("high:Q", title="95 % to", format=".1%"),
    ]
    bars = base.mark_bar(height=15, cornerRadiusEnd=2).encode(
        x=x, color=alt.Color("tint:N", scale=None), opacity=faded, tooltip=tooltip
    )
    whiskers = base.mark_rule(color=ink(mode), opacity=0.7).encode(x=alt.X("low:Q"), x2="high:Q")
    texts = base.mark_text(align="left", dx=6).encode(x=alt.X("high:Q"), text="text:N")
    return themed(
        (bars + whiskers + texts)
        .properties(height=_BAR_STEP * max(rows.height, 1))
        .resolve_axis(y="shared"),
        mode,
    )


def count_chart(
    counts: pl.DataFrame,
    key: str,
    count: str,
    title: str,
    mode: Mode,
    *,
    label: Callable[[str], str] = words,
) -> Drawing:
    """A bar per row in the frame's order, with its count beside it; no shares."""
    rows = counts.select(
        label=pl.col(key).map_elements(label, return_dtype=pl.String),
        count=pl.col(count),
        text=pl.col(count).map_elements(lambda n: f"{n:,}", return_dtype=pl.String),
    )
    reach = max([*rows["count"], 1])
    axis = alt.Axis(labelLimit=260)
    base = alt.Chart(rows).encode(
        y=alt.Y("label:N", sort=rows["label"].to_list(), title=None, axis=axis),
        x=alt.X("count:Q", axis=None, scale=alt.Scale(domain=[0, reach * 1.2])),
        tooltip=[
            alt.Tooltip("label:N", title="What"),
            alt.Tooltip("count:Q", title=title, format=","),
        ],
    )
    bars = base.mark_bar(height=15, cornerRadiusEnd=2, color=PLAIN.on(mode))
    texts = base.mark_text(align="left", dx=6).encode(text="text:N")
    return themed((bars + texts).properties(height=_BAR_STEP * max(rows.height, 1)), mode)


def emotion_chart(shares: pl.DataFrame, mode: Mode) -> Drawing:
    return share_chart(shares, "emotion", "turns", mode, colour=emotion_colour)


def _beside(counts: Iterable[int], rates: Iterable[float | None]) -> list[str]:
    return [
        f"{count:,}  ({rate:.0%})" if rate is not None else f"{count:,}"
        for count, rate in zip(counts, rates, strict=True)
    ]

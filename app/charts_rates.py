"""Charts of any rate: over time, along an order, by name, as a heat map; with n and interval.

Pure: the frames of `pipelines.analyses.ask` in, drawings out. Thin cells are pale everywhere.
"""

from collections.abc import Sequence
from datetime import date

import altair as alt
import polars as pl

from app.theme import Drawing, ink, themed
from pipelines.metrics.contract import Change, Metric
from pipelines.report.labels import hour_words, words
from pipelines.report.palette import PLAIN, SERIES, Mode

MOST_SERIES = len(SERIES)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PALE = alt.condition("datum.thin", alt.value(0.3), alt.value(1.0))


def line_chart(
    rows: pl.DataFrame, when: str, metric: Metric, mode: Mode, by: str | None = None
) -> Drawing:
    """The rate over time with its interval as a band, a line for each value of `by`; days on which
    the metric's definition changed are marked."""
    shown = _named(rows, by).filter(pl.col("rate").is_not_null())
    base = alt.Chart(shown).encode(
        x=alt.X(f"{when}:T", title=None, axis=alt.Axis(grid=False, format="%d %b", tickCount=8)),
        color=_colour(shown, by, mode),
    )
    share = alt.Y(
        "rate:Q",
        title=metric.title.lower(),
        axis=alt.Axis(format="%", tickCount=5),
        scale=alt.Scale(zero=False),
    )
    # Where a day rests on few, its point is pale and no line leads to it.
    told = base.transform_filter("!datum.thin")
    band = told.mark_area(opacity=0.16, interpolate="linear").encode(y=alt.Y("low:Q"), y2="high:Q")
    line = told.mark_line(strokeWidth=2).encode(y=share)
    points = base.mark_circle(size=46).encode(
        y=share, opacity=_PALE, tooltip=_tooltip(metric, f"{when}:T", by)
    )
    layers = [band, line, points] if by is None else [line, points]
    marks = changes_layer(metric.changes, shown[when].to_list(), mode)
    whole = alt.LayerChart(layer=[*layers, *marks]).properties(height=280)
    return themed(whole, mode)


def changes_layer(changes: Sequence[Change], days: Sequence[date], mode: Mode) -> list[alt.Chart]:
    """A rule with a label on every day between the first and the last of `days` from which on a
    metric means something else; for the x axis of a line chart in days. Nothing where none is."""
    inside = [one for one in changes if days and min(days) <= one.since <= max(days)]
    if not inside:
        return []
    frame = pl.DataFrame(
        {
            "since": [one.since for one in inside],
            "told": [f"v{one.version}: {one.what}" for one in inside],
        }
    )
    base = alt.Chart(frame).encode(x="since:T", tooltip=alt.Tooltip("told:N", title="Definition"))
    rule = base.mark_rule(color=ink(mode), strokeDash=[4, 3], strokeWidth=1.5)
    text = base.mark_text(align="left", baseline="top", dx=5).encode(y=alt.value(2), text="told:N")
    return [rule, text]


def bar_chart(rows: pl.DataFrame, along: str, metric: Metric, mode: Mode) -> Drawing:
    """The rate along hours, weekdays or numbers of a dial, with its interval."""
    shown = _in_words(rows, along)
    top = min(1.0, max([*shown["high"].drop_nulls(), *shown["rate"].drop_nulls(), 0.01]) * 1.1)
    base = alt.Chart(shown).encode(
        x=alt.X(
            "label:N",
            sort=shown["label"].to_list(),
            title=None,
            axis=alt.Axis(labelAngle=0, grid=False, labelOverlap=True),
        )
    )
    bars = base.mark_bar(color=PLAIN.on(mode), cornerRadiusEnd=2, width={"band": 0.7}).encode(
        y=alt.Y(
            "rate:Q",
            title=metric.title.lower(),
            axis=alt.Axis(format="%", tickCount=5),
            scale=alt.Scale(domain=[0, top]),
        ),
        opacity=_PALE,
        tooltip=_tooltip(metric, "label:N", None),
    )
    whiskers = base.mark_rule(color=ink(mode), opacity=0.75).encode(y="low:Q", y2="high:Q")
    return themed((bars + whiskers).properties(height=280), mode)


def dot_chart(rows: pl.DataFrame, by: str, metric: Metric, mode: Mode) -> Drawing:
    """The rate of each name with its interval, the highest first; thin ones last."""
    shown = _in_words(rows, by).sort(
        "thin", "rate", descending=[False, True], nulls_last=True, maintain_order=True
    )
    names = shown["label"].to_list()
    base = alt.Chart(shown).encode(
        y=alt.Y("label:N", sort=names, title=None, axis=alt.Axis(labelLimit=260))
    )
    x = alt.X(
        "rate:Q",
        title=metric.title.lower(),
        axis=alt.Axis(format="%", tickCount=6),
        scale=alt.Scale(zero=False),
    )
    whiskers = base.mark_rule(strokeWidth=2, color=PLAIN.on(mode)).encode(
        x=alt.X("low:Q"), x2="high:Q", opacity=_PALE
    )
    dots = base.mark_circle(size=110, color=PLAIN.on(mode)).encode(
        x=x, opacity=_PALE, tooltip=_tooltip(metric, "label:N", None)
    )
    return themed((whiskers + dots).properties(height=60 + 26 * max(shown.height, 1)), mode)


def heat_chart(rows: pl.DataFrame, down: str, along: str, metric: Metric, mode: Mode) -> Drawing:
    """The rate for each pair; thin cells are empty, as two of them cannot be told apart."""
    shown = _in_words(_in_words(rows, along).rename({"label": "x"}), down).rename({"label": "y"})
    order = {name: shown[name].unique(maintain_order=True).to_list() for name in ("x", "y")}
    cells = (
        alt.Chart(shown.filter(~pl.col("thin")))
        .mark_rect(stroke=None)
        .encode(
            x=alt.X("x:N", sort=order["x"], title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("y:N", sort=order["y"], title=None, axis=alt.Axis(labelLimit=220)),
            color=alt.Color(
                "rate:Q",
                scale=alt.Scale(scheme="viridis" if mode == "light" else "magma"),
                legend=alt.Legend(format="%", title=metric.title.lower(), type="gradient"),
            ),
            tooltip=[alt.Tooltip("y:N", title=down), *_tooltip(metric, "x:N", None)],
        )
    )
    return themed(cells.properties(height=90 + 26 * max(len(order["y"]), 1)), mode)


def _tooltip(metric: Metric, what: str, by: str | None) -> list[alt.Tooltip]:
    named = [alt.Tooltip("series:N", title="What")] if by else []
    return [
        *named,
        alt.Tooltip(what, title="Which"),
        alt.Tooltip("rate:Q", title=metric.title, format=".2%"),
        alt.Tooltip("low:Q", title="95 % from", format=".2%"),
        alt.Tooltip("high:Q", title="95 % to", format=".2%"),
        alt.Tooltip("k:Q", title="Count", format=","),
        alt.Tooltip("n:Q", title=f"n, {metric.denominator}"[:60], format=","),
    ]


def _named(rows: pl.DataFrame, by: str | None) -> pl.DataFrame:
    if by is None:
        return rows.with_columns(series=pl.lit(""))
    named = _in_words(rows, by).rename({"label": "series"})
    most = named.group_by("series").agg(pl.col("n").sum()).sort("n", descending=True)
    return named.filter(pl.col("series").is_in(most["series"].head(MOST_SERIES).implode()))


def _colour(rows: pl.DataFrame, by: str | None, mode: Mode) -> alt.Color | alt.ColorValue:
    if by is None:
        return alt.ColorValue(PLAIN.on(mode))
    names = sorted(rows["series"].unique().to_list())
    colours = [colour.on(mode) for colour in SERIES][: len(names)]
    return alt.Color("series:N", sort=names, scale=alt.Scale(domain=names, range=colours))


def _in_words(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Adds `label`: what a value of that split is called."""
    return rows.with_columns(label=label_of(rows[column], column))


def label_of(values: pl.Series, split: str) -> pl.Series:
    """The values of a split as they are written: weekdays by name, hours with two digits."""

    def told(value: object) -> str:
        if value is None:
            return hour_words(None) if split == "hour" else "unknown"
        if split == "weekday" and isinstance(value, int):
            return _WEEKDAYS[value - 1]
        if split == "hour" and isinstance(value, int):
            return hour_words(value)
        if split in {"disposition", "carrier_status", "answer_class", "end_reason"}:
            return words(str(value))
        return str(value)

    return pl.Series([told(value) for value in values], dtype=pl.String)

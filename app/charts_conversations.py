"""Charts of what happens inside calls. Pure: frames in, drawings out."""

from collections.abc import Sequence

import altair as alt
import polars as pl

from app.theme import Drawing, ink, themed
from pipelines.metrics.calls import OUTCOMES
from pipelines.metrics.flow_layout import Flow
from pipelines.metrics.latency import Latency
from pipelines.report.labels import milliseconds, outcome_words, words
from pipelines.report.palette import PLAIN, Mode, outcome_colour

_PERCENTILES = {0.5: "p50", 0.95: "p95", 0.99: "p99"}
_PALE = alt.condition("datum.thin", alt.value(0.35), alt.value(1.0))
_LAST_MS = 3000


_OF_NODE = [
    alt.Tooltip("node:N", title="Node"),
    alt.Tooltip("reached:Q", title="n, calls that came here", format=","),
    alt.Tooltip("hung_up:Q", title="Hung up here", format=","),
    alt.Tooltip("rate:Q", title="Hung up per call that came", format=".1%"),
    alt.Tooltip("low:Q", title="95 % from", format=".1%"),
    alt.Tooltip("high:Q", title="95 % to", format=".1%"),
    alt.Tooltip("goal_rate:Q", title="Goal in the end", format=".1%"),
    alt.Tooltip("dwell_s:Q", title="Seconds here, mean", format=".1f"),
]


def flow_chart(flow: Flow, mode: Mode) -> Drawing:
    """The script as it was walked: bars as high as the calls that came, the part in which people
    hung up in another colour, ribbons as thick as the calls that went on."""
    nodes = flow.nodes.with_columns(
        label=pl.format(
            "{}  {}",
            pl.col("node").map_elements(words, return_dtype=pl.String),
            pl.col("reached").map_elements(lambda n: f"{n:,}", return_dtype=pl.String),
        ),
        hung=pl.when(pl.col("hung_up") > 0)
        .then(pl.format("{} % hung up", (100 * pl.col("rate")).round(1)))
        .otherwise(pl.lit("")),
    )
    plain = alt.Axis(labels=False, grid=False, title=None, domain=False, ticks=False)
    y = alt.Y("y:Q", axis=plain, scale=alt.Scale(reverse=True, nice=False, zero=False))
    last = float(nodes["x"].max() or 0)  # type: ignore[arg-type]
    x = alt.X("x:Q", axis=plain, scale=alt.Scale(domain=[-0.05, last + 0.75], nice=False))
    ribbons = (
        alt.Chart(flow.links)
        .mark_area(color=PLAIN.on(mode), opacity=0.28)
        .encode(
            x=x,
            y=y,
            y2="y2:Q",
            detail="link:N",
            tooltip=[
                alt.Tooltip("from_node:N", title="From"),
                alt.Tooltip("to_node:N", title="To"),
                alt.Tooltip("calls:Q", title="Calls", format=","),
            ],
        )
    )
    base = alt.Chart(nodes).encode(tooltip=_OF_NODE)
    bars = base.mark_rect(color=PLAIN.on(mode)).encode(x=x, x2="x2:Q", y=y, y2="y2:Q")
    left = base.mark_rect(color=outcome_colour("human").on(mode)).encode(
        x=x, x2="x2:Q", y=alt.Y("y_hung:Q"), y2="y2:Q"
    )
    named = base.mark_text(align="left", baseline="top", dx=5, dy=2, fontWeight=600)
    hung = base.mark_text(align="left", baseline="top", dx=5, dy=18)
    names = named.encode(x=alt.X("x2:Q"), y=y, text="label:N")
    losses = hung.encode(x=alt.X("x2:Q"), y=y, text="hung:N")
    whole = ribbons + bars + left + names + losses
    return themed(whole.properties(height=380), mode)


def wait_chart(curve: pl.DataFrame, latency: Latency, mode: Mode) -> Drawing:
    """Share of answers that came at most so late; the percentiles as marks. Up to three seconds."""
    shown = curve.filter(pl.col("at") <= _LAST_MS)
    marks = pl.DataFrame(
        {
            "at": [min(one.value, float(_LAST_MS)) for one in latency.percentiles],
            "share": [one.p for one in latency.percentiles],
            "text": [
                f"p{100 * one.p:.0f}  {milliseconds(one.value)}" for one in latency.percentiles
            ],
        },
        schema={"at": pl.Float64, "share": pl.Float64, "text": pl.String},
    )
    x = alt.X(
        "at:Q",
        title="milliseconds from the person's last word to our first audio",
        axis=alt.Axis(format=",d", tickCount=7),
        scale=alt.Scale(domain=[0, _LAST_MS]),
    )
    y = alt.Y("share:Q", title="answers at most so late", axis=alt.Axis(format="%", tickCount=5))
    line = (
        alt.Chart(shown)
        .mark_line(interpolate="step-after", color=PLAIN.on(mode), strokeWidth=2)
        .encode(
            x=x,
            y=y,
            tooltip=[
                alt.Tooltip("at:Q", title="At most, ms", format=",d"),
                alt.Tooltip("share:Q", title="Share", format=".1%"),
                alt.Tooltip("n:Q", title="n, answers", format=","),
            ],
        )
    )
    points = alt.Chart(marks).mark_point(color=ink(mode), filled=True, size=60).encode(x=x, y=y)
    texts = alt.Chart(marks).mark_text(align="left", dx=9, dy=10).encode(x=x, y=y, text="text:N")
    return themed((line + points + texts).properties(height=300), mode)


def wait_hours_chart(hours: pl.DataFrame, mode: Mode) -> Drawing:
    """Percentiles by the called person's hour, with their intervals; thin hours are pale."""
    rows = hours.filter(pl.col("local_hour").is_not_null()).with_columns(
        which=pl.col("p").replace_strict(_PERCENTILES, return_dtype=pl.String)
    )
    shades = alt.Scale(
        domain=list(_PERCENTILES.values()),
        range=[
            PLAIN.on(mode),
            outcome_colour("machine").on(mode),
            outcome_colour("human").on(mode),
        ],
    )
    base = alt.Chart(rows).encode(
        x=alt.X(
            "local_hour:O",
            title="hour of the called person's day",
            axis=alt.Axis(labelAngle=0, grid=False),
        ),
        color=alt.Color("which:N", scale=shades),
        opacity=_PALE,
    )
    values = alt.Y("value:Q", title="milliseconds", axis=alt.Axis(format=",d", tickCount=5))
    points = base.mark_circle(size=55).encode(
        y=values,
        tooltip=[
            alt.Tooltip("local_hour:O", title="Local hour"),
            alt.Tooltip("which:N", title="Percentile"),
            alt.Tooltip("value:Q", title="Milliseconds", format=",d"),
            alt.Tooltip("low:Q", title="95 % from", format=",d"),
            alt.Tooltip("high:Q", title="95 % to", format=",d"),
            alt.Tooltip("n:Q", title="n, answers", format=","),
        ],
    )
    rules = base.mark_rule().encode(y=alt.Y("low:Q"), y2="high:Q")
    return themed((rules + points).properties(height=260), mode)


def steps_chart(
    counts: pl.DataFrame, width: float, title: str, mode: Mode, marks: Sequence[float] = ()
) -> Drawing:
    """Conversations by step, with a line at each of `marks`."""
    total = max(int(counts["calls"].sum()), 1)
    rows = (
        counts.drop_nulls("step")
        .group_by("step")
        .agg(pl.col("calls").sum())
        .with_columns(to=pl.col("step") + width, share=pl.col("calls") / total)
    )
    bars = (
        alt.Chart(rows)
        .mark_bar(color=PLAIN.on(mode), binSpacing=1, orient="vertical")
        .encode(
            x=alt.X("step:Q", title=title, axis=alt.Axis(grid=False, tickCount=8)),
            x2="to:Q",
            y=alt.Y("calls:Q", title="conversations", axis=alt.Axis(format=",d", tickCount=4)),
            tooltip=[
                alt.Tooltip("step:Q", title="From"),
                alt.Tooltip("to:Q", title="Below"),
                alt.Tooltip("calls:Q", title="Conversations", format=","),
                alt.Tooltip("share:Q", title="Share", format=".1%"),
            ],
        )
    )
    lines = (
        alt.Chart(pl.DataFrame({"at": list(marks)}, schema={"at": pl.Float64}))
        .mark_rule(color=outcome_colour("machine").on(mode), strokeWidth=2)
        .encode(x="at:Q")
    )
    return themed((bars + lines).properties(height=220), mode)


def outcome_ratio_chart(rows: pl.DataFrame, title: str, mode: Mode) -> Drawing:
    """A quotient by what came of the call: outcome, value, low, high, n, thin."""
    known = [code for code in OUTCOMES if code in set(rows["outcome"])]
    named = rows.with_columns(
        label=pl.col("outcome").map_elements(outcome_words, return_dtype=pl.String),
        tint=pl.Series([outcome_colour(c).on(mode) for c in rows["outcome"]], dtype=pl.String),
        text=pl.col("value").map_elements(lambda v: f"{v:.1%}", return_dtype=pl.String),
    )
    base = alt.Chart(named).encode(
        y=alt.Y("label:N", sort=[outcome_words(c) for c in known], title=None),
        color=alt.Color("tint:N", scale=None),
        opacity=_PALE,
    )
    x = alt.X(
        "value:Q",
        title=title,
        axis=alt.Axis(format="%", tickCount=5),
        scale=alt.Scale(zero=False, nice=True),
    )
    points = base.mark_circle(size=90).encode(
        x=x,
        tooltip=[
            alt.Tooltip("label:N", title="Outcome"),
            alt.Tooltip("value:Q", title=title.capitalize(), format=".2%"),
            alt.Tooltip("low:Q", title="95 % from", format=".2%"),
            alt.Tooltip("high:Q", title="95 % to", format=".2%"),
            alt.Tooltip("n:Q", title="n, conversations", format=","),
        ],
    )
    rules = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q")
    texts = base.mark_text(align="left", dx=8, dy=-11).encode(x=alt.X("value:Q"), text="text:N")
    return themed((rules + points + texts).properties(height=44 * max(named.height, 1)), mode)

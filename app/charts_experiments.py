"""Charts of the page on experiments. Pure: frames in, drawings out."""

import altair as alt
import polars as pl

from app.theme import Drawing, ink, themed
from pipelines.report.palette import PLAIN, SERIES, Mode


def course_chart(course: pl.DataFrame, mode: Mode) -> Drawing:
    """The difference of each arm to the control, evening by evening, with the interval that may be
    looked at every day; above the line at 0 the arm is better."""
    arms = sorted(set(course["arm"]))
    colour = alt.Color(
        "arm:N",
        scale=alt.Scale(
            domain=arms, range=[SERIES[i % len(SERIES)].on(mode) for i in range(len(arms))]
        ),
        legend=alt.Legend(title="Arm") if len(arms) > 1 else None,
    )
    reach = max(0.02, *(abs(x) for x in (*course["value"].drop_nulls(), 0.0))) * 2.5
    scale = alt.Scale(domain=[-reach, reach], clamp=True)
    axis = alt.Axis(format="+.1%", tickCount=6)
    base = alt.Chart(course).encode(
        x=alt.X("day:T", title=None, axis=alt.Axis(grid=False, tickCount=8, format="%d %b")),
        color=colour,
    )
    tooltip = [
        alt.Tooltip("day:T", title="Evening of", format="%d %b %Y"),
        alt.Tooltip("arm:N", title="Arm"),
        alt.Tooltip("value:Q", title="Difference", format="+.2%"),
        alt.Tooltip("low:Q", title="From", format="+.2%"),
        alt.Tooltip("high:Q", title="To", format="+.2%"),
        alt.Tooltip("n:Q", title="n, leads of the arm", format=","),
    ]
    band = base.mark_area(opacity=0.22, clip=True).encode(
        y=alt.Y("low:Q", title="goals per lead, less the control's", scale=scale, axis=axis),
        y2="high:Q",
        tooltip=tooltip,
    )
    line = base.mark_line(clip=True).encode(
        y=alt.Y("value:Q", scale=scale, axis=axis), tooltip=tooltip
    )
    none = (
        alt.Chart(pl.DataFrame({"at": [0.0]}))
        .mark_rule(color=ink(mode), strokeDash=[4, 3])
        .encode(y=alt.Y("at:Q", scale=scale, axis=axis))
    )
    return themed((band + line + none).properties(height=320), mode)


def power_chart(sizes: pl.DataFrame, effect: float, mode: Mode) -> Drawing:
    """Leads per arm by the difference to be found (effect, leads); the chosen one marked."""
    x = alt.X(
        "effect:Q",
        title="smallest difference worth finding",
        axis=alt.Axis(format="+.1%", grid=False),
    )
    y = alt.Y(
        "leads:Q",
        title="leads per arm",
        scale=alt.Scale(type="log"),
        axis=alt.Axis(format="~s", tickCount=5),
    )
    tooltip = [
        alt.Tooltip("effect:Q", title="Difference", format="+.1%"),
        alt.Tooltip("leads:Q", title="Leads per arm", format=","),
    ]
    curve = alt.Chart(sizes).mark_line(color=PLAIN.on(mode)).encode(x=x, y=y, tooltip=tooltip)
    here = sizes.filter((pl.col("effect") - effect).abs() < 1e-9)
    dot = (
        alt.Chart(here)
        .mark_point(color=PLAIN.on(mode), filled=True, size=120)
        .encode(x=x, y=y, tooltip=tooltip)
    )
    return themed((curve + dot).properties(height=240), mode)

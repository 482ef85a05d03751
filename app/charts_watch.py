"""Drift of models as charts. Pure: frames in, drawings out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from app.theme import Drawing, ink, themed
from pipelines.report.labels import words
from pipelines.report.palette import PLAIN, Colour, Mode

WATCH, ACT = 0.1, 0.25  # the conventions, as lines


def psi_chart(history: pl.DataFrame, mode: Mode) -> Drawing:
    """PSI over days with its 95 % interval and the two conventional limits.

    Columns day, value, low, high, n, verdict, model_version; rows without a value are left out.
    """
    rows = history.drop_nulls("value")
    reach = max([*rows["high"].drop_nulls(), ACT * 1.2])
    y = alt.Y("value:Q", title="PSI", scale=alt.Scale(domain=[0, reach]))
    base = alt.Chart(rows).encode(
        x=alt.X("day:T", title=None, axis=alt.Axis(format="%d %b", grid=False, tickCount=8))
    )
    band = base.mark_rule(color=PLAIN.on(mode), opacity=0.45, strokeWidth=3).encode(
        y=alt.Y("low:Q", title="PSI"), y2="high:Q"
    )
    points = base.mark_line(
        color=PLAIN.on(mode), point=alt.OverlayMarkDef(color=PLAIN.on(mode), size=50)
    ).encode(
        y=y,
        detail="model_version:N",
        tooltip=[
            alt.Tooltip("day:T", title="Day", format="%Y-%m-%d"),
            alt.Tooltip("model_version:N", title="Version"),
            alt.Tooltip("value:Q", title="PSI", format=".3f"),
            alt.Tooltip("low:Q", title="95 % from", format=".3f"),
            alt.Tooltip("high:Q", title="95 % to", format=".3f"),
            alt.Tooltip("n:Q", title="n, turns", format=","),
            alt.Tooltip("verdict:N", title="Verdict"),
        ],
    )
    limits = pl.DataFrame({"at": [WATCH, ACT], "text": ["watch from 0.10", "act above 0.25"]})
    lines = alt.Chart(limits).mark_rule(color=ink(mode), strokeDash=[4, 4], opacity=0.6)
    texts = alt.Chart(limits).mark_text(align="left", dx=4, dy=-7, opacity=0.8)
    marks = lines.encode(y="at:Q") + texts.encode(y="at:Q", x=alt.value(0), text="text:N")
    return themed((band + points + marks).properties(height=240), mode)


def mix_chart(
    detail: Mapping[str, Any], mode: Mode, *, colour: Callable[[str], Colour] = lambda _: PLAIN
) -> Drawing:
    """Shares of labels: pale the reference, full now. `detail` has labels, reference and now."""
    labels: Sequence[str] = detail["labels"]
    rows = pl.DataFrame(
        {
            "label": [words(label) for label in labels for _ in range(2)],
            "when": ["reference", "now"] * len(labels),
            "share": [
                s for pair in zip(detail["reference"], detail["now"], strict=True) for s in pair
            ],
            "tint": [colour(label).on(mode) for label in labels for _ in range(2)],
        }
    )
    order = [words(label) for label in labels]
    chart = (
        alt.Chart(rows)
        .mark_bar(height=9, cornerRadiusEnd=2)
        .encode(
            y=alt.Y("label:N", sort=order, title=None),
            yOffset=alt.YOffset("when:N", sort=["reference", "now"]),
            x=alt.X("share:Q", title="share of turns", axis=alt.Axis(format="%", tickCount=5)),
            color=alt.Color("tint:N", scale=None),
            opacity=alt.condition("datum.when == 'now'", alt.value(1.0), alt.value(0.4)),
            tooltip=[
                alt.Tooltip("label:N", title="Label"),
                alt.Tooltip("when:N", title="When"),
                alt.Tooltip("share:Q", title="Share", format=".1%"),
            ],
        )
        .properties(height=30 * len(labels) + 20)
    )
    return themed(chart, mode)

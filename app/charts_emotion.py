"""Charts of what a model heard in callers' turns. Pure: frames in, drawings out."""

import altair as alt
import polars as pl

from app.theme import Drawing, ink, themed
from pipelines.metrics.calls import OUTCOMES
from pipelines.metrics.emotions import EMOTION_ORDER
from pipelines.report.labels import outcome_words, words
from pipelines.report.palette import PLAIN, Mode, emotion_colour, outcome_colour

CHOSEN = "chosen"  # the selection in charts whose cells lead on
_PALE = alt.condition("datum.thin", alt.value(0.35), alt.value(1.0))


def _rank(column: str) -> pl.Expr:
    places = {emotion: place for place, emotion in enumerate(EMOTION_ORDER)}
    return pl.col(column).replace_strict(places, default=len(places), return_dtype=pl.Int64)


def valence_chart(along: pl.DataFrame, mode: Mode) -> Drawing:
    """Mean valence in each tenth of calls with its interval as a ribbon, by outcome; tenths with
    fewer than twenty turns are left out."""
    shown = along.filter(~pl.col("thin")).with_columns(
        what=pl.col("outcome").map_elements(outcome_words, return_dtype=pl.String),
        at=(pl.col("decile") + 0.5) / 10,
    )
    known = [code for code in OUTCOMES if code in set(shown["outcome"])]
    colour = alt.Color(
        "what:N",
        sort=[outcome_words(code) for code in known],
        scale=alt.Scale(
            domain=[outcome_words(code) for code in known],
            range=[outcome_colour(code).on(mode) for code in known],
        ),
    )
    x = alt.X(
        "at:Q",
        title="how far the call was",
        axis=alt.Axis(format="%", tickCount=10),
        scale=alt.Scale(domain=[0, 1]),
    )
    base = alt.Chart(shown).encode(x=x, color=colour)
    ribbon = base.mark_area(opacity=0.2).encode(
        y=alt.Y("low:Q", title="mean valence (−1 unpleasant, 1 pleasant)"), y2="high:Q"
    )
    line = base.mark_line(strokeWidth=2.4).encode(y=alt.Y("value:Q"))
    points = base.mark_circle(size=50).encode(
        y=alt.Y("value:Q"),
        tooltip=[
            alt.Tooltip("what:N", title="Outcome"),
            alt.Tooltip("decile:Q", title="Tenth of the call, from 0"),
            alt.Tooltip("value:Q", title="Mean valence", format="+.2f"),
            alt.Tooltip("low:Q", title="95 % from", format="+.2f"),
            alt.Tooltip("high:Q", title="95 % to", format="+.2f"),
            alt.Tooltip("n:Q", title="n, caller turns", format=","),
        ],
    )
    zero = (
        alt.Chart(pl.DataFrame({"y": [0.0]}))
        .mark_rule(color=ink(mode), strokeDash=[3, 3], opacity=0.5)
        .encode(y="y:Q")
    )
    return themed((zero + ribbon + line + points).properties(height=340), mode)


def shares_chart(shares: pl.DataFrame, outcome: str, mode: Mode) -> Drawing:
    """What was heard in each tenth of calls with one outcome, stacked to the whole."""
    rows = shares.filter(pl.col("outcome") == outcome).with_columns(
        what=pl.col("emotion").map_elements(words, return_dtype=pl.String), order=_rank("emotion")
    )
    known = rows.sort("order").unique("emotion", maintain_order=True)
    names = known["what"].to_list()
    colours = [emotion_colour(code).on(mode) for code in known["emotion"]]
    bars = (
        alt.Chart(rows)
        .mark_bar(width={"band": 0.86})
        .encode(
            x=alt.X("decile:O", title="tenth of the call", axis=alt.Axis(labelAngle=0, grid=False)),
            y=alt.Y(
                "rate:Q",
                stack="zero",
                title="share of caller turns",
                axis=alt.Axis(format="%", tickCount=5),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=alt.Color(
                "what:N",
                sort=names,
                scale=alt.Scale(domain=names, range=colours),
                legend=alt.Legend(columns=4),
            ),
            order=alt.Order("order:Q"),
            opacity=_PALE,
            tooltip=[
                alt.Tooltip("decile:O", title="Tenth, from 0"),
                alt.Tooltip("what:N", title="Emotion"),
                alt.Tooltip("turns:Q", title="Turns", format=","),
                alt.Tooltip("n:Q", title="n, turns of this tenth", format=","),
                alt.Tooltip("rate:Q", title="Share", format=".1%"),
                alt.Tooltip("low:Q", title="95 % from", format=".1%"),
                alt.Tooltip("high:Q", title="95 % to", format=".1%"),
            ],
        )
        .properties(height=260)
    )
    return themed(bars, mode)


def _pair_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("first:N", title="First"),
        alt.Tooltip("second:N", title="Next"),
        alt.Tooltip("pairs:Q", title="Pairs", format=","),
        alt.Tooltip("n:Q", title="n, pairs of the row", format=","),
        alt.Tooltip("rate:Q", title="Share", format=".1%"),
        alt.Tooltip("low:Q", title="95 % from", format=".1%"),
        alt.Tooltip("high:Q", title="95 % to", format=".1%"),
        alt.Tooltip("overall:Q", title="After any emotion", format=".1%"),
        alt.Tooltip("shrunk:Q", title="Share, shrunk", format=".1%"),
    ]


def transition_chart(cells: pl.DataFrame, mode: Mode) -> Drawing:
    """How much more or less often the second emotion follows the first than it follows any, drawn
    towards none where there are few pairs; the share and n in each cell. Selects `CHOSEN`."""
    rows = cells.with_columns(
        first=pl.col("from_emotion").map_elements(words, return_dtype=pl.String),
        second=pl.col("to_emotion").map_elements(words, return_dtype=pl.String),
        lift=pl.col("shrunk") - pl.col("overall"),
        text=pl.col("rate").map_elements(lambda r: f"{r:.0%}", return_dtype=pl.String),
    )
    order = [words(code) for code in cells["from_emotion"].unique(maintain_order=True)]
    reach = max([*rows["lift"].abs(), 0.02])
    rows = rows.with_columns(strong=pl.col("lift").abs() > 0.6 * reach)
    low, high = outcome_colour("opted_out").on(mode), outcome_colour("conversed").on(mode)
    middle = "#f4f5f7" if mode == "light" else "#20252e"
    chosen = alt.selection_point(name=CHOSEN, fields=["from_emotion", "to_emotion"])
    base = alt.Chart(rows).encode(
        x=alt.X(
            "second:N",
            sort=order,
            title="next turn of the person",
            axis=alt.Axis(labelAngle=0, orient="top"),
        ),
        y=alt.Y("first:N", sort=order, title="one turn"),
    )
    tiles = (
        base.mark_rect(cornerRadius=2)
        .encode(
            color=alt.Color(
                "lift:Q",
                scale=alt.Scale(
                    domain=[-reach, 0, reach], range=[low, middle, high], interpolate="rgb"
                ),
                legend=alt.Legend(
                    title="more or less than after any", format="+.0%", gradientLength=180
                ),
            ),
            opacity=_PALE,
            tooltip=_pair_tooltip(),
        )
        .add_params(chosen)
    )
    inked = alt.condition("datum.strong", alt.value("#ffffff"), alt.value(ink(mode)))
    texts = base.mark_text().encode(text="text:N", opacity=_PALE, color=inked)
    size = max(rows["from_emotion"].n_unique(), 1)
    return themed((tiles + texts).properties(height=42 * size + 40), mode)


def outcome_chart(rates: pl.DataFrame, title: str, mode: Mode) -> Drawing:
    """A share of conversations by emotion with its interval; thin ones are pale. Selects
    `CHOSEN`."""
    rows = rates.with_columns(
        label=pl.col("emotion").map_elements(words, return_dtype=pl.String),
        tint=pl.Series([emotion_colour(c).on(mode) for c in rates["emotion"]], dtype=pl.String),
        text=pl.struct("rate", "n").map_elements(
            lambda row: f"{row['rate']:.0%} of {row['n']:,}", return_dtype=pl.String
        ),
    )
    top = min(1.0, max([*rows["high"].drop_nulls(), 0.05]))
    chosen = alt.selection_point(name=CHOSEN, fields=["emotion"])
    base = alt.Chart(rows).encode(
        y=alt.Y("label:N", sort=rows["label"].to_list(), title=None), opacity=_PALE
    )
    x = alt.X(
        "rate:Q",
        title=title,
        axis=alt.Axis(format="%", tickCount=5),
        scale=alt.Scale(domain=[0, top * 1.3]),
    )
    bars = (
        base.mark_bar(height=16, cornerRadiusEnd=2)
        .encode(
            x=x,
            color=alt.Color("tint:N", scale=None),
            tooltip=[
                alt.Tooltip("label:N", title="Emotion"),
                alt.Tooltip("rate:Q", title=title.capitalize(), format=".1%"),
                alt.Tooltip("low:Q", title="95 % from", format=".1%"),
                alt.Tooltip("high:Q", title="95 % to", format=".1%"),
                alt.Tooltip("n:Q", title="n, conversations", format=","),
            ],
        )
        .add_params(chosen)
    )
    rules = base.mark_rule(color=ink(mode)).encode(x=alt.X("low:Q"), x2="high:Q")
    texts = base.mark_text(align="left", dx=6).encode(x=alt.X("high:Q"), text="text:N")
    return themed((bars + rules + texts).properties(height=30 * max(rows.height, 1) + 40), mode)


def unheard_chart(days: pl.DataFrame, versions: pl.DataFrame, mode: Mode) -> Drawing:
    """Caller turns without an emotion by day; a rule on each day from which on another version of
    the model was heard."""
    x = alt.X("day:T", title=None, axis=alt.Axis(grid=False, format="%d %b", tickCount=8))
    base = alt.Chart(days).encode(x=x)
    top = min(1.0, max([*days.filter(~pl.col("thin"))["high"], 0.05]) * 1.15)
    y = alt.Y(
        "rate:Q",
        title="no emotion per caller turn",
        axis=alt.Axis(format="%", tickCount=5),
        scale=alt.Scale(domain=[0, top], clamp=True),
    )
    band = base.mark_area(color=PLAIN.on(mode), opacity=0.15).encode(y=alt.Y("low:Q"), y2="high:Q")
    line = base.mark_line(color=PLAIN.on(mode)).encode(y=y)
    points = base.mark_circle(size=45, color=PLAIN.on(mode)).encode(
        y=y,
        opacity=_PALE,
        tooltip=[
            alt.Tooltip("day:T", title="Day", format="%d %b %Y"),
            alt.Tooltip("k:Q", title="Without an emotion", format=","),
            alt.Tooltip("n:Q", title="n, caller turns", format=","),
            alt.Tooltip("rate:Q", title="Share", format=".1%"),
        ],
    )
    marks = versions.select(day="first", text=pl.format("version {}", "version"), model="model")
    ruled = alt.Chart(marks).encode(x=x, tooltip=["model:N", "text:N"])
    rules = ruled.mark_rule(color=ink(mode), strokeDash=[4, 3])
    texts = ruled.mark_text(align="left", baseline="top", dx=4).encode(
        y=alt.value(2), text="text:N"
    )
    return themed((band + line + points + rules + texts).properties(height=220), mode)

"""Charts of the analytics page. Pure: frames in, drawings out; colours and type are the house's."""

import altair as alt
import polars as pl

from app.theme import Drawing, ink, themed
from pipelines.metrics.emotions import EMOTION_ORDER, THIRDS
from pipelines.metrics.latency import BIN_MS, LAST_BIN_MS, Latency
from pipelines.report.labels import count, milliseconds, percent, words
from pipelines.report.palette import PLAIN, Mode, emotion_colour, outcome_colour

_STAGE_OUTCOMES = {
    "answered": "machine",
    "human": "human",
    "conversed": "conversed",
    "goal": "goal",
}


def funnel_chart(funnel: pl.DataFrame, mode: Mode) -> Drawing:
    """A bar per step, as long as its share of the list; beside it the share of the step before."""
    rows = funnel.with_columns(
        label=pl.col("stage").map_elements(words, return_dtype=pl.String),
        tint=pl.col("stage").map_elements(
            lambda stage: _stage_colour(stage, mode), return_dtype=pl.String
        ),
        text=pl.struct("leads", "rate", "stage").map_elements(_step_text, return_dtype=pl.String),
    )
    reach = max(int(rows["leads"].max() or 0), 1)  # type: ignore[arg-type]
    base = alt.Chart(rows).encode(
        y=alt.Y("label:N", sort=rows["label"].to_list(), title=None),
        x=alt.X("leads:Q", axis=None, scale=alt.Scale(domain=[0, reach * 1.28])),
    )
    bars = base.mark_bar(height=19, cornerRadiusEnd=2).encode(
        color=alt.Color("tint:N", scale=None),
        tooltip=[
            alt.Tooltip("label:N", title="Step"),
            alt.Tooltip("leads:Q", title="Leads", format=","),
            alt.Tooltip("n:Q", title="Of the step before", format=","),
            alt.Tooltip("rate:Q", title="Share of the step before", format=".1%"),
            alt.Tooltip("low:Q", title="95 % from", format=".1%"),
            alt.Tooltip("high:Q", title="95 % to", format=".1%"),
            alt.Tooltip("of_all:Q", title="Share of the list", format=".1%"),
        ],
    )
    texts = base.mark_text(align="left", dx=6).encode(text="text:N")
    return themed((bars + texts).properties(height=30 * rows.height), mode)


def _stage_colour(stage: str, mode: Mode) -> str:
    outcome = _STAGE_OUTCOMES.get(stage)
    return (outcome_colour(outcome) if outcome else PLAIN).on(mode)


def _step_text(row: dict[str, object]) -> str:
    leads, rate = row["leads"], row["rate"]
    text = count(leads if isinstance(leads, int) else None)
    if row["stage"] == "leads" or not isinstance(rate, float):
        return text
    return f"{text}  ({percent(rate)} of the step before)"


def hour_chart(hours: pl.DataFrame, mode: Mode) -> Drawing:
    """Answered per dial in each hour with its 95 % interval; thin hours are pale."""
    rows = hours.with_columns(
        label=pl.col("local_hour").map_elements(
            hour_words, return_dtype=pl.String, skip_nulls=False
        )
    )
    top = min(1.0, max([*rows["high"].drop_nulls(), 0.05]) * 1.1)
    faded = alt.condition("datum.thin", alt.value(0.3), alt.value(1.0))
    base = alt.Chart(rows).encode(
        x=alt.X(
            "label:N",
            sort=rows["label"].to_list(),
            title="hour of the called person's day",
            axis=alt.Axis(labelAngle=0, grid=False, labelOverlap=True),
        )
    )
    share = alt.Y(
        "rate:Q",
        title="answered per dial",
        axis=alt.Axis(format="%", tickCount=5),
        scale=alt.Scale(domain=[0, top]),
    )
    bars = base.mark_bar(color=PLAIN.on(mode), cornerRadiusEnd=2, width={"band": 0.7}).encode(
        y=share,
        opacity=faded,
        tooltip=[
            alt.Tooltip("label:N", title="Local hour"),
            alt.Tooltip("answered:Q", title="Answered", format=","),
            alt.Tooltip("dials:Q", title="n, dials", format=","),
            alt.Tooltip("rate:Q", title="Answered per dial", format=".1%"),
            alt.Tooltip("low:Q", title="95 % from", format=".1%"),
            alt.Tooltip("high:Q", title="95 % to", format=".1%"),
        ],
    )
    whiskers = base.mark_rule(color=ink(mode), opacity=0.75).encode(y=alt.Y("low:Q"), y2="high:Q")
    return themed((bars + whiskers).properties(height=240), mode)


def hour_words(hour: int | None) -> str:
    return "no zone" if hour is None else f"{hour:02d}"


def along_chart(shares: pl.DataFrame, mode: Mode) -> Drawing:
    """What was heard in each third of the calls, stacked to the whole."""
    rank = {emotion: place for place, emotion in enumerate(EMOTION_ORDER)}
    rows = shares.with_columns(
        what=pl.col("emotion").map_elements(words, return_dtype=pl.String),
        part=pl.col("third").map_elements(words, return_dtype=pl.String),
        order=pl.col("emotion").replace_strict(rank, default=len(rank), return_dtype=pl.Int64),
    ).sort("order")
    known = rows.unique("emotion", maintain_order=True)
    names = known["what"].to_list()
    colours = [emotion_colour(code).on(mode) for code in known["emotion"]]
    bars = (
        alt.Chart(rows)
        .mark_bar(height=26)
        .encode(
            y=alt.Y("part:N", sort=[words(third) for third in THIRDS], title=None),
            x=alt.X(
                "rate:Q",
                stack="zero",
                title="share of caller turns with an emotion",
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
            opacity=alt.condition("datum.thin", alt.value(0.45), alt.value(1.0)),
            tooltip=[
                alt.Tooltip("part:N", title="Part of the call"),
                alt.Tooltip("what:N", title="Emotion"),
                alt.Tooltip("turns:Q", title="Turns", format=","),
                alt.Tooltip("n:Q", title="n, turns of this third", format=","),
                alt.Tooltip("rate:Q", title="Share", format=".1%"),
                alt.Tooltip("low:Q", title="95 % from", format=".1%"),
                alt.Tooltip("high:Q", title="95 % to", format=".1%"),
            ],
        )
        .properties(height=180)
    )
    return themed(bars, mode)


def latency_chart(histogram: pl.DataFrame, latency: Latency, mode: Mode) -> Drawing:
    """Measured responses by their time, with the percentiles as lines; the last step is open."""
    rows = histogram.with_columns(
        to_ms=pl.col("from_ms") + BIN_MS,
        text=pl.col("from_ms").map_elements(_step_words, return_dtype=pl.String),
    )
    marks = pl.DataFrame(
        {
            "at": [min(one.value, float(LAST_BIN_MS + BIN_MS)) for one in latency.percentiles],
            "text": [
                f"p{one.p * 100:.0f}  {milliseconds(one.value)}" for one in latency.percentiles
            ],
            "line": list(range(len(latency.percentiles))),
        }
    )
    bars = (
        alt.Chart(rows)
        .mark_bar(color=PLAIN.on(mode), binSpacing=1, orient="vertical")
        .encode(
            x=alt.X(
                "from_ms:Q",
                title="milliseconds from the end of the person's speech to the first audio sent",
                axis=alt.Axis(grid=False, format=",d", tickCount=8),
            ),
            x2="to_ms:Q",
            y=alt.Y("responses:Q", title="responses", axis=alt.Axis(format=",d", tickCount=5)),
            tooltip=[
                alt.Tooltip("text:N", title="Time"),
                alt.Tooltip("responses:Q", title="Responses", format=","),
            ],
        )
    )
    lines = alt.Chart(marks).mark_rule(color=ink(mode), strokeDash=[3, 3]).encode(x="at:Q")
    texts = (
        alt.Chart(marks)
        .mark_text(align="left", dx=5, baseline="top")
        .encode(
            x="at:Q",
            y=alt.Y("line:Q", axis=None, scale=alt.Scale(domain=[-0.15, 9], reverse=True)),
            text="text:N",
        )
    )
    return themed(
        alt.layer(bars, lines, texts).resolve_scale(y="independent").properties(height=230), mode
    )


def _step_words(start: int) -> str:
    return f"{start:,} ms or more" if start >= LAST_BIN_MS else f"{start:,}–{start + BIN_MS:,} ms"

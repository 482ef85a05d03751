"""One call on a time axis, and what each of its answers waited for. Pure: frames to charts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import altair as alt
import polars as pl

from app.theme import Drawing, ink, themed
from pipelines.metrics.emotions import EMOTION_ORDER
from pipelines.report.labels import words
from pipelines.report.palette import PLAIN, Colour, Mode, emotion_colour

Row = Mapping[str, Any]

LANES = ("Agent", "Caller", "Events")
STAGES = {
    "endpoint_ms": "End of turn",
    "stt_tail_ms": "Transcript",
    "mind_ms": "Understanding",
    "tts_first_byte_ms": "First synthesised byte",
}
_STAGE_COLOURS = dict(
    zip(
        STAGES.values(),
        (
            Colour("#1f3a5f", "#2f5d8f"),
            Colour("#3b6ea5", "#5a93cc"),
            Colour("#7fa9d1", "#9cc6ee"),
            Colour("#c3d7ea", "#dbeafa"),
        ),
        strict=True,
    )
)
_AGENT = "Agent"
_UNHEARD = "No emotion heard"
# Turns have their own lanes.
_NOT_A_MARK = frozenset({"turn_taken"})


def segments(turns: Sequence[Row], began: datetime) -> pl.DataFrame:
    """lane, from_s, to_s, what, text: one row a turn; seconds since `began`."""
    return pl.DataFrame(
        [
            (
                "Agent" if turn["speaker"] == "agent" else "Caller",
                (turn["started_at"] - began).total_seconds(),
                (turn["ended_at"] - began).total_seconds(),
                _what(turn),
                turn["text"] or "…",
            )
            for turn in turns
        ],
        schema={
            "lane": pl.String(),
            "from_s": pl.Float64(),
            "to_s": pl.Float64(),
            "what": pl.String(),
            "text": pl.String(),
        },
        orient="row",
    )


def marks(events: Sequence[Row], began: datetime) -> pl.DataFrame:
    """lane, at_s, kind: events that are not a turn."""
    return pl.DataFrame(
        [
            ("Events", (event["occurred_at"] - began).total_seconds(), words(event["kind"]))
            for event in events
            if event["kind"] not in _NOT_A_MARK
        ],
        schema={"lane": pl.String(), "at_s": pl.Float64(), "kind": pl.String()},
        orient="row",
    )


def timeline_chart(spoken: pl.DataFrame, happened: pl.DataFrame, mode: Mode) -> Drawing:
    """Who spoke when, the caller in the colour of the emotion that was heard; events as marks."""
    tints = {words(code): emotion_colour(code).on(mode) for code in EMOTION_ORDER}
    tints |= {_AGENT: PLAIN.on(mode), _UNHEARD: ink(mode)}
    present = [name for name in tints if name in set(spoken["what"])]
    lane = alt.Y("lane:N", sort=list(LANES), scale=alt.Scale(domain=list(LANES)), title=None)
    seconds = "seconds since the dial was decided"
    bars = (
        alt.Chart(spoken)
        .mark_bar(height=24, cornerRadius=3)
        .encode(
            y=lane,
            x=alt.X("from_s:Q", title=seconds, scale=alt.Scale(zero=False, nice=False)),
            x2="to_s:Q",
            color=alt.Color(
                "what:N",
                scale=alt.Scale(domain=present, range=[tints[name] for name in present]),
                sort=present,
            ),
            tooltip=[
                alt.Tooltip("lane:N", title="Who"),
                alt.Tooltip("what:N", title="Heard as"),
                alt.Tooltip("from_s:Q", title="From (s)", format=".1f"),
                alt.Tooltip("to_s:Q", title="To (s)", format=".1f"),
                alt.Tooltip("text:N", title="Said"),
            ],
        )
    )
    ticks = (
        alt.Chart(happened)
        .mark_point(shape="diamond", size=90, filled=True, color=ink(mode), opacity=0.85)
        .encode(
            y=lane,
            x=alt.X("at_s:Q", title=seconds),
            tooltip=[
                alt.Tooltip("kind:N", title="Event"),
                alt.Tooltip("at_s:Q", title="At (s)", format=".1f"),
            ],
        )
    )
    return themed((bars + ticks).properties(height=150), mode)


def waits(turns: Sequence[Row]) -> pl.DataFrame:
    """turn, stage, ms: what was measured of each stage, under the turn that it belongs to."""
    return pl.DataFrame(
        [
            (f"{turn['turn_index']} {turn['speaker']}", turn["turn_index"], name, turn[column])
            for turn in turns
            for column, name in STAGES.items()
            if turn[column] is not None
        ],
        schema={
            "turn": pl.String(),
            "turn_index": pl.Int64(),
            "stage": pl.String(),
            "ms": pl.Float64(),
        },
        orient="row",
    )


def waits_chart(rows: pl.DataFrame, mode: Mode) -> Drawing:
    names = list(STAGES.values())
    place = {name: number for number, name in enumerate(names)}
    drawn = rows.with_columns(order=pl.col("stage").replace_strict(place, return_dtype=pl.Int64))
    turns = drawn.sort("turn_index")["turn"].unique(maintain_order=True).to_list()
    chart = (
        alt.Chart(drawn)
        .mark_bar(height=13)
        .encode(
            y=alt.Y("turn:N", sort=turns, title=None),
            x=alt.X("ms:Q", stack="zero", title="milliseconds"),
            color=alt.Color(
                "stage:N",
                sort=names,
                legend=alt.Legend(columns=2),
                scale=alt.Scale(
                    domain=names, range=[_STAGE_COLOURS[name].on(mode) for name in names]
                ),
            ),
            order=alt.Order("order:Q"),
            tooltip=[
                alt.Tooltip("turn:N", title="Turn"),
                alt.Tooltip("stage:N", title="Stage"),
                alt.Tooltip("ms:Q", title="ms", format=",.1f"),
            ],
        )
        .properties(height=max(60, 24 * len(turns)))
    )
    return themed(chart, mode)


def _what(turn: Row) -> str:
    if turn["speaker"] == "agent":
        return _AGENT
    return words(turn["emotion"]) if turn["emotion"] else _UNHEARD

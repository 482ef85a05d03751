"""Charts of the page on why leads are not called. Pure: values in, drawings out."""

from collections.abc import Sequence

import altair as alt
import polars as pl

from app.queries.waterfall import Step, Waterfall
from app.theme import Drawing, themed
from pipelines.report.labels import outcome_words, words
from pipelines.report.palette import OUTCOME_COLOURS, PLAIN, REFUSED, Colour, Mode

_STEP = 29
_WAITING = Colour("#b9a26a", "#8c7a49")


def step_words(step: Step) -> str:
    """What a bar says on its left."""
    if step.part == "all":
        return "All leads"
    if step.part == "callable":
        return "May be called now"
    if step.part == "calling":
        return "Being called"
    if step.part == "done":
        return f"Done: {outcome_words(step.code)}"
    reasons = ", ".join(words(code) for code in step.code.split("+"))
    return f"{'Never' if step.part == 'refused' else 'Waiting'}: {reasons}"


def _tint(step: Step) -> Colour:
    if step.part == "done":
        return OUTCOME_COLOURS.get(step.code, PLAIN)
    return {"waiting": _WAITING, "refused": REFUSED}.get(step.part, PLAIN)


def waterfall_chart(seen: Waterfall, mode: Mode) -> Drawing:
    """Each bar hangs where the one before ended; the last one is what may be called now."""
    rows = pl.DataFrame(
        {
            "label": [step_words(step) for step in seen.steps],
            "start": [0 if step.part in {"all", "callable"} else step.after for step in seen.steps],
            "to": [step.before for step in seen.steps],
            "leads": [step.leads for step in seen.steps],
            "tint": [_tint(step).on(mode) for step in seen.steps],
            "text": [f"{step.leads:,}" for step in seen.steps],
        }
    )
    return hanging_bars(rows, mode)


def hanging_bars(rows: pl.DataFrame, mode: Mode, room: float = 1.12) -> Drawing:
    """label, start, to, leads, tint, text: a bar for each row, from `start` to `to`; the first one
    is the whole, and `room` times as long is the chart."""
    total = max(int(rows["to"][0]), 1)
    base = alt.Chart(rows).encode(
        y=alt.Y("label:N", sort=rows["label"].to_list(), title=None, axis=alt.Axis(labelLimit=330)),
        tooltip=[
            alt.Tooltip("label:N", title="Leads"),
            alt.Tooltip("leads:Q", title="Count", format=","),
            alt.Tooltip("to:Q", title="Left before", format=","),
        ],
    )
    scale = alt.Scale(domain=[0, total * room])
    bars = base.mark_bar(height=17, cornerRadius=2).encode(
        x=alt.X("start:Q", axis=None, scale=scale),
        x2="to:Q",
        color=alt.Color("tint:N", scale=None),
    )
    texts = base.mark_text(align="left", dx=6).encode(x=alt.X("to:Q"), text="text:N")
    return themed((bars + texts).properties(height=_STEP * rows.height), mode)


def attempts_chart(attempts: Sequence[tuple[int, int]], cap: int | None, mode: Mode) -> Drawing:
    """How many leads were dialed how often; a line stands where no attempt is left."""
    most = max([cap or 0, *(n for n, _ in attempts)])
    counts = dict(attempts)
    rows = pl.DataFrame(
        {"attempts": list(range(most + 1)), "leads": [counts.get(n, 0) for n in range(most + 1)]}
    ).with_columns(text=pl.col("leads").map_elements(lambda n: f"{n:,}", return_dtype=pl.String))
    base = alt.Chart(rows).encode(
        x=alt.X(
            "attempts:O",
            title="dials that reached the carrier",
            axis=alt.Axis(labelAngle=0),
            scale=alt.Scale(paddingInner=0.25, paddingOuter=0.1),
        ),
        y=alt.Y("leads:Q", title="leads", axis=alt.Axis(tickMinStep=1, format=",d")),
        tooltip=[
            alt.Tooltip("attempts:O", title="Dials"),
            alt.Tooltip("leads:Q", title="Leads", format=","),
        ],
    )
    spent = alt.condition(
        f"{'true' if cap is None else f'datum.attempts < {cap}'}",
        alt.value(PLAIN.on(mode)),
        alt.value(REFUSED.on(mode)),
    )
    bars = base.mark_bar(cornerRadiusEnd=2).encode(color=spent)
    texts = base.mark_text(dy=-8).encode(text="text:N")
    return themed((bars + texts).properties(height=240), mode)

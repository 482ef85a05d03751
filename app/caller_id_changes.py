"""Since when our numbers are picked up differently: a part of the page on caller ids.

It tells what happened, from the lake. Whether a number should rest is the score's and the dialer's
to say, in the table above.
"""

import pandas as pd
import streamlit as st

from app import components, lake, session
from pipelines.analyses.caller_ids import histories
from pipelines.lake.read import Lake
from pipelines.metrics.caller_changes import HUMANS_PER_EXPECTED, History
from pipelines.metrics.slices import Slice
from pipelines.report.labels import count
from voice_ai.errors import VoiceAIError

_KEPT = 60.0


def show() -> None:
    seen = lake.opened()
    if seen is None:
        return
    made = seen.lake.manifest
    part = Slice(rehearsal=session.context().rehearsal)
    try:
        found = _read(seen.lake, made.number if made else 0, part)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    changed = sum(one.change is not None for one in found)
    about = f"{changed} of {len(found)} numbers changed · {seen.sentence}"
    with components.card(HUMANS_PER_EXPECTED, about):
        if not found:
            components.empty("No two numbers have called for the same campaign yet.")
            return
        st.dataframe(
            pd.DataFrame([_row(one) for one in found]),
            hide_index=True,
            height=min(38 + 35 * len(found), 420),
            alt="Numbers with the day since when they are picked up differently",
            column_config={
                "Weeks": st.column_config.LineChartColumn(
                    "Humans ÷ expected, by week", y_min=0.0, y_max=2.0, width=170
                )
            },
        )


@st.cache_data(ttl=_KEPT, max_entries=8, show_spinner="Looking for changes …")
def _read(_lake: Lake, commit: int, part: Slice) -> list[History]:
    """Raises VoiceAIError."""
    return histories(_lake, part)


def _row(one: History) -> dict[str, object]:
    change = one.change
    return {
        "Caller id": one.caller_id,
        "Since": "no change" if change is None else f"{change.since:%d %b %Y}",
        "Days in state": count(one.days_in_state),
        "Now, of before": "–"
        if change is None
        else f"{change.ratio:.0%} ({change.low:.0%} to {change.high:.0%})",
        "p": "–" if change is None else f"{change.p:.3f}",
        "Weeks": one.by_week,
        "n, dials": count(one.dials),
    }

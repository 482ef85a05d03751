"""How did calls end?"""

from dataclasses import replace
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

import polars as pl
import streamlit as st

from app import call_readings, charts, components, session
from app.queries.calls import PAGE, Filters, Finished, Place, newest
from pipelines.metrics.calls import DISPOSITION_ORDER
from pipelines.metrics.definitions import DISPOSITIONS
from pipelines.metrics.emotions import EMOTION_ORDER
from pipelines.metrics.intervals import Rate
from pipelines.metrics.measures import headline
from pipelines.report.labels import count, interval, percent, words
from pipelines.report.palette import Colour, disposition_outcome, outcome_colour
from voice_ai.errors import VoiceAIError

_ANY = "Any"
_COLUMNS = {
    "disposition": "Outcome",
    "attempts": "Attempts",
    "n": "n",
    "rate": "Share",
    "low": "95 % from",
    "high": "95 % to",
}


def page() -> None:
    st.title("How did calls end?")
    try:
        filters = _filters()
        found = call_readings.finished(filters)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    _figures(found)
    if not found.totals.attempts:
        st.info(
            "No ended call is like that. Widen the filters, or look at the live calls.",
            icon=":material/filter_alt_off:",
        )
        st.page_link("views/live.py", label="Live calls", icon=":material/graphic_eq:")
        return
    mode = components.mode()
    with components.card(DISPOSITIONS, f"n = {found.totals.attempts:,} ended attempts"):
        chart = charts.share_chart(
            found.outcomes, "disposition", "attempts", mode, colour=_disposition_colour
        )
        components.show(chart, "Ended attempts by outcome")
        components.table(found.outcomes, _COLUMNS, "outcomes")
    _rows(filters)


def _filters() -> Filters:
    names = [campaign.name for campaign in session.campaigns()]
    first, second, third, fourth = st.columns(4, vertical_alignment="bottom")
    campaign = first.selectbox("Campaign", [_ANY, *names], key="campaign", bind="query-params")
    outcome = second.selectbox(
        "Outcome",
        [_ANY, *DISPOSITION_ORDER],
        format_func=_named,
        key="outcome",
        bind="query-params",
    )
    emotion = third.selectbox(
        "Emotion heard",
        [_ANY, *EMOTION_ORDER],
        format_func=_named,
        key="emotion",
        bind="query-params",
    )
    seconds = fourth.number_input(
        "At least this many seconds", 0, 7200, 0, step=5, key="seconds", bind="query-params"
    )
    first, second, third, _ = st.columns(4, vertical_alignment="bottom")
    since = first.date_input("From day (UTC)", None, key="since", bind="query-params")
    until = second.date_input("To day (UTC)", None, key="until", bind="query-params")
    recorded = third.toggle("Only with a recording", key="recorded", bind="query-params")
    filters = Filters(
        rehearsal=session.context().rehearsal,
        campaign=_chosen(campaign),
        disposition=_chosen(outcome),
        emotion=_chosen(emotion),
        first_day=since if isinstance(since, date) else None,
        last_day=until if isinstance(until, date) else None,
        min_seconds=int(seconds or 0),
        recorded=recorded,
    )
    return _of_campaign(filters)


def _of_campaign(filters: Filters) -> Filters:
    """A campaign that was named shows its own rows, also in a home that calls live by now."""
    named = [one for one in session.campaigns() if one.name == filters.campaign]
    return replace(filters, rehearsal=named[0].rehearsal) if named else filters


def _chosen(value: str | None) -> str | None:
    return None if value == _ANY else value


def _named(code: str) -> str:
    return code if code == _ANY else words(code)


def _figures(found: Finished) -> None:
    totals = found.totals
    columns = st.columns(5, gap="small")
    with columns[0].container(border=True, height="stretch"):
        st.markdown("Dials", help="Attempts that reached the carrier and ended.")
        st.metric("Dials", count(totals.dials), label_visibility="collapsed")
        st.caption(f"of {count(totals.attempts)} ended attempts")
    for column, (metric, rate) in zip(columns[1:], headline(totals).items(), strict=True):
        with column.container(border=True, height="stretch"):
            # A metric's own label is cut off where it does not fit; the denominator must be read.
            st.markdown(metric.title, help=metric.sentence)
            st.metric(metric.title, percent(rate.value), label_visibility="collapsed")
            st.caption(_of(rate))


def _of(rate: Rate) -> str:
    thin = " · thin" if rate.thin else ""
    bounds = interval(rate.low, rate.high)
    return f"{count(rate.k)} of {count(rate.n)}{thin}  \n95 %: {bounds}"


def _disposition_colour(code: str) -> Colour:
    return outcome_colour(disposition_outcome(code))


@st.fragment
def _rows(filters: Filters) -> None:
    """The newest, page by page; other filters begin again at the newest."""
    if st.session_state.get("calls_of") != filters:
        st.session_state["calls_of"], st.session_state["calls_before"] = filters, []
    trail = cast(list[Place], st.session_state["calls_before"])
    try:
        with session.reading() as connection:
            rows = newest(connection, filters, trail[-1] if trail else None)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    first = len(trail) * PAGE + 1
    st.markdown(f"**Calls {first:,} to {first - 1 + len(rows):,}**, the newest first")
    if rows:
        _listed([dict(row._mapping) for row in rows])
    newer, older, _ = st.columns([1, 1, 4])
    if newer.button("Newer", icon=":material/chevron_left:", disabled=not trail, width="stretch"):
        trail.pop()
        st.rerun(scope="fragment")
    if older.button(
        "Older", icon=":material/chevron_right:", disabled=len(rows) < PAGE, width="stretch"
    ):
        trail.append(_place(rows[-1].ended_at, rows[-1].attempt_id))
        st.rerun(scope="fragment")


def _place(ended_at: datetime, attempt_id: UUID) -> Place:
    return ended_at, attempt_id


def _listed(rows: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(
        {
            "Call": [f"/call?attempt={row['attempt_id']}" for row in rows],
            "Ended (UTC)": [row["ended_at"] for row in rows],
            "Campaign": [row["campaign"] for row in rows],
            "Lead": [f"…{row['lead_id'] % 1000:03d}" for row in rows],
            "Attempt": [row["attempt_no"] for row in rows],
            "Outcome": [words(row["disposition"] or "unknown") for row in rows],
            "Seconds": [row["seconds"] for row in rows],
            "Emotions heard": [_emotions(row["emotions"]) for row in rows],
            "Recording": [row["recorded"] for row in rows],
        },
        schema_overrides={"Seconds": pl.Float64()},
    )
    st.dataframe(
        frame,
        hide_index=True,
        height=min(38 + 35 * len(rows), 560),
        column_config={
            "Call": st.column_config.LinkColumn(display_text="Open", width="small"),
            "Ended (UTC)": st.column_config.DatetimeColumn(
                format="YYYY-MM-DD HH:mm:ss", timezone="UTC"
            ),
            "Seconds": st.column_config.NumberColumn(format="%.0f"),
        },
        alt="Ended calls, each with a link to its page",
    )


def _emotions(labels: str | None) -> str:
    return ", ".join(words(label) for label in labels.split(", ")) if labels else ""


page()

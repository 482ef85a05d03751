"""What is being said now?"""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import polars as pl
import streamlit as st

from app import call_readings, components, session
from app.queries.calls import LiveBoard, LiveCall
from app.transcript import bubbles
from pipelines.metrics.definitions import TURN_LATENCY
from pipelines.metrics.latency import turn_latency
from pipelines.report.labels import milliseconds, words
from pipelines.report.palette import Mode
from voice_ai.errors import VoiceAIError

BEAT = 1.0
_CARDS = 12
_LAST_TURNS = 3


def page() -> None:
    st.title("What is being said now?")
    _moving()


@st.fragment(run_every=BEAT)
def _moving() -> None:
    try:
        board = call_readings.live_board()
        now = session.context().clock.now()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    _figures(board, now)
    mode: Mode = "dark" if st.context.theme.type == "dark" else "light"
    chosen = st.query_params.get("attempt")
    if chosen is not None:
        _followed(board, chosen, now, mode)
    if not board.calls:
        st.info(
            "No call is live. Calls appear here as soon as a running campaign dials.",
            icon=":material/phone_paused:",
        )
        st.page_link("views/campaigns.py", label="Campaigns", icon=":material/campaign:")
        st.page_link("views/calls.py", label="Finished calls", icon=":material/call_log:")
        return
    _cards([call for call in board.calls if str(call.attempt_id) != chosen], now, mode)
    _table(board, now)


def _figures(board: LiveBoard, now: datetime) -> None:
    latency = turn_latency(board.turns)
    talking = [call for call in board.calls if call.answered_at is not None]
    longest = max((_seconds(call, now) for call in talking), default=None)
    median = latency.percentiles[0].value if latency.percentiles else None
    row = (
        ("Calls now", f"{board.live:,}", "dials that have not ended", None),
        ("Ringing", f"{board.ringing:,}", f"of {board.live:,} calls", None),
        ("Talking", f"{board.talking:,}", f"of {board.live:,} calls", None),
        (
            "Longest",
            _clock(longest),
            f"n = {len(talking):,} answered",
            "Since the answer.",
        ),
        (
            "Response",
            milliseconds(median),
            f"median, n = {latency.n:,}",
            f"{TURN_LATENCY.sentence} Calls that live now; {latency.unmeasured:,} unmeasured.",
        ),
    )
    for column, (label, value, about, told) in zip(st.columns(5), row, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, value, help=told)
            st.caption(about)


def _followed(board: LiveBoard, chosen: str, now: datetime, mode: Mode) -> None:
    """The whole transcript of one call, as it grows."""
    call = next((one for one in board.calls if str(one.attempt_id) == chosen), None)
    with st.container(border=True):
        head, button = st.columns([5, 1], vertical_alignment="center")
        if call is None:
            head.markdown("**The call that you followed has ended**, or there is no such call.")
        else:
            head.markdown(f"**Following** · {_about(call, now)}")
        if button.button("Stop following", key="unfollow", width="stretch"):
            del st.query_params["attempt"]
            st.rerun(scope="fragment")
        if call is not None and call.turns:
            with st.container(height=420, autoscroll=True):
                st.html(bubbles(map(asdict, call.turns), mode))
        elif call is not None:
            components.empty("Nothing was said yet.")
        _link(chosen)


def _link(attempt: str) -> None:
    try:
        known = str(UUID(attempt))
    except ValueError:
        return
    st.page_link(
        "views/call.py",
        label="Everything about this call",
        icon=":material/call:",
        query_params={"attempt": known},
    )


def _cards(calls: list[LiveCall], now: datetime, mode: Mode) -> None:
    columns = st.columns(3, gap="small")
    for place, call in enumerate(calls[:_CARDS]):
        with columns[place % 3].container(border=True):
            st.markdown(f"**{call.campaign}** · lead {_lead(call)}")
            st.caption(_state(call, now))
            if call.turns:
                st.html(bubbles(map(asdict, call.turns[-_LAST_TURNS:]), mode))
            else:
                components.empty("Nothing was said yet.")
            if st.button(
                f"Follow lead {_lead(call)}",
                key=f"follow {call.attempt_id}",
                icon=":material/visibility:",
            ):
                st.query_params["attempt"] = str(call.attempt_id)
                st.rerun(scope="fragment")


def _table(board: LiveBoard, now: datetime) -> None:
    shown = f" · the first {len(board.calls)}" if board.live > len(board.calls) else ""
    with st.expander(f"All {board.live:,} live calls{shown}", icon=":material/table:"):
        rows = pl.DataFrame(
            {
                "Campaign": [call.campaign for call in board.calls],
                "Lead": [_lead(call) for call in board.calls],
                "State": [words(call.state) for call in board.calls],
                "Attempt": [call.attempt_no for call in board.calls],
                "Seconds": [_seconds(call, now) for call in board.calls],
                "Turns": [len(call.turns) for call in board.calls],
                "Call": [f"/call?attempt={call.attempt_id}" for call in board.calls],
            }
        )
        st.dataframe(
            rows,
            hide_index=True,
            column_config={"Call": st.column_config.LinkColumn(display_text="Open")},
        )


def _about(call: LiveCall, now: datetime) -> str:
    return f"{call.campaign} · lead {_lead(call)} · {_state(call, now)}"


def _state(call: LiveCall, now: datetime) -> str:
    return f"{words(call.state)} · {_seconds(call, now):,} s · attempt {call.attempt_no}"


def _clock(seconds: int | None) -> str:
    return "–" if seconds is None else f"{seconds // 60}:{seconds % 60:02}"


def _lead(call: LiveCall) -> str:
    return f"…{call.lead_id % 1000:03d}"


def _seconds(call: LiveCall, now: datetime) -> int:
    return max(0, int((now - call.since).total_seconds()))


page()

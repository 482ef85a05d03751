"""What is being said now?"""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import polars as pl
import streamlit as st

from app import call_controls, call_readings, components, session
from app.live_feed import Heard
from app.live_talk import NOTHING, Talk, merged, waiting
from app.queries.calls import LiveBoard, LiveCall, Order
from app.transcript import bubbles
from pipelines.metrics.definitions import TURN_LATENCY
from pipelines.metrics.latency import turn_latency
from pipelines.report.labels import milliseconds, words
from pipelines.report.palette import Mode
from voice_ai.errors import VoiceAIError

BEAT = 0.7
_CARDS = 12
_LAST_TURNS = 3
Drawn = tuple[UUID | None, bool, int | None]


@dataclass(frozen=True)
class Seen:
    """One look: what the database and the feed have told, put together."""

    board: LiveBoard
    heard: Heard
    now: datetime
    mode: Mode

    def talk(self, call: LiveCall) -> Talk:
        return self.heard.talks.get(call.attempt_id, NOTHING)


def page() -> None:
    st.title("What is being said now?")
    chosen = st.query_params.get("attempt")
    drawn: Drawn = (None, False, None)
    try:
        call = _found(call_readings.live_board(), chosen)
        if call is not None:
            call_controls.controls(call.attempt_id, can_transfer=call.can_transfer)
        drawn = _drawn(call, _order(chosen))
    except VoiceAIError as error:
        components.unreachable(error)
    _moving(drawn)


@st.fragment(run_every=BEAT)
def _moving(drawn: Drawn) -> None:
    """`drawn` is the call whose buttons stand above, and the last order about it: with other ones
    the page is drawn anew, which also closes the question that led to the order."""
    try:
        heard = call_readings.live_feed().heard()
        board = merged(call_readings.live_board(), heard.talks)
        now = session.context().clock.now()
        chosen = st.query_params.get("attempt")
        order = _order(chosen)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if _drawn(_found(board, chosen), order) != drawn:
        st.rerun()
    mode = components.mode()
    seen = Seen(board, heard, now, mode)
    _source(heard)
    _figures(board, now)
    if order is not None:
        call_controls.told(order)
    if chosen is not None:
        _followed(seen, chosen)
    if not board.calls:
        st.info(
            "No call is live. Calls appear here as soon as a running campaign dials.",
            icon=":material/phone_paused:",
        )
        st.page_link("views/campaigns.py", label="Campaigns", icon=":material/campaign:")
        st.page_link("views/calls.py", label="Finished calls", icon=":material/call_log:")
        return
    _cards([call for call in board.calls if str(call.attempt_id) != chosen], seen)
    _table(seen)


def _drawn(call: LiveCall | None, order: Order | None) -> Drawn:
    """Which buttons stand above the moving part, and after which order."""
    asked = None if order is None else order.id
    return (None, False, asked) if call is None else (call.attempt_id, call.can_transfer, asked)


def _order(chosen: str | None) -> Order | None:
    """Raises NotAvailable."""
    try:
        return None if chosen is None else call_readings.last_order(UUID(chosen))
    except ValueError:
        return None


def _found(board: LiveBoard, chosen: str | None) -> LiveCall | None:
    return next((call for call in board.calls if str(call.attempt_id) == chosen), None)


def _source(heard: Heard) -> None:
    """Where the words come from, when it is not as they are said."""
    if heard.state == "away":
        st.caption(
            ":material/cloud_off: Redis does not answer, so turns are shown once they are over and"
            " written down, and nobody's unfinished words. Calls are not affected."
        )
    elif heard.state == "none":
        st.caption(
            ":material/info: This home has no Redis (`voice-ai up` starts one, or set REDIS_URL),"
            " so turns are shown once they are over and written down."
        )


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


def _followed(seen: Seen, chosen: str) -> None:
    """The whole transcript of one call, as it grows."""
    call = _found(seen.board, chosen)
    with st.container(border=True):
        head, button = st.columns([5, 1], vertical_alignment="center")
        if call is None:
            head.markdown("**The call that you followed has ended**, or there is no such call.")
        else:
            head.markdown(f"**Following** · {_about(call, seen)}")
        if button.button("Stop following", key="unfollow", width="stretch"):
            del st.query_params["attempt"]
            st.rerun()
        going_on = seen.talk(call).going_on(seen.now) if call is not None else ()
        if call is not None and (call.turns or going_on):
            with st.container(height=420, autoscroll=True):
                st.html(bubbles(map(asdict, call.turns), seen.mode, going_on))
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


def _cards(calls: list[LiveCall], seen: Seen) -> None:
    columns = st.columns(3, gap="small")
    for place, call in enumerate(calls[:_CARDS]):
        with columns[place % 3].container(border=True):
            st.markdown(f"**{components.plain(call.campaign)}** · lead {_lead(call)}")
            st.caption(_state(call, seen))
            going_on = seen.talk(call).going_on(seen.now)
            if call.turns or going_on:
                st.html(bubbles(map(asdict, call.turns[-_LAST_TURNS:]), seen.mode, going_on))
            else:
                components.empty("Nothing was said yet.")
            if st.button(
                f"Follow lead {_lead(call)}",
                key=f"follow {call.attempt_id}",
                icon=":material/visibility:",
            ):
                st.query_params["attempt"] = str(call.attempt_id)
                st.rerun()


def _table(seen: Seen) -> None:
    board = seen.board
    shown = f" · the first {len(board.calls)}" if board.live > len(board.calls) else ""
    with st.expander(f"All {board.live:,} live calls{shown}", icon=":material/table:"):
        rows = pl.DataFrame(
            {
                "Campaign": [call.campaign for call in board.calls],
                "Lead": [_lead(call) for call in board.calls],
                "State": [words(call.state) for call in board.calls],
                "Attempt": [call.attempt_no for call in board.calls],
                "Seconds": [_seconds(call, seen.now) for call in board.calls],
                "Waits": [_waits(call, seen) for call in board.calls],
                "Turns": [len(call.turns) for call in board.calls],
                "Call": [f"/call?attempt={call.attempt_id}" for call in board.calls],
            }
        )
        st.dataframe(
            rows,
            hide_index=True,
            column_config={"Call": st.column_config.LinkColumn(display_text="Open")},
        )


def _about(call: LiveCall, seen: Seen) -> str:
    return f"{components.plain(call.campaign)} · lead {_lead(call)} · {_state(call, seen)}"


def _state(call: LiveCall, seen: Seen) -> str:
    parts = [words(call.state), f"{_seconds(call, seen.now):,} s", f"attempt {call.attempt_no}"]
    talk = seen.talk(call)
    if talk.opted_out:
        parts.append(":orange-badge[:material/block: asked for no more calls]")
    if talk.ended is not None:
        parts.append(f"ended: {words(talk.ended).lower()}")
    elif (wait := waiting(call, talk, seen.now)) is not None:
        colour, icon = ("red", "hourglass_top") if wait.late else ("orange", "volume_off")
        parts.append(f":{colour}-badge[:material/{icon}: {wait.words}]")
    return " · ".join(parts)


def _waits(call: LiveCall, seen: Seen) -> str | None:
    wait = waiting(call, seen.talk(call), seen.now)
    return None if wait is None else wait.words


def _clock(seconds: int | None) -> str:
    return "–" if seconds is None else f"{seconds // 60}:{seconds % 60:02}"


def _lead(call: LiveCall) -> str:
    return f"…{call.lead_id % 1000:03d}"


def _seconds(call: LiveCall, now: datetime) -> int:
    return max(0, int((now - call.since).total_seconds()))


page()

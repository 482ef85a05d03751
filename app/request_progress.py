"""How a request to the flows process stands, on any page that made one; survives a reload."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import streamlit as st

from app import components, session
from app.queries import leads as queries
from voice_ai.db.connect import Row
from voice_ai.errors import VoiceAIError
from voice_ai.store import flow_requests
from voice_ai.store.flow_requests import FlowName

BEAT = 1.0  # seconds between two looks


def ask(flow: FlowName, parameters: dict[str, Any]) -> UUID | None:
    """The id of the request; None when it could not be written, which the page then says."""
    try:
        with session.asking() as db:
            now = session.context().clock.now()
            return flow_requests.ask(db, flow, parameters, by=session.user(), now=now)
    except VoiceAIError as error:
        components.unreachable(error)
        return None


def follow(text: str, title: str, done: Callable[[Row], None]) -> None:
    """Shows the request whose id is `text`; `done` draws what came of it."""
    try:
        request = UUID(text)
    except ValueError:
        st.error("The address of this page names no request; go back and ask again.")
        return
    _moving(request, title, done)


@st.cache_data(ttl=BEAT, show_spinner=False)
def _look(request: UUID) -> tuple[Row, bool]:
    """The request, and whether a flows process is there. Raises NotFound, NotAvailable."""
    with session.reading() as connection:
        return queries.request(connection, request), queries.flows_alive(connection)


def _moving(request: UUID, title: str, done: Callable[[Row], None]) -> None:
    try:
        row, _ = _look(request)
    except VoiceAIError as error:
        st.error(error.message)
        return
    if row["state"] == "done":
        done(row)
    elif row["state"] in flow_requests.FINISHED:
        _ended_badly(row, title)
    else:
        _under_way(request, title)


@st.fragment(run_every=BEAT)
def _under_way(request: UUID, title: str) -> None:
    try:
        row, alive = _look(request)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if row["state"] in flow_requests.FINISHED:
        st.rerun()
    st.subheader(title)
    share = row["progress"]
    told = row["message"] or ("Waiting for its turn" if row["state"] == "asked" else "Working")
    st.progress(share or 0.0, text=f"{told} – {share:.0%}" if share is not None else f"{told} …")
    st.caption("You may leave this page: the work goes on, and this address shows how it stands.")
    if row["state"] == "asked":
        _not_begun(request, flows_alive=alive)


def _not_begun(request: UUID, *, flows_alive: bool) -> None:
    if not flows_alive:
        st.warning(
            "No flows process is running, so nothing happens yet. Start one with"
            " `voice-ai flows`; it takes up this request by itself.",
            icon=":material/hourglass_disabled:",
        )
    if st.button("Cancel the request", icon=":material/cancel:"):
        try:
            with session.asking() as db:
                now = session.context().clock.now()
                flow_requests.cancel(db, request, by=session.user(), now=now)
        except VoiceAIError as error:
            st.error(error.message)
            return
        _look.clear()
        st.rerun()


def _ended_badly(row: Row, title: str) -> None:
    st.subheader(title)
    what = {
        "failed": "It did not work; nothing was changed.",
        "cancelled": "It was cancelled before it began; nothing was changed.",
        "interrupted": "The flows process ended in the middle of it; ask again, which is safe.",
    }[row["state"]]
    (st.info if row["state"] == "cancelled" else st.error)(
        f"{what}{_reason(row)}", icon=":material/error:"
    )
    if st.button("Ask again", icon=":material/refresh:", type="primary"):
        again = ask(row["flow"], row["parameters"])
        if again is not None:
            st.query_params["request"] = str(again)
            st.rerun()


def _reason(row: Row) -> str:
    said = row["message"]
    return f" Reason: {said}" if said and row["state"] == "failed" else ""

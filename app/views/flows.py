"""What is being worked on?"""

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from app import components, session
from app.queries.flows import Request, Work, work
from pipelines.flow_list import FLOWS, Field, FlowFacts, checked, prefect_address, reports_folder
from voice_ai.errors import VoiceAIError
from voice_ai.store import flow_requests as store

# What a page asks for; lists, imports and reports have pages of their own.
_ASKED_HERE: tuple[store.FlowName, ...] = (
    "score-leads",
    "daily-summary",
    "train-models",
    "watch-models",
)
_STATES = {
    "asked": ("Waiting", ":material/hourglass_empty:"),
    "running": ("Running", ":material/autorenew:"),
    "done": ("Done", ":material/check_circle:"),
    "failed": ("Failed", ":material/error:"),
    "cancelled": ("Cancelled", ":material/cancel:"),
    "interrupted": ("Interrupted", ":material/power_off:"),
}


def page() -> None:
    st.title("What is being worked on?")
    try:
        now = _work()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    _served(now)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _moving()
    with right:
        _ask_card(now.campaigns)
    _by_themselves(now)


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def _work() -> Work:
    with session.reading() as connection:
        return work(connection)


def _served(now: Work) -> None:
    address = prefect_address(session.context().settings.home)
    if not now.served:
        st.warning(
            "Nobody runs flows at the moment: what you ask for waits until `voice-ai flows`"
            " (or `voice-ai up`) runs.",
            icon=":material/power_off:",
        )
    elif address is not None:
        st.link_button(
            "Every run in detail: Prefect's own pages", address, icon=":material/open_in_new:"
        )


@st.fragment(run_every=2)
def _moving() -> None:
    """Progress is in the database, so the page may be left and come back to."""
    try:
        now = _work()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    with st.container(border=True):
        st.markdown("**Now**", help="Asked for and running; one run of a flow at a time.")
        if not now.open:
            components.empty("Nothing is being worked on. Ask for a flow beside this.")
        for request in now.open:
            _open_request(request)
    with st.container(border=True):
        st.markdown("**Finished**", help="The newest first.")
        if not now.recent:
            components.empty("Nothing was asked for yet.")
            return
        for request in now.recent[:6]:
            _finished_request(request)
        with st.expander("Table"):
            st.dataframe(_table(now.recent), hide_index=True)


def _open_request(request: Request) -> None:
    word, icon = _STATES[request.state]
    body, button = st.columns([5, 1], vertical_alignment="center")
    with body:
        st.markdown(f"{icon} {_title(request.flow)} · {word}{_about(request)}")
        said = request.message or "waiting for the flows process"
        st.progress(min(max(request.progress or 0.0, 0.0), 1.0), text=said)
    if request.state == "asked" and button.button(
        "Cancel", key=f"cancel-{request.id}", help=f"Take {request.flow} back"
    ):
        _cancel(request)


def _cancel(request: Request) -> None:
    try:
        with session.asking() as db:
            now = session.context().clock.now()
            store.cancel(db, request.id, by=session.user(), now=now)
    except VoiceAIError as error:
        st.error(error.message)
        return
    _work.clear()
    st.rerun(scope="fragment")


def _finished_request(request: Request) -> None:
    word, icon = _STATES.get(request.state, (request.state, ":material/help:"))
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container():
            st.markdown(f"{icon} {_title(request.flow)} · {word}{_about(request)}")
            st.caption(
                f"{request.message or ''}  \nasked by {request.asked_by},"
                f" {_moment(request.finished_at)}{_took(request)}"
            )
        _download(request)


def _download(request: Request) -> None:
    """The file of a report, when it is one of this home's reports."""
    out = (request.result or {}).get("out")
    if not isinstance(out, str):
        return
    file, folder = Path(out).resolve(), reports_folder(session.context().settings.home).resolve()
    if folder in file.parents and file.is_file():
        st.download_button(
            "Report",
            file.read_bytes(),
            file_name=file.name,
            mime="text/html",
            key=f"report-{request.id}",
            icon=":material/download:",
            on_click="ignore",
        )


def _ask_card(campaigns: list[str]) -> None:
    with st.container(border=True):
        st.markdown("**Ask for a flow**")
        name = st.selectbox(
            "Flow",
            _ASKED_HERE,
            format_func=_title,
            help="Imports and reports are asked for on their own pages.",
            key="flow",
            bind="query-params",
        )
        facts = FLOWS[name]
        st.caption(facts.purpose)
        if not campaigns and any(field.kind == "campaign" for field in facts.fields):
            components.empty("There is no campaign yet; create one first.")
            return
        with st.form(f"ask-{name}", border=False):
            given = {field.name: _input(facts, field, campaigns) for field in facts.fields}
            if st.form_submit_button("Ask", type="primary", icon=":material/play_arrow:"):
                _ask(facts, given)


def _input(facts: FlowFacts, field: Field, campaigns: list[str]) -> Any:
    key = f"{facts.name}-{field.name}"
    if field.kind == "campaign":
        choices = campaigns if field.required else [None, *campaigns]
        return st.selectbox(
            field.label,
            choices,
            format_func=lambda name: name or "Every campaign",
            help=field.help,
            key=key,
        )
    if field.kind == "number":
        return st.number_input(
            field.label, value=int(field.default or 1), min_value=1, help=field.help, key=key
        )
    if field.name == "out":
        return None  # on a page a report goes to the home's folder, where it can be fetched
    return st.text_input(field.label, help=field.help, key=key)


def _ask(facts: FlowFacts, given: dict[str, Any]) -> None:
    try:
        parameters = checked(facts.name, given)
        with session.asking() as db:
            now = session.context().clock.now()
            store.ask(db, facts.name, parameters, by=session.user(), now=now)
    except VoiceAIError as error:
        st.error(error.message)
        return
    _work.clear()
    st.toast(f"Asked: {facts.title}.", icon=":material/check:")
    st.rerun()


def _by_themselves(now: Work) -> None:
    with st.container(border=True):
        st.markdown("**Every flow**", help="When each runs by itself, and how it ran last.")
        rows = []
        for facts in FLOWS.values():
            last = now.last.get(facts.name)
            rows.append(
                {
                    "Flow": facts.title,
                    "By itself": facts.schedule.words if facts.schedule else "only when asked",
                    "Last run": _STATES[last.state][0] if last else "never",
                    "Begun (UTC)": last.started_at if last else None,
                    "It said": (last.message or "") if last else "",
                    "For": facts.purpose,
                }
            )
        schema = {"Begun (UTC)": pl.Datetime("us", "UTC")}
        st.dataframe(pl.DataFrame(rows, schema_overrides=schema), hide_index=True)


def _table(requests: list[Request]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "Flow": [_title(one.flow) for one in requests],
            "State": [_STATES.get(one.state, (one.state, ""))[0] for one in requests],
            "Asked by": [one.asked_by for one in requests],
            "Asked (UTC)": [one.asked_at for one in requests],
            "Ended (UTC)": [one.finished_at for one in requests],
            "It said": [one.message or "" for one in requests],
            "Request": [str(one.id) for one in requests],
        },
        schema_overrides={"Ended (UTC)": pl.Datetime("us", "UTC")},
    )


def _title(name: str) -> str:
    return next((facts.title for facts in FLOWS.values() if facts.name == name), name)


def _about(request: Request) -> str:
    """What it works on; only names that the operator gave."""
    given = request.parameters or {}
    what = given.get("campaign") or given.get("list_name")
    return f" · {what}" if isinstance(what, str) else ""


def _moment(at: datetime | None) -> str:
    return f"{at:%F %R} UTC" if at else ""


def _took(request: Request) -> str:
    if request.started_at is None or request.finished_at is None:
        return ""
    seconds = (request.finished_at - request.started_at).total_seconds()
    return f", took {seconds:,.0f} s"


page()

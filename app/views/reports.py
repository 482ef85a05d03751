"""What was reported?"""

from pathlib import Path

import streamlit as st

from app import components, request_progress, session
from app.queries.reports import Archived, archived, campaigns
from pipelines.flow_list import checked
from pipelines.report_kinds import KINDS, OF_A_CAMPAIGN
from voice_ai.db.connect import Row
from voice_ai.errors import VoiceAIError
from voice_ai.store.flow_requests import FlowName

_ALL = "every kind"
_WORDS = {
    "campaign": "Campaign: how it went",
    "interim": "Interim: so far, and what is left",
    "daily": "Daily: all campaigns of the newest day",
    "model": "Models: what answers, and drift",
    "compliance": "Compliance: were the rules kept",
}
_ICONS = {
    "campaign": "campaign",
    "interim": "timelapse",
    "daily": "today",
    "model": "neurology",
    "compliance": "gavel",
}


def page() -> None:
    st.title("What was reported?")
    try:
        found, names = _found(st.query_params.get("kind")), _campaigns()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    request = st.query_params.get("request")
    if request:
        with st.container(border=True):
            request_progress.follow(request, "Your report", _came)
    left, right = st.columns([5, 2], gap="medium")
    with left, st.container(border=True):
        _list(found)
    with right, st.container(border=True):
        _ask(names)
    _opened(found)


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def _found(kind: str | None) -> list[Archived]:
    with session.reading() as connection:
        return archived(connection, kind if kind in KINDS else None)


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def _campaigns() -> list[str]:
    with session.reading() as connection:
        return campaigns(connection)


def _list(found: list[Archived]) -> None:
    st.markdown("**Archive**", help="The fifty newest. A report from a commit of the lake can be"
                " built again to the byte: `voice-ai reports again ID`.")  # fmt: skip
    st.selectbox(
        "Kind",
        [_ALL, *KINDS],
        key="kind",
        bind="query-params",
        label_visibility="collapsed",
        format_func=lambda kind: _WORDS.get(kind, "Every kind"),
    )
    if not found:
        components.empty(
            "No report yet. Build one beside this; the daily one comes every morning at 06:30,"
            " New York time, while `voice-ai flows` runs."
        )
    for one in found:
        _entry(one)


def _entry(one: Archived) -> None:
    told, buttons = st.columns([1, 1], vertical_alignment="center")
    source = f"commit {one.lake_commit:,}"
    told.markdown(f":material/{_ICONS[one.kind]}: {components.plain(one.title)}")
    about = f"as of {one.as_of:%F %R} UTC from {source} · by {one.made_by} · {one.went}"
    told.caption(components.plain(about))
    with buttons.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Open", key=f"open-{one.id}", help="Below, on this page"):
            st.query_params["report"] = str(one.id)
            st.rerun()
        path = _file(one)
        if path is not None:
            _downloads(one, path)
        if st.button("Send", key=f"send-{one.id}", help="Through the channels that are set"):
            _request("send-report", {"report": str(one.id)})


def _downloads(one: Archived, path: Path) -> None:
    st.download_button(
        "HTML",
        path.read_bytes(),
        file_name=path.name,
        mime="text/html",
        key=f"html-{one.id}",
        on_click="ignore",
    )
    calls = path.with_suffix(".csv")
    if calls.is_file():
        st.download_button(
            "CSV",
            calls.read_bytes(),
            file_name=calls.name,
            mime="text/csv",
            key=f"csv-{one.id}",
            on_click="ignore",
            help="Who was called why, a line a dial",
        )


def _file(one: Archived) -> Path | None:
    """The file, where it is still there and inside of the home."""
    home = session.context().settings.home.resolve()
    path = (home / one.path).resolve()
    return path if path.is_relative_to(home) and path.is_file() else None


def _ask(names: list[str]) -> None:
    st.markdown("**Build one now**", help="By the flow build-report; it may be left.")
    kind = st.selectbox("Kind", KINDS, format_func=lambda word: _WORDS[word], key="build-kind")
    campaign = None
    if kind in OF_A_CAMPAIGN:
        if not names:
            components.empty("There is no campaign yet; create one first.")
            return
        campaign = st.selectbox("Campaign", names, key="build-campaign")
    send = st.checkbox("Send it too", help="By mail and webhook, where they are set.")
    if st.button("Build", type="primary", icon=":material/play_arrow:"):
        _request("build-report", {"kind": kind, "campaign": campaign, "send": send or None})


def _request(flow: FlowName, given: dict[str, object]) -> None:
    try:
        parameters = checked(flow, given)
    except VoiceAIError as error:
        st.error(error.message)
        return
    request = request_progress.ask(flow, parameters)
    if request is not None:
        st.query_params["request"] = str(request)
        st.rerun()


def _came(row: Row) -> None:
    result = row["result"] or {}
    st.success(f"Done. {result.get('sent') or row['message'] or ''}", icon=":material/check:")
    _found.clear()
    if result.get("id") and st.button("Open it", icon=":material/open_in_full:"):
        st.query_params["report"] = result["id"]
        del st.query_params["request"]
        st.rerun()


def _opened(found: list[Archived]) -> None:
    chosen = st.query_params.get("report")
    one = next((each for each in found if str(each.id) == chosen), None)
    if one is None:
        return
    path = _file(one)
    if path is None:
        st.error(f"The file of this report is gone; `voice-ai reports again {str(one.id)[:8]}`"
                 " builds it anew.", icon=":material/error:")  # fmt: skip
        return
    if st.button("Close", icon=":material/close:"):
        del st.query_params["report"]
        st.rerun()
    # A frame of its own: the report brings its own style and runs no script.
    st.iframe(path.read_text(encoding="utf-8"), height=900)


page()

"""Who asked for what?"""

from datetime import datetime
from typing import Any, get_args

import pandas as pd
import streamlit as st

from app import components, session
from app.queries import system
from app.states import with_dots
from voice_ai.errors import VoiceAIError
from voice_ai.store.campaigns import CommandKind

BEAT = 3.0
_ALL = "All"
_OPEN = "Not obeyed yet"
_TIME = "YYYY-MM-DD HH:mm:ss"


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def asked(campaign: str | None, kind: str | None, open_only: str | None) -> list[system.Asked]:
    """Raises NotAvailable."""
    with session.reading() as connection:
        return system.commands(connection, campaign=campaign, kind=kind, open_only=open_only)


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def flows_asked() -> list[system.FlowAsked]:
    """Raises NotAvailable."""
    with session.reading() as connection:
        return system.flow_requests(connection)


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def campaign_names() -> list[str]:
    """Raises NotAvailable."""
    with session.reading() as connection:
        return list(system.campaign_names(connection))


def page() -> None:
    st.title("Who asked for what?")
    try:
        names = campaign_names()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    one, two, three = st.columns(3)
    campaign = one.selectbox("Campaign", [_ALL, *names], key="campaign", bind="query-params")
    kinds = [_ALL, *get_args(CommandKind)]
    kind = two.selectbox("Command", kinds, key="command", bind="query-params")
    states = three.selectbox("State", [_ALL, _OPEN], key="state", bind="query-params")
    _moving(*(None if choice == _ALL else choice for choice in (campaign, kind, states)))


@st.fragment(run_every=BEAT)
def _moving(campaign: str | None, kind: str | None, open_only: str | None) -> None:
    try:
        commands, flows = asked(campaign, kind, open_only), flows_asked()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    _figures(commands)
    with st.container(border=True):
        st.markdown("**Commands**", help="A dialer obeys them and writes what came of it.")
        st.caption(f"n = {len(commands):,}, the newest first · times in UTC, campaigns' clock")
        if commands:
            _table([_command(command) for command in commands])
        else:
            components.empty(
                "Nobody asked for anything like that. Commands are given on the page of a"
                " campaign, or with `voice-ai campaign start NAME`."
            )
    with st.container(border=True):
        st.markdown("**Requests to flows**", help="Imports, training, reports and what else runs.")
        st.caption(f"n = {len(flows):,}, the newest first · times in UTC, campaigns' clock")
        if flows:
            _table([_flow(flow) for flow in flows])
        else:
            components.empty("No flow was asked for. Start an import or a report on its page.")


def _figures(commands: list[system.Asked]) -> None:
    waits = sorted(
        (command.obeyed_at - command.asked_at).total_seconds()
        for command in commands
        if command.obeyed_at is not None
    )
    stops = sum(command.kind in {"stop", "emergency_stop"} for command in commands)
    middle = f"{waits[len(waits) // 2]:.1f} s" if waits else "–"
    figures = (
        ("Commands", f"{len(commands):,}", "with these filters"),
        ("Not obeyed yet", f"{len(commands) - len(waits):,}", f"of {len(commands):,}"),
        ("Typically obeyed after", middle, f"median, n = {len(waits):,} obeyed"),
        ("Stops", f"{stops:,}", f"of {len(commands):,}, emergency stops included"),
    )
    for column, (label, value, about) in zip(st.columns(4, gap="small"), figures, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, value)
            st.caption(about)


def _command(command: system.Asked) -> dict[str, Any]:
    return {
        "Asked, UTC": command.asked_at,
        "Who": command.asked_by,
        "What": command.kind.replace("_", " "),
        "Campaign": command.campaign or "all campaigns",
        "Why": command.reason or "–",
        "State": "open" if command.obeyed_at is None else "done",
        "Obeyed after, s": _seconds(command.asked_at, command.obeyed_at),
        "Outcome": command.outcome or "–",
    }


def _flow(flow: system.FlowAsked) -> dict[str, Any]:
    return {
        "Asked, UTC": flow.asked_at,
        "Who": flow.asked_by,
        "Flow": flow.flow,
        "State": flow.state,
        "Begun after, s": _seconds(flow.asked_at, flow.started_at),
        "Took, s": _seconds(flow.started_at, flow.finished_at),
        "What it says": flow.message or "–",
    }


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else (end - start).total_seconds()


def _table(rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(rows)
    st.dataframe(
        with_dots(frame),
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(frame), 460),
        column_config={
            "Asked, UTC": st.column_config.DatetimeColumn(format=_TIME, timezone="UTC"),
            **{
                name: st.column_config.NumberColumn(format="%.1f")
                for name in frame.columns
                if name.endswith(", s")
            },
        },
    )


page()

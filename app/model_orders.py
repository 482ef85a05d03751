"""Orders about models: asked for on a page, done by the flows process, followed here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import components, session
from app.queries import flows as queries
from pipelines.flow_list import FLOWS, ModelAction, checked
from pipelines.report.labels import moment, words
from voice_ai.errors import VoiceAIError
from voice_ai.store import flow_requests
from voice_ai.store.flow_requests import FlowName

_BEAT = 2.0
ASKED: tuple[FlowName, ...] = ("train-models", "train-model", "model-order")
# Kept in the session between what a button does and the next drawing.
_REFUSED = "why the last order about models was refused"
_DONE = "an order about models was asked for"
_TYPED, _WHY, _SHARE = "name of the task, typed", "why, of an order", "share of a canary"
_ICONS = {
    "asked": ":material/hourglass_empty:",
    "running": ":material/autorenew:",
    "done": ":material/check_circle:",
    "failed": ":material/error:",
}


@dataclass(frozen=True)
class Order:
    """A button. `typed`: it changes what calls are answered with, so the task's name is typed."""

    label: str
    icon: str
    about: str
    typed: bool = True


ORDERS: dict[ModelAction, Order] = {
    "gate": Order("Judge", "gavel", "Every check again, beside what serves now.", typed=False),
    "promote": Order(
        "Promote", "publish", "It answers every call from then on; refused without a passed gate."
    ),
    "shadow": Order(
        "Shadow", "hearing", "It hears the same turns and touches no call.", typed=False
    ),
    "canary": Order("Canary", "science", "It answers a share of the calls, watched by guardrails."),
    "stop": Order("Stop rollout", "cancel", "The candidate leaves the calls; the champion stays."),
    "rollback": Order(
        "Roll back", "undo", "The version that served before serves again, within seconds."
    ),
}


def buttons(task: str, version: str | None, actions: Sequence[ModelAction]) -> None:
    """A button per action. Drawn outside what moves by itself."""
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(refused)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for action in actions:
            order = ORDERS[action]
            pressed = st.button(
                order.label,
                key=f"order {action} {task}",
                icon=f":material/{order.icon}:",
                help=order.about,
                type="primary" if action == "promote" else "secondary",
                on_click=None if order.typed else _ask_order,
                args=(action, task, version),
            )
            if pressed and order.typed:
                _dialog(action, task, version)


def _dialog(action: ModelAction, task: str, version: str | None) -> None:
    what = f"{task} version {version}" if version else task
    st.dialog(f"{ORDERS[action].label}: {what}")(_confirm)(action, task, version)


def _confirm(action: ModelAction, task: str, version: str | None) -> None:
    if st.session_state.pop(_DONE, False):
        st.rerun()
    st.markdown(ORDERS[action].about)
    with st.form(f"confirm {action}", border=False):
        if action == "canary":
            st.number_input(
                "Share of the calls, %", min_value=0.1, max_value=100.0, value=5.0, key=_SHARE
            )
        st.text_input("Why? It is kept with your name.", key=_WHY)
        st.text_input(f"Type the task's name to confirm: {task}", key=_TYPED)
        st.form_submit_button(
            ORDERS[action].label,
            type="primary",
            on_click=_ask_if_sure,
            args=(action, task, version),
        )
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(refused)


def _ask_if_sure(action: ModelAction, task: str, version: str | None) -> None:
    """Before anything is drawn, so that a page that moves cannot break it off."""
    if str(st.session_state.get(_TYPED) or "").strip() != task:
        st.session_state[_REFUSED] = f"This is not the name; type {task} as it stands here."
        return
    _ask_order(action, task, version)
    st.session_state[_DONE] = _REFUSED not in st.session_state


def _ask_order(action: ModelAction, task: str, version: str | None) -> None:
    given = {
        "action": action,
        "name": task,
        "version": version,
        "share": st.session_state.get(_SHARE) if action == "canary" else None,
        "reason": str(st.session_state.get(_WHY) or "").strip() or None,
    }
    ask("model-order", given)


def ask(flow: FlowName, given: dict[str, Any]) -> None:
    """Writes the request, as a callback does; the page says so when it could not be written."""
    try:
        parameters = checked(flow, given)
        with session.asking() as db:
            now = session.context().clock.now()
            flow_requests.ask(db, flow, parameters, by=session.user(), now=now)
    except VoiceAIError as error:
        st.session_state[_REFUSED] = error.message
    newest.clear()


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def newest() -> list[queries.Request]:
    """The last orders about models. Raises NotAvailable."""
    with session.reading() as connection:
        return queries.requests_of(connection, ASKED, limit=6)


@st.fragment(run_every=_BEAT)
def asked() -> None:
    """How the last orders stand; they can be left and found again."""
    try:
        known = newest()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    with st.container(border=True):
        st.markdown("**Asked for**", help="The flows process does it; this page may be left.")
        if not known:
            components.empty("Nobody has asked for anything yet.")
        for one in known:
            _told(one)


def _told(one: queries.Request) -> None:
    given = one.parameters or {}
    what = " ".join(str(given[key]) for key in ("action", "name", "version") if given.get(key))
    title = what.capitalize() if one.flow == "model-order" else f"{FLOWS[_flow(one)].title} {what}"
    icon = _ICONS.get(one.state, ":material/help:")
    st.markdown(f"{icon} {title} · {words(one.state)}")
    if one.state == "running":
        st.progress(min(max(one.progress or 0.0, 0.0), 1.0), text=one.message or "Working")
        return
    said = one.message
    if one.state == "asked":
        said = "Waiting for the flows process (`voice-ai flows`)."
    about = f"asked by {one.asked_by}, {moment(one.finished_at or one.asked_at)}"
    st.caption(f"{said}  \n{about}" if said else about)


def _flow(one: queries.Request) -> FlowName:
    return next(name for name in ASKED if name == one.flow)

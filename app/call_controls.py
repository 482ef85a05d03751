"""What can be asked of one call that lives: to end it, to hand it to a person."""

from dataclasses import dataclass
from uuid import UUID

import streamlit as st

from app import call_readings, session
from app.queries.calls import Order
from pipelines.report.labels import words
from voice_ai.errors import VoiceAIError
from voice_ai.ids import AttemptId
from voice_ai.store.call_commands import CallCommandKind, ask_of_call


@dataclass(frozen=True)
class Control:
    label: str
    icon: str
    about: str
    sure: str


CONTROLS: dict[CallCommandKind, Control] = {
    "end_call": Control(
        "End call",
        "call_end",
        "End this call at once, without another word.",
        "The person hears nothing more, not even a goodbye. Your name and the reason are kept.",
    ),
    "transfer_call": Control(
        "Take over",
        "support_agent",
        "Hand this call to a person.",
        "The agent says so and connects the call to the number that the campaign names. Your name"
        " and the reason are kept.",
    ),
}


_REFUSED = "why the last order was refused"


def controls(attempt_id: UUID, *, can_transfer: bool) -> None:
    """Drawn outside the moving part of a page, so that nobody's typing is interrupted."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for order, control in CONTROLS.items():
            if order == "transfer_call" and not can_transfer:
                continue
            if st.button(
                control.label,
                key=f"{order} {attempt_id}",
                icon=f":material/{control.icon}:",
                help=control.about,
            ):
                st.dialog(f"{control.label}?", icon=f":material/{control.icon}:")(_confirm)(
                    order, attempt_id
                )


def _confirm(order: CallCommandKind, attempt_id: UUID) -> None:
    control = CONTROLS[order]
    if st.session_state.pop(_asked(order, attempt_id), False):
        st.rerun()
    st.markdown(control.sure)
    with st.form(f"sure {order}", border=False):
        st.text_input("Why?", autocomplete="off", key=_why(order))
        st.form_submit_button(
            control.label, type="primary", on_click=_order, args=(order, attempt_id)
        )
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(refused)


def _why(order: CallCommandKind) -> str:
    return f"why {order}"


def _asked(order: CallCommandKind, attempt_id: UUID) -> str:
    return f"asked {order} {attempt_id}"


def _order(order: CallCommandKind, attempt_id: UUID) -> None:
    """Before anything is drawn: the moving part of the page may break off a drawing, and with it
    what a button does after it was drawn."""
    reason = str(st.session_state.get(_why(order)) or "")
    try:
        with session.asking() as db:
            ask_of_call(
                db,
                order,
                AttemptId(attempt_id),
                by=session.user(),
                reason=reason,
                now=session.context().clock.now(),
            )
    except VoiceAIError as error:
        st.session_state[_REFUSED] = error.message
        return
    call_readings.last_order.clear()
    st.session_state[_asked(order, attempt_id)] = True


def told(order: Order) -> None:
    """What came of the last order about a call."""
    labels = (control.label for kind, control in CONTROLS.items() if kind == order.kind)
    said = f"{next(labels, words(order.kind))} asked by {order.asked_by}"
    if order.outcome is None:
        st.info(f"{said} – not obeyed yet.", icon=":material/hourglass_top:")
    else:
        refused = order.outcome.startswith("refused")
        (st.warning if refused else st.info)(f"{said} – {order.outcome}.")

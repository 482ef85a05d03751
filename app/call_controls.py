"""What can be asked of one call that lives: to end it, to hand it to a person."""

from dataclasses import dataclass
from uuid import UUID

import streamlit as st

from app import call_readings, session
from voice_ai.errors import VoiceAIError
from voice_ai.store.call_orders import CallOrder, ask_of_call

_ASKED = "last order about a call"


@dataclass(frozen=True)
class Asked:
    """An order of this browser session, so that it sees what came of it."""

    attempt_id: UUID
    command: int
    label: str


@dataclass(frozen=True)
class Control:
    label: str
    icon: str
    about: str
    sure: str


CONTROLS: dict[CallOrder, Control] = {
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


def _confirm(order: CallOrder, attempt_id: UUID) -> None:
    control = CONTROLS[order]
    st.markdown(control.sure)
    with st.form(f"sure {order}", border=False):
        reason = st.text_input("Why?", autocomplete="off")
        sure = st.form_submit_button(control.label, type="primary")
    if not sure:
        return
    # Nothing is drawn from here to the end: the moving part of the page would break in there.
    try:
        with session.asking() as db:
            command = ask_of_call(
                db,
                order,
                attempt_id,
                by=session.user(),
                reason=reason,
                now=session.context().clock.now(),
            )
    except VoiceAIError as error:
        st.error(error.message)
        return
    st.session_state[_ASKED] = Asked(attempt_id, command, control.label)
    st.rerun()


def last_asked(attempt_id: str) -> None:
    """What came of the last order about this call. Raises NotAvailable."""
    asked: Asked | None = st.session_state.get(_ASKED)
    if asked is None or str(asked.attempt_id) != attempt_id:
        return
    outcome = call_readings.order_outcome(asked.command)
    if outcome is None:
        st.info(f"{asked.label} – not obeyed yet.", icon=":material/hourglass_top:")
    else:
        refused = outcome.startswith("refused")
        (st.warning if refused else st.info)(f"{asked.label} – {outcome}.")

"""Ending an experiment by hand: with its name, a reason, and what new leads hear from then on."""

from uuid import UUID

import streamlit as st

from app import session
from pipelines.analyses.experiments import Known
from pipelines.metrics.experiments import ReadOut
from voice_ai.errors import VoiceAIError
from voice_ai.store import experiments as store

_SAID = "experiment stopped"


def form(one: Known, found: ReadOut) -> None:
    """Nothing for an experiment that has ended."""
    if said := st.session_state.pop(_SAID, None):
        (st.success if said.startswith("Stopped") else st.error)(said)
    if one.stopped_at or session.context().rehearsal != one.rehearsal:
        return
    with st.expander("Stop it by hand", icon=":material/stop_circle:"):
        st.caption(
            "New leads hear the chosen arm from then on. Leads that have an arm keep it, unless it"
            " is marked as harmful: those hear the control. It cannot be taken back."
        )
        with st.form(f"stop {one.experiment_id}", border=False):
            arms = found.arms["arm"].to_list()
            st.selectbox("New leads hear", arms, arms.index(found.control), key="stop winner")
            others = [arm for arm in arms if arm != found.control]
            st.multiselect("Harmful arms", others, key="stop harmful")
            st.text_input("Why", key="stop reason", autocomplete="off")
            st.text_input(f"Type its name to confirm: {one.name}", key="stop name")
            st.form_submit_button(
                "Stop the experiment", icon=":material/stop_circle:", on_click=_stop, args=(one,)
            )


def _stop(one: Known) -> None:
    chosen = st.session_state
    if chosen["stop name"].strip() != one.name:
        chosen[_SAID] = f"Not stopped: the name is {one.name}."
        return
    try:
        with session.asking() as db:
            store.stop(
                db,
                UUID(one.experiment_id),
                reason=chosen["stop reason"],
                by=session.user(),
                now=session.context().clock.now(),
                winner=chosen["stop winner"],
                harmful=chosen["stop harmful"],
            )
        chosen[_SAID] = f"Stopped {one.name}. The page shows it within a minute."
    except VoiceAIError as error:
        chosen[_SAID] = f"Not stopped: {error.message}"

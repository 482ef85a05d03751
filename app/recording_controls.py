"""A call's recording on a page: it is played, and deleted when asked once more, with a reason."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import streamlit as st

from app import call_readings, session
from voice_ai.errors import VoiceAIError
from voice_ai.store.recordings import delete_recordings


def play(recording: Mapping[str, Any]) -> bool:
    """False when it cannot be read; then the page says why."""
    try:
        sound = call_readings.recording(recording["path"])
    except VoiceAIError as error:
        st.warning(error.message, icon=":material/volume_off:")
        return False
    st.audio(sound, format="audio/wav", alt="Recording: caller left, agent right")
    return True


def deletion(attempt_id: UUID) -> None:
    if st.button("Delete the recording", icon=":material/delete:", key=f"delete {attempt_id}"):
        st.dialog("Delete the recording?", icon=":material/delete:")(_confirm)(attempt_id)


def _confirm(attempt_id: UUID) -> None:
    st.markdown(
        "It cannot be brought back. The transcript stays; your name and the reason are kept in the"
        " audit log."
    )
    with st.form("delete the recording", border=False):
        reason = st.text_input("Why?", autocomplete="off")
        sure = st.form_submit_button("Delete for good", type="primary")
    if not sure:
        return
    context = session.context()
    try:
        with session.asking() as db:
            delete_recordings(
                db,
                context.settings.home,
                attempt_id,
                by=session.user(),
                reason=reason,
                now=context.clock.now(),
            )
    except VoiceAIError as error:
        st.error(error.message)
        return
    call_readings.one_call.clear()
    call_readings.recording.clear()
    st.rerun()

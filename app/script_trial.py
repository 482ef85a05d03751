"""A script drawn, and tried by typing, on a page; the logic is `conversation.trial`."""

import streamlit as st

from app import components
from voice_ai.conversation.draw import dot
from voice_ai.conversation.script import Script, load_script
from voice_ai.conversation.trial import GESTURES, Exchange, Trial, begin_trial, hear
from voice_ai.errors import BadInput, VoiceAIError

_INK = {"light": "#31333f", "dark": "#fafafa"}


def draw_and_try(script_text: str, slots: dict[str, str | None]) -> None:
    """Both side by side; a fault of the script is one sentence."""
    try:
        script = load_script(script_text, source="the script")
        trial = _kept(script, script_text, slots)
    except VoiceAIError as error:
        st.error(error.message)
        return
    _side_by_side(script, script_text, slots, trial)


@st.fragment
def _side_by_side(
    script: Script, script_text: str, slots: dict[str, str | None], trial: Trial
) -> None:
    trial = st.session_state.get("trial", (None, trial))[1]
    left, right = st.columns(2, gap="medium")
    with right:
        trial = _talk(trial, script_text, slots)
    with left:
        st.markdown("**The script**", help="Green: the goal. Grey: the end. Thick: where it is.")
        mode = components.mode()
        picture = dot(script, here=trial.state.node, ink=_INK[mode])
        st.graphviz_chart(picture, width="stretch", alt=f"The script {script.name} as a graph")


def _kept(script: Script, script_text: str, slots: dict[str, str | None]) -> Trial:
    """The trial of this session, begun anew when script or slots are others. Raises BadInput."""
    about = (script_text, tuple(sorted(slots.items())))
    kept = st.session_state.get("trial")
    if kept is None or kept[0] != about:
        kept = (about, begin_trial(script, slots))
        st.session_state["trial"] = kept
    trial: Trial = kept[1]
    return trial


def _talk(trial: Trial, script_text: str, slots: dict[str, str | None]) -> Trial:
    head, again = st.columns([3, 1], vertical_alignment="center")
    gestures = ", ".join(f"`{word}` {what}" for word, what in GESTURES.items())
    head.markdown("**Try it**", help=f"You are the callee. `/9` presses a key, {gestures}.")
    about = (script_text, tuple(sorted(slots.items())))
    if again.button("Begin again", icon=":material/restart_alt:", width="stretch"):
        trial = begin_trial(trial.script, slots)
    log = st.container(height=460)
    said = st.chat_input("Say what a callee would say", key="trial-says", disabled=trial.over)
    if said and not trial.over:
        try:
            trial = hear(trial, said)
        except BadInput as error:
            st.error(error.message)
    st.session_state["trial"] = (about, trial)
    with log:
        for exchange in trial.exchanges:
            _exchange(exchange)
    if trial.over:
        code = (trial.state.disposition or "nothing").replace("_", " ")
        st.success(f"The call is over and counts as “{code}”.")
    return trial


def _exchange(exchange: Exchange) -> None:
    if exchange.heard is not None:
        with st.chat_message("user", avatar=":material/person:"):
            st.text(exchange.heard or "(silence)")
            st.caption(f"Understood as: {exchange.intent or 'free words'}")
    with st.chat_message("assistant", avatar=":material/support_agent:"):
        st.text(" ".join(exchange.said) or "(goes on as it was)")
        done = "".join(f" · {effect}" for effect in exchange.effects)
        st.caption(f"At: {exchange.node.replace('~callback', 'the callback question')}{done}")

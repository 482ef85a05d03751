"""Kill switches on a page: what stops calls now, setting one, lifting one by name."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from app import components, session
from app.states import with_dots
from voice_ai.db.connect import Row
from voice_ai.errors import VoiceAIError
from voice_ai.store import switches as store

_KINDS = {
    "global": "Everything",
    "campaign": "A campaign",
    "caller_id": "A caller id",
    "country": "A country",
    "rule": "What a rule lets through",
}
_WHAT = {
    "caller_id": "The caller id, as in +1 …",
    "country": "The country's two letters",
    "rule": "The rule's code",
}
_EVERYTHING = "stop everything"


def kill_switches(rows: list[Row], campaigns: list[str], forget: Callable[[], None]) -> None:
    """`forget` clears what the page remembers of switches."""
    with st.container(border=True):
        st.markdown(
            "**Kill switches**",
            help="Read at every dial. When one is set no dial that it stops is on its way; calls"
            " that are live go on.",
        )
        st.caption(f"{sum(row['cleared_at'] is None for row in rows)} stop calls now")
        if rows:
            _table(rows)
        else:
            components.empty("Nothing is switched off, and nothing was.")
        left, right = st.columns(2, vertical_alignment="bottom")
        with left:
            _set(campaigns, forget)
        with right:
            _lift([row for row in rows if row["cleared_at"] is None], forget)


def _table(rows: list[Row]) -> None:
    frame = pd.DataFrame(
        [
            {
                "State": "lifted" if row["cleared_at"] else "stops calls",
                "Stops": _KINDS[row["kind"]] if row["kind"] == "global" else _named(row),
                "Reason": row["reason"],
                "Set by": row["set_by"],
                "Since (UTC)": f"{row['set_at']:%Y-%m-%d %H:%M}",
                "Lifted by": row["cleared_by"] or "",
                "Lifted (UTC)": f"{row['cleared_at']:%Y-%m-%d %H:%M}" if row["cleared_at"] else "",
            }
            for row in rows
        ]
    )
    st.dataframe(with_dots(frame), hide_index=True, height=min(38 + 35 * len(frame), 260))


def _named(row: Row) -> str:
    return f"{row['kind'].replace('_', ' ').capitalize()} {row['what']}"


def _set(campaigns: list[str], forget: Callable[[], None]) -> None:
    kind = st.selectbox("Switch off", list(_KINDS), format_func=_KINDS.__getitem__)
    what: str | None = store.EVERYTHING
    if kind == "campaign":
        what = st.selectbox("Which campaign", campaigns)
    elif kind != "global":
        what = st.text_input(_WHAT[kind], autocomplete="off", key=f"switch {kind}")
    if st.button("Switch it off", icon=":material/power_settings_new:", disabled=not what):
        _confirm(kind, str(what), forget)


@st.dialog("Switch it off?", icon=":material/power_settings_new:")
def _confirm(kind: str, what: str, forget: Callable[[], None]) -> None:
    word = _EVERYTHING if kind == "global" else what
    st.markdown(
        "Nothing that it stops is dialed from then on; calls that are live go on. To go on, say"
        f" why and type **{word}**"
    )
    reason = st.text_input("Why it is switched off", autocomplete="off", key="switch reason")
    typed = st.text_input("Type it", autocomplete="off", key="switch typed")
    ready = typed.strip() == word and bool(reason.strip())
    if st.button("Switch off", type="primary", disabled=not ready):
        context = session.context()
        try:
            with (
                st.spinner("Waiting until no such dial is on its way …"),
                session.asking() as db,
            ):
                store.switch_off(
                    db,
                    context.keyring,
                    kind,
                    what,
                    reason=reason,
                    by=session.user(),
                    now=context.clock.now(),
                )
        except VoiceAIError as error:
            st.error(error.message)
            return
        forget()
        st.rerun()


def _lift(rows: list[Row], forget: Callable[[], None]) -> None:
    if not rows:
        return
    named = {
        f"{_KINDS['global'] if r['kind'] == 'global' else _named(r)} ({r['id']})": r for r in rows
    }
    chosen = st.selectbox("Lift", list(named))
    if st.button("Lift it", icon=":material/undo:") and chosen in named:
        _confirm_lift(named[chosen], forget)


@st.dialog("Let calls go on?", icon=":material/undo:")
def _confirm_lift(row: Row, forget: Callable[[], None]) -> None:
    word = _EVERYTHING.removeprefix("stop ") if row["kind"] == "global" else row["what"]
    st.markdown(
        f"Set by {row['set_by']}: “{row['reason']}”. You are named as the one who lifts it. To go"
        f" on, type **{word}**"
    )
    typed = st.text_input("Type it", autocomplete="off", key="lift typed")
    if st.button("Let calls go on", type="primary", disabled=typed.strip() != word):
        try:
            with session.asking() as db:
                now = session.context().clock.now()
                store.lift(db, row["id"], by=session.user(), now=now)
        except VoiceAIError as error:
            st.error(error.message)
            return
        forget()
        st.rerun()

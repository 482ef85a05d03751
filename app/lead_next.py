"""What happens next with a lead, campaign by campaign, and a time agreed with the person."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from app import session
from app.components import plain
from app.queries import leads as queries
from voice_ai.day_parts import known_zones
from voice_ai.db.connect import Row
from voice_ai.errors import VoiceAIError
from voice_ai.ids import CampaignId
from voice_ai.store import callbacks
from voice_ai.store.leads import History

# So many campaigns are spoken of; the table has them all.
_MOST = 3


def next_words(history: History) -> None:
    """The sentences that `voice-ai campaign show --lead` says too."""
    told = _told([(row["campaign_id"], row["lead_id"]) for row in history.standings[:_MOST]])
    with st.container(border=True):
        st.markdown("**What happens next**")
        for campaign, sentences in told:
            st.markdown(f"{plain(campaign)}: {plain(' '.join(sentences))}")


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def _told(places: list[tuple[Any, int]]) -> list[tuple[str, list[str]]]:
    now = session.context().clock.now()
    with session.reading() as connection:
        seen = [queries.lead_next(connection, *place, now) for place in places]
    return [(one.campaign, one.sentences) for one in seen]


def call_back(history: History, refresh: Callable[[], None]) -> None:
    """A small form: when to call this person back, by the person's own clock."""
    zones = known_zones(history.lead["zones"])
    if not history.standings or not zones:
        return
    if done := st.session_state.pop("callback agreed", None):
        st.success(done, icon=":material/event:")
    if problem := st.session_state.pop("callback problem", None):
        st.error(problem)
    here = history.lead["zones"][0]
    tomorrow = session.context().clock.now().astimezone(ZoneInfo(here)) + timedelta(days=1)
    with st.expander("Agree on a callback", icon=":material/event:"), st.form("callback"):
        rows = {row["campaign"]: row for row in history.standings}
        left, middle, right = st.columns(3, vertical_alignment="bottom")
        campaign = left.selectbox("Campaign", list(rows))
        day = middle.date_input("Day", tomorrow.date())
        clock = right.time_input("Time", time(10, 0), step=timedelta(minutes=15))
        st.caption(f"Local time of {here}. It is called then, before other leads.")
        if st.form_submit_button("Call back then", icon=":material/event:"):
            _agree(rows[campaign], datetime.combine(day, clock))
            refresh()
            _told.clear()
            st.rerun()


def _agree(row: Row, local: datetime) -> None:
    try:
        with session.asking() as db:
            done = callbacks.agree_callback(
                db,
                CampaignId(row["campaign_id"]),
                row["lead_id"],
                local,
                by=session.user(),
                now=session.context().clock.now(),
            )
    except VoiceAIError as error:
        st.session_state["callback problem"] = error.message[:1].upper() + error.message[1:] + "."
        return
    st.session_state["callback agreed"] = done.sentence

"""How is the campaign going?"""

from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from app import charts, components, session
from pipelines.metrics.definitions import ACTIVITY, CALLS_BY_STATUS, EMOTIONS, REFUSALS
from pipelines.metrics.frames import Campaign
from pipelines.metrics.measures import Overview
from pipelines.report.palette import Mode
from voice_ai.errors import VoiceAIError

BEAT = 2.0  # seconds between two readings
NEW_YORK = ZoneInfo("America/New_York")


def page() -> None:
    head, picker = st.columns([3, 1], vertical_alignment="bottom")
    head.title("How is the campaign going?")
    known = _known()
    if not isinstance(known, list) or not known:
        _waiting()
        return
    names = [campaign.name for campaign in known]
    chosen = picker.selectbox("Campaign", names, key="campaign", bind="query-params")
    campaign = next((one for one in known if one.name == chosen), known[0])
    _moving(campaign, names)


def _known() -> list[Campaign] | VoiceAIError:
    try:
        return session.campaigns()
    except VoiceAIError as error:
        return error


@st.fragment(run_every=BEAT)
def _waiting() -> None:
    """Until there is a campaign to show."""
    known = _known()
    if isinstance(known, VoiceAIError):
        components.unreachable(known)
    elif known:
        st.rerun()
    else:
        components.no_campaign()


@st.fragment(run_every=BEAT)
def _moving(campaign: Campaign, names: list[str]) -> None:
    """`names` are those of the picker, which is drawn anew when there are others."""
    try:
        seen = session.campaign_reading(campaign.id)
        others = {one.name for one in session.campaigns()} != set(names)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if seen is None or others:
        st.rerun()
    _state(seen.campaign, seen.now)
    if seen.measures.totals.attempts == 0:
        components.nothing_dialed(seen.campaign.name, seen.campaign.state)
    components.figures(seen.measures)
    mode: Mode = "dark" if st.context.theme.type == "dark" else "light"
    _main(seen.measures, mode)
    left, right = st.columns(2, gap="small")
    with left:
        components.live_calls(seen.live, seen.measures.totals.live, seen.now)
    with right:
        _statuses(seen.measures, mode)
    left, right = st.columns(2, gap="small")
    with left:
        _emotions(seen.measures, mode)
    with right:
        _refusals(seen.measures, mode)


def _state(campaign: Campaign, now: datetime) -> None:
    about = f"{campaign.seller} · list {campaign.list_name} · {campaign.state.replace('_', ' ')}"
    at = now.astimezone(NEW_YORK)
    if campaign.rehearsal:
        st.warning(
            f"**Rehearsal** – calls go to the simulator, nobody is called. "
            f"The rehearsal clock says **{at:%a %d %b %Y, %H:%M:%S}** in New York.",
            icon=":material/theater_comedy:",
        )
    st.caption(about)


def _main(measures: Overview, mode: Mode) -> None:
    with components.card(ACTIVITY, f"n = {measures.totals.dials:,} dials · times in UTC"):
        if measures.activity.is_empty():
            components.empty("No dial has ended yet.")
        else:
            chart = charts.activity_chart(measures.activity, measures.activity_step, mode)
            components.show(chart, "Dials over time by outcome")


def _statuses(measures: Overview, mode: Mode) -> None:
    statuses = measures.statuses
    with components.card(CALLS_BY_STATUS, f"n = {int(statuses['calls'].sum()):,} calls"):
        if statuses.is_empty():
            components.empty("The carrier has not said anything yet.")
        else:
            chart = charts.share_chart(statuses, "status", "calls", mode)
            components.show(chart, "Calls by carrier status")


def _emotions(measures: Overview, mode: Mode) -> None:
    heard = int(measures.emotions["turns"].sum())
    about = f"n = {heard:,} caller turns · {measures.emotions_unheard:,} without an emotion"
    with components.card(EMOTIONS, about):
        if measures.emotions.is_empty():
            components.empty("No emotion was heard yet.")
        else:
            components.show(charts.emotion_chart(measures.emotions, mode), "Emotions")


def _refusals(measures: Overview, mode: Mode) -> None:
    leads = int(measures.funnel["leads"][0])
    with components.card(REFUSALS, f"n = {leads:,} leads · a lead may have several reasons"):
        if measures.refusals.is_empty():
            components.empty("No lead is refused.")
        else:
            chart = charts.share_chart(measures.refusals, "reason", "leads", mode)
            components.show(chart, "Reasons for not calling")


page()

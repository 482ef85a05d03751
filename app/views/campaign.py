"""How is the campaign going?"""

from datetime import datetime

import polars as pl
import streamlit as st

from app import campaign_controls, campaign_pace, campaign_reading, charts, components, session
from app.campaign_reading import HOUSE_ZONE
from app.queries.campaigns import Standing
from pipelines.metrics.definitions import ACTIVITY, CALLS_BY_STATUS, EMOTIONS, REFUSALS
from pipelines.metrics.frames import Campaign
from pipelines.metrics.measures import Overview
from pipelines.report.labels import words
from pipelines.report.palette import Mode
from voice_ai.errors import VoiceAIError

BEAT = 2.0  # seconds between two readings
_SHARE = {"n": "n", "rate": "Share", "low": "95 % from", "high": "95 % to"}
_ACTIVITY = {"at": "From (UTC)", "outcome": "Outcome", "dials": "Dials"}


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
    campaign_controls.controls(campaign, campaign.state)
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
    """`names` are those of the picker, `campaign.state` that of the buttons: when there are
    others, the whole page is drawn anew."""
    try:
        seen = session.campaign_reading(campaign.id)
        standing = campaign_reading.standing(campaign.id, campaign.name)
        pace = campaign_pace.reading(campaign.id)
        known = session.campaigns()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    same = {one.id: one.state for one in known}.get(campaign.id) == campaign.state
    if seen is None or standing is None or not same or {one.name for one in known} != set(names):
        st.rerun()
    _state(seen.campaign, seen.now)
    campaign_controls.last_asked(standing)
    _progress(standing)
    if seen.measures.totals.attempts == 0:
        components.nothing_dialed(seen.campaign.name, seen.campaign.state)
    components.figures(seen.measures)
    mode = components.mode()
    _main(seen.measures, mode)
    left, right = st.columns(2, gap="small")
    with left:
        _next(seen.campaign, standing)
    with right:
        if pace is not None:
            campaign_pace.panel(pace, seen.now)
    components.live_calls(seen.live, seen.measures.totals.live, seen.now)
    left, middle, right = st.columns(3, gap="small")
    with left:
        _statuses(seen.measures, mode)
    with middle:
        _emotions(seen.measures, mode)
    with right:
        _refusals(seen.measures, mode)


def _state(campaign: Campaign, now: datetime) -> None:
    about = f"{campaign.seller} · list {campaign.list_name} · {campaign.state.replace('_', ' ')}"
    at = now.astimezone(HOUSE_ZONE)
    if campaign.rehearsal:
        st.warning(
            f"**Rehearsal** – calls go to the simulator, nobody is called. "
            f"The rehearsal clock says **{at:%a %d %b %Y, %H:%M:%S}** in New York.",
            icon=":material/theater_comedy:",
        )
    st.caption(about)


def _progress(standing: Standing) -> None:
    left = standing.leads - standing.done
    st.progress(
        standing.progress,
        text=f"{standing.done:,} of {standing.leads:,} leads done · {standing.calling:,} being"
        f" called · {left:,} to go",
    )


def _next(campaign: Campaign, standing: Standing) -> None:
    """What the dialer can do now, what it waits for, and what to do from here."""
    with st.container(border=True, height="stretch"):
        st.markdown(
            "**What happens next**",
            help="Leads that are ready, by the last decision about each. A lead that may be asked"
            " about again is called if every rule then allows it.",
        )
        st.caption(_next_sentence(standing))
        if standing.waiting:
            st.dataframe(_waiting_rows(standing), hide_index=True, height=_height(standing))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                "views/campaign_edit.py",
                label=f"Change it (version {standing.version})",
                icon=":material/edit_note:",
                query_params={"campaign": campaign.name},
            )
            st.page_link(
                "views/waterfall.py",
                label="Why not called",
                icon=":material/waterfall_chart:",
                query_params={"campaign": campaign.name},
            )
            campaign_controls.report(campaign, standing.report)


def _height(standing: Standing) -> int:
    return min(38 + 35 * len(standing.waiting), 213)


def _next_sentence(standing: Standing) -> str:
    if standing.done == standing.leads:
        return "Every lead is done."
    ready = f"{standing.ready_now:,} leads may be asked about now"
    if standing.next_at is None:
        return f"{ready}."
    at = standing.next_at.astimezone(HOUSE_ZONE)
    return f"{ready}; the next of the others from {at:%a %d %b %H:%M} New York."


def _waiting_rows(standing: Standing) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "Last decision": [reasons(line.decision) for line in standing.waiting],
            "Leads": [line.leads for line in standing.waiting],
            "May be asked now": [line.now for line in standing.waiting],
            "Next (New York)": [
                f"{line.next_at.astimezone(HOUSE_ZONE):%a %d %b %H:%M}" if line.next_at else "–"
                for line in standing.waiting
            ],
        }
    )


def reasons(decision: str | None) -> str:
    """A decision's key in words."""
    if decision is None:
        return "Not asked yet"
    if decision == "ALLOW":
        return "Allowed"
    return ", ".join(words(reason) for reason in decision.split("+"))


def _main(measures: Overview, mode: Mode) -> None:
    with components.card(ACTIVITY, f"n = {measures.totals.dials:,} dials · times in UTC"):
        if measures.activity.is_empty():
            components.empty("No dial has ended yet.")
        else:
            chart = charts.activity_chart(measures.activity, measures.activity_step, mode)
            components.show(chart, "Dials over time by outcome")
            components.table(measures.activity, _ACTIVITY, "activity")


def _statuses(measures: Overview, mode: Mode) -> None:
    statuses = measures.statuses
    with components.card(CALLS_BY_STATUS, f"n = {int(statuses['calls'].sum()):,} calls"):
        if statuses.is_empty():
            components.empty("The carrier has not said anything yet.")
        else:
            chart = charts.share_chart(statuses, "status", "calls", mode)
            components.show(chart, "Calls by carrier status")
            components.table(statuses, {"status": "Status", "calls": "Calls", **_SHARE}, "statuses")


def _emotions(measures: Overview, mode: Mode) -> None:
    heard = int(measures.emotions["turns"].sum())
    about = f"n = {heard:,} caller turns · {measures.emotions_unheard:,} without an emotion"
    with components.card(EMOTIONS, about):
        if measures.emotions.is_empty():
            components.empty("No emotion was heard yet.")
        else:
            components.show(charts.emotion_chart(measures.emotions, mode), "Emotions")
            components.table(
                measures.emotions, {"emotion": "Emotion", "turns": "Turns", **_SHARE}, "emotions"
            )


def _refusals(measures: Overview, mode: Mode) -> None:
    leads = int(measures.funnel["leads"][0])
    with components.card(REFUSALS, f"n = {leads:,} leads · a lead may have several reasons"):
        if measures.refusals.is_empty():
            components.empty("No lead is refused.")
        else:
            chart = charts.share_chart(measures.refusals, "reason", "leads", mode)
            components.show(chart, "Reasons for not calling")
            components.table(
                measures.refusals, {"reason": "Reason", "leads": "Leads", **_SHARE}, "refusals"
            )


page()

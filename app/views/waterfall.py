"""Why are leads not being called?"""

from datetime import datetime
from uuid import UUID

import polars as pl
import streamlit as st

from app import campaign_picker, charts_waterfall, components, session
from app.campaign_reading import HOUSE_ZONE
from app.queries import waterfall as queries
from app.queries.waterfall import Waterfall
from pipelines.metrics.frames import Campaign
from pipelines.report.palette import Mode
from voice_ai.errors import VoiceAIError

BEAT = 4.0  # seconds between two readings
_KEPT = 3.0  # so old may what is shown be, for all sessions together
_DO = {
    "all": "",
    "done": "Finished: nothing more is dialed.",
    "refused": "Left the campaign: waiting does not cure the reason.",
    "calling": "An attempt has not ended.",
    "waiting": "Asked about again at the time given.",
    "callable": "The next ones a dialer takes, if every rule still allows it.",
}


@st.cache_data(ttl=_KEPT, show_spinner=False)
def _read(campaign: UUID) -> tuple[Waterfall, datetime]:
    """Raises NotAvailable."""
    now = session.context().clock.now()
    with session.reading() as connection:
        return queries.read(connection, campaign, now), now


def page() -> None:
    campaign = campaign_picker.picked("Why are leads not being called?")
    if campaign is None:
        return
    _moving(campaign)


@st.fragment(run_every=BEAT)
def _moving(campaign: Campaign) -> None:
    try:
        seen, at = _read(campaign.id)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    local = at.astimezone(HOUSE_ZONE)
    st.caption(
        f"{campaign.seller} · list {campaign.list_name} · {campaign.state.replace('_', ' ')} · "
        f"as of {local:%a %d %b %H:%M:%S} New York"
    )
    if seen.leads("all") == 0:
        st.info("The campaign has no lead: its list is empty.", icon=":material/lists:")
        return
    _figures(seen)
    mode = components.mode()
    left, right = st.columns([3, 2], gap="small")
    with left:
        _main(seen, mode)
    with right:
        _attempts(seen, mode)
    _links(campaign)


def _figures(seen: Waterfall) -> None:
    total = seen.leads("all")
    next_at = seen.next_at.astimezone(HOUSE_ZONE) if seen.next_at else None
    waits = f"next {next_at:%a %H:%M} New York" if next_at else "none waits for a time"
    figures = (
        ("Leads", total, "enrolled in the campaign"),
        ("Done", seen.leads("done") + seen.leads("refused"), "finished or refused for good"),
        ("Being called", seen.leads("calling"), "attempts that have not ended"),
        ("Waiting", seen.leads("waiting"), waits),
        ("May be called now", seen.leads("callable"), "the next a dialer takes"),
    )
    for column, (label, value, about) in zip(st.columns(5, gap="small"), figures, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, f"{value:,}")
            st.caption(f"{value / total:.0%} of {total:,} leads · {about}")


def _main(seen: Waterfall, mode: Mode) -> None:
    with st.container(border=True, height="stretch"):
        st.markdown(
            "**From all leads to those that may be called now**",
            help="Each lead counts once: by its outcome when it is done, else by the last decision "
            "about it. A lead with several reasons has a bar of its own for just these.",
        )
        st.caption(f"n = {seen.leads('all'):,} leads")
        components.show(
            charts_waterfall.waterfall_chart(seen, mode), "From all leads to those callable now"
        )
        rows = pl.DataFrame(
            {
                "step": [charts_waterfall.step_words(step) for step in seen.steps],
                "leads": [step.leads for step in seen.steps],
                "left": [step.before for step in seen.steps],
                "next_at": [
                    f"{step.next_at.astimezone(HOUSE_ZONE):%a %d %b %H:%M}" if step.next_at else "–"
                    for step in seen.steps
                ],
                "means": [_DO[step.part] for step in seen.steps],
            }
        )
        names = {
            "step": "Leads that are",
            "leads": "Leads",
            "left": "Left before",
            "next_at": "Next (New York)",
            "means": "What that means",
        }
        components.table(rows, names, "waterfall")


def _attempts(seen: Waterfall, mode: Mode) -> None:
    with st.container(border=True, height="stretch"):
        st.markdown(
            "**Attempts per lead**", help="Dials of this campaign that reached the carrier."
        )
        dials = sum(n * leads for n, leads in seen.attempts)
        total = max(seen.leads("all"), 1)
        cap = "no cap is set" if seen.cap is None else f"{seen.at_cap:,} at the cap of {seen.cap}"
        st.caption(f"n = {total:,} leads · {dials / total:.2f} dials a lead · {cap}")
        components.show(
            charts_waterfall.attempts_chart(seen.attempts, seen.cap, mode), "Attempts per lead"
        )
        rows = pl.DataFrame(
            {
                "attempts": [n for n, _ in seen.attempts],
                "leads": [leads for _, leads in seen.attempts],
                "rate": [leads / total for _, leads in seen.attempts],
            }
        )
        components.table(
            rows, {"attempts": "Dials", "leads": "Leads", "rate": "Share of leads"}, "attempts"
        )


def _links(campaign: Campaign) -> None:
    with st.container(horizontal=True):
        for view, label, icon in (
            ("campaign", "The campaign", "monitoring"),
            ("preflight", "Pre-flight", "flight_takeoff"),
        ):
            st.page_link(
                f"views/{view}.py",
                label=label,
                icon=f":material/{icon}:",
                query_params={"campaign": campaign.name},
            )


page()

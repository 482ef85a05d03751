"""Cached readers of the campaign pages: all sessions that look share one read a moment."""

from datetime import datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import streamlit as st

from app import session
from app.queries import campaigns as queries
from app.queries import today as today_queries
from app.queries.campaigns import LeadList, Listed, Standing
from app.queries.today import Today
from pipelines import flow_list
from voice_ai.ids import CampaignId
from voice_ai.store import campaign_versions
from voice_ai.store.campaign_versions import StoredVersion

# Where days begin on the pages that look at every campaign at once.
HOUSE_ZONE = ZoneInfo("America/New_York")


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def listed() -> list[Listed]:
    """Raises NotAvailable."""
    with session.reading() as connection:
        return queries.listed(connection)


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def standing(campaign: UUID, name: str) -> Standing | None:
    """None when the campaign is not there any more. Raises NotAvailable."""
    with session.reading() as connection:
        return queries.standing(connection, campaign, name, session.context().clock.now())


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def today() -> Today:
    """Raises NotAvailable."""
    context = session.context()
    now = context.clock.now()
    with session.reading() as connection:
        return today_queries.today(
            connection, since=day_begin(now), now=now, rehearsal=context.rehearsal
        )


def day_begin(now: datetime) -> datetime:
    """Midnight in New York."""
    local = now.astimezone(HOUSE_ZONE)
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def lead_lists() -> list[LeadList]:
    """Raises NotAvailable."""
    with session.reading() as connection:
        return queries.lead_lists(connection, rehearsal=session.context().rehearsal)


# Not cached: a version holds the seller's numbers opened.
def all_versions(campaign: UUID) -> list[StoredVersion]:
    """The newest first. Raises NotAvailable, NotFound."""
    keyring, campaign_id = session.context().keyring, CampaignId(campaign)
    with session.asking() as db:
        known = campaign_versions.versions(db, campaign_id)
        return [
            campaign_versions.stored_version(db, keyring, campaign_id, row["version"])
            for row in known[:_MOST_VERSIONS]
        ]


_MOST_VERSIONS = 20


def reports_folder() -> Path:
    return flow_list.reports_folder(session.context().settings.home.resolve())

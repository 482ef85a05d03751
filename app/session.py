"""What every page shares: one context and one pool per process, reads cached for a moment."""

import atexit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
import streamlit as st

from app import queries
from pipelines.metrics.frames import Campaign
from pipelines.metrics.measures import Overview
from voice_ai.context import Context, open_context
from voice_ai.db.connect import unreachable
from voice_ai.errors import NotAvailable

_MOMENT = 1.5  # seconds; shorter than the pages' own beat, so that sessions share one read


@dataclass(frozen=True)
class Reading:
    """One consistent reading of a campaign."""

    campaign: Campaign
    measures: Overview
    live: list[queries.LiveCall]
    now: datetime


@st.cache_resource(show_spinner=False)
def context() -> Context:
    """Opened once per process and left when it ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(open_context())


@st.cache_resource(show_spinner=False)
def engine() -> sa.Engine:
    return queries.open_engine(context().role_url("app"))


@contextmanager
def _reading() -> Iterator[sa.Connection]:
    """One snapshot. Raises NotAvailable."""
    try:
        with engine().connect() as connection:
            yield connection
    except sa.exc.OperationalError as error:
        cause = error.orig if isinstance(error.orig, Exception) else error
        raise NotAvailable(unreachable(cause)) from error


@st.cache_data(ttl=_MOMENT, show_spinner=False)
def campaigns() -> list[Campaign]:
    """Raises NotAvailable."""
    with _reading() as connection:
        return queries.campaigns(connection)


@st.cache_data(ttl=_MOMENT, show_spinner=False)
def reading(campaign_id: UUID) -> Reading | None:
    """None when there is no such campaign any more. Raises NotAvailable."""
    with _reading() as connection:
        known = {campaign.id: campaign for campaign in queries.campaigns(connection)}
        campaign = known.get(campaign_id)
        if campaign is None:
            return None
        measures = queries.overview(connection, campaign)
        live = queries.live_calls(connection, campaign)
    return Reading(campaign, measures, live, context().clock.now())

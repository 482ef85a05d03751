"""What every page shares: one context and one pool per process, reads cached for a moment.

A page reads through `reading()`, one snapshot that is given back before the page is drawn, and asks
through `asking()`, one short transaction that writes a row somebody else obeys. Cached readers
(`st.cache_data(ttl=MOMENT)`) are shared by all browser sessions: however many look at a page, the
database is asked once a moment.
"""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
import streamlit as st

from app.presence import present
from app.queries import overview
from app.queries.engine import open_engine
from pipelines.metrics.frames import Campaign
from pipelines.metrics.measures import Overview
from voice_ai.context import Context
from voice_ai.db.connect import Db, connect, unreachable
from voice_ai.errors import NotAvailable

MOMENT = 1.5  # seconds; shorter than the pages' own beat, so that sessions share one read


@dataclass(frozen=True)
class Reading:
    """One consistent reading of a campaign."""

    campaign: Campaign
    measures: Overview
    live: list[overview.LiveCall]
    now: datetime


@st.cache_resource(show_spinner=False)
def context() -> Context:
    """Opened once per process and left when it ends."""
    return present()


@st.cache_resource(show_spinner=False)
def engine() -> sa.Engine:
    return open_engine(context().role_url("app"))


@contextmanager
def reading() -> Iterator[sa.Connection]:
    """One read-only snapshot. Raises NotAvailable."""
    try:
        with engine().connect() as connection:
            yield connection
    except sa.exc.OperationalError as error:
        cause = error.orig if isinstance(error.orig, Exception) else error
        raise NotAvailable(unreachable(cause)) from error


@contextmanager
def asking() -> Iterator[Db]:
    """A connection on which a page asks for something; autocommit. Raises NotAvailable."""
    with connect(context().role_url("app"), name="voice-ai app asks", autocommit=True) as db:
        yield db


def user() -> str:
    """Who asks: everything listens on this machine only, so it is whoever runs the pages."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@st.cache_data(ttl=MOMENT, show_spinner=False)
def campaigns() -> list[Campaign]:
    """Raises NotAvailable."""
    with reading() as connection:
        return overview.campaigns(connection)


@st.cache_data(ttl=MOMENT, show_spinner=False)
def campaign_reading(campaign_id: UUID) -> Reading | None:
    """None when there is no such campaign any more. Raises NotAvailable."""
    with reading() as connection:
        known = {campaign.id: campaign for campaign in overview.campaigns(connection)}
        campaign = known.get(campaign_id)
        if campaign is None:
            return None
        measures = overview.overview(connection, campaign)
        live = overview.live_calls(connection, campaign)
    return Reading(campaign, measures, live, context().clock.now())

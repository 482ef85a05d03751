"""Readings of calls that all browser sessions share: one a moment, however many look."""

from uuid import UUID

import streamlit as st

from app import session
from app.live_feed import LiveFeed
from app.queries import call, calls
from voice_ai.live_feed import channel_of, redis_in_use
from voice_ai.recordings import open_recording

# A little less than the pages' beat of a second, so that each beat has something new to show.
LIVE_MOMENT = 0.95


@st.cache_resource(show_spinner=False)
def live_feed() -> LiveFeed:
    """One for the process: its thread ends with it."""
    context = session.context()
    return LiveFeed(
        lambda: redis_in_use(context.settings, context.keyring), channel_of(context.keyring)
    ).start()


@st.cache_data(ttl=LIVE_MOMENT, show_spinner=False)
def live_board() -> calls.LiveBoard:
    """Raises NotAvailable."""
    rehearsal = session.context().rehearsal
    with session.reading() as connection:
        return calls.live_board(connection, rehearsal=rehearsal)


@st.cache_data(ttl=LIVE_MOMENT, max_entries=200, show_spinner=False)
def last_order(attempt_id: UUID) -> calls.Order | None:
    """Raises NotAvailable."""
    with session.reading() as connection:
        return calls.last_order(connection, attempt_id)


@st.cache_data(ttl=LIVE_MOMENT, max_entries=200, show_spinner=False)
def one_call(attempt_id: UUID) -> call.Call | None:
    """Raises NotAvailable."""
    with session.reading() as connection:
        return call.one_call(connection, attempt_id)


@st.cache_data(ttl=session.MOMENT, max_entries=50, show_spinner=False)
def finished(filters: calls.Filters) -> calls.Finished:
    """Raises NotAvailable."""
    with session.reading() as connection:
        return calls.finished(connection, filters)


@st.cache_data(ttl=600, max_entries=8, show_spinner="Opening the recording …")
def recording(path: str) -> bytes:
    """A WAV file. Raises NotFound, BadInput."""
    context = session.context()
    return open_recording(context.settings.home, context.keyring, path)

"""What the listening page reads, shared by all browser sessions for a while."""

from datetime import date
from uuid import UUID

import streamlit as st

from app import session
from voice_ai.db.connect import Row
from voice_ai.qa.agreement import Agreement
from voice_ai.qa.card import default_card
from voice_ai.store import qa

_DAY_S = 300.0


@st.cache_data(ttl=_DAY_S, max_entries=8, show_spinner="Judging the calls of the day …")
def of_day(day: date) -> qa.Listening:
    """Raises NotAvailable."""
    with session.asking() as db:
        return qa.listening(db, default_card(), day, rehearsal=session.context().rehearsal)


@st.cache_data(ttl=_DAY_S, show_spinner=False)
def last_day() -> date | None:
    """Raises NotAvailable."""
    with session.asking() as db:
        return qa.last_day(db, rehearsal=session.context().rehearsal)


@st.cache_data(ttl=session.MOMENT, max_entries=50, show_spinner=False)
def scores(attempt_ids: tuple[UUID, ...]) -> list[Row]:
    """Raises NotAvailable."""
    with session.asking() as db:
        return qa.scores_of(db, list(attempt_ids))


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def agreements() -> dict[str, Agreement]:
    """Raises NotAvailable."""
    with session.asking() as db:
        return qa.agreements(db, default_card())

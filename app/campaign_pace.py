"""The pace of a campaign on its page: how many calls at once now, and what changed that."""

from datetime import datetime
from uuid import UUID

import polars as pl
import streamlit as st

from app import session
from app.campaign_reading import HOUSE_ZONE
from app.queries import pace as queries
from app.queries.pace import Change, Pace
from pipelines.report.labels import words


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def reading(campaign: UUID) -> Pace | None:
    """Raises NotAvailable."""
    with session.reading() as connection:
        return queries.pace(connection, campaign)


def panel(pace: Pace, now: datetime) -> None:
    with st.container(border=True, height="stretch"):
        st.markdown(
            "**How fast it goes**",
            help="Live calls at once, counted over all workers. Ramp-up, throttle, breaker and"
            " budget are explained in docs/pacing.md.",
        )
        st.caption(sentence(pace, now))
        st.progress(min(1.0, pace.live / pace.now_most), text=_live(pace))
        if pace.changes:
            st.dataframe(_changes(pace.changes), hide_index=True, height=_height(pace.changes))


def _live(pace: Pace) -> str:
    return f"{pace.live:,} of {pace.now_most:,} calls at once"


def sentence(pace: Pace, now: datetime) -> str:
    """Its pace in words: the step, and what holds it back."""
    if pace.held_until is not None and pace.held_until > now:
        until = f"{pace.held_until.astimezone(HOUSE_ZONE):%H:%M:%S}"
        return f"Nothing is dialed until {until} New York: too many dials failed at the carrier."
    told = f"Up to {pace.calls_per_second:g} new calls a second"
    if pace.step is not None and pace.now_most < pace.full:
        told += f"; step {pace.step + 1} of {pace.steps} of the ramp-up to {pace.full:,}"
    if pace.throttle is not None:
        told += f"; throttled: {words(pace.throttle).lower()}"
    return f"{told}."


def _changes(changes: tuple[Change, ...]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "When (New York)": [f"{one.at.astimezone(HOUSE_ZONE):%a %H:%M:%S}" for one in changes],
            "What": [_what(one) for one in changes],
            "Why": [words(one.reason) for one in changes],
        }
    )


def _what(change: Change) -> str:
    if change.kind in {"step_up", "step_down"}:
        return f"{words(change.kind)} to {change.figures['to'] + 1}"
    return words(change.kind)


def _height(changes: tuple[Change, ...]) -> int:
    return min(38 + 35 * len(changes), 213)

"""What the pages on timing and costs ask of the lake, kept for a moment for all sessions."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import polars as pl
import streamlit as st

from app import session
from app.slice_picker import Picked
from pipelines.analyses import costs, timing
from pipelines.analyses.costs import Costs
from pipelines.lake.read import Lake
from pipelines.metrics.forecast import Forecast
from pipelines.metrics.slices import Slice
from voice_ai.db.connect import Row
from voice_ai.store import prices

_KEPT = 60.0


@dataclass(frozen=True)
class Timed:
    """Frames of `pipelines.analyses.timing`; `trend`: dials and human_answered by day of the
    call."""

    hours: pl.DataFrame
    paths: pl.DataFrame
    by_dial: pl.DataFrame
    by_dial_and_list: pl.DataFrame
    by_hour: pl.DataFrame
    by_hour_and_list: pl.DataFrame
    standing: pl.DataFrame
    forecast: Forecast
    trend: pl.DataFrame


def timed(picked: Picked) -> Timed:
    """Raises VoiceAIError."""
    return _timed(picked.lake, picked.state, picked.part)


def spent(picked: Picked) -> Costs:
    """Raises VoiceAIError."""
    return _spent(picked.lake, picked.state, picked.part)


@st.cache_data(ttl=_KEPT, max_entries=64, show_spinner="Adding up dials …")
def _timed(_lake: Lake, state: tuple[int, int], part: Slice) -> Timed:
    found = timing.paths(_lake, part)
    standing = timing.penetration(_lake, part)
    return Timed(
        hours=timing.best_time(_lake, part),
        paths=found,
        by_dial=timing.contact_by_dial(found),
        by_dial_and_list=timing.contact_by_dial(found, by_list=True),
        by_hour=timing.contact_by_hour(_lake, part),
        by_hour_and_list=timing.contact_by_hour(_lake, part, by_list=True),
        standing=standing,
        forecast=timing.forecast(standing),
        trend=timing.humans_by_day(_lake, part),
    )


@st.cache_data(ttl=_KEPT, max_entries=64, show_spinner="Adding up costs …")
def _spent(_lake: Lake, state: tuple[int, int], part: Slice) -> Costs:
    return costs.spent(_lake, part)


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def prices_in_force() -> list[Row]:
    """Raises NotAvailable."""
    with session.asking() as db:
        return prices.prices_in_force(db, session.context().clock.now())


@st.cache_data(ttl=_KEPT, max_entries=32, show_spinner=False)
def benefit_of_hours(campaign_id: str) -> str | None:
    """What choosing hours was worth to the campaign's seller, in words; None where no lead was ever
    given an hour. Raises NotAvailable."""
    from pipelines.lead_slots import benefit_of

    now: datetime = session.context().clock.now()
    with session.asking() as db:
        row = db.execute(
            "SELECT c.seller_id, s.rehearsal FROM campaigns c JOIN sellers s ON s.id = c.seller_id"
            " WHERE c.id = %s",
            (UUID(campaign_id),),
        ).fetchone()
        if row is None:
            return None
        worth = benefit_of(db, row["seller_id"], rehearsal=row["rehearsal"], now=now)
    return worth.sentence if worth.chosen.dials + worth.random.dials else None

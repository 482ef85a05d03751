"""What works?"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import polars as pl
import streamlit as st

from app import charts, charts_analytics, components, session
from app.queries import analytics
from app.theme import Drawing
from pipelines.metrics.definitions import (
    ANSWER_RATE_BY_HOUR,
    DISPOSITIONS,
    EMOTIONS_ALONG_CALL,
    FUNNEL,
    THIN_BELOW,
    TURN_LATENCY,
    Metric,
)
from pipelines.metrics.frames import Campaign
from pipelines.metrics.measures import Measures
from pipelines.report.labels import count, milliseconds, moment, percent, words
from pipelines.report.palette import Mode, disposition_outcome, outcome_colour
from voice_ai.errors import VoiceAIError

_KEPT = 10.0  # seconds: an analyst's page may be that old, and says when it was read
_RATE = {"n": "n", "rate": "Share", "low": "95 % from", "high": "95 % to"}


@st.cache_data(ttl=_KEPT, show_spinner=False)
def _read(campaign_id: UUID) -> tuple[Measures, datetime] | None:
    """None when the campaign is gone. Raises NotAvailable."""
    with session.reading() as connection:
        known = {one.id: one for one in analytics.campaigns(connection)}
        if campaign_id not in known:
            return None
        return analytics.measures(connection, known[campaign_id]), session.context().clock.now()


def page() -> None:
    head, picker = st.columns([3, 1], vertical_alignment="bottom")
    head.title("What works?")
    try:
        known = session.campaigns()
        if not known:
            components.no_campaign()
            return
        campaign = _chosen(known, picker)
        seen = _read(campaign.id)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if seen is None:
        st.rerun()
    measures, at = seen
    kind = "rehearsal, nobody real was called · " if campaign.rehearsal else ""
    st.caption(f"{campaign.seller} · list {campaign.list_name} · {kind}as of {moment(at)}")
    if measures.totals.dials == 0:
        components.nothing_dialed(campaign.name, campaign.state)
        return
    mode: Mode = "dark" if st.context.theme.type == "dark" else "light"
    components.figures(measures)
    _funnel(measures, mode)
    left, right = st.columns(2, gap="small")
    with left:
        _hours(measures, mode)
        _along(measures, mode)
    with right:
        _outcomes(measures, mode)
    _latency(measures, mode)


def _chosen(known: list[Campaign], picker: "st.delta_generator.DeltaGenerator") -> Campaign:
    names = [campaign.name for campaign in known]
    name = picker.selectbox("Campaign", names, key="campaign", bind="query-params")
    return next((one for one in known if one.name == name), known[0])


def _part(
    metric: Metric,
    about: str,
    rows: pl.DataFrame,
    columns: dict[str, str],
    draw: Callable[[], Drawing],
) -> None:
    """One metric: its n, its definition on demand, its chart, and the table behind it."""
    with components.card(metric, about):
        if rows.is_empty():
            components.empty("There is nothing to count here yet.")
            return
        components.show(draw(), f"{metric.title}; {about}")
        components.table(rows, columns, metric.name)


def _funnel(measures: Measures, mode: Mode) -> None:
    rows = measures.funnel
    _part(
        FUNNEL,
        f"n = {count(int(rows['leads'][0]))} leads · each step counts a lead once",
        rows.with_columns(step=_in_words("stage")),
        {
            "step": "Step",
            "leads": "Leads",
            "n": "Leads of the step before",
            "rate": "Share of the step before",
            "low": "95 % from",
            "high": "95 % to",
            "of_all": "Share of the list",
        },
        lambda: charts_analytics.funnel_chart(rows, mode),
    )


def _hours(measures: Measures, mode: Mode) -> None:
    rows = measures.answer_by_hour
    _part(
        ANSWER_RATE_BY_HOUR,
        f"n = {count(measures.totals.dials)} dials · called person's own time · "
        f"pale: fewer than {THIN_BELOW} dials",
        rows.with_columns(
            hour=pl.col("local_hour").map_elements(
                charts_analytics.hour_words, return_dtype=pl.String, skip_nulls=False
            )
        ),
        {
            "hour": "Local hour",
            "answered": "Answered",
            "dials": "Dials",
            "rate": "Answered per dial",
            "low": "95 % from",
            "high": "95 % to",
        },
        lambda: charts_analytics.hour_chart(rows, mode),
    )


def _outcomes(measures: Measures, mode: Mode) -> None:
    rows = measures.dispositions
    _part(
        DISPOSITIONS,
        f"n = {count(int(rows['attempts'].sum()))} ended attempts",
        rows.with_columns(outcome=_in_words("disposition")),
        {"outcome": "Outcome", "attempts": "Attempts", **_RATE, "rate": "Share of ended attempts"},
        lambda: charts.share_chart(
            rows,
            "disposition",
            "attempts",
            mode,
            colour=lambda code: outcome_colour(disposition_outcome(code)),
        ),
    )


def _along(measures: Measures, mode: Mode) -> None:
    rows = measures.emotions_along
    _part(
        EMOTIONS_ALONG_CALL,
        f"n = {count(int(rows['turns'].sum()))} caller turns with an emotion",
        rows.with_columns(part=_in_words("third"), heard=_in_words("emotion")),
        {
            "part": "Part of the call",
            "heard": "Emotion",
            "turns": "Turns",
            **_RATE,
            "rate": "Share of the third's turns",
        },
        lambda: charts_analytics.along_chart(rows, mode),
    )


def _latency(measures: Measures, mode: Mode) -> None:
    latency, rows = measures.latency, measures.latency_histogram
    told = " · ".join(
        f"p{one.p * 100:.0f} {milliseconds(one.value)} (95 %: {one.low:,.0f}–{one.high:,.0f})"
        for one in latency.percentiles
    )
    _part(
        TURN_LATENCY,
        f"n = {count(latency.n)} measured responses · {count(latency.unmeasured)} unmeasured "
        f"({percent(latency.unmeasured_share)} of responses){' · ' if told else ''}{told}",
        rows,
        {"from_ms": "From, ms", "responses": "Responses"},
        lambda: charts_analytics.latency_chart(rows, latency, mode),
    )


def _in_words(column: str) -> pl.Expr:
    return pl.col(column).map_elements(words, return_dtype=pl.String)


page()

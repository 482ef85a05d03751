"""One campaign's every metric: the overview, and what is looked at when there is time.

The database counts; rates, intervals and percentiles are those of `pipelines.metrics`, and a test
holds the whole equal to `measures.measure`.
"""

from typing import Any

import polars as pl
import sqlalchemy as sa

from app.queries.overview import campaigns, overview
from pipelines.metrics.calls import answer_rate_by_hour, dispositions
from pipelines.metrics.emotions import THIRDS, emotions_along_call
from pipelines.metrics.frames import Campaign
from pipelines.metrics.latency import latency_histogram, latency_of, steps_of
from pipelines.metrics.measures import Measures

__all__ = ["campaigns", "measures"]

_SCOPE = "campaign_id = :campaign AND rehearsal = :rehearsal"
_DISPOSITIONS = f"""
SELECT disposition, count(*) FROM v_attempts
WHERE {_SCOPE} AND state = 'ended' AND disposition IS NOT NULL GROUP BY 1
"""
_HOURS = f"""
SELECT local_hour, count(*) FILTER (WHERE answered), count(*) FROM v_attempts
WHERE {_SCOPE} AND reached_carrier GROUP BY 1
"""
_ALONG = f"""
SELECT place, emotion, count(*) FROM (
    SELECT emotion, count(*) OVER call AS size,
           (row_number() OVER (call ORDER BY turn_index) - 1) * {len(THIRDS)}
               / count(*) OVER call AS place
    FROM v_turns WHERE {_SCOPE} AND speaker = 'caller'
    WINDOW call AS (PARTITION BY attempt_id)) placed
WHERE size >= {len(THIRDS)} AND emotion IS NOT NULL GROUP BY 1, 2
"""
# What `pipelines.metrics.latency.responses` says, whose moments are whole milliseconds.
_RESPONSES = f"""
SELECT array_agg(response_ms) FROM (
    SELECT speaker, response_ms, date_trunc('milliseconds', started_at) AS began,
           lag(speaker) OVER call AS before,
           lag(date_trunc('milliseconds', started_at)) OVER call AS before_began
    FROM v_turns WHERE {_SCOPE} WINDOW call AS (PARTITION BY attempt_id ORDER BY turn_index)) turn
WHERE speaker = 'agent'
  AND (before = 'caller' AND began > before_began OR response_ms IS NOT NULL)
"""


def measures(connection: sa.Connection, campaign: Campaign) -> Measures:
    """The same as `pipelines.metrics.measures.measure` says, counted by the database."""
    answers = _responses(connection, campaign)
    return Measures(
        **vars(overview(connection, campaign)),
        dispositions=dispositions(
            _counts(connection, campaign, _DISPOSITIONS, disposition=pl.String, attempts=pl.Int64)
        ),
        answer_by_hour=answer_rate_by_hour(
            _counts(
                connection,
                campaign,
                _HOURS,
                local_hour=pl.Int64,
                answered=pl.Int64,
                dials=pl.Int64,
            )
        ),
        emotions_along=emotions_along_call(_along(connection, campaign)),
        latency=latency_of(answers),
        latency_histogram=latency_histogram(steps_of(answers)),
    )


def _along(connection: sa.Connection, campaign: Campaign) -> pl.DataFrame:
    counts = _counts(
        connection, campaign, _ALONG, place=pl.Int64, emotion=pl.String, turns=pl.Int64
    )
    names = dict(enumerate(THIRDS))
    third = pl.col("place").replace_strict(names, return_dtype=pl.String)
    return counts.select("emotion", "turns", third=third).select("third", "emotion", "turns")


def _responses(connection: sa.Connection, campaign: Campaign) -> pl.DataFrame:
    times = connection.execute(sa.text(_RESPONSES), _scope(campaign)).scalar_one() or []
    return pl.DataFrame({"response_ms": times}, schema={"response_ms": pl.Float64})


def _counts(
    connection: sa.Connection, campaign: Campaign, query: str, **schema: type[pl.DataType]
) -> pl.DataFrame:
    rows = connection.execute(sa.text(query), _scope(campaign)).all()
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def _scope(campaign: Campaign) -> dict[str, Any]:
    return {"campaign": campaign.id, "rehearsal": campaign.rehearsal}

"""One campaign's figures, as the campaign page shows them.

A page asks every two seconds, so the database counts for it; rates and intervals are those of
`pipelines.metrics`, and a test holds the whole equal to `measures.measure`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from pipelines.metrics.calls import FLAGS, activity, bin_width, calls_by_status
from pipelines.metrics.emotions import emotions, unheard
from pipelines.metrics.frames import MOMENT, Campaign
from pipelines.metrics.funnel import funnel
from pipelines.metrics.load import CAMPAIGNS
from pipelines.metrics.measures import Overview, Totals
from pipelines.metrics.refusals import refusals

_MOST_LIVE = 50
_SCOPE = "campaign_id = :campaign AND rehearsal = :rehearsal"
_DIALED = f"SELECT DISTINCT lead_id FROM v_attempts WHERE {_SCOPE} AND reached_carrier"
_LAST_REFUSED = f"""
SELECT d.lead_id, d.reasons FROM (
    SELECT DISTINCT ON (lead_id) lead_id, allow, reasons FROM v_decisions
    WHERE {_SCOPE} ORDER BY lead_id, decision_id DESC) d
JOIN campaign_leads cl ON cl.campaign_id = :campaign AND cl.lead_id = d.lead_id
WHERE NOT d.allow
"""
_OUTCOME = """CASE WHEN goal THEN 'goal' WHEN opted_out THEN 'opted_out'
    WHEN conversed THEN 'conversed' WHEN human_answered THEN 'human'
    WHEN answered THEN 'machine' ELSE 'unanswered' END"""

_Scope = Mapping[str, Any]


@dataclass(frozen=True)
class LiveCall:
    """A dial that has not ended. `since`: picked up, else intended."""

    lead_id: int
    attempt_no: int
    state: str
    since: datetime


def campaigns(connection: sa.Connection) -> list[Campaign]:
    """Running ones first, then the newest."""
    query = f"{CAMPAIGNS} ORDER BY c.state = 'running' DESC, c.created_at DESC, c.name"
    return [Campaign(**row._mapping) for row in connection.execute(sa.text(query))]


def live_calls(connection: sa.Connection, campaign: Campaign) -> list[LiveCall]:
    """Dials that have not ended, the longest first."""
    query = f"""
    SELECT lead_id, attempt_no, state, coalesce(answered_at, intended_at) AS since
    FROM v_attempts WHERE {_SCOPE} AND state <> 'ended' ORDER BY since, lead_id LIMIT {_MOST_LIVE}
    """
    rows = connection.execute(sa.text(query), _scope(campaign.id, rehearsal=campaign.rehearsal))
    return [LiveCall(**row._mapping) for row in rows]


def overview(connection: sa.Connection, campaign: Campaign) -> Overview:
    """The same as `measures.measure` says, counted by the database."""
    scope = _scope(campaign.id, rehearsal=campaign.rehearsal)
    step = _activity_step(connection, scope)
    reached, heard = _funnel(connection, scope), _emotions(connection, scope)
    return Overview(
        totals=_totals(connection, scope),
        funnel=funnel(reached),
        statuses=calls_by_status(_statuses(connection, scope)),
        activity=activity(_activity(connection, scope, step)),
        activity_step=step,
        emotions=emotions(heard),
        emotions_unheard=unheard(heard),
        refusals=refusals(_refusals(connection, scope), reached["leads"]),
    )


def _scope(campaign: UUID, *, rehearsal: bool) -> _Scope:
    return {"campaign": campaign, "rehearsal": rehearsal}


def _frame(
    connection: sa.Connection,
    query: str,
    parameters: _Scope,
    schema: Mapping[str, pl.DataType],
) -> pl.DataFrame:
    rows = connection.execute(sa.text(query), parameters).all()
    return pl.DataFrame([tuple(row) for row in rows], schema=dict(schema), orient="row")


def _totals(connection: sa.Connection, scope: _Scope) -> Totals:
    flags = ("answered", "human_answered", "machine", "conversed", "goal", "opted_out")
    sums = ", ".join(f"count(*) FILTER (WHERE reached_carrier AND {f}) AS {f}" for f in flags)
    query = f"""
    SELECT count(*) AS attempts, count(*) FILTER (WHERE state <> 'ended') AS live,
           count(*) FILTER (WHERE reached_carrier) AS dials, {sums}
    FROM v_attempts WHERE {_SCOPE}
    """
    return Totals(**connection.execute(sa.text(query), scope).one()._mapping)


def _funnel(connection: sa.Connection, scope: _Scope) -> dict[str, int]:
    query = f"""
    SELECT l.leads, l.leads - r.shut_out AS eligible, a.*
    FROM (SELECT count(*) AS leads FROM campaign_leads WHERE campaign_id = :campaign) l,
         (SELECT count(*) AS shut_out FROM ({_LAST_REFUSED}) x
          WHERE lead_id NOT IN ({_DIALED})) r,
         (SELECT count(DISTINCT lead_id) FILTER (WHERE reached_carrier) AS dialed,
                 count(DISTINCT lead_id) FILTER (WHERE answered) AS answered,
                 count(DISTINCT lead_id) FILTER (WHERE human_answered) AS human,
                 count(DISTINCT lead_id) FILTER (WHERE right_party) AS right_party,
                 count(DISTINCT lead_id) FILTER (WHERE conversed) AS conversed,
                 count(DISTINCT lead_id) FILTER (WHERE goal) AS goal
          FROM v_attempts WHERE {_SCOPE}) a
    """
    return dict(connection.execute(sa.text(query), scope).one()._mapping)


def _statuses(connection: sa.Connection, scope: _Scope) -> pl.DataFrame:
    query = f"""
    SELECT carrier_status, count(*) FROM v_attempts
    WHERE {_SCOPE} AND carrier_status IS NOT NULL GROUP BY 1
    """
    return _frame(connection, query, scope, {"status": pl.String(), "calls": pl.Int64()})


def _activity_step(connection: sa.Connection, scope: _Scope) -> timedelta:
    query = f"""
    SELECT date_trunc('milliseconds', min(ended_at)) AS first,
           date_trunc('milliseconds', max(ended_at)) AS last
    FROM v_attempts WHERE {_SCOPE} AND reached_carrier
    """
    row = connection.execute(sa.text(query), scope).one()
    return bin_width(row.first, row.last)


def _activity(connection: sa.Connection, scope: _Scope, step: timedelta) -> pl.DataFrame:
    sums = ", ".join(f"count(*) FILTER (WHERE {flag})" for flag in FLAGS)
    query = f"""
    SELECT date_bin(:step, ended_at, '1970-01-01T00:00:00Z'), {_OUTCOME}, count(*), {sums}
    FROM v_attempts WHERE {_SCOPE} AND reached_carrier AND ended_at IS NOT NULL GROUP BY 1, 2
    """
    schema: dict[str, pl.DataType] = {
        "at": MOMENT,
        "outcome": pl.String(),
        "dials": pl.Int64(),
        **dict.fromkeys(FLAGS, pl.Int64()),
    }
    return _frame(connection, query, {**scope, "step": step}, schema)


def _emotions(connection: sa.Connection, scope: _Scope) -> pl.DataFrame:
    query = f"""
    SELECT emotion, count(*) FROM v_turns WHERE {_SCOPE} AND speaker = 'caller' GROUP BY 1
    """
    return _frame(connection, query, scope, {"emotion": pl.String(), "turns": pl.Int64()})


def _refusals(connection: sa.Connection, scope: _Scope) -> pl.DataFrame:
    query = f"""
    SELECT reason, count(DISTINCT r.lead_id),
           count(DISTINCT r.lead_id) FILTER (WHERE d.lead_id IS NULL)
    FROM ({_LAST_REFUSED}) r CROSS JOIN LATERAL unnest(r.reasons) AS reason
    LEFT JOIN ({_DIALED}) d ON d.lead_id = r.lead_id GROUP BY 1
    """
    schema = {"reason": pl.String(), "leads": pl.Int64(), "never_dialed": pl.Int64()}
    return _frame(connection, query, scope, schema)

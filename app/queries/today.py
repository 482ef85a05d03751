"""What the first page asks: what wants attention, and today in figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.queries.campaigns import ALIVE_WITHIN, Listed, dialers, listed
from pipelines.metrics.measures import Totals
from voice_ai.store.watching import ALERT

_OBEYED_WITHIN = timedelta(seconds=10)
_MANY_REJECTS = 0.2
_FLAGS = ("answered", "human_answered", "machine", "conversed", "goal", "opted_out")
# Ended dials are found by their end; `attempts` of a day are those that ended in it or are live.
_TODAY = f"""
SELECT count(*) AS attempts, 0 AS live, count(*) FILTER (WHERE reached_carrier) AS dials,
       {", ".join(f"count(*) FILTER (WHERE reached_carrier AND {f}) AS {f}" for f in _FLAGS)}
FROM v_attempts
WHERE state = 'ended' AND ended_at >= :since AND ended_at < :until AND rehearsal = :rehearsal
"""
_LIVE = "SELECT count(*) FROM attempts WHERE state <> 'ended' AND rehearsal = :rehearsal"
_ALERTS = """
SELECT a.name, a.severity, a.summary, a.count AS times, c.name AS campaign FROM alerts a
LEFT JOIN campaigns c ON c.id = a.campaign_id WHERE a.cleared_at IS NULL
ORDER BY a.severity = 'page' DESC, a.raised_at DESC LIMIT 20
"""
_UNOBEYED = """
SELECT k.kind, k.asked_by, c.name AS campaign FROM commands k
LEFT JOIN campaigns c ON c.id = k.campaign_id
WHERE k.obeyed_at IS NULL AND k.asked_at < :asked_before ORDER BY k.id LIMIT 20
"""
_FLOWS = """
SELECT f.flow, f.state, f.message FROM flow_requests f
WHERE f.state IN ('failed', 'interrupted') AND f.finished_at >= :since
  AND NOT EXISTS (SELECT FROM flow_requests later WHERE later.flow = f.flow
                  AND later.parameters = f.parameters AND later.state = 'done'
                  AND later.finished_at > f.finished_at)
ORDER BY f.finished_at DESC LIMIT 10
"""
# Ended without saying so, lately; a process that left said so in stopped_at.
_STALE = """
SELECT w.kind, w.host, w.pid, w.seen_at FROM workers w
WHERE w.stopped_at IS NULL AND w.seen_at <= now() - CAST(:within AS interval)
  AND w.seen_at > now() - interval '1 hour'
  AND NOT EXISTS (SELECT FROM workers again WHERE again.kind = w.kind
                  AND again.started_at > w.started_at
                  AND again.seen_at > now() - CAST(:within AS interval))
ORDER BY w.seen_at DESC LIMIT 10
"""
_IMPORTS = """
SELECT r.file_name, r.rows_read, r.rows_rejected, ll.name AS list
FROM import_runs r JOIN lead_lists ll ON ll.id = r.list_id
WHERE r.undone_at IS NULL AND r.finished_at >= :since AND ll.rehearsal = :rehearsal
  AND r.rows_read > 0 AND r.rows_rejected > :share * r.rows_read
ORDER BY r.finished_at DESC LIMIT 10
"""
_WITHOUT_LEADS = """
SELECT c.name, EXISTS (SELECT FROM campaign_leads x WHERE x.campaign_id = c.id) AS had_any
FROM campaigns c WHERE c.state = 'running' AND c.rehearsal = :rehearsal
  AND NOT EXISTS (SELECT FROM campaign_leads cl WHERE cl.campaign_id = c.id
                  AND cl.state <> 'done'
                  AND (cl.state = 'calling' OR cl.next_allowed_at IS NULL
                       OR cl.next_allowed_at <= :now))
ORDER BY c.name LIMIT 10
"""
_ALIVE = """
SELECT kind, count(*) AS n FROM workers
WHERE stopped_at IS NULL AND seen_at > now() - CAST(:within AS interval)
GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True)
class Attention:
    """`page` is the view file that shows more, `campaign` which campaign to open there."""

    urgent: bool
    sentence: str
    page: str
    campaign: str | None = None


@dataclass(frozen=True)
class Today:
    """`totals.live` are the calls now; the rest of `totals` ended between `since` and `now`."""

    totals: Totals
    campaigns: tuple[Listed, ...]
    attention: tuple[Attention, ...]
    alive: Mapping[str, int]
    lists: int
    since: datetime
    now: datetime

    @property
    def running(self) -> tuple[Listed, ...]:
        return tuple(one for one in self.campaigns if one.state in ("running", "draining"))


def today(connection: sa.Connection, *, since: datetime, now: datetime, rehearsal: bool) -> Today:
    """One reading of the whole page. `since`: when the day began."""
    scope = {
        "since": since,
        "now": now,
        "until": since + timedelta(days=1),
        "rehearsal": rehearsal,
        "within": ALIVE_WITHIN,
        "asked_before": now - _OBEYED_WITHIN,
        "share": _MANY_REJECTS,
    }
    known = tuple(one for one in listed(connection) if one.rehearsal == rehearsal)
    counted = dict(connection.execute(sa.text(_TODAY), scope).one()._mapping)
    counted["live"] = connection.execute(sa.text(_LIVE), scope).scalar_one()
    alive = {row.kind: row.n for row in connection.execute(sa.text(_ALIVE), scope)}
    lists = connection.execute(sa.text("SELECT count(*) FROM lead_lists")).scalar_one()
    return Today(
        totals=Totals(**counted),
        campaigns=known,
        attention=_attention(connection, known, scope),
        alive=alive,
        lists=int(lists),
        since=since,
        now=now,
    )


def _attention(
    connection: sa.Connection, known: tuple[Listed, ...], scope: dict[str, Any]
) -> tuple[Attention, ...]:
    items = [
        *_states(known, dialers(connection)),
        *_alerts(connection),
        *_unobeyed(connection, scope),
        *_flows(connection, scope),
        *_processes(connection, scope),
        *_leads(connection, scope),
        *_imports(connection, scope),
    ]
    return tuple(sorted(items, key=lambda item: not item.urgent))


def _states(known: tuple[Listed, ...], alive: int) -> list[Attention]:
    stopped = [
        Attention(
            urgent=True,
            sentence=f"{one.name} was stopped in an emergency and starts no more.",
            page="campaign",
            campaign=one.name,
        )
        for one in known
        if one.state == "emergency_stopped"
    ]
    idle = [
        Attention(
            urgent=True,
            sentence=f"{one.name} is {one.state}, but no dialer is alive; start `voice-ai dialer`.",
            page="health",
        )
        for one in known
        if one.state in ("running", "draining") and not alive
    ]
    return stopped + idle


def _rows(
    connection: sa.Connection, query: str, scope: dict[str, Any] | None = None
) -> list[sa.Row[Any]]:
    return list(connection.execute(sa.text(query), scope or {}))


def _alerts(connection: sa.Connection) -> list[Attention]:
    return [
        Attention(
            urgent=row.severity == "page",
            sentence=f"{row.summary.rstrip('.')}{f' ({row.times} times)' * (row.times > 1)}.",
            page=_page_of(row.name, row.campaign),
            campaign=row.campaign,
        )
        for row in _rows(connection, _ALERTS)
    ]


def _page_of(alert: str, campaign: str | None) -> str:
    if campaign:
        return "campaign"
    if alert.startswith(ALERT):
        return "model_watch"
    return "models" if alert.startswith("models.") else "health"


def _unobeyed(connection: sa.Connection, scope: dict[str, Any]) -> list[Attention]:
    return [
        Attention(
            urgent=True,
            sentence=f"“{row.kind.replace('_', ' ')}” for {row.campaign or 'every campaign'},"
            f" asked by {row.asked_by}, is not obeyed yet; is a dialer running?",
            page="campaign" if row.campaign else "commands_log",
            campaign=row.campaign,
        )
        for row in _rows(connection, _UNOBEYED, scope)
    ]


def _flows(connection: sa.Connection, scope: dict[str, Any]) -> list[Attention]:
    return [
        Attention(
            urgent=False,
            sentence=f"The flow {row.flow} {row.state}: {row.message or 'no reason was given'}.",
            page="flows",
        )
        for row in _rows(connection, _FLOWS, scope)
    ]


def _processes(connection: sa.Connection, scope: dict[str, Any]) -> list[Attention]:
    return [
        Attention(
            urgent=row.kind in ("dialer", "server"),
            sentence=f"A {row.kind} on {row.host} (process {row.pid}) has not been heard of since"
            f" {row.seen_at:%H:%M:%S} UTC.",
            page="health",
        )
        for row in _rows(connection, _STALE, scope)
    ]


def _leads(connection: sa.Connection, scope: dict[str, Any]) -> list[Attention]:
    return [
        Attention(
            urgent=False,
            sentence=f"{row.name} is running, but no lead of it may be called now."
            if row.had_any
            else f"{row.name} is running without a lead.",
            page="campaign",
            campaign=row.name,
        )
        for row in _rows(connection, _WITHOUT_LEADS, scope)
    ]


def _imports(connection: sa.Connection, scope: dict[str, Any]) -> list[Attention]:
    return [
        Attention(
            urgent=False,
            sentence=f"{row.rows_rejected:,} of {row.rows_read:,} rows of {row.file_name} were"
            f" refused on import into {row.list}.",
            page="lead_lists",
        )
        for row in _rows(connection, _IMPORTS, scope)
    ]

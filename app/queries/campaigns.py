"""Campaigns as a list, and one campaign's standing: where its leads are, what was asked of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

ALIVE_WITHIN = timedelta(seconds=10)  # of real time; a process beats every two seconds

_LEADS = """
SELECT campaign_id, count(*) AS leads, count(*) FILTER (WHERE state = 'done') AS done
FROM campaign_leads GROUP BY 1
"""
_DIALS = """
SELECT campaign_id, rehearsal, sum(live)::bigint AS live, sum(dials)::bigint AS dials,
       sum(goals)::bigint AS goals
FROM v_campaign_day GROUP BY 1, 2
"""
_LIST = f"""
SELECT c.id, c.name, c.state, c.state_since, c.version, c.rehearsal, c.created_at,
       s.name AS seller, ll.name AS list, coalesce(l.leads, 0) AS leads,
       coalesce(l.done, 0) AS done, coalesce(d.live, 0) AS live, coalesce(d.dials, 0) AS dials,
       coalesce(d.goals, 0) AS goals,
       greatest(c.state_since, (SELECT max(created_at) FROM campaign_versions v
                                WHERE v.campaign_id = c.id)) AS changed_at
FROM campaigns c
JOIN sellers s ON s.id = c.seller_id
JOIN lead_lists ll ON ll.id = c.list_id
LEFT JOIN ({_LEADS}) l ON l.campaign_id = c.id
LEFT JOIN ({_DIALS}) d ON d.campaign_id = c.id AND d.rehearsal = c.rehearsal
ORDER BY c.state = 'running' DESC, c.created_at DESC, c.name
"""
# The order in which a dialer takes leads needs nothing of this: these are counts for a person.
_STANDING = """
SELECT c.state, c.state_since, c.version, count(cl.lead_id) AS leads,
       count(*) FILTER (WHERE cl.state = 'calling') AS calling,
       count(*) FILTER (WHERE cl.state = 'done') AS done,
       count(*) FILTER (WHERE cl.state = 'ready' AND (
           cl.next_allowed_at IS NULL OR cl.next_allowed_at <= :now)) AS ready_now,
       min(cl.next_allowed_at) FILTER (WHERE cl.state = 'ready' AND cl.next_allowed_at > :now)
           AS next_at
FROM campaigns c LEFT JOIN campaign_leads cl ON cl.campaign_id = c.id
WHERE c.id = :campaign GROUP BY c.id
"""
_WAITING = """
SELECT decision_key AS decision, count(*) AS leads,
       count(*) FILTER (WHERE next_allowed_at IS NULL OR next_allowed_at <= :now) AS now,
       min(next_allowed_at) FILTER (WHERE next_allowed_at > :now) AS next_at
FROM campaign_leads WHERE campaign_id = :campaign AND state = 'ready'
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 30
"""
_COMMANDS = """
SELECT id, kind, asked_by, reason, asked_at, obeyed_at, outcome FROM commands
WHERE campaign_id = :campaign OR campaign_id IS NULL ORDER BY id DESC LIMIT 5
"""
_DIALERS = """
SELECT count(*) FROM workers
WHERE kind = 'dialer' AND stopped_at IS NULL AND seen_at > now() - CAST(:within AS interval)
"""
_REPORT = """
SELECT id, state, progress, message, parameters, asked_at, finished_at FROM flow_requests
WHERE flow = 'build-report' AND parameters ->> 'campaign' = :name
ORDER BY asked_at DESC, id LIMIT 1
"""
_LISTS = """
SELECT ll.name, s.name AS seller, s.legal_name, count(l.id) AS leads
FROM lead_lists ll JOIN sellers s ON s.id = ll.seller_id LEFT JOIN leads l ON l.list_id = ll.id
WHERE ll.rehearsal = :rehearsal GROUP BY ll.id, s.id ORDER BY ll.created_at DESC
"""


@dataclass(frozen=True)
class Listed:
    """One row of the list; `dials` and `goals` count what ended."""

    id: UUID
    name: str
    state: str
    state_since: datetime
    version: int
    rehearsal: bool
    created_at: datetime
    seller: str
    list: str
    leads: int
    done: int
    live: int
    dials: int
    goals: int
    changed_at: datetime

    @property
    def progress(self) -> float:
        return self.done / self.leads if self.leads else 0.0


@dataclass(frozen=True)
class Waiting:
    """Ready leads by the last decision about them; `decision` None: not asked yet."""

    decision: str | None
    leads: int
    now: int
    next_at: datetime | None


@dataclass(frozen=True)
class Asked:
    id: int
    kind: str
    asked_by: str
    reason: str | None
    asked_at: datetime
    obeyed_at: datetime | None
    outcome: str | None


@dataclass(frozen=True)
class ReportRequest:
    id: UUID
    state: str
    progress: float | None
    message: str | None
    parameters: dict[str, Any]
    asked_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class Standing:
    """Where a campaign's leads are, what waits and why, and what people asked lately."""

    state: str
    state_since: datetime
    version: int
    leads: int
    calling: int
    done: int
    ready_now: int
    next_at: datetime | None
    waiting: tuple[Waiting, ...]
    asked: tuple[Asked, ...]
    dialers: int
    report: ReportRequest | None

    @property
    def progress(self) -> float:
        return self.done / self.leads if self.leads else 0.0


@dataclass(frozen=True)
class LeadList:
    name: str
    seller: str
    legal_name: str
    leads: int


def listed(connection: sa.Connection) -> list[Listed]:
    """Running ones first, then the newest."""
    return [Listed(**row._mapping) for row in connection.execute(sa.text(_LIST))]


def standing(
    connection: sa.Connection, campaign: UUID, name: str, now: datetime
) -> Standing | None:
    """None when the campaign is not there any more."""
    scope = {"campaign": campaign, "now": now}
    row = connection.execute(sa.text(_STANDING), scope).one_or_none()
    if row is None:
        return None
    waiting = connection.execute(sa.text(_WAITING), scope)
    asked = connection.execute(sa.text(_COMMANDS), {"campaign": campaign})
    report = connection.execute(sa.text(_REPORT), {"name": name}).one_or_none()
    return Standing(
        **row._mapping,
        waiting=tuple(Waiting(**line._mapping) for line in waiting),
        asked=tuple(Asked(**line._mapping) for line in asked),
        dialers=dialers(connection),
        report=ReportRequest(**report._mapping) if report else None,
    )


def dialers(connection: sa.Connection) -> int:
    """Dialers that have beaten lately."""
    found = connection.execute(sa.text(_DIALERS), {"within": ALIVE_WITHIN}).scalar_one()
    return int(found)


def lead_lists(connection: sa.Connection, *, rehearsal: bool) -> list[LeadList]:
    """The newest first."""
    rows = connection.execute(sa.text(_LISTS), {"rehearsal": rehearsal})
    return [LeadList(**row._mapping) for row in rows]

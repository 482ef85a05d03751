"""The place itself: its processes, how the database is, who asked for what."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from voice_ai.db import queries

MOST = 300
_FAILED = ("failed_transient", "failed_permanent", "not_dialed", "abandoned", "dead_air")


@dataclass(frozen=True)
class Process:
    """One row of `workers`; `state` is alive, stale or stopped."""

    kind: str
    host: str
    pid: int
    state: str
    up_s: float
    silent_s: float
    vitals: Mapping[str, Any]


@dataclass(frozen=True)
class Work:
    """What is under way: calls that have not ended, attempts of the last hour that went wrong."""

    live: int
    ended: int
    failed: int


@dataclass(frozen=True)
class Seen:
    """What the database told, and how long it took to answer at all."""

    latency_ms: float
    processes: list[Process]
    work: Work


@dataclass(frozen=True)
class Asked:
    """One command of a person."""

    id: int
    kind: str
    campaign: str | None
    asked_by: str
    reason: str | None
    asked_at: datetime
    obeyed_at: datetime | None
    outcome: str | None


@dataclass(frozen=True)
class FlowAsked:
    """One request to the flows."""

    flow: str
    state: str
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    message: str | None


def look(connection: sa.Connection, now: datetime) -> Seen:
    """`now` is the campaigns' clock."""
    started = time.perf_counter()
    connection.execute(sa.text("SELECT 1"))
    latency = (time.perf_counter() - started) * 1000
    return Seen(latency, processes(connection), work(connection, now))


def processes(connection: sa.Connection) -> list[Process]:
    """Those of the last day, the living first."""
    rows = connection.exec_driver_sql(queries("workers").processes).mappings()
    names = ("kind", "host", "pid", "state", "up_s", "silent_s")
    return [Process(**{n: row[n] for n in names}, vitals=row["vitals"] or {}) for row in rows]


def work(connection: sa.Connection, now: datetime) -> Work:
    """Two index scans: live attempts, and the last hour's ends by the campaigns' clock."""
    live = connection.scalar(sa.text("SELECT count(*) FROM attempts WHERE state <> 'ended'"))
    query = """
    SELECT count(*) AS ended, count(*) FILTER (WHERE disposition = ANY(:failed)) AS failed
    FROM attempts WHERE state = 'ended' AND ended_at > :since AND ended_at <= :now
    """
    told = {"failed": list(_FAILED), "since": now - timedelta(hours=1), "now": now}
    row = connection.execute(sa.text(query), told).one()
    return Work(int(live or 0), int(row.ended), int(row.failed))


def commands(
    connection: sa.Connection, *, campaign: str | None, kind: str | None, open_only: str | None
) -> list[Asked]:
    """The newest first; a command for all campaigns is also one for each."""
    query = f"""
    SELECT c.id, c.kind, k.name AS campaign, c.asked_by, c.reason, c.asked_at, c.obeyed_at,
           c.outcome
    FROM commands c LEFT JOIN campaigns k ON k.id = c.campaign_id
    WHERE (CAST(:campaign AS text) IS NULL OR k.name = :campaign OR c.campaign_id IS NULL)
      AND (CAST(:kind AS text) IS NULL OR c.kind = :kind)
      AND (CAST(:open_only AS text) IS NULL OR c.obeyed_at IS NULL)
    ORDER BY c.id DESC LIMIT {MOST}
    """
    told = {"campaign": campaign, "kind": kind, "open_only": open_only}
    return [Asked(**row._mapping) for row in connection.execute(sa.text(query), told)]


def flow_requests(connection: sa.Connection) -> list[FlowAsked]:
    query = f"""
    SELECT flow, state, asked_by, asked_at, started_at, finished_at, message
    FROM flow_requests ORDER BY asked_at DESC, id LIMIT {MOST}
    """
    return [FlowAsked(**row._mapping) for row in connection.execute(sa.text(query))]


def campaign_names(connection: sa.Connection) -> Sequence[str]:
    return list(connection.scalars(sa.text("SELECT name FROM campaigns ORDER BY name")))

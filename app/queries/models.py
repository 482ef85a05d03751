"""What models said in calls, which candidates are in calls, and which alerts are open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

LAST_CALLS = 500
# From the newest ended attempts backwards: both steps walk an index.
_SPOKEN = f"""
SELECT p.task, p.model_name, p.model_version, count(*) AS answers,
       count(DISTINCT p.attempt_id) AS calls,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY p.latency_us) AS p50_us,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY p.latency_us) AS p95_us,
       max(p.predicted_at) AS latest
FROM (SELECT id FROM attempts WHERE state = 'ended' ORDER BY ended_at DESC LIMIT {LAST_CALLS}) a
JOIN model_predictions p ON p.attempt_id = a.id
GROUP BY 1, 2, 3 ORDER BY 1, answers DESC, 3
"""
_ALERTS = """
SELECT name, severity, summary, raised_at FROM alerts
WHERE cleared_at IS NULL AND (name ILIKE 'model%' OR name LIKE 'rollout.%')
ORDER BY severity = 'page' DESC, raised_at DESC LIMIT 10
"""
_ROLLOUTS = """
SELECT task, model_version, champion_version, stage, share, stage_since, standing FROM rollouts
WHERE ended_at IS NULL ORDER BY task
"""
_SPOKEN_COLUMNS: dict[str, pl.DataType] = {
    "task": pl.String(),
    "model_name": pl.String(),
    "model_version": pl.String(),
    "answers": pl.Int64(),
    "calls": pl.Int64(),
    "p50_us": pl.Float64(),
    "p95_us": pl.Float64(),
    "latest": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True)
class Alert:
    """An alert about models that is open."""

    name: str
    severity: str
    summary: str
    raised_at: datetime


@dataclass(frozen=True)
class Rollout:
    """A candidate in running calls; `standing` is the last judgement, None before the first."""

    task: str
    model_version: str
    champion_version: str | None
    stage: str
    share: float
    stage_since: datetime
    standing: Mapping[str, Any] | None


def spoken(connection: sa.Connection) -> pl.DataFrame:
    """Answers by task and version over the last `LAST_CALLS` ended attempts, and how long the
    model took for one."""
    rows = connection.execute(sa.text(_SPOKEN)).all()
    return pl.DataFrame([tuple(row) for row in rows], schema=_SPOKEN_COLUMNS, orient="row")


def alerts(connection: sa.Connection) -> list[Alert]:
    """Those that people should look at first come first."""
    return [Alert(**row._mapping) for row in connection.execute(sa.text(_ALERTS))]


def rollouts(connection: sa.Connection) -> dict[str, Rollout]:
    """By task: one candidate of a task is under way at a time."""
    rows = [Rollout(**row._mapping) for row in connection.execute(sa.text(_ROLLOUTS))]
    return {row.task: row for row in rows}

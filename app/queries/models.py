"""What the models said in calls, and how requests to train them stand."""

from dataclasses import dataclass
from datetime import datetime

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
_REQUESTS = """
SELECT state, progress, message, asked_by, asked_at, finished_at FROM flow_requests
WHERE flow = 'train-models' ORDER BY asked_at DESC LIMIT 5
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
class Training:
    """One request to train; `progress` is None while unknown."""

    state: str
    progress: float | None
    message: str | None
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None


def spoken(connection: sa.Connection) -> pl.DataFrame:
    """Answers by task and version over the last `LAST_CALLS` ended attempts, and how long the
    model took for one."""
    rows = connection.execute(sa.text(_SPOKEN)).all()
    return pl.DataFrame([tuple(row) for row in rows], schema=_SPOKEN_COLUMNS, orient="row")


def trainings(connection: sa.Connection) -> list[Training]:
    """The newest requests, the newest first."""
    return [Training(**row._mapping) for row in connection.execute(sa.text(_REQUESTS))]

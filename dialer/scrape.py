"""What the database, the models and the spool say, filled into the metrics at a scrape."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dialer.health import TROUBLE, Remembered, Standing, age_s
from dialer.metrics import ServerMetrics
from ml.serving import ModelServer
from voice_ai.calls import AttemptState
from voice_ai.clock import Clock
from voice_ai.db import queries
from voice_ai.db.connect import Pool, Row

if TYPE_CHECKING:
    from dialer.parts import ServerParts

_SQL = queries("health")
_LIVE_STATES = tuple(state for state in AttemptState if state is not AttemptState.ENDED)
_KINDS = ("app", "dialer", "flows", "server")
_QUEUES = {"commands": "oldest_command", "flow_requests": "oldest_flow_request"}
_DATABASE_S = 2.0


class Day:
    """The last 24 hours, counted at most every ten seconds, however many scrape."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._rows = Remembered(self._ask, fresh_s=10.0)

    async def rows(self) -> Sequence[Row]:
        return await self._rows.look(_DATABASE_S) or ()

    async def _ask(self) -> Sequence[Row]:
        since = self._clock.now() - timedelta(days=1)
        try:
            async with self._pool.connection(timeout=_DATABASE_S) as db:
                return await (await db.execute(_SQL.last_day, {"since": since})).fetchall()
        except TROUBLE:
            return ()


async def fill_in(parts: "ServerParts") -> None:
    metrics = parts.metrics
    metrics.talk.live.set(len(parts.live))
    metrics.talk.tasks.set(len(asyncio.all_tasks()))
    metrics.opt_outs_waiting.set(parts.spool.count())
    _models(metrics, parts.models)
    rows = await _live(parts.pool)
    metrics.database_up.set(0 if rows is None else 1)
    if rows is None:
        return
    counts = {row["state"]: row["n"] for row in rows}
    for state in _LIVE_STATES:
        metrics.attempts.labels(state).set(counts.get(state, 0))
    metrics.day.rows = await parts.day.rows()
    standing = await parts.health.standing()
    if standing is not None:
        _standing(metrics, standing, parts.clock.now())


async def _live(pool: Pool) -> Sequence[Row] | None:
    try:
        async with pool.connection(timeout=_DATABASE_S) as db:
            return await (await db.execute(_SQL.live_attempts)).fetchall()
    except TROUBLE:
        return None


def _models(metrics: ServerMetrics, models: ModelServer) -> None:
    metrics.models.clear()
    metrics.candidates.clear()
    for task, model in models.status().items():
        metrics.models_refused.labels(task).set(1 if model["refused"] else 0)
        if model["serving"]:
            metrics.models.labels(task, f"{model['model_name']}:{model['serving']}").set(1)
        for slot, candidate in model["candidates"].items():
            if candidate["version"] is not None:
                gauge = metrics.candidates.labels(task, slot, candidate["version"])
                gauge.set(candidate["share"] / 100)


def _standing(metrics: ServerMetrics, standing: Standing, now: datetime) -> None:
    for kind in _KINDS:
        metrics.processes.labels(kind).set(standing.alive.get(kind, 0))
    metrics.watched.fill(standing.watched.figures)
    metrics.database_bytes.set(standing.facts["bytes"])
    for queue, oldest in _QUEUES.items():
        metrics.open_requests.labels(queue).set(standing.facts[queue])
        metrics.queue_seconds.labels(queue).set(age_s(standing.facts[oldest], now) or 0)

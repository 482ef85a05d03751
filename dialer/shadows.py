"""Candidates hear what the champion heard, after it was answered: no call waits for them.

A turn is offered once it is written down; a queue that never waits takes it. One task scores what
has come together, in a thread, and writes it with one statement.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg
import psycopg_pool
import structlog

from dialer.metrics import ShadowMetrics
from dialer.ports import Prediction, TurnRecord
from ml.serving import ModelServer, Opinion
from voice_ai.clock import Clock
from voice_ai.db import queries
from voice_ai.db.connect import Pool
from voice_ai.ids import AttemptId

_SQL = queries("rollouts")
_TROUBLE = (psycopg.OperationalError, psycopg_pool.PoolTimeout)
# Turns that wait: some minutes of a busy server, or a database that is gone for a moment.
MOST_WAITING = 2_000
_BATCH = 200
_BEAT_S = 0.25

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Overheard:
    """One turn of a person: its words, and by task what the call went by."""

    attempt_id: AttemptId
    turn_index: int
    text: str
    answers: tuple[tuple[str, Prediction | None], ...]


@dataclass
class Shadows:
    pool: Pool
    clock: Clock
    models: ModelServer
    metrics: ShadowMetrics
    most_waiting: int = MOST_WAITING
    _waiting: deque[Overheard] = field(default_factory=deque)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, attempt_id: AttemptId, turn: TurnRecord) -> None:
        """Never waits; a turn that finds the queue full is dropped and counted."""
        if turn.speaker != "caller" or not (listening := self.models.candidates):
            return
        heard = (("intent", turn.intent), ("emotion", turn.emotion), ("opt_out", turn.opt_out))
        answers = tuple((task, said) for task, said in heard if task in listening)
        if not answers:
            return
        if len(self._waiting) >= self.most_waiting:
            self.metrics.dropped.labels("queue_full").inc()
            return
        self._waiting.append(Overheard(attempt_id, turn.index, turn.text, answers))
        self._news.set()

    async def run(self) -> None:
        """Until it is cancelled. Real time: it gathers what comes within a quarter of a second."""
        while True:
            await self._news.wait()
            await asyncio.sleep(_BEAT_S)
            await self.catch_up()

    async def catch_up(self) -> None:
        """Scores and writes everything that waits."""
        while self._waiting:
            count = min(_BATCH, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(count)]
            opinions = await asyncio.to_thread(self._listen, batch)
            await self._keep(batch, opinions)
        self._news.clear()

    def _listen(self, batch: Sequence[Overheard]) -> list[tuple[Overheard, str, Opinion]]:
        return [
            (heard, task, opinion)
            for heard in batch
            for task, answer in heard.answers
            for opinion in self.models.opinions(task, heard.text, answer)
        ]

    async def _keep(
        self, batch: Sequence[Overheard], opinions: Sequence[tuple[Overheard, str, Opinion]]
    ) -> None:
        if not opinions:
            return
        try:
            async with self.pool.connection() as db, db.transaction():
                await db.execute(_SQL.insert_shadows, self._columns(opinions))
        except _TROUBLE as error:
            self.metrics.dropped.labels("not_written").inc(len(batch))
            log.warning("shadow_scores_lost", turns=len(batch), error=type(error).__name__)
            return
        for _, task, opinion in opinions:
            self.metrics.heard(task, opinion.slot, opinion.version, agrees=opinion.agrees)

    def _columns(self, opinions: Sequence[tuple[Overheard, str, Opinion]]) -> dict[str, object]:
        words = [opinion for _, _, opinion in opinions]
        return {
            "attempt_ids": [heard.attempt_id for heard, _, _ in opinions],
            "turns": [heard.turn_index for heard, _, _ in opinions],
            "tasks": [task for _, task, _ in opinions],
            "slots": [word.slot for word in words],
            "models": [word.model_name for word in words],
            "versions": [word.version for word in words],
            "labels": [word.label for word in words],
            "scores": [word.score for word in words],
            "champion_versions": [word.champion_version for word in words],
            "champion_labels": [word.champion_label for word in words],
            "champion_scores": [word.champion_score for word in words],
            "acted_on": [word.acted_on for word in words],
            "now": self.clock.now(),
        }

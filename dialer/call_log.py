"""What a conversation leaves in Postgres: events, turns, predictions, the outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from dialer import journal
from dialer.agreed import agree_in_call
from dialer.metrics import ServerMetrics
from dialer.opt_outs import suppress_now
from dialer.ports import Prediction, TurnRecord
from dialer.shadows import Shadows
from dialer.spool import OptOutSpool
from voice_ai.answering import AnswerVerdict
from voice_ai.clock import Clock
from voice_ai.conversation.redact import redact
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb, Pool
from voice_ai.events import (
    AnswerHeard,
    BargeIn,
    CallEvent,
    MediaStarted,
    MediaStopped,
    OutcomeReached,
    RecordingDeclined,
    TurnTaken,
)
from voice_ai.ids import AttemptId
from voice_ai.vault import Keyring

_SQL = queries("attempts")


@dataclass(frozen=True)
class PostgresCallLog:
    """The call log of one attempt. `known` are the words to hide in stored text: names, numbers."""

    pool: Pool
    keyring: Keyring
    clock: Clock
    spool: OptOutSpool
    attempt_id: AttemptId
    known: Sequence[str]
    metrics: ServerMetrics
    shadows: Shadows | None = None

    async def media_started(self, stream_sid: str) -> None:
        await self._event(MediaStarted(stream_sid))

    async def media_stopped(self, reason: str) -> None:
        await self._event(MediaStopped(reason))

    async def barge_in(self, index: int, heard_fraction: float) -> None:
        await self._event(BargeIn(index, heard_fraction))

    async def answered(self, verdict: AnswerVerdict) -> None:
        at_ms = 1000 * verdict.at_s
        event = AnswerHeard(verdict.label, verdict.confidence, at_ms, verdict.why)
        known = {
            "attempt_id": self.attempt_id,
            "label": verdict.label,
            "confidence": verdict.confidence,
            "at_ms": at_ms,
        }
        async with self.pool.connection() as db, db.transaction():
            await journal.write_event(db, self.attempt_id, event, self.clock.now())
            await db.execute(_SQL.set_own_answer, known)

    async def opt_out(self, evidence: str) -> None:
        await suppress_now(self.pool, self.spool, self.attempt_id, evidence, self.clock.now())

    async def recording_declined(self) -> None:
        await self._event(RecordingDeclined())

    async def answered_freely(self, why: str) -> None:
        self.metrics.talk.answers.free_answers.labels(why).inc()

    async def outcome(
        self, disposition: str | None, end_reason: str, slots: Mapping[str, str]
    ) -> None:
        now = self.clock.now()
        async with self.pool.connection() as db, db.transaction():
            event = OutcomeReached(disposition, end_reason)
            await journal.write_event(db, self.attempt_id, event, now)
            if disposition == "callback_requested" and (when := slots.get("callback_when")):
                await agree_in_call(db, self.attempt_id, when, now)
            await db.execute(
                _SQL.set_outcome,
                {
                    "attempt_id": self.attempt_id,
                    "outcome": disposition,
                    "end_reason": end_reason,
                },
            )

    async def turn(self, turn: TurnRecord) -> None:
        event = TurnTaken(
            turn.index, turn.speaker, turn.node, _label(turn.intent), _label(turn.emotion)
        )
        # One trip to the database for all of it: a busy server writes many turns a second.
        async with self.pool.connection() as db, db.pipeline(), db.transaction():
            await journal.write_event(db, self.attempt_id, event, turn.ended_at)
            await db.execute(_SQL.insert_turn, self._turn_row(turn))
            # On a clock that runs faster the wait would not be a person's: it stays unmeasured.
            if turn.speaker == "agent" and self.clock.speed == 1:
                first = {"attempt_id": self.attempt_id, "at": turn.started_at}
                await db.execute(_SQL.set_first_audio, first)
            for prediction in turn.predictions:
                await self._predicted(db, turn, prediction)
        self.metrics.talk.turn(turn)
        if self.shadows is not None:
            self.shadows.offer(self.attempt_id, turn)

    async def _event(self, event: CallEvent) -> None:
        async with self.pool.connection() as db, db.transaction():
            await journal.write_event(db, self.attempt_id, event, self.clock.now())

    def _turn_row(self, turn: TurnRecord) -> dict[str, Any]:
        return {
            "attempt_id": self.attempt_id,
            "index": turn.index,
            "speaker": turn.speaker,
            "node": turn.node,
            "prompt_key": turn.prompt_key,
            "text_sealed": self.keyring.encrypt(turn.text.encode()),
            "text_redacted": redact(turn.text, self.known),
            "heard_fraction": turn.heard_fraction,
            "interrupted": turn.interrupted,
            "started_at": turn.started_at,
            "ended_at": turn.ended_at,
            "endpoint_ms": turn.endpoint_ms,
            "stt_tail_ms": turn.stt_tail_ms,
            "mind_ms": turn.mind_ms,
            "tts_first_byte_ms": turn.tts_first_byte_ms,
            "response_ms": turn.response_ms,
        }

    async def _predicted(self, db: AsyncDb, turn: TurnRecord, prediction: Prediction) -> None:
        await db.execute(
            _SQL.insert_prediction,
            {
                "attempt_id": self.attempt_id,
                "turn_index": turn.index,
                "task": prediction.task,
                "model_name": prediction.model_name,
                "model_version": prediction.version,
                "label": prediction.label,
                "score": prediction.score,
                "scores": Jsonb({k: round(v, 6) for k, v in prediction.scores.items()}),
                "latency_us": prediction.latency_us,
                "slot": prediction.slot,
                "predicted_at": self.clock.now(),
            },
        )


def _label(prediction: Prediction | None) -> str | None:
    return None if prediction is None else prediction.label

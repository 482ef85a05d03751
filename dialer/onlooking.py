"""Tells those who look on what happens in the calls of this server, over Redis.

What a call says is put into a bounded shelf in memory; one task carries it to Redis, a batch at a
time. A call never waits for that, and does not notice that Redis is away: what cannot be told then
is thrown away, and the log says once that it began and once that it ended.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from dialer.metrics import OnlookerMetrics
from dialer.ports import CallLog, Prediction, TurnRecord
from voice_ai.answering import AnswerVerdict
from voice_ai.clock import Clock
from voice_ai.conversation.redact import redact, redact_unfinished
from voice_ai.ids import AttemptId
from voice_ai.live_feed import MOST_TEXT, LiveMessage, LiveTurn, MessageKind, encode

log = structlog.get_logger()

MOST_WAITING = 2_000
BATCH = 500
BEAT_S = 0.1
RETRY_S = 2.0
_REDIS_S = 2.0
Render = Callable[[], LiveMessage]


@dataclass
class LiveFeed:
    """One per server. `find_url` is asked at every new try: an embedded server changes its port."""

    find_url: Callable[[], str | None]
    channel: str
    metrics: OnlookerMetrics = field(default_factory=OnlookerMetrics)
    connected: bool = False
    _waiting: dict[object, Render] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _lost: bool = False

    def publish(self, render: Render, *, replaces: object | None = None) -> None:
        """Returns at once. `render` makes the message when it is carried; one that waits under the

        same `replaces` is forgotten for it. When the shelf is full the oldest message goes.
        """
        if not self.connected:
            return
        key = object() if replaces is None else replaces
        self._waiting.pop(key, None)
        if len(self._waiting) >= MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
            self.metrics.messages.labels("dropped").inc()
        self._waiting[key] = render
        self._news.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                if (url := await asyncio.to_thread(self.find_url)) is not None:
                    await self._carry(url)
            except Exception as error:
                # Whatever it was: onlookers are worth no call. Its type only, it may quote speech.
                if not self._lost:
                    log.warning("live_feed_lost", reason=type(error).__name__)
                self._lost = True
            finally:
                self.connected = False
                self._waiting.clear()
            await asyncio.sleep(RETRY_S)

    async def _carry(self, url: str) -> None:
        # Only where a Redis is set up: it takes a tenth of a second to load.
        import redis.asyncio

        client = redis.asyncio.Redis.from_url(
            url, socket_timeout=_REDIS_S, socket_connect_timeout=_REDIS_S
        )
        try:
            await client.ping()
            self.connected = True
            if self._lost:
                log.info("live_feed_back")
            self._lost = False
            while True:
                await self._news.wait()
                pipeline = client.pipeline(transaction=False)
                told = self._take()
                for message in told:
                    pipeline.publish(self.channel, encode(message))
                await pipeline.execute()
                self.metrics.messages.labels("sent").inc(len(told))
                await asyncio.sleep(BEAT_S)
        finally:
            await client.aclose()

    def _take(self) -> list[LiveMessage]:
        keys = list(self._waiting)[:BATCH]
        told = [self._waiting.pop(key)() for key in keys]
        if not self._waiting:
            self._news.clear()
        return told


@dataclass(frozen=True)
class PublishingLog:
    """A call log that also tells onlookers what it wrote down, and an onlooker of the call itself.

    A turn is told once it is durable, so that nobody is shown what the books do not have.
    """

    inner: CallLog
    feed: LiveFeed
    attempt_id: AttemptId
    known: Sequence[str]
    clock: Clock

    async def media_started(self, stream_sid: str) -> None:
        await self.inner.media_started(stream_sid)
        self._tell("started")

    async def turn(self, turn: TurnRecord) -> None:
        await self.inner.turn(turn)
        told_at, known, attempt_id = self.clock.now(), self.known, self.attempt_id
        self.feed.publish(
            lambda: LiveMessage(attempt_id, "turn", told_at, None, live_turn(turn, known))
        )

    async def barge_in(self, index: int, heard_fraction: float) -> None:
        await self.inner.barge_in(index, heard_fraction)

    async def answered(self, verdict: AnswerVerdict) -> None:
        await self.inner.answered(verdict)

    async def answered_freely(self, why: str) -> None:
        await self.inner.answered_freely(why)

    async def opt_out(self, evidence: str) -> None:
        await self.inner.opt_out(evidence)
        self._tell("opted_out", evidence)

    async def recording_declined(self) -> None:
        await self.inner.recording_declined()

    async def outcome(
        self, disposition: str | None, end_reason: str, slots: Mapping[str, str]
    ) -> None:
        await self.inner.outcome(disposition, end_reason, slots)
        self._tell("outcome", disposition)

    async def media_stopped(self, reason: str) -> None:
        await self.inner.media_stopped(reason)
        self._tell("ended", reason)

    def partial(self, text: str) -> None:
        self._speech("partial", text, redact_unfinished)

    def saying(self, text: str) -> None:
        self._speech("saying", text, redact)

    def _speech(
        self, kind: MessageKind, text: str, hide: Callable[[str, Sequence[str]], str]
    ) -> None:
        at, known, attempt_id = self.clock.now(), self.known, self.attempt_id
        self.feed.publish(
            lambda: LiveMessage(attempt_id, kind, at, hide(text[:MOST_TEXT], known)),
            replaces=(attempt_id, kind),
        )

    def _tell(self, kind: MessageKind, text: str | None = None) -> None:
        message = LiveMessage(self.attempt_id, kind, self.clock.now(), text)
        self.feed.publish(lambda: message)


def live_turn(turn: TurnRecord, known: Sequence[str]) -> LiveTurn:
    """As the view of turns shows it: the text without names and numbers."""
    return LiveTurn(
        turn_index=turn.index,
        speaker=turn.speaker,
        text=redact(turn.text, known)[:MOST_TEXT],
        node=turn.node,
        interrupted=turn.interrupted,
        heard_fraction=turn.heard_fraction,
        started_at=turn.started_at,
        ended_at=turn.ended_at,
        intent=_label(turn.intent),
        intent_score=_score(turn.intent),
        emotion=_label(turn.emotion),
        emotion_score=_score(turn.emotion),
        endpoint_ms=turn.endpoint_ms,
        stt_tail_ms=turn.stt_tail_ms,
        mind_ms=turn.mind_ms,
        tts_first_byte_ms=turn.tts_first_byte_ms,
        response_ms=turn.response_ms,
    )


def _label(prediction: Prediction | None) -> str | None:
    return None if prediction is None else prediction.label


def _score(prediction: Prediction | None) -> float | None:
    return None if prediction is None else prediction.score

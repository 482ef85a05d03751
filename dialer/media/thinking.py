"""Looks for a free-form answer beside the conversation: bounded in time, and never in its way."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from dialer.media.events import AnswerFound, Emit, FillerDue
from dialer.ports import Answerer, AnswerFailed, Question
from voice_ai.clock import Clock
from voice_ai.conversation.turns import Answered, FindAnswer

log = structlog.get_logger(__name__)

# Who has asked something and hears nothing for longer than this begins to doubt the line.
FILLER_AFTER_S = 1.0


class Thinking:
    """One question at a time; a new one, or `stop`, ends the search for the one before.

    A model is a machine: it has its seconds in real time, also on a clock that runs faster.
    """

    def __init__(
        self,
        answerer: Answerer | None,
        clock: Clock,
        emit: Emit,
        spawn: Callable[..., asyncio.Task[None]],
    ) -> None:
        self._answerer = answerer
        self._clock = clock
        self._emit = emit
        self._spawn = spawn
        self._task: asyncio.Task[None] | None = None

    def begin(self, asked: FindAnswer) -> None:
        self.stop()
        if self._answerer is None:
            self._emit(AnswerFound(Answered(asked.id, None, "off"), None))
        else:
            self._task = self._spawn(self._find(self._answerer, asked))

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _find(self, answerer: Answerer, asked: FindAnswer) -> None:
        began = self._clock.monotonic()
        finding = asyncio.ensure_future(answerer.answer(_question(asked)))
        try:
            first = min(FILLER_AFTER_S, asked.timeout_s)
            if not await self._wait(finding, first) and asked.timeout_s > first:
                self._emit(FillerDue(asked))
                await self._wait(finding, asked.timeout_s - first)
            answered = _answered(asked.id, finding)
        finally:
            finding.cancel()
        waited_ms = 1000 * (self._clock.monotonic() - began)
        self._emit(AnswerFound(answered, waited_ms))

    async def _wait(self, finding: "asyncio.Future[str]", seconds: float) -> bool:
        """Whether it was found within so many real seconds."""
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds * max(1.0, self._clock.speed)))
        both: set[asyncio.Future[Any]] = {finding, sleeping}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
        return finding.done()


def _answered(number: int, finding: "asyncio.Future[str]") -> Answered:
    if not finding.done():
        return Answered(number, None, "late")
    try:
        return Answered(number, finding.result())
    except AnswerFailed as failed:
        return Answered(number, None, failed.why)
    except Exception as error:
        # The type only: the message may quote what was asked.
        log.error("answer_not_found", error=type(error).__name__)
        return Answered(number, None, "failed")


def _question(asked: FindAnswer) -> Question:
    return Question(
        text=asked.question,
        asked_before=asked.asked_before,
        topic=asked.topic,
        facts=asked.facts,
        max_words=asked.max_words,
        timeout_s=asked.timeout_s,
        language=asked.language,
    )

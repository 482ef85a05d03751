"""A carrier whose requests are counted and timed; otherwise the carrier it stands before."""

import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dialer.carrier import (
    AgentLeg,
    Carrier,
    CarrierCall,
    CarrierSilent,
    DialRequest,
    PlaceAnswer,
    Placed,
    RedirectTo,
    Rejected,
)
from dialer.metrics import CarrierMetrics
from voice_ai.ids import AttemptId, CarrierSid


@dataclass(frozen=True)
class CountedCarrier:
    carrier: Carrier
    metrics: CarrierMetrics

    @property
    def account(self) -> str:
        return self.carrier.account

    async def place(self, request: DialRequest) -> PlaceAnswer:
        return await self._placed("place", self.carrier.place(request))

    async def fetch(self, sid: CarrierSid) -> CarrierCall | None:
        async with self._asked("fetch"):
            return await self.carrier.fetch(sid)

    async def find(self, *, to: str, caller_id: str) -> Sequence[CarrierCall]:
        async with self._asked("find"):
            return await self.carrier.find(to=to, caller_id=caller_id)

    async def end(self, sid: CarrierSid) -> bool:
        async with self._asked("end"):
            return await self.carrier.end(sid)

    async def say_and_end(self, sid: CarrierSid, text: str, *, language: str) -> bool:
        async with self._asked("say_and_end"):
            return await self.carrier.say_and_end(sid, text, language=language)

    async def redirect(
        self, sid: CarrierSid, attempt_id: AttemptId, step: RedirectTo, *, max_s: int
    ) -> bool:
        async with self._asked("redirect"):
            return await self.carrier.redirect(sid, attempt_id, step, max_s=max_s)

    async def ring(self, leg: AgentLeg) -> PlaceAnswer:
        return await self._placed("ring", self.carrier.ring(leg))

    async def close(self) -> None:
        await self.carrier.close()

    async def _placed(self, operation: str, asked: Awaitable[PlaceAnswer]) -> PlaceAnswer:
        started = time.perf_counter()
        answer = await asked
        self.metrics.seconds.labels(operation).observe(time.perf_counter() - started)
        self.metrics.requests.labels(operation, _word(answer)).inc()
        return answer

    @asynccontextmanager
    async def _asked(self, operation: str) -> AsyncIterator[None]:
        started = time.perf_counter()
        outcome = "ok"
        try:
            yield
        except CarrierSilent:
            outcome = "silent"
            raise
        finally:
            self.metrics.seconds.labels(operation).observe(time.perf_counter() - started)
            self.metrics.requests.labels(operation, outcome).inc()


def _word(answer: PlaceAnswer) -> str:
    if isinstance(answer, Placed):
        return "placed"
    return str(answer.kind) if isinstance(answer, Rejected) else "unanswered"

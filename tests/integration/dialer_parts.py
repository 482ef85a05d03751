"""The dialer's own parts around a carrier that does exactly what a test says."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

import uvicorn

from dialer.carrier import (
    AgentLeg,
    CarrierCall,
    CarrierSilent,
    DialRequest,
    PlaceAnswer,
    Placed,
    RedirectTo,
)
from dialer.claims import claim
from dialer.facts import StoredCampaign
from dialer.gate import Gate
from dialer.intents import Intent
from dialer.reconcile import Reconciler
from dialer.serving import server_config
from tests.factories import Office
from voice_ai.clock import ManualClock
from voice_ai.db.connect import Pool
from voice_ai.ids import AttemptId, CarrierSid, WorkerId
from voice_ai.vault import Keyring

T = TypeVar("T")
ACCOUNT = "AC" + "1" * 32
Claimed = tuple[Intent, StoredCampaign]


def new_sid() -> CarrierSid:
    return CarrierSid("CA" + uuid4().hex)


async def until(ask: Callable[[], Awaitable[T | None]], seconds: float = 20) -> T:
    """The first answer that is not None."""
    async with asyncio.timeout(seconds):
        while True:
            answer = await ask()
            if answer is not None:
                return answer
            await asyncio.sleep(0.02)


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """The address at which an ASGI application answers, in this loop."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = uvicorn.Server(server_config(app))
    running = asyncio.create_task(server.serve(sockets=[listener]))

    async def started() -> bool | None:
        return server.started or running.done() or None

    await until(started)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listener.close()


@dataclass
class ScriptedCarrier:
    """Answers as told. While `held` is clear, requests stay on their way."""

    account: str = ACCOUNT
    answer: Callable[[DialRequest], PlaceAnswer] = lambda request: Placed(new_sid(), None)
    placed: list[DialRequest] = field(default_factory=list)
    known: dict[CarrierSid, CarrierCall] = field(default_factory=dict)
    listed: list[CarrierCall] = field(default_factory=list)
    ended: list[CarrierSid] = field(default_factory=list)
    cannot_end: set[CarrierSid] = field(default_factory=set)
    silent: bool = False
    silent_about: set[CarrierSid] = field(default_factory=set)
    answer_leg: Callable[[AgentLeg], PlaceAnswer] = lambda leg: Placed(new_sid(), None)
    redirected: list[tuple[CarrierSid, RedirectTo]] = field(default_factory=list)
    rung: list[AgentLeg] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.held.set()

    async def place(self, request: DialRequest) -> PlaceAnswer:
        self.placed.append(request)
        await self.held.wait()
        return self.answer(request)

    async def fetch(self, sid: CarrierSid) -> CarrierCall | None:
        self._answerable(f"fetch {sid}")
        if sid in self.silent_about:
            raise CarrierSilent("no answer")
        return self.known.get(sid)

    async def find(self, *, to: str, caller_id: str) -> Sequence[CarrierCall]:
        self._answerable(f"find {to} {caller_id}")
        return list(self.listed)

    async def end(self, sid: CarrierSid) -> bool:
        if self.silent or sid in self.cannot_end:
            raise CarrierSilent("no answer")
        self.ended.append(sid)
        return True

    async def say_and_end(self, sid: CarrierSid, text: str, *, language: str) -> bool:
        self._answerable(f"say {text}")
        return sid not in self.ended

    async def redirect(
        self, sid: CarrierSid, attempt_id: AttemptId, step: RedirectTo, *, max_s: int
    ) -> bool:
        self._answerable(f"redirect {step}")
        self.redirected.append((sid, step))
        return sid not in self.ended

    async def ring(self, leg: AgentLeg) -> PlaceAnswer:
        self.rung.append(leg)
        return self.answer_leg(leg)

    async def close(self) -> None:
        return None

    def _answerable(self, question: str) -> None:
        self.asked.append(question)
        if self.silent:
            raise CarrierSilent("no answer")


@dataclass
class House:
    """One database, one carrier, one clock, and everything of the dialer that stands on them."""

    office: Office
    url: str
    pool: Pool
    clock: ManualClock
    carrier: ScriptedCarrier
    keyring: Keyring
    worker_id: WorkerId
    gate: Gate
    reconciler: Reconciler

    async def claim(self, now: datetime | None = None) -> list[Claimed]:
        async with self.pool.connection() as db:
            return await claim(
                db,
                account=self.carrier.account,
                worker_id=self.worker_id,
                rehearsal=True,
                now=now or self.clock.now(),
            )

    async def claim_one(self) -> Claimed:
        (claimed,) = await self.claim()
        return claimed

    async def send(self, claimed: Claimed) -> PlaceAnswer | None:
        return await self.gate.send(*claimed)

    async def dial(self) -> tuple[AttemptId, CarrierSid]:
        """One lead claimed and accepted by the carrier."""
        claimed = await self.claim_one()
        answer = await self.send(claimed)
        assert isinstance(answer, Placed)
        return claimed[0].attempt_id, answer.sid


def add_worker(office: Office, *, seen_s_ago: float = 0, stopped: bool = False) -> WorkerId:
    """A worker's row; it holds no lock."""
    worker_id = WorkerId(uuid4())
    office.db.execute(
        "INSERT INTO workers (id, kind, host, pid, lock_key, started_at, seen_at, stopped_at)"
        " VALUES (%s, 'dialer', 'test', 1, %s, now(), now() - %s * interval '1 second',"
        " CASE WHEN %s THEN now() END)",
        (worker_id, uuid4().int >> 66, float(seen_s_ago), stopped),
    )
    return worker_id

"""Callbacks of one call: in order, one at a time, unless a fault says otherwise."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from dialer.simulator.call import Call
from dialer.simulator.faults import Fault, FaultProfile
from dialer.simulator.orders import Callback
from dialer.simulator.webhooks import Webhooks
from voice_ai.clock import Clock


@dataclass
class CallbackCounts:
    """What became of the callbacks of all calls; `sent` counts every delivery tried."""

    sent: int = 0
    failed: int = 0
    duplicated: int = 0
    lost: int = 0
    reordered: int = 0
    late: int = 0
    # Copies with a wrong signature, and how many of them were turned away with 403.
    forged: int = 0
    forged_refused: int = 0


@dataclass(frozen=True)
class _Letter:
    callback: Callback
    form: Mapping[str, str]
    name: str
    idempotency_token: str


class Callbacks:
    """The outgoing letters of one call. Times are clock time; faults are drawn per letter."""

    def __init__(
        self,
        call: Call,
        webhooks: Webhooks,
        clock: Clock,
        faults: FaultProfile,
        counts: CallbackCounts,
    ) -> None:
        self._call = call
        self._webhooks = webhooks
        self._clock = clock
        self._faults = faults
        self._counts = counts
        self._waiting: deque[_Letter] = deque()
        self._held: _Letter | None = None
        self._carrier: asyncio.Task[None] | None = None
        self._late: set[asyncio.Task[None]] = set()
        self._ended = False

    def post(self, callback: Callback | None, name: str, form: Mapping[str, str]) -> None:
        """Send when its turn comes; `name` tells the letters of one call apart for the faults."""
        if callback is None:
            return
        self._waiting.append(_Letter(callback, form, name, str(uuid4())))
        self._start()

    def end(self) -> None:
        """No letter follows any more: what was held back to come later goes out now."""
        self._ended = True
        self._start()

    async def drained(self) -> None:
        """Until everything was delivered or given up."""
        while self._carrier is not None or self._late:
            running = [task for task in (self._carrier, *self._late) if task is not None]
            await asyncio.wait(running)

    def cancel(self) -> None:
        for task in (self._carrier, *self._late):
            if task is not None:
                task.cancel()

    def _start(self) -> None:
        if self._carrier is None:
            self._carrier = asyncio.create_task(self._carry())

    async def _carry(self) -> None:
        try:
            while self._waiting:
                await self._handle(self._waiting.popleft())
            if self._ended and self._held is not None:
                held, self._held = self._held, None
                await self._deliver(held)
        finally:
            self._carrier = None

    async def _handle(self, letter: _Letter) -> None:
        draws, faults = self._call.draws, self._faults
        if faults.strikes(Fault.FORGED_CALLBACK, draws, letter.name):
            await self._forge(letter)
        if faults.strikes(Fault.LOST_CALLBACK, draws, letter.name):
            self._counts.lost += 1
            return
        if faults.strikes(Fault.LATE_CALLBACK, draws, letter.name):
            self._counts.late += 1
            task = asyncio.create_task(self._deliver_late(letter))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            return
        if self._held is None and faults.strikes(Fault.REORDERED_CALLBACK, draws, letter.name):
            self._counts.reordered += 1
            self._held = letter
            return
        await self._deliver(letter)
        if faults.strikes(Fault.DUPLICATE_CALLBACK, draws, letter.name):
            self._counts.duplicated += 1
            await self._deliver(letter)
        if self._held is not None:
            held, self._held = self._held, None
            await self._deliver(held)

    async def _deliver_late(self, letter: _Letter) -> None:
        await self._clock.sleep(self._faults.late_callback_s)
        await self._deliver(letter)

    async def _forge(self, letter: _Letter) -> None:
        """Somebody else's copy: the same words under a signature that is not the carrier's."""
        self._counts.forged += 1
        callback = letter.callback
        reply = await self._webhooks.send(
            f"not {self._call.token}", callback.method, callback.url, letter.form
        )
        self._counts.forged_refused += reply.status == 403

    async def _deliver(self, letter: _Letter) -> None:
        self._counts.sent += 1
        callback = letter.callback
        reply = await self._webhooks.send(
            self._call.token, callback.method, callback.url, letter.form, letter.idempotency_token
        )
        if not reply.ok:
            self._counts.failed += 1

"""The dialer worker: claim, permit, place; the server converses; the reconciler finishes.

Any number of workers may run. What one of them may do is decided in Postgres, so a worker holds
nothing that another would miss.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
import psycopg_pool
import structlog

from dialer.carrier import Carrier, FailureKind, PlaceAnswer, Placed, Rejected
from dialer.claims import claim
from dialer.end_orders import end_calls
from dialer.facts import StoredCampaign, read_rules
from dialer.gate import Gate
from dialer.intents import Intent
from dialer.metrics import WorkerMetrics
from dialer.obey import obey_commands, settle_campaigns
from dialer.opt_outs import drain_spool
from dialer.pace import judge_paces, wait_for_carrier
from dialer.preflight import Preflights
from dialer.reconcile import Reconciler
from dialer.revocations import end_revoked_calls
from dialer.spool import OptOutSpool
from dialer.transfer_sweep import sweep_transfers
from voice_ai.clock import Clock
from voice_ai.db.connect import Pool
from voice_ai.ids import AttemptId, WorkerId

log = structlog.get_logger()

TICK_S = 0.2
RECONCILE_S = 2.0
_AFTER_TOO_FAST = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(seconds=30)
PREFLIGHT_S = 0.5
END_CALLS_S = 0.5
DATABASE_TROUBLE = (psycopg.OperationalError, psycopg_pool.PoolTimeout)


@dataclass
class Worker:
    pool: Pool
    carrier: Carrier
    gate: Gate
    reconciler: Reconciler
    spool: OptOutSpool
    clock: Clock
    worker_id: WorkerId
    rehearsal: bool
    # None: starts are obeyed without a pre-flight.
    preflights: Preflights | None = None
    # So many sends have a connection at once; more intents would only wait and miss their turns.
    sends_at_once: int = 16
    metrics: WorkerMetrics = field(default_factory=WorkerMetrics)
    _sends: set[asyncio.Task[None]] = field(default_factory=set)
    # Sends that broke off, with the reason: nobody knows what became of them.
    _lost: dict[AttemptId, str] = field(default_factory=dict)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Works until `drain` is called; then finishes what it has sent and returns."""
        read_rules(self.clock.now())
        async with asyncio.TaskGroup() as group:
            background = [
                group.create_task(self._repeat(self._reconcile, RECONCILE_S)),
                group.create_task(self._repeat(self._preflight, PREFLIGHT_S)),
                group.create_task(self._repeat(self._end_calls, END_CALLS_S)),
            ]
            await self._repeat_until_stopped(self._tick, TICK_S)
            if self._sends:
                await asyncio.wait(self._sends)
            for task in background:
                task.cancel()

    def drain(self) -> None:
        """No new intents; what is on its way is finished."""
        self._stopping.set()

    async def _tick(self) -> None:
        now = self.clock.now()
        if not self.spool.is_empty():
            log.warning(
                "opt_out_spool_drained", count=await drain_spool(self.pool, self.spool, now)
            )
        await self._own_up()
        async with self.pool.connection() as db:
            patience = None if self.preflights is None else self.preflights.patience
            obeyed = await obey_commands(db, self.carrier, now, preflight_patience=patience)
            self.metrics.commands.inc(obeyed)
            if len(self._sends) >= self.sends_at_once:
                return
            intents = await claim(
                db,
                account=self.carrier.account,
                worker_id=self.worker_id,
                rehearsal=self.rehearsal,
                now=self.clock.now(),
            )
        self.metrics.claims.inc(len(intents))
        for intent, campaign in intents:
            self._send_soon(intent, campaign)

    def _send_soon(self, intent: Intent, campaign: StoredCampaign) -> None:
        task = asyncio.create_task(self._send(intent, campaign))
        self._sends.add(task)
        task.add_done_callback(self._sent)
        self.metrics.sending.set(len(self._sends))

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sends.discard(task)
        self.metrics.sending.set(len(self._sends))

    async def _send(self, intent: Intent, campaign: StoredCampaign) -> None:
        outcome = "lost"
        try:
            answer = await self.gate.send(intent, campaign)
            outcome = outcome_of(answer)
            await self._heed(answer)
        except Exception as error:
            # Whatever it was: an intent that stayed open would occupy its number for ever.
            log.error("send_lost", attempt=str(intent.attempt_id), reason=type(error).__name__)
            self._lost[intent.attempt_id] = type(error).__name__
        finally:
            self.metrics.sends.labels(outcome).inc()

    async def _heed(self, answer: PlaceAnswer | None) -> None:
        """A carrier that queues or refuses is given time: it must never hold calls back for us."""
        if (wait := wait_after(answer)) is None:
            return
        async with self.pool.connection() as db:
            await wait_for_carrier(db, self.carrier.account, self.clock.now() + wait)

    async def _own_up(self) -> None:
        """Tells of sends that broke off, so that the reconciler may ask about them."""
        for attempt_id, reason in list(self._lost.items()):
            await self.gate.lost(attempt_id, reason)
            del self._lost[attempt_id]

    async def _reconcile(self) -> None:
        await end_revoked_calls(self.pool, self.carrier, rehearsal=self.rehearsal)
        self.metrics.reconciled.inc(await self.reconciler.run_once())
        async with self.pool.connection() as db:
            await settle_campaigns(db, self.carrier, rehearsal=self.rehearsal, now=self.clock.now())
            await sweep_transfers(db, self.carrier, self.clock.now(), rehearsal=self.rehearsal)
            await judge_paces(
                db, account=self.carrier.account, rehearsal=self.rehearsal, now=self.clock.now()
            )

    async def _end_calls(self) -> None:
        self.metrics.commands.inc(await end_calls(self.pool, self.carrier, self.clock))

    async def _preflight(self) -> None:
        if self.preflights is not None:
            await self.preflights.run_once()

    async def _repeat_until_stopped(
        self, work: Callable[[], Awaitable[None]], pause_s: float
    ) -> None:
        while not self._stopping.is_set():
            await self._guarded(work)
            try:
                async with asyncio.timeout(pause_s / self.clock.speed):
                    await self._stopping.wait()
            except TimeoutError:
                continue

    async def _repeat(self, work: Callable[[], Awaitable[None]], pause_s: float) -> None:
        while True:
            await self._guarded(work)
            await self.clock.sleep(pause_s)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Without Postgres nothing is dialed; when it is back the work goes on by itself."""
        started = time.perf_counter()
        try:
            await work()
            name = work.__name__.lstrip("_")
            self.metrics.round_seconds.labels(name).observe(time.perf_counter() - started)
        except (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected):
            # Another account's worker took a number in the same moment: it has it, we go on.
            log.warning("number_taken_by_another_account")
        except DATABASE_TROUBLE as error:
            self.metrics.database_losses.inc()
            log.error("database_lost", reason=str(error).splitlines()[0] if str(error) else "")
            await asyncio.sleep(1.0)


def wait_after(answer: PlaceAnswer | None) -> timedelta | None:
    """How long the account should dial nothing after that answer; None: go on."""
    if isinstance(answer, Placed) and answer.queue_time_ms:
        return min(timedelta(milliseconds=answer.queue_time_ms), _LONGEST_WAIT)
    if isinstance(answer, Rejected) and answer.kind is FailureKind.RATE_LIMITED:
        return _AFTER_TOO_FAST
    return None


def outcome_of(answer: PlaceAnswer | None) -> str:
    """None: the last check said no, so nothing was sent."""
    if answer is None:
        return "refused"
    if isinstance(answer, Placed):
        return "placed"
    return "rejected" if isinstance(answer, Rejected) else "unanswered"

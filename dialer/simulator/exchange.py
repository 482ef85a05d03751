"""The carrier's switchboard: accepts and queues calls, keeps them, changes them, counts them."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from dialer.simulator import refusals
from dialer.simulator.call import Call, Recording, Status, new_sid
from dialer.simulator.callbacks import Callbacks
from dialer.simulator.callees import plan_attempt
from dialer.simulator.config import SimulatorConfig
from dialer.simulator.draws import Draws
from dialer.simulator.faults import Fault
from dialer.simulator.judge import Judge
from dialer.simulator.life import Life
from dialer.simulator.orders import Callback, CallOrder, Form, one, parse_call, parse_update
from dialer.simulator.refusals import RestError
from dialer.simulator.rooms import Room, Rooms
from dialer.simulator.session import Services
from dialer.simulator.speech import Speech
from dialer.simulator.webhooks import Webhooks

log = structlog.get_logger(__name__)
_LAG_EVERY_S = 0.05


@dataclass(frozen=True)
class Caller:
    """Who sent a request: account, the secret that signs its webhooks, and the address used."""

    account_sid: str
    token: str
    api_base: str


@dataclass(frozen=True)
class Accepted:
    """A call that will be made, and what becomes of the answer to its POST."""

    call: Call
    fault: Fault | None


class Exchange:
    """One carrier. `open` and `close` belong to the running loop."""

    def __init__(self, config: SimulatorConfig, speech: Speech) -> None:
        self.config = config
        self.clock = config.clock()
        self.judge = Judge()
        # What goes wrong from now on; `control` may change it while calls go on.
        self.faults = config.faults
        self._speech = speech
        self._shared: Services | None = None
        self._calls: dict[str, Call] = {}
        self._by_number: defaultdict[str, list[Call]] = defaultdict(list)
        self._tries: Counter[str] = Counter()
        self._lives: dict[str, Life] = {}
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._recordings: dict[str, Recording] = {}
        self._next_start = 0.0
        self.rooms = Rooms()

    @property
    def webhooks(self) -> Webhooks:
        assert self._shared is not None, "open the exchange first"
        return self._shared.webhooks

    def open(self) -> None:
        self._watch = asyncio.create_task(self._watch_lag())
        self._shared = Services(
            speech=self._speech,
            webhooks=Webhooks(),
            clock=self.clock,
            faults=self.faults,
            on_fault=lambda name: self.judge.fault(name),
            dial=self._dial,
            rooms=self.rooms,
        )

    async def close(self) -> None:
        self._watch.cancel()
        await self.reset()
        if self._shared is not None:
            await self._shared.webhooks.close()

    async def _watch_lag(self) -> None:
        """How long this process stood still at most: so far its time stamps may be off."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _LAG_EVERY_S
            await asyncio.sleep(_LAG_EVERY_S)
            self.judge.lagged(loop.time() - due)

    async def reset(self) -> None:
        """Forget everything; live calls vanish without a word."""
        tasks = list(self._tasks)
        for life in self._lives.values():
            life.callbacks.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.judge = Judge()
        self._calls.clear()
        self._by_number.clear()
        self._tries.clear()
        self._lives.clear()
        self._recordings.clear()
        self.rooms.clear()
        self._next_start = 0.0

    async def travel(self, form: Form) -> None:
        """A request's way to us: it takes as long as the faults say."""
        faults, to = self.faults, one(form, "To") or ""
        draws = Draws.about(self.config.seed, to, "way", self._tries[to] + 1)
        seconds = draws.between(faults.least_latency, faults.most_latency, "latency")
        if self._strikes(Fault.SLOW_ACCEPT, draws):
            seconds += faults.slow_accept_s
        if seconds > 0:
            await self.clock.sleep(seconds)

    def place(self, caller: Caller, form: Form) -> Accepted:
        """Accept a call, or raise the RestError that refuses it."""
        try:
            order = parse_call(form)
            self._tries[order.to] += 1
            draws = Draws.about(self.config.seed, order.to, "try", self._tries[order.to])
            if self._strikes(Fault.RATE_LIMITED, draws):
                raise RestError(refusals.RATE_LIMITED)
            if self._strikes(Fault.SERVER_ERROR, draws):
                raise RestError(refusals.BROKEN)
            limit = self.config.concurrency
            if limit is not None and self.judge.open_now >= limit:
                raise RestError(refusals.CONCURRENCY)
        except RestError as error:
            self.judge.refused(error.refusal.code)
            raise
        call = self._accept(caller, order)
        for fault in (Fault.LOST_RESPONSE, Fault.ERROR_AFTER_ACCEPTING, Fault.LATE_ANSWER):
            if self._strikes(fault, draws):
                return Accepted(call, fault)
        return Accepted(call, None)

    def call(self, account_sid: str, sid: str) -> Call | None:
        call = self._calls.get(sid)
        return call if call is not None and call.account_sid == account_sid else None

    def calls(self, account_sid: str, to: str | None) -> Iterator[Call]:
        """The account's listed calls, newest first; a fresh one shows after the listing lag."""
        now = self.clock.monotonic()
        known = self._calls.values() if to is None else self._by_number.get(to, [])
        return (
            call
            for call in reversed(known)
            if call.account_sid == account_sid and call.listed_from <= now
        )

    def update(self, call: Call, form: Form) -> None:
        """Cancel, hang up or redirect. Raises the refusal that fits the call's state."""
        status, instructions = parse_update(form)
        if call.status.final:
            raise RestError(
                refusals.NOT_IN_PROGRESS if status is None else refusals.not_found(call.sid)
            )
        if status is None and instructions is not None:
            if call.status is not Status.IN_PROGRESS:
                raise RestError(refusals.NOT_IN_PROGRESS)
            call.redirect_to(instructions)
        elif status == "completed" or call.status is not Status.IN_PROGRESS:
            call.end_because("api")

    def record(self, call: Call, callback: Callback | None, channels: int, track: str) -> Recording:
        """Start a recording of a call in progress."""
        life = self._lives.get(call.sid)
        if life is None or call.status is not Status.IN_PROGRESS:
            raise RestError(refusals.NOT_IN_PROGRESS)
        recording = Recording(
            sid=new_sid("RE"),
            call_sid=call.sid,
            account_sid=call.account_sid,
            api_base=call.api_base,
            created_at=self.clock.now(),
            source="StartCallRecordingAPI",
            channels=channels,
            track=track,
            callback=callback,
        )
        life.record(recording)
        return recording

    def recordings(self, account_sid: str) -> list[Recording]:
        """Newest first, those of live calls included."""
        live = [r for life in self._lives.values() for r in life.call.recordings]
        known = {r.sid: r for r in [*self._recordings.values(), *live]}
        mine = [r for r in known.values() if r.account_sid == account_sid]
        return sorted(mine, key=lambda recording: recording.created_at, reverse=True)

    def recording(self, account_sid: str, sid: str) -> Recording | None:
        return next((r for r in self.recordings(account_sid) if r.sid == sid), None)

    def forget_recording(self, recording: Recording) -> None:
        self._recordings.pop(recording.sid, None)
        call = self._calls.get(recording.call_sid)
        if call is not None and recording in call.recordings:
            call.recordings.remove(recording)

    def case(self, sid: str) -> Call | None:
        """The call of that sid, whosever it is."""
        return self._calls.get(sid)

    def cases(self) -> list[Call]:
        return list(self._calls.values())

    def _strikes(self, fault: Fault, draws: Draws) -> bool:
        strikes = self.faults.strikes(fault, draws)
        if strikes:
            self.judge.fault(fault.value)
        return strikes

    def _dial(self, parent: Call, order: CallOrder, bridge: Room) -> Call:
        """The other end of a `<Dial>`: a call of the same account, in the same queue."""
        caller = Caller(parent.account_sid, parent.token, parent.api_base)
        return self._accept(caller, order, parent.sid, bridge)

    def _accept(
        self,
        caller: Caller,
        order: CallOrder,
        parent_sid: str | None = None,
        bridge: Room | None = None,
    ) -> Call:
        now = self.clock.monotonic()
        attempt = len(self._by_number[order.to]) + 1
        call = Call(
            sid=new_sid("CA"),
            account_sid=caller.account_sid,
            token=caller.token,
            api_base=caller.api_base,
            order=order,
            plan=plan_attempt(self.config, order.to, attempt),
            attempt=attempt,
            created_at=self.clock.now(),
            listed_from=now + self.config.listing_lag,
            queue_time=self._queue_time(now),
            parent_sid=parent_sid,
            bridge=bridge,
        )
        self._calls[call.sid] = call
        self._by_number[order.to].append(call)
        self.judge.accepted(call, now)
        self._begin(call)
        return call

    def _queue_time(self, now: float) -> float:
        if self.config.cps is None:
            return 0.0
        start = max(now, self._next_start)
        self._next_start = start + 1 / self.config.cps
        return start - now

    def _begin(self, call: Call) -> None:
        assert self._shared is not None, "open the exchange first"
        callbacks = Callbacks(
            call, self._shared.webhooks, self.clock, self.faults, self.judge.callbacks
        )
        life = Life(call, callbacks, self.config, self._shared)
        self._lives[call.sid] = life
        task = asyncio.create_task(life.run(self.judge), name=call.sid)
        self._tasks[task] = call.sid
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        sid = self._tasks.pop(task)
        life = self._lives.pop(sid, None)
        if life is None or task.cancelled():
            return
        for recording in life.call.recordings:
            self._recordings[recording.sid] = recording
        while len(self._recordings) > self.config.recordings_kept:
            self._recordings.pop(next(iter(self._recordings)))
        problem = task.exception()
        if problem is not None:
            log.error("call_broke", call_sid=sid, reason=repr(problem))

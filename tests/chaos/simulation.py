"""Scenario 10: the product's pure decisions in virtual time, with a fault possible at every await.

Written for the simulation is what keeps (model.py), what goes wrong (scheduler.py) and, here, the
order of steps of worker, carrier, server and reconciler. What decides is the product's own code.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dialer.carrier import CarrierCall
from dialer.reconcile import match
from tests.chaos.model import Attempt, Call, Guards, Lead, Number, Referee, Store, Worker
from tests.chaos.runs import Outcome
from tests.chaos.scheduler import CALM, Broken, Process, Scheduler, Steps
from voice_ai.calls import AttemptState, Reading, is_terminal, is_too_old
from voice_ai.ids import CarrierSid

CAP, PER_SECOND, WORKERS = 60, 20.0, 3
TIMEOUT_S, TICK_S, RECONCILE_S = 10.0, 0.5, 5.0
QUIET, LIST_LAG, DEAD_AFTER = (timedelta(seconds=s) for s in (12, 10, 12))
SECOND_LOOK_S = 40.0
RECONCILER, SERVER = -1, -2
HOURS = 48
# Around the nights in which clocks change: United States and Europe, spring and autumn of 2026.
NIGHTS = (
    datetime(2026, 3, 7, 8, tzinfo=UTC),
    datetime(2026, 10, 31, 8, tzinfo=UTC),
    datetime(2026, 3, 28, 8, tzinfo=UTC),
    datetime(2026, 10, 24, 8, tzinfo=UTC),
)
ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Phoenix", "America/Anchorage", "America/Adak", "Pacific/Honolulu",
    "America/Puerto_Rico", "America/St_Thomas", "America/Detroit", "America/Boise",
    "America/Indiana/Knox", "America/Indiana/Indianapolis", "America/Kentucky/Louisville",
    "America/North_Dakota/Beulah", "America/Menominee", "America/Juneau", "America/Nome",
    "America/Toronto", "America/Halifax", "America/St_Johns", "America/Winnipeg",
    "America/Regina", "America/Edmonton", "America/Vancouver", "America/Whitehorse",
    "America/Mexico_City", "America/Tijuana", "America/Havana", "America/Jamaica",
    "America/Bogota", "America/Lima", "America/Santiago", "America/Sao_Paulo",
    "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Europe/Madrid", "Europe/Paris",
    "Europe/Berlin", "Europe/Rome", "Europe/Warsaw", "Europe/Athens", "Europe/Helsinki",
    "Europe/Bucharest", "Europe/Moscow", "Asia/Dubai", "Asia/Kolkata", "Asia/Kathmandu",
    "Asia/Singapore", "Asia/Tokyo", "Australia/Perth", "Australia/Adelaide",
    "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham",
    "Pacific/Guam", "Pacific/Pago_Pago",
)  # fmt: skip
# What a number may come to: status, what the conversation arrived at, seconds, how often.
ENDS: Sequence[tuple[str, str | None, float, float]] = (
    ("busy", None, 2.0, 0.30),
    ("no-answer", None, 25.0, 0.30),
    ("failed", None, 0.5, 0.08),
    ("completed", None, 12.0, 0.12),
    ("completed", "human_hangup", 6.0, 0.10),
    ("completed", "not_interested", 30.0, 0.05),
    ("completed", "goal", 45.0, 0.03),
    ("completed", "opt_out", 15.0, 0.02),
)


class Simulation(Scheduler):
    """One stretch of 48 hours."""

    def __init__(
        self, seed: int, start: datetime, leads: int, guards: Guards | None = None
    ) -> None:
        super().__init__(seed, start)
        self.guards = guards or Guards()
        people = self._leads(leads)
        self.store = Store(people, start, CAP, self.guards)
        self.referee = Referee(CAP)
        self.attempts = 0
        self._calls: dict[int, list[Call]] = {}
        self._by_sid: dict[int, Call] = {}
        self._draining = False

    def _leads(self, count: int) -> list[Lead]:
        """Every eighth number is on the lists of two campaigns."""
        numbers = [Number(self._zones()) for _ in range(count)]
        return [Lead(n, numbers[n - 1 if n % 8 == 7 else n]) for n in range(count)]

    def _zones(self) -> tuple[str, ...]:
        """Where a number may be: one place, or two that are not far from each other."""
        first = self.draws.randrange(len(ZONES))
        if self.draws.random() < 0.2:
            return (ZONES[first], ZONES[(first + 1) % len(ZONES)])
        return (ZONES[first],)

    def run(self) -> list[str]:
        for name in range(WORKERS):
            self._begin_worker(name)
        self._begin_reconciler()
        self._until(HOURS * 3600.0)
        # From here on nobody is called any more, nothing goes wrong, and all news arrives.
        self._draining, self.chances = True, CALM
        self._until(HOURS * 3600.0 + 2 * 3600.0)
        return self.referee.judge(self.store)

    def _restart(self, name: int) -> None:
        if name >= 0:
            self._push(self.draws.uniform(0.1, 5.0), lambda: self._begin_worker(name))
        elif name == RECONCILER:
            self._push(1.0, self._begin_reconciler)

    # The worker.

    def _begin_worker(self, name: int) -> None:
        process = Process(Worker(name))
        self._spawn(self._work(process), process)

    def _begin_reconciler(self) -> None:
        self._spawn(self._reconcile(), Process(Worker(RECONCILER)))

    def _work(self, process: Process) -> Steps:
        worker, spacing = process.worker, timedelta(seconds=1 / PER_SECOND)
        while not self._draining:
            try:
                yield self._pause()
                while process.lost:
                    yield self._query()
                    self.store.unanswered(process.lost.pop(), self.now)
                live = None
                if not self.guards.pace_lock:
                    live = len(self.store.open)
                    yield 0.2
                yield self._query()
                for attempt in self.store.claim(worker, self.now, spacing, live):
                    self.attempts += 1
                    self._spawn(self._send(process, attempt), process, attempt)
                    if self.draws.random() < 0.03:
                        self._spawn(self._say_no(attempt.lead.number), None)
            except Broken:
                continue
        # A clean end: what it has sent is answered, then it says that it is gone.
        while len(process.tasks) > 1:
            yield 1.0
        worker.dead_at = self.now

    def _pause(self) -> float:
        due = self.store.next_due
        if due is None:
            return 60.0
        seconds = (due - self.now).total_seconds()
        if seconds > 0:
            return min(seconds, 60.0) + TICK_S
        return TICK_S if len(self.store.open) < CAP else 4 * TICK_S

    def _query(self) -> float:
        return self.draws.uniform(0.001, 0.02)

    def _send(self, process: Process, attempt: Attempt) -> Steps:
        """As `Gate.send`: locks, checks, one request, its answer, all in one transaction."""
        answered = False
        try:
            yield max(0.0, (attempt.slot_at - self.now).total_seconds())
            yield self._query()
            if self.guards.number_lock:
                attempt.lead.number.holders.add(attempt.id)
            yield self._query()
            if not self._permitted(attempt):
                self.store.finish(attempt, "not_dialed", self.now)
                answered = True
                return
            yield self._query()
            if self.guards.fence and is_too_old(attempt.intended_at, self.now):
                self.store.finish(attempt, "not_dialed", self.now)
                answered = True
                return
            attempt.checked_at = self.now
            yield 0.001
            word, after, call = self._request(attempt)
            yield min(after, TIMEOUT_S)
            yield self._query()
            if after > TIMEOUT_S or word == "nothing":
                self.store.unanswered(attempt, self.now)
            elif word == "refused":
                self.store.finish(attempt, "not_dialed", self.now)
            elif not self.store.placed(attempt, call.sid, self.now):
                self._let_go(attempt)
                yield self._query()
                self._end(call)
            answered = True
        finally:
            self._let_go(attempt)
            if not answered:
                process.lost.append(attempt)

    def _permitted(self, attempt: Attempt) -> bool:
        if self.guards.fence and is_too_old(attempt.intended_at, self.now):
            return False
        return not self.guards.reread or self.store.decide(attempt.lead, self.now).allow

    def _let_go(self, attempt: Attempt) -> None:
        attempt.lead.number.holders.discard(attempt.id)
        if not attempt.accepted and self.guards.number_lock:
            attempt.unguarded = True

    # The carrier.

    def _request(self, attempt: Attempt) -> tuple[str, float, Call]:
        """What the answer will be, after how long, and the call if there is one."""
        draws, checked = self.draws, attempt.checked_at or self.now
        if is_too_old(attempt.intended_at, checked):
            self.referee.violations.append(f"I11 attempt {attempt.id} was sent though too old")
        self._serial += 1
        call = Call(self._serial, attempt, self.now)
        way, drawn = draws.uniform(0.05, 0.4), draws.random()
        chance = 0.0 if self._draining else 1.0
        if drawn < 0.03 * chance:
            self.faults["refused"] += 1
            return "refused", way, call
        if drawn < 0.05 * chance:
            self.faults["request lost"] += 1
            return "nothing", way, call
        if drawn < 0.07 * chance:
            self.faults["slow accept"] += 1
            way = draws.uniform(2.0, 25.0)
        self._push(way, lambda: self._accept(call))
        if drawn < 0.11 * chance:
            self.faults["answer lost"] += 1
            return "nothing", way + 0.1, call
        if drawn < 0.14 * chance:
            self.faults["answer late"] += 1
            way += draws.uniform(1.0, 15.0)
        return "placed", way + draws.uniform(0.01, 0.2), call

    def _accept(self, call: Call) -> None:
        attempt, now = call.attempt, self.now
        attempt.accepted = True
        call.accepted_at = now
        call.listed_at = now + timedelta(seconds=self.draws.uniform(0.0, 3.0))
        self._calls.setdefault(attempt.lead.id, []).append(call)
        self._by_sid[call.sid] = call
        self.referee.accepted(call, now)
        self._note("accept", attempt.id, attempt.lead.id)
        status, outcome, seconds, _ = self._draw_end()
        call.outcome = outcome
        setup, ring = self.draws.uniform(0.2, 1.5), self.draws.uniform(1.0, 12.0)
        self._tell(call, "initiated")
        self._push(setup, lambda: self._become(call, "ringing"))
        if status == "completed":
            self._push(setup + ring, lambda: self._become(call, "in-progress"))
            seconds += ring
        self._push(setup + seconds, lambda: self._over(call, status))

    def _draw_end(self) -> tuple[str, str | None, float, float]:
        drawn = self.draws.random()
        for end in ENDS:
            drawn -= end[3]
            if drawn < 0:
                return end
        return ENDS[0]

    def _become(self, call: Call, status: str) -> None:
        if call.ended_at is None:
            call.status = status
            self._tell(call, status)

    def _over(self, call: Call, status: str) -> None:
        if call.ended_at is not None:
            return
        call.status, call.ended_at = status, self.now
        if status == "completed":
            call.attempt.outcome = call.outcome
            if call.outcome == "opt_out":
                call.attempt.lead.number.suppressed = True
        self._note("over", call.attempt.id, status)
        self._tell(call, status)

    def _end(self, call: Call) -> None:
        """Somebody asks for the end of a call."""
        if call.ended_at is None and call.sid in self._by_sid:
            call.outcome = None
            self._over(call, "completed" if call.status == "in-progress" else "canceled")

    def _tell(self, call: Call, status: str) -> None:
        """A callback: lost, told twice, late, overtaken by the next one."""
        draws, faults = self.draws, self.faults
        if draws.random() < 0.06 and not self._draining:
            faults["callback lost"] += 1
            return
        copies = 1
        if draws.random() < 0.1:
            faults["callback twice"] += 1
            copies = 2
        for _ in range(copies):
            after, drawn = draws.uniform(0.005, 0.1), draws.random()
            if drawn < 0.01:
                faults["callback an hour late"] += 1
                after = draws.uniform(60.0, 3600.0)
            elif drawn < 0.1:
                faults["callback late"] += 1
                after = draws.uniform(0.5, 12.0)
            self._push(
                after, lambda: self._spawn(self._hear(call, status), Process(Worker(SERVER)))
            )

    # The server and the reconciler.

    def _hear(self, call: Call, status: str) -> Steps:
        yield self._query()
        reading = self.store.told(call.attempt, call.sid, status, self.now)
        if reading is Reading.LATE and not is_terminal(status):
            yield self._query()
            self._end(call)

    def _reconcile(self) -> Steps:
        while True:
            try:
                yield RECONCILE_S if self.store.open else 4 * RECONCILE_S
            except Broken:
                continue
            for attempt in self.store.quiet(self.now, QUIET):
                try:
                    yield from self._ask(attempt)
                except Broken:
                    continue

    def _ask(self, attempt: Attempt) -> Steps:
        yield self._query()
        if attempt.sids:
            self._learn(attempt, self._by_sid[attempt.sids[0]])
            return
        known = {sid for each in self._calls.get(attempt.lead.id, []) for sid in each.attempt.sids}
        found = [
            call
            for call in self._calls.get(attempt.lead.id, [])
            if call.listed_at is not None and call.listed_at <= self.now
        ]
        matches = match(
            [
                CarrierCall(CarrierSid(str(c.sid)), c.status, None, None, c.accepted_at)
                for c in found
            ],
            {str(sid) for sid in known},
            attempt.intended_at,
        )
        yield self._query()
        if attempt.state is AttemptState.ENDED:
            return
        if matches:
            self._learn(attempt, self._by_sid[int(matches[-1].sid)])
        else:
            self.store.give_up(attempt, self.now, dead_after=DEAD_AFTER, list_lag=LIST_LAG)
            for given_up in self.store.just_given_up():
                self._look_again_later(given_up)

    def _learn(self, attempt: Attempt, call: Call) -> None:
        self.store.told(attempt, call.sid, call.status, self.now)
        if attempt.late and call.ended_at is None:
            self._end(call)

    def _look_again_later(self, attempt: Attempt) -> None:
        """A call of a given-up attempt whose every word was lost is found and ended."""

        def look() -> None:
            for call in self._calls.get(attempt.lead.id, []):
                if call.attempt is attempt and not attempt.sids:
                    self._learn(attempt, call)

        self._push(SECOND_LOOK_S, look)

    def _say_no(self, number: Number) -> Steps:
        """Somebody says no just when they are about to be called: it returns after the sends."""
        yield self.draws.uniform(0.0, 1.0)
        number.suppressed = True
        while number.holders:
            yield 0.01
        number.no_returned_at = self.now


def simulate(seed: int, lifecycles: int, guards: Guards | None = None) -> Outcome:
    """Stretches of 48 hours over nights in which clocks change, until so many calls were begun."""
    began, begun, total, nth = time.monotonic(), 0, Outcome(seeds=(seed,)), 0
    while begun < lifecycles:
        leads = max(300, min(14_000, (lifecycles - begun) // 2))
        world = Simulation(seed + 1000 * nth, NIGHTS[nth % len(NIGHTS)], leads, guards)
        found = world.run()
        begun += world.attempts
        nth += 1
        total += Outcome(
            calls=len(world.referee.calls),
            faults=sum(world.faults.values()),
            violations=tuple(f"seed {seed}, stretch {nth}: {said}" for said in found),
            stuck=sum("I9" in said for said in found),
            lost_terminals=sum("I7" in said for said in found),
            notes={
                **dict(world.faults),
                "lifecycles": world.attempts,
                "simulated hours": HOURS,
                "awaits": world.steps,
                "late calls": sum(call.attempt.late for call in world.referee.calls),
                "decisions": world.store.decisions,
            },
        )
    return total + Outcome(seconds=time.monotonic() - began)

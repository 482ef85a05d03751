"""Scenario 6: 48 hours over both changes of clocks, sixty zones, machines whose clocks are off."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from dialer import journal
from dialer.carrier import AgentLeg, CarrierCall, DialRequest, PlaceAnswer, Placed, RedirectTo
from dialer.claims import claim
from dialer.gate import Gate
from tests.chaos.arena import Arena
from tests.chaos.invariants import windows_kept
from tests.chaos.people import campaign_file, make_campaign, make_people
from tests.chaos.runs import Outcome, open_run
from tests.chaos.simulation import NIGHTS, ZONES
from voice_ai.clock import SharedClock
from voice_ai.db.connect import Pool, open_pool
from voice_ai.ids import AttemptId, CarrierSid, WorkerId

HOURS, STEP = 48, timedelta(minutes=10)
SKEWS_S = (-90.0, 0.0, 90.0)
EVERY_DAY: dict[str, Any] = {
    "schedule": {
        "start": "08:00",
        "end": "21:00",
        "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    }
}


@dataclass
class Truth:
    """The time as it is; everybody's sleep moves it."""

    at: datetime


@dataclass
class WrongClock:
    """A machine's clock that is off by `skew`."""

    truth: Truth
    skew: timedelta
    speed: float = 1.0

    def now(self) -> datetime:
        return self.truth.at + self.skew

    def monotonic(self) -> float:
        return self.truth.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.truth.at += timedelta(seconds=max(0.0, seconds))


@dataclass
class VirtualCarrier:
    """Accepts everything at the true time."""

    truth: Truth
    account: str = "AC" + "6" * 32
    accepted: list[tuple[datetime, str]] = field(default_factory=list)

    async def place(self, request: DialRequest) -> PlaceAnswer:
        self.accepted.append((self.truth.at, request.to))
        return Placed(CarrierSid("CA" + uuid4().hex), None)

    async def fetch(self, sid: CarrierSid) -> CarrierCall | None:
        return None

    async def find(self, *, to: str, caller_id: str) -> Sequence[CarrierCall]:
        return ()

    async def end(self, sid: CarrierSid) -> bool:
        return False

    async def say_and_end(self, sid: CarrierSid, text: str, *, language: str) -> bool:
        return False

    async def redirect(
        self, sid: CarrierSid, attempt_id: AttemptId, step: RedirectTo, *, max_s: int
    ) -> bool:
        return False

    async def ring(self, leg: AgentLeg) -> PlaceAnswer:
        return Placed(CarrierSid("CA" + uuid4().hex), None)

    async def close(self) -> None:
        return None


def open_by_law(at: datetime, zone: str) -> bool:
    """Said once more, in other words than the product's: 8 to 21 on the wall there."""
    return 8 <= at.astimezone(ZoneInfo(zone)).hour < 21


def windows(arena: Arena, seed: int, *, leads: int, hours: int = HOURS) -> Outcome:
    """Spring and autumn in virtual time with the product's claim and gate; then real workers."""
    total = Outcome(seeds=(seed,))
    for night in NIGHTS[:2]:
        total += asyncio.run(_virtual(arena, seed, night, leads // 2, hours))
    for moment in (datetime(2026, 11, 25, 2, 0, 5, tzinfo=UTC), _EARLY):
        total += _real_workers(arena, seed, moment)
    return total


async def _virtual(arena: Arena, seed: int, start: datetime, leads: int, hours: int) -> Outcome:
    arena.reset(start)
    draws = random.Random(seed)
    zones = [[zone] for zone in ZONES] + [[ZONES[n], ZONES[n + 1]] for n in range(0, 58, 6)]
    with arena.database() as db:
        people = make_people(db, arena.keyring, "chaos", leads, start, zones=zones)
        document = campaign_file("Chaos", "chaos", concurrent=500, per_second=200.0, **EVERY_DAY)
        document["retries"]["rules"]["busy"] = {"delays_s": [1800, 14400], "most": 3}
        make_campaign(db, arena.keyring, document, start)
        workers = [
            WorkerId(row["id"])
            for row in db.execute(
                "INSERT INTO workers (id, kind, host, pid, lock_key, started_at, seen_at)"
                " SELECT gen_random_uuid(), 'dialer', 'virtual', 1, n, now(), now()"
                " FROM generate_series(1, 3) AS n RETURNING id"
            ).fetchall()
        ]
    truth = Truth(start)
    carrier = VirtualCarrier(truth)
    async with open_pool(arena.postgres.url, name="chaos windows", most=6) as pool:
        stretch = _Stretch(arena, pool, truth, carrier, draws)
        while truth.at < start + timedelta(hours=hours):
            at = truth.at
            for worker, skew_s in zip(workers, SKEWS_S, strict=True):
                await stretch.work(worker, timedelta(seconds=skew_s))
            truth.at = max(truth.at, at + STEP)
    places = {person.number: zones[n % len(zones)] for n, person in enumerate(people)}
    found = windows_kept([(at, places[to]) for at, to in carrier.accepted], open_by_law)
    return Outcome(
        calls=len(carrier.accepted),
        faults=2 * hours,
        violations=tuple(f"seed {seed}: {said}" for said in found),
        notes={"simulated hours": hours, "zones": len(ZONES)},
    )


@dataclass
class _Stretch:
    arena: Arena
    pool: Pool
    truth: Truth
    carrier: VirtualCarrier
    draws: random.Random
    faults: Counter[str] = field(default_factory=Counter)

    async def work(self, worker: WorkerId, skew: timedelta) -> None:
        """One round of a worker whose machine's clock is off: as the product, it is set right."""
        machine = WrongClock(self.truth, skew)
        clock = SharedClock(machine)
        clock.set_right(machine.now(), self.truth.at, machine.now())
        gate = Gate(self.pool, self.carrier, clock, self.arena.keyring)
        while True:
            async with self.pool.connection() as db:
                intents = await claim(
                    db,
                    account=self.carrier.account,
                    worker_id=worker,
                    rehearsal=True,
                    now=clock.now(),
                )
            if not intents:
                return
            for intent, campaign in intents:
                answer = await gate.send(intent, campaign)
                if isinstance(answer, Placed):
                    await self._over(intent.attempt_id, answer.sid, clock.now())
            self.truth.at += timedelta(seconds=0.6)

    async def _over(self, attempt_id: object, sid: CarrierSid, now: datetime) -> None:
        status = self.draws.choice(["busy", "busy", "no-answer", "completed"])
        async with self.pool.connection() as db, db.transaction():
            attempt = await journal.lock_attempt(db, attempt_id)  # type: ignore[arg-type]
            assert attempt is not None
            news = journal.StatusNews(sid, status)
            await journal.finish_call(db, attempt, news, now, ended_by="callback")


# A little before eight in New York; a clock that is fast by 90 seconds says that it is past.
_EARLY = datetime(2026, 11, 25, 12, 59, 15, tzinfo=UTC)


def _real_workers(arena: Arena, seed: int, moment: datetime) -> Outcome:
    """Processes on machines with wrong clocks, just outside the window: nobody may be called."""
    with open_run(arena, seed, leads=20, start=moment, per_second=20.0) as run:
        server = run.server()
        workers = [arena.start("dialer", skew_s=skew) for skew in SKEWS_S]
        arena.wait_ready(server, *workers)
        run.faults["wrong clocks"] += 2
        # Every worker has looked at every lead once its refusals are in the ledger.
        for _ in range(200):
            row = run.db.execute("SELECT count(*) AS n FROM decisions WHERE NOT allow").fetchone()
            if row is not None and row["n"] >= 20:
                break
            asyncio.run(asyncio.sleep(0.05))
        verdict = run.judge.counts()
        outcome = run.result()
        if verdict["accepted"]:
            said = f"seed {seed}: I5 a wrong clock called {verdict['accepted']} people too early"
            outcome += Outcome(violations=(said,))
        return outcome

"""One run: people, a campaign, a carrier, servers and workers; then it settles and is judged."""

import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from tests.chaos.arena import START, Arena, Impatient, Judge, Process, clock_offset, until
from tests.chaos.evidence import evidence_of
from tests.chaos.invariants import (
    Evidence,
    Limits,
    Suppression,
    lost_terminals,
    stuck,
    violations,
)
from tests.chaos.people import (
    MOST,
    Person,
    campaign_file,
    make_campaign,
    make_people,
    real_now,
    say_no,
)
from voice_ai.db.connect import Db, connect
from voice_ai.ids import CampaignId
from voice_ai.store.campaigns import CommandKind, ask

# Short lives: what is tested is who is called and what is known of it, not what is said.
PACING = {
    "setup": (0.05, 0.3),
    "ring": (0.2, 1.0),
    "media_wait": 2.0,
    "gives_up": 2.0,
    "longest_call": 8.0,
    "after_goodbye": 0.2,
}
ANSWERS = {"busy": 0.55, "failed": 0.33, "human": 0.12}
PERSONAS = {"hangs_up": 1.0}
_DUE = """
SELECT (SELECT count(*) FROM attempts WHERE state <> 'ended') AS live,
       (SELECT count(*) FROM campaign_leads cl JOIN campaigns c ON c.id = cl.campaign_id
        WHERE c.state = 'running' AND cl.state = 'ready'
          AND (cl.next_allowed_at IS NULL OR cl.next_allowed_at < %(soon)s)) AS due,
       (SELECT count(*) FROM campaign_leads WHERE state = 'ready' AND disposition IS NULL
          AND next_allowed_at IS NULL) AS fresh
"""


@dataclass(frozen=True)
class Outcome:
    """What one scenario came to, over all its seeds."""

    calls: int = 0
    faults: int = 0
    violations: tuple[str, ...] = ()
    lost_terminals: int = 0
    stuck: int = 0
    seeds: tuple[int, ...] = ()
    seconds: float = 0.0
    notes: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            calls=self.calls + other.calls,
            faults=self.faults + other.faults,
            violations=self.violations + other.violations,
            lost_terminals=self.lost_terminals + other.lost_terminals,
            stuck=self.stuck + other.stuck,
            seeds=tuple(dict.fromkeys(self.seeds + other.seeds)),
            seconds=self.seconds + other.seconds,
            notes=dict(Counter(self.notes) + Counter(other.notes)),
        )

    @property
    def clean(self) -> bool:
        return not (self.violations or self.lost_terminals or self.stuck)


@dataclass
class Run:
    arena: Arena
    seed: int
    judge: Judge
    db: Db
    offset: timedelta
    people: list[Person]
    campaign_id: UUID
    limits: Limits
    draws: random.Random
    began: float = field(default_factory=time.monotonic)
    faults: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    suppressions: list[Suppression] = field(default_factory=list)
    stops: list[tuple[UUID, datetime]] = field(default_factory=list)
    more: list[str] = field(default_factory=list)
    explained_late: int = 0
    evidence: Evidence | None = None

    def now(self) -> datetime:
        """The rehearsal's time."""
        return real_now() - self.offset

    def reconnect(self) -> None:
        """After the database was away."""
        self.db.close()
        self.db = connect(self.arena.postgres.url, name="chaos", autocommit=True)

    def standing(self) -> dict[str, int]:
        row = self.db.execute(_DUE, {"soon": self.now() + timedelta(seconds=20)}).fetchone()
        assert row is not None
        return dict(row)

    def is_over(self) -> bool:
        now = self.standing()
        return now["live"] == 0 and now["due"] == 0

    def workers(self, count: int, **told: Any) -> list[Process]:
        return [self.arena.start("dialer", **told) for _ in range(count)]

    def server(self) -> Process:
        return self.arena.start("server")

    def kill(self, kind: str) -> None:
        """kill -9 of one of that kind that is up; another takes its place at once."""
        victims = [process for process in self.arena.of_kind(kind) if process.is_ready()]
        if not victims:
            return
        victim = self.draws.choice(victims)
        victim.signal(signal.SIGKILL)
        self.faults[f"{kind} killed"] += 1
        if kind == "server":  # its port must be free
            until(lambda: not victim.alive, "a killed server is gone", 10)
        self.arena.start(kind)

    def suppress(self, person: Person, typed: str | None = None) -> None:
        say_no(self.db, self.arena.keyring, typed or person.number, self.now())
        self.suppressions.append(Suppression(person.number_id, real_now()))

    def command(self, kind: CommandKind, *, seconds: float = 20.0) -> None:
        """Asks, and waits until it is obeyed; a stop is then held against what follows."""
        asked = ask(self.db, kind, CampaignId(self.campaign_id), by="chaos", now=self.now())

        def obeyed() -> bool:
            row = self.db.execute("SELECT obeyed_at FROM commands WHERE id = %s", (asked,))
            found = row.fetchone()
            return bool(found and found["obeyed_at"])

        until(obeyed, f"{kind} is obeyed", seconds, every=0.01)
        if kind in {"pause", "stop", "emergency_stop"}:
            self.stops.append((self.campaign_id, real_now()))

    def settle(self, idle_s: float = 45.0, longest_s: float = 900.0) -> None:
        """Until nobody is to be called any more, every attempt has ended and every call too.

        However slow the machine is: it is stuck when nothing has changed for `idle_s`.
        """
        moved_at = end = time.monotonic()
        before: object = None
        while not self.is_over():
            now, seen = time.monotonic(), self._progress()
            if seen != before:
                before, moved_at = seen, now
            if now - moved_at > idle_s or now - end > longest_s:
                self.more.append(f"it did not settle: {self.standing()}")
                return
            time.sleep(0.2)
        try:
            until(lambda: self.judge.counts()["open_now"] == 0, "every call is over", 60, every=0.1)
        except Impatient as error:
            self.more.append(str(error))

    def _progress(self) -> object:
        return self.db.execute("SELECT count(*), sum(version) FROM attempts").fetchone()

    def result(self) -> Outcome:
        verdict = self.judge.verdict()
        self.evidence = evidence = evidence_of(
            self.db,
            verdict,
            replace(self.limits, late=self.explained_late),
            self.offset,
            suppressions=self.suppressions,
            stops=self.stops,
            more=self.more,
        )
        callbacks = verdict["callbacks"]
        carrier = sum(verdict["faults"].values()) + sum(
            callbacks[name] for name in ("duplicated", "lost", "reordered", "late", "forged")
        )
        notes = self.faults + self.notes
        notes["late calls"] = sum(attempt.late for attempt in evidence.attempts)
        notes["not dialed"] = sum(a.disposition == "not_dialed" for a in evidence.attempts)
        return Outcome(
            calls=len(evidence.calls),
            faults=sum(self.faults.values()) + carrier,
            violations=tuple(f"seed {self.seed}: {said}" for said in violations(evidence)),
            lost_terminals=lost_terminals(evidence),
            stuck=stuck(evidence),
            seeds=(self.seed,),
            seconds=time.monotonic() - self.began,
            notes=dict(notes),
        )


@contextmanager
def open_run(
    arena: Arena,
    seed: int,
    *,
    leads: int,
    concurrent: int = 80,
    per_second: float = 45.0,
    carrier: dict[str, Any] | None = None,
    campaign: dict[str, Any] | None = None,
    grace: timedelta = timedelta(0),
    way_s: float = 0.0,
    start: datetime = START,
    zones: Sequence[Sequence[str]] = (("America/New_York",),),
) -> Iterator[Run]:
    """Everything but the processes; on the way out all of them are gone."""
    began = arena.reset(start)
    told = {
        "seed": seed,
        "pacing": PACING,
        "answer_mix": ANSWERS,
        "personas": PERSONAS,
        **(carrier or {}),
    }
    with arena.carrier(**told) as judge, arena.database() as db:
        people = make_people(db, arena.keyring, "chaos", leads, start, zones=zones)
        document = campaign_file(
            "Chaos", "chaos", concurrent=concurrent, per_second=per_second, **(campaign or {})
        )
        run = Run(
            arena=arena,
            seed=seed,
            judge=judge,
            db=db,
            offset=clock_offset(began, start),
            people=people,
            campaign_id=make_campaign(db, arena.keyring, document, start),
            limits=Limits(concurrent, per_second, MOST, way_s=way_s, grace=grace),
            draws=random.Random(seed),
        )
        try:
            yield run
        finally:
            arena.stop_all()
            run.db.close()


def while_calling(run: Run, act: Callable[[], None], every: tuple[float, float]) -> None:
    """`act` again and again, as long as somebody has not been called yet."""
    while run.standing()["fresh"] > 0:
        act()
        time.sleep(run.draws.uniform(*every))


def server_answers(arena: Arena) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        url = f"http://127.0.0.1:{arena.server_port}/api/openapi.json"
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    return False


def begin(run: Run, *, workers: int, **told: Any) -> None:
    """One server and some workers, all of them up."""
    server = run.server()
    started = run.workers(workers, **told)
    run.arena.wait_ready(server, *started)

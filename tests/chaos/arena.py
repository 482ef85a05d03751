"""The stage of the chaos runs: real PostgreSQL, real Valkey, real processes, the carrier as judge.

One home for all runs of a session; every run begins with empty tables, its own people and its own
simulator. Workers and servers are forked from a parent that is warm (tests.chaos.worker).
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import psycopg

from pipelines.stage import free_ports
from voice_ai.db import upgrade
from voice_ai.db.connect import Db, connect
from voice_ai.embedded import PostgresLease, ValkeyLease, attach_postgres, attach_valkey
from voice_ai.vault import Keyring

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
# 14:00 in New York on a Tuesday: the rehearsal's time when a run begins.
START = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
# The product's patience (10, 12, 10, 12, 30 s) in a third of its time.
HURRY = {
    "timeout_s": 3.0,
    "quiet_s": 4.0,
    "list_lag_s": 4.0,
    "dead_after_s": 4.0,
    "last_words_s": 4.0,
}
_EMPTY = """
DO $$ DECLARE names text; BEGIN
    SELECT string_agg(c.oid::regclass::text, ', ') INTO names FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relnamespace = 'public'::regnamespace
      AND c.relname NOT IN ('dispositions', 'lake_source', 'alembic_version');
    EXECUTE 'TRUNCATE ' || names || ' RESTART IDENTITY CASCADE';
END $$
"""


class Impatient(AssertionError):
    """What had to happen did not happen in time."""


def until(ask: Callable[[], T | None], what: str, seconds: float = 60.0, every: float = 0.05) -> T:
    """The first answer that is neither None nor False."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer is not None and answer is not False:
            return answer
        if time.monotonic() > end:
            raise Impatient(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)


@dataclass
class Process:
    """A worker or a server; `stopped` while it stands still (SIGSTOP)."""

    kind: str
    pid: int
    log: Path

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    @property
    def alive(self) -> bool:
        try:
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def connections(self) -> list[Any]:
        return list(psutil.Process(self.pid).net_connections())

    def is_ready(self) -> bool:
        return b'"ready"' in self.log.read_bytes()


@dataclass
class Nursery:
    """The warm parent of all workers and servers."""

    process: "subprocess.Popen[str]"

    @classmethod
    def start(cls, log: Path) -> "Nursery":
        with log.open("a") as file:
            return cls(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.chaos.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=file,
                    text=True,
                    cwd=ROOT,
                    env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                )
            )

    def ask(self, order: Mapping[str, Any]) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@dataclass
class Judge:
    """The simulator of one run, asked over HTTP."""

    url: str
    process: "subprocess.Popen[str]"
    http: httpx.Client

    def verdict(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get(f"{self.url}/simulator/judge?calls=1").json()
        return answer

    def counts(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get(f"{self.url}/simulator/judge").json()
        return answer

    def change_faults(self, **fields: Any) -> None:
        self.http.post(f"{self.url}/simulator/faults", json=fields).raise_for_status()

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.http.close()


@dataclass
class Arena:
    home: Path
    postgres: PostgresLease
    valkey: ValkeyLease
    keyring: Keyring
    nursery: Nursery
    processes: list[Process] = field(default_factory=list)
    # What the children of the present run are told besides.
    environment: dict[str, str] = field(default_factory=dict)
    hurry: dict[str, float] = field(default_factory=lambda: dict(HURRY))
    mutations: Sequence[str] = ()
    _serial: int = 0

    @contextmanager
    def database(self, *, name: str = "chaos") -> Iterator[Db]:
        with connect(self.postgres.url, name=name, autocommit=True) as db:
            yield db

    def reset(self, start: datetime = START) -> datetime:
        """Empty tables and the rehearsal's clock at `start`. The moment it was set, real time."""
        now = datetime.now(UTC)
        with self.database() as db:
            db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND application_name LIKE 'voice-ai%'"
            )
            db.execute(_EMPTY)
            db.execute(
                "INSERT INTO rehearsal_clock (one, anchor_real, anchor, speed)"
                " VALUES (true, %s, %s, 1)",
                (now, start),
            )
        return now

    @contextmanager
    def carrier(self, **config: Any) -> Iterator[Judge]:
        """A simulator on a free port; children that start from now on go to it."""
        ports = free_ports()
        told = {"port": ports.simulator, **config}
        with (self.home / "logs" / "simulator.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.carrier", json.dumps(told)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        judge = Judge(json.loads(line)["url"], process, httpx.Client(timeout=30, trust_env=False))
        # The judge's stamps decide, so it is never the one that waits for the processor.
        with contextlib.suppress(psutil.AccessDenied):
            psutil.Process(process.pid).nice(-5)
        self.environment |= {
            "VOICE_AI_PUBLIC_URL": f"http://127.0.0.1:{ports.server}",
            "TWILIO_BASE_URL": judge.url,
            "ELEVENLABS_BASE_URL": judge.url,
        }
        try:
            yield judge
        finally:
            judge.close()

    @property
    def server_port(self) -> int:
        return int(self.environment["VOICE_AI_PUBLIC_URL"].rpartition(":")[2])

    def start(self, kind: str, *, skew_s: float = 0.0, **environment: str) -> Process:
        self._serial += 1
        log = self.home / "logs" / f"{kind}-{self._serial}.log"
        log.touch()
        order = {
            "kind": kind,
            "log": str(log),
            "environment": {
                "VOICE_AI_HOME": str(self.home),
                "DATABASE_URL": self.postgres.url,
                "REDIS_URL": self.valkey.url,
                **self.environment,
                **environment,
            },
            "hurry": self.hurry,
            "mutations": list(self.mutations),
            "skew_s": skew_s,
            "port": self.server_port,
        }
        process = Process(kind, int(self.nursery.ask(order)), log)
        self.processes.append(process)
        return process

    def exit_of(self, process: Process) -> int | None:
        status: int | None = self.nursery.ask({"wait": process.pid})
        return status

    def wait_ready(self, *processes: Process, seconds: float = 30.0) -> None:
        for process in processes:
            until(
                lambda process=process: process.is_ready() or not process.alive,  # type: ignore[misc]
                f"{process.kind} is ready",
                seconds,
            )
            if not process.is_ready():
                last = process.log.read_text(errors="replace").splitlines()[-1:]
                raise Impatient(f"{process.kind} ended while it started: {last}")

    def of_kind(self, kind: str) -> list[Process]:
        self.processes = [process for process in self.processes if process.alive]
        return [process for process in self.processes if process.kind == kind]

    def stop_all(self) -> None:
        """Every child of this run is gone on return."""
        for process in self.processes:
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGKILL)
        for process in self.processes:
            until(lambda process=process: not process.alive, "a killed process is gone", 10)  # type: ignore[misc]
        self.processes.clear()
        self.environment.clear()
        self.hurry = dict(HURRY)
        self.mutations = ()

    def restart_postgres(self) -> None:
        """kill -9: the sessions break off in the middle, the log is replayed at the start."""
        with self.database() as db:
            row = db.execute("SELECT pg_postmaster_start_time() AS began").fetchone()
        assert row is not None
        pid = int((self.postgres.data_dir / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        until(lambda: self._began_after(row["began"]), "PostgreSQL is back", 20)

    def _began_after(self, before: datetime) -> bool:
        try:
            with psycopg.connect(self.postgres.url, connect_timeout=2) as db:
                found = db.execute("SELECT pg_postmaster_start_time()").fetchone()
        except psycopg.OperationalError:
            return False
        return bool(found and found[0] > before)


def clock_offset(began: datetime, start: datetime = START) -> timedelta:
    """What is added to a time of the rehearsal for the real one."""
    return began - start


@contextmanager
def open_arena(home: Path) -> Iterator[Arena]:
    home.mkdir(parents=True, exist_ok=True)
    (home / "logs").mkdir(exist_ok=True)
    keyring = Keyring.open(home, None)
    with ExitStack() as stack:
        postgres = stack.enter_context(attach_postgres(home, keyring))
        valkey = stack.enter_context(attach_valkey(home, keyring))
        upgrade(postgres.url, keyring)
        nursery = Nursery.start(home / "logs" / "nursery.log")
        stack.callback(nursery.close)
        arena = Arena(home, postgres, valkey, keyring, nursery)
        stack.callback(arena.stop_all)
        yield arena

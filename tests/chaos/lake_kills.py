"""Scenario 12: `voice-ai lake sync` is killed at random points while calls are written and changed.

After every kill the lake, as it lies there, must equal Postgres up to its last commit; nothing is
mended first. `python -m tests.chaos --scenario 12` runs fifty kills.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg

from pipelines.lake import manifest as commits
from pipelines.lake.store import Store, open_store
from pipelines.lake.sync import sync
from pipelines.lake.verify import verify
from tests.chaos.arena import Arena
from tests.chaos.runs import Outcome
from tests.factories_app import CampaignFactory
from voice_ai.db.connect import Db, connect

_NOW = datetime(2026, 11, 24, 19, tzinfo=UTC)
_BUSY = (
    "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name IN ('voice-ai lake sync', 'voice-ai lake compact')"
)
# What comes late, changes or goes beside and after ended calls.
_CHANGES = (
    "UPDATE attempts SET version = version + 1 WHERE id IN (SELECT id FROM attempts"
    " WHERE state = 'ended' ORDER BY random() LIMIT 5)",
    "UPDATE attempts SET state = 'ended', disposition = 'goal', ended_at = now() WHERE id ="
    " (SELECT id FROM attempts WHERE state <> 'ended' LIMIT 1)",
    "INSERT INTO turns (attempt_id, index, speaker, text_redacted, started_at, ended_at)"
    " SELECT id, 1000 + (random() * 1e9)::int, 'caller', 'late', now(), now() FROM attempts"
    " ORDER BY random() LIMIT 2",
    "INSERT INTO suppressions (number_id, scope, source, reason, created_at)"
    " SELECT number_id, 'all', 'page', 'opt_out', now() FROM leads ORDER BY random() LIMIT 1",
    "WITH spare AS (SELECT lead_id FROM campaign_leads cl WHERE NOT EXISTS (SELECT FROM decisions d"
    " WHERE d.lead_id = cl.lead_id) AND NOT EXISTS (SELECT FROM attempts a"
    " WHERE a.lead_id = cl.lead_id) ORDER BY random() LIMIT 1)"
    " DELETE FROM campaign_leads cl USING spare s WHERE s.lead_id = cl.lead_id",
)


def lake_kills(arena: Arena, seed: int, *, kills: int) -> Outcome:
    """Kills syncs (every sixth time a compaction) until `kills` were in the middle of it."""
    began = time.monotonic()
    arena.reset()
    draws = random.Random(seed)
    store = open_store(str(arena.home / f"lake-of-{seed}"), arena.home)
    violations: list[str] = []
    killed = done = 0
    with arena.database() as db, _written(arena.postgres.url, seed):
        whole = _killed(arena, db, "sync", store, 60.0) or 1.0  # how long one takes
        while killed < kills:
            word = "compact" if (killed + done) % 6 == 5 else "sync"
            after = draws.uniform(0.0, 1.5 * whole)
            took = _killed(arena, db, word, store, after)
            if took is None:
                killed += 1
                whole = max(whole, after)  # it takes longer than was thought
            else:
                done += 1
                whole = max(0.3, took) if word == "sync" else whole
            violations += _differences(arena.postgres.url, store, f"kill {killed}")
    sync(arena.postgres.url, store, now=_NOW)
    violations += _differences(arena.postgres.url, store, "the end")
    made = commits.newest(store)
    with arena.database() as db:
        row = db.execute("SELECT count(*) AS n FROM attempts WHERE state = 'ended'").fetchone()
    return Outcome(
        calls=int(row["n"]) if row else 0,
        faults=killed,
        violations=tuple(violations),
        seeds=(seed,),
        seconds=time.monotonic() - began,
        notes={
            "lake process killed": killed,
            "finished before": done,
            "commits": made.number if made else 0,
        },
    )


def _killed(arena: Arena, db: Db, word: str, store: Store, after: float) -> float | None:
    """Starts the real command and kills it `after` seconds from its first word to the database.
    When it was over by then: how many seconds it took."""
    environment = {
        **os.environ,
        "DATABASE_URL": arena.postgres.url,
        "VOICE_AI_HOME": str(arena.home),
        "VOICE_AI_LAKE_URL": store.url,
    }
    with (arena.home / "logs" / "lake.log").open("a") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "voice_ai", "lake", word],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    while child.poll() is None:
        row = db.execute(_BUSY).fetchone()
        if row is not None and row["n"]:
            break
        time.sleep(0.005)
    began = time.monotonic()
    try:
        child.wait(after)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
    child.wait()
    took = time.monotonic() - began
    _wait_gone(db)
    return None if child.returncode == -signal.SIGKILL else took


def _wait_gone(db: Db) -> None:
    """The server notices a dead client at its next word; the lock is free then."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        row = db.execute(_BUSY).fetchone()
        if row is None or not row["n"]:
            return
        time.sleep(0.01)


def _differences(url: str, store: Store, when: str) -> list[str]:
    made = commits.newest(store)
    if made is None or made.resume is not None:
        return []
    found = verify(url, store)
    return [
        f"{when}: {each.of} {each.month} {each.figure} lake {each.lake} postgres {each.postgres}"
        for each in found.differences
    ]


class _written:
    """Calls and changes in short and in long transactions, by two writers, until it is left."""

    def __init__(self, url: str, seed: int) -> None:
        self._url = url
        self._stop = threading.Event()
        with connect(url, autocommit=True) as db:
            CampaignFactory(db, seed=seed).campaign("first", leads=40, dialed=25)
        self._threads = [
            threading.Thread(target=self._write, args=(seed * 10 + n, pause), daemon=True)
            for n, pause in enumerate((0.0, 0.4))
        ]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *problem: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, seed: int, pause: float) -> None:
        """`pause`: how long a transaction stays open after its words."""
        draws = random.Random(seed)
        with connect(self._url, name="chaos writer", autocommit=True) as db:
            while not self._stop.is_set():
                try:
                    with db.transaction():
                        for change in draws.sample(_CHANGES, 2):
                            db.execute(change.encode())
                        if draws.random() < 0.02:
                            name = f"{seed}-{draws.random()}"
                            start = _NOW - timedelta(days=draws.randrange(60))
                            CampaignFactory(db, seed=draws.getrandbits(40), start=start).campaign(
                                name, leads=12, dialed=8, live=2
                            )
                        self._stop.wait(pause)
                except psycopg.errors.DeadlockDetected:
                    continue
                self._stop.wait(0.1)

"""Scenario 5: Redis is killed, emptied and stands still; no promise hangs on it."""

import os
import signal
import time

import redis

from tests.chaos.arena import Arena, until
from tests.chaos.runs import Outcome, Run, begin, open_run


def redis_loss(arena: Arena, seed: int, *, leads: int, per_second: float = 45.0) -> Outcome:
    with open_run(arena, seed, leads=leads, per_second=per_second) as run:
        begin(run, workers=3)
        acts = (_kill, _empty, _stand_still)
        for step, act in enumerate(acts, start=1):
            fresh = leads * (len(acts) + 1 - step) // (len(acts) + 1)
            until(lambda fresh=fresh: run.standing()["fresh"] <= fresh, "calls go on", 120)  # type: ignore[misc]
            act(run)
        run.settle()
        return run.result()


def _server(run: Run) -> int:
    with redis.Redis.from_url(run.arena.valkey.url) as client:
        return int(client.info("server")["process_id"])


def _kill(run: Run) -> None:
    os.kill(_server(run), signal.SIGKILL)
    run.faults["redis killed"] += 1


def _empty(run: Run) -> None:
    def emptied() -> bool:
        try:
            with redis.Redis.from_url(run.arena.valkey.url) as client:
                return bool(client.flushall())
        except redis.RedisError:
            return False

    until(emptied, "Redis is back", 20)
    run.faults["redis emptied"] += 1


def _stand_still(run: Run) -> None:
    pid = _server(run)
    os.kill(pid, signal.SIGSTOP)
    run.faults["redis stood still"] += 1
    try:
        time.sleep(3.0)
    finally:
        os.kill(pid, signal.SIGCONT)

"""Scenario 8: workers stand still for seconds and go on as if nothing had been."""

import signal
import time

from tests.chaos.arena import Arena
from tests.chaos.runs import Outcome, Run, begin, open_run

# Sends that a worker may have begun when it is stopped.
_SENDS_AT_ONCE = 16
_CUT_OFF = """
SELECT pg_terminate_backend(s.pid) FROM pg_stat_activity s
WHERE s.client_port IS NOT NULL AND s.application_name LIKE 'voice-ai %%'
  AND s.client_port = ANY(%(ports)s)
"""


def stalls(
    arena: Arena,
    seed: int,
    *,
    leads: int,
    times: int,
    per_second: float = 40.0,
    longest_s: float = 10.0,
) -> Outcome:
    """SIGSTOP for half a second to ten seconds; one in four loses its connections meanwhile."""
    told = {"faults": {"name": "slow", "most_latency": 0.3}}
    with open_run(
        arena, seed, leads=leads, concurrent=150, carrier=told, way_s=0.3, per_second=per_second
    ) as run:
        begin(run, workers=3)
        for _ in range(times):
            if run.standing()["fresh"] == 0:
                break
            _stall(run, run.draws.uniform(0.5, longest_s))
        run.settle()
        run.explained_late = _SENDS_AT_ONCE * run.faults["stood still"]
        return run.result()


def _stall(run: Run, seconds: float) -> None:
    workers = [worker for worker in run.arena.of_kind("dialer") if worker.is_ready()]
    victim = run.draws.choice(workers)
    victim.signal(signal.SIGSTOP)
    run.faults["stood still"] += 1
    try:
        if run.draws.random() < 0.25:
            ports = [each.laddr.port for each in victim.connections()]
            run.db.execute(_CUT_OFF, {"ports": ports})
            run.faults["cut off while still"] += 1
            seconds = max(seconds, 6.0)
        time.sleep(seconds)
    finally:
        victim.signal(signal.SIGCONT)
    time.sleep(run.draws.uniform(0.1, 0.6))

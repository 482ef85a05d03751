"""Scenario 1: workers and servers are killed all the time, the carrier is unreliable."""

import time
from datetime import timedelta
from typing import Any

from tests.chaos.arena import Arena
from tests.chaos.runs import Outcome, begin, open_run

# As in the prototype (limits.md, C2).
ROUGH: dict[str, Any] = {
    "name": "rough",
    "rate_limited": 0.05,
    "server_error": 0.02,
    "error_after_accepting": 0.01,
    "lost_response": 0.06,
    "late_answer": 0.04,
    "late_answer_s": 4.0,
    "duplicate_callback": 0.2,
    "lost_callback": 0.05,
    "reordered_callback": 0.2,
    "late_callback": 0.05,
}


def crash_storm(
    arena: Arena, seed: int, *, leads: int, workers: int = 3, per_second: float = 45.0
) -> Outcome:
    """kill -9 of a worker every half second, of the server every two seconds."""
    # What a killed process had written to its socket may still arrive.
    grace = timedelta(seconds=1)
    # What a killed worker leaves occupies its places until it is proved dead: there must be many.
    with open_run(
        arena,
        seed,
        leads=leads,
        concurrent=200,
        per_second=per_second,
        carrier={"faults": ROUGH},
        grace=grace,
    ) as run:
        begin(run, workers=workers)
        next_server = time.monotonic() + 1.0
        while run.standing()["fresh"] > 0:
            time.sleep(run.draws.uniform(0.3, 0.8))
            run.kill("dialer")
            if time.monotonic() >= next_server:
                run.kill("server")
                next_server = time.monotonic() + run.draws.uniform(1.2, 2.5)
        run.settle()
        # An answer may be lost with a worker while the server that would hear the callback is gone.
        run.explained_late = run.faults["server killed"] + run.faults["dialer killed"]
        return run.result()

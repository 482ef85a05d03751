"""Scenario 3: the carrier refuses everything for a while, breaks off, answers late or slowly."""

import time
from typing import Any

from tests.chaos.arena import Arena, until
from tests.chaos.runs import Outcome, Run, begin, open_run

UNRELIABLE: dict[str, Any] = {
    "name": "unreliable",
    "rate_limited": 0.05,
    "server_error": 0.1,
    "error_after_accepting": 0.1,
    "lost_response": 0.1,
    "late_answer": 0.1,
    "late_answer_s": 4.0,
    "slow_accept": 0.01,
    # Longer than the request's timeout and the list's lag together: it was given up meanwhile.
    "slow_accept_s": 12.0,
    "lost_callback": 0.05,
    "duplicate_callback": 0.1,
}


def carrier_trouble(
    arena: Arena, seed: int, *, leads: int, refusing_s: float = 30.0, slow_s: float = 10.0
) -> Outcome:
    """Half of the leads; then only 429 for a while; then slow requests; then the rest."""
    with open_run(
        arena, seed, leads=leads, concurrent=150, carrier={"faults": UNRELIABLE}, way_s=2.5
    ) as run:
        begin(run, workers=3)
        _until_fresh(run, leads * 2 // 3)
        run.judge.change_faults(rate_limited=1.0)
        time.sleep(refusing_s)
        run.judge.change_faults(rate_limited=0.05, most_latency=2.5)
        time.sleep(slow_s)
        run.judge.change_faults(most_latency=0.0)
        run.settle()
        verdict = run.judge.counts()
        # A request that was so long on its way is a late call, and was looked for in vain.
        run.explained_late = int(verdict["faults"].get("slow_accept", 0))
        return run.result()


def _until_fresh(run: Run, left: int) -> None:
    until(lambda: run.standing()["fresh"] <= left, "a third has been called", 120.0, every=0.2)

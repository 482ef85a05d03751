"""Scenario 2: PostgreSQL is killed and comes back; the network to it goes away."""

import time
from datetime import timedelta

from tests.chaos.arena import Arena, until
from tests.chaos.crash import ROUGH
from tests.chaos.proxy import Proxy, proxy_before, through
from tests.chaos.runs import Outcome, Run, open_run


def postgres_trouble(
    arena: Arena, seed: int, *, leads: int, per_second: float = 45.0, away_s: float = 5.0
) -> Outcome:
    """Two immediate restarts and two partitions, spread over the campaign."""
    with (
        proxy_before(arena.postgres.port) as proxy,
        open_run(
            arena,
            seed,
            leads=leads,
            concurrent=150,
            per_second=per_second,
            carrier={"faults": ROUGH},
            # A request may be on its way when its locks fall with the connection.
            grace=timedelta(seconds=3.5),
        ) as run,
    ):
        over_there = through(arena.postgres.url, proxy.port)
        server = arena.start("server", DATABASE_URL=over_there)
        workers = [
            *run.workers(2, DATABASE_URL=over_there),
            *run.workers(1),
        ]
        arena.wait_ready(server, *workers)
        for step in range(4):
            fresh = leads * (4 - step) // 5
            until(lambda fresh=fresh: _fresh(run) <= fresh, "calls go on", 120, every=0.2)  # type: ignore[misc]
            if step % 2 == 0:
                arena.restart_postgres()
                run.reconnect()
                run.faults["postgres restarted"] += 1
            else:
                _partition(run, proxy, away_s)
        run.settle()
        # A worker that is cut off is taken for dead while its request is still on its way.
        run.explained_late = 60
        return run.result()


def _partition(run: Run, proxy: Proxy, seconds: float) -> None:
    kind = run.draws.choice(["held", "cut"])
    (proxy.hold if kind == "held" else proxy.cut)()
    run.faults[f"connections {kind}"] += 1
    time.sleep(seconds)
    proxy.heal()


def _fresh(run: Run) -> int:
    return run.standing()["fresh"]

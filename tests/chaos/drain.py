"""Scenario 9: workers are replaced one after the other while calls go on; a campaign is drained."""

import signal
import time
from datetime import datetime

from tests.chaos.arena import Arena, Process, until
from tests.chaos.people import real_now
from tests.chaos.runs import PACING, Outcome, Run, begin, open_run

# Its last request may take as long as a request takes, the rest of the end is quick.
DRAIN_LIMIT_S = 8.0
LONG_LIVES = {**PACING, "setup": (3.0, 8.0)}


def rolling_deploy(arena: Arena, seed: int, *, leads: int, per_second: float = 20.0) -> Outcome:
    told = {"pacing": LONG_LIVES, "answer_mix": {"busy": 0.8, "failed": 0.2}}
    with open_run(
        arena, seed, leads=leads, concurrent=200, per_second=per_second, carrier=told
    ) as run:
        begin(run, workers=2)
        told_at: dict[int, datetime] = {}
        for step in range(1, 6):
            fresh = leads * (7 - step) // 7
            until(lambda fresh=fresh: run.standing()["fresh"] <= fresh, "calls go on", 60)  # type: ignore[misc]
            _replace(run, told_at, double=step == 5)
        run.command("drain")
        drained_at = real_now()
        _after_drain(run, drained_at)
        _no_intent_after(run, told_at)
        run.settle()
        canceled = run.judge.counts()["by_status"].get("canceled", 0)
        late = run.db.execute("SELECT count(*) AS n FROM attempts WHERE late").fetchone()
        if late is not None and canceled > late["n"]:
            run.more.append(f"I8: {canceled} calls were cancelled by a drain")
        return run.result()


def _replace(run: Run, told_at: dict[int, datetime], *, double: bool) -> None:
    old = run.arena.of_kind("dialer")[0]
    run.arena.wait_ready(run.arena.start("dialer"))
    told_at[old.pid] = real_now()
    began = time.monotonic()
    old.signal(signal.SIGTERM)
    run.faults["drained"] += 1
    if double:
        until(lambda: b"ready" in old.log.read_bytes(), "it is up", 5)
        old.signal(signal.SIGTERM)
        run.faults["stopped by a second signal"] += 1
    status = _exit_of(run, old)
    seconds = time.monotonic() - began
    if seconds > DRAIN_LIMIT_S:
        run.more.append(f"I8: a worker took {seconds:.1f} s to drain")
    if status not in ((0, -signal.SIGTERM) if double else (0,)):
        run.more.append(f"I8: a drained worker ended with {status}")


def _exit_of(run: Run, process: Process) -> int:
    return until(lambda: _known(run.arena.exit_of(process)), "a drained worker ends", 30)[0]


def _known(status: int | None) -> tuple[int] | None:
    return None if status is None else (status,)


def _no_intent_after(run: Run, told_at: dict[int, datetime]) -> None:
    """A worker that was told to drain intends nothing more; one tick may be under way."""
    for row in run.db.execute(
        "SELECT w.pid, max(e.recorded_at) AS last FROM attempts a"
        " JOIN workers w ON w.id = a.worker_id"
        " JOIN call_events e ON e.attempt_id = a.id AND e.kind = 'dial_intended' GROUP BY w.pid"
    ).fetchall():
        told = told_at.get(row["pid"])
        if told is not None and (row["last"] - told).total_seconds() > 1.0:
            run.more.append(f"I8: worker {row['pid']} intended a dial after SIGTERM")


def _after_drain(run: Run, drained_at: datetime) -> None:
    def state() -> bool:
        row = run.db.execute("SELECT state FROM campaigns").fetchone()
        return row is not None and row["state"] == "stopped"

    until(state, "the drained campaign has stopped", 60, every=0.1)
    run.stops.append((run.campaign_id, drained_at))

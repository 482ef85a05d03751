"""The short runs of the mutation check: each guard has one in which its lack must show."""

import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace

from dialer.claims import SPARE
from tests.chaos.arena import START, Arena
from tests.chaos.mutations import MUTATIONS
from tests.chaos.people import SELLER, campaign_file, make_campaign, make_people
from tests.chaos.runs import PACING, Outcome, Run, begin, open_run
from tests.chaos.say_no import whom

_INDEX = (
    "CREATE UNIQUE INDEX IF NOT EXISTS uq_attempts_live_number ON attempts (number_id)"
    " WHERE state <> 'ended'"
)


def is_caught(arena: Arena, guard: str, seed: int) -> tuple[bool, Outcome]:
    """Whether a promise breaks, or the run gets stuck, when the guard is missing.

    The same run with the guard must be clean (`controls`), or this would say nothing.
    """
    mutation = MUTATIONS[guard]
    arena.mutations = (guard,)
    with ExitStack() as stack:
        if mutation.schema is not None:
            stack.callback(_restore, arena)
        outcome = RUNS[mutation.scenario](arena, seed, mutation.schema)
    return not outcome.clean, outcome


def controls(arena: Arena, seed: int) -> Outcome:
    """The runs of the mutation check with every guard in its place."""
    return sum((run(arena, seed, None) for run in RUNS.values()), Outcome())


def _restore(arena: Arena) -> None:
    arena.reset()
    with arena.database() as db:
        db.execute(_INDEX)


def _prepare(run: Run, schema: str | None) -> None:
    if schema is not None:
        run.db.execute(schema)


def _twins(arena: Arena, seed: int, schema: str | None) -> Outcome:
    """Two sellers call the same numbers over two accounts: no pace lock is between their claims.

    A claim locks the first leads of each list, and who comes second gets the next ones. The lists
    run against each other and are little longer than that, so that both choose the same numbers;
    several times, since two claims must come within a moment.
    """
    with open_run(arena, seed, leads=_TWINS, concurrent=40, per_second=_TWIN_CPS) as run:
        _prepare(run, schema)
        # Caps are an account's, and here are two of them: this run is about numbers alone.
        run.limits = replace(run.limits, concurrent=40 * (1 + 2 * _WAVES), per_second=2 * _TWIN_CPS)
        server = run.server()
        token = arena.keyring.password_for("rehearsal-carrier")
        workers = [
            arena.start("dialer", TWILIO_ACCOUNT_SID="AC" + digit * 32, TWILIO_AUTH_TOKEN=token)
            for digit in "34"
        ]
        arena.wait_ready(server, *workers)
        for wave in range(1, _WAVES + 1):
            _wave(run, wave)
            time.sleep(2)
        run.settle(20.0, 180.0)
        return run.result()


# What one claim locks beside its slots, and the slots of two campaigns in the claim's half second.
_TWIN_CPS = 30.0
_WAVES = 5
_TWINS = SPARE + int(_TWIN_CPS / 1.25 * 0.5 * 1.5)


def _wave(run: Run, wave: int) -> None:
    """Two lists of the same people in opposite order, and both campaigns begin at once."""
    made = []
    for seller in (SELLER, "Another"):
        name = f"{seller} {wave}"
        make_people(
            run.db,
            run.arena.keyring,
            name,
            _TWINS,
            START,
            first=wave * _TWINS,
            seller=seller,
            last_first=seller != SELLER,
        )
        document = campaign_file(name, name, concurrent=40, per_second=_TWIN_CPS, seller=seller)
        made.append(make_campaign(run.db, run.arena.keyring, document, START, running=False))
    run.db.execute("UPDATE campaigns SET state = 'running' WHERE id = ANY(%s)", (made,))


def _stall(arena: Arena, seed: int, schema: str | None) -> Outcome:
    with open_run(arena, seed, leads=60, per_second=8.0) as run:
        begin(run, workers=1)
        while run.standing()["fresh"] > 15:
            time.sleep(0.7)
            (worker,) = run.arena.of_kind("dialer")
            worker.signal(signal.SIGSTOP)
            time.sleep(1.5)
            worker.signal(signal.SIGCONT)
            run.faults["stood still"] += 1
        run.explained_late = 60
        run.settle(20.0, 180.0)
        return run.result()


def _say_no(arena: Arena, seed: int, schema: str | None) -> Outcome:
    """Requests are on their way for long, so that a no always meets some."""
    told = {"faults": {"name": "slow", "least_latency": 0.3, "most_latency": 0.8}}
    with open_run(arena, seed, leads=150, carrier=told, way_s=0.8, per_second=20.0) as run:
        by_lead = {person.lead_id: person for person in run.people}
        begin(run, workers=2)
        said: set[int] = set()
        while run.standing()["fresh"] > 20:
            for person in whom(run, by_lead, said):
                run.suppress(person)
                said.add(person.lead_id)
        run.settle(20.0, 180.0)
        return run.result()


def _lost_answers(arena: Arena, seed: int, schema: str | None) -> Outcome:
    told = {"faults": {"name": "lost", "lost_response": 0.4}}
    with open_run(arena, seed, leads=60, carrier=told, per_second=20.0) as run:
        begin(run, workers=2)
        run.settle(20.0, 180.0)
        return run.result()


def _crowd(arena: Arena, seed: int, schema: str | None) -> Outcome:
    """Many workers, few places."""
    told = {"pacing": {**PACING, "setup": (1.0, 2.0)}}
    with open_run(arena, seed, leads=80, concurrent=6, per_second=40.0, carrier=told) as run:
        begin(run, workers=4)
        run.settle(20.0, 180.0)
        return run.result()


def _callbacks(arena: Arena, seed: int, schema: str | None) -> Outcome:
    told = {"faults": {"name": "twice", "duplicate_callback": 0.6}}
    with open_run(arena, seed, leads=30, carrier=told, per_second=20.0) as run:
        begin(run, workers=1)
        run.settle(20.0, 180.0)
        return run.result()


def _slow_requests(arena: Arena, seed: int, schema: str | None) -> Outcome:
    told = {"faults": {"name": "slow", "slow_accept": 0.3, "slow_accept_s": 12.0}}
    with open_run(arena, seed, leads=40, carrier=told, per_second=20.0) as run:
        begin(run, workers=2)
        run.settle(20.0, 180.0)
        run.explained_late = int(run.judge.counts()["faults"].get("slow_accept", 0))
        return run.result()


RUNS: Mapping[str, Callable[[Arena, int, str | None], Outcome]] = {
    "twins": _twins,
    "stall": _stall,
    "say no": _say_no,
    "lost answers": _lost_answers,
    "crowd": _crowd,
    "callbacks": _callbacks,
    "slow requests": _slow_requests,
}

"""The scenarios of the acceptance plan, each with its seeds and its small form for tests."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.arena import Arena
from tests.chaos.carrier_faults import carrier_trouble
from tests.chaos.conversations import conversations
from tests.chaos.crash import crash_storm
from tests.chaos.database import postgres_trouble
from tests.chaos.drain import rolling_deploy
from tests.chaos.lake_kills import lake_kills
from tests.chaos.redis_loss import redis_loss
from tests.chaos.runs import Outcome
from tests.chaos.say_no import no_in_bursts
from tests.chaos.simulation import simulate
from tests.chaos.stall import stalls
from tests.chaos.webhooks import webhook_storm
from tests.chaos.windows import windows


@dataclass(frozen=True)
class Scenario:
    number: int
    key: str
    title: str
    seeds: tuple[int, ...]
    full: Callable[[Arena, int], Outcome]
    small: Callable[[Arena, int], Outcome]

    def run(self, arena: Arena, seed: int, short: bool = False) -> Outcome:
        return (self.small if short else self.full)(arena, seed)


SCENARIOS = (
    Scenario(
        1,
        "crash storm",
        "workers and servers are killed all the time",
        tuple(range(1, 11)),
        lambda arena, seed: crash_storm(arena, seed, leads=900),
        lambda arena, seed: crash_storm(arena, seed, leads=100, workers=2, per_second=20.0),
    ),
    Scenario(
        2,
        "postgres",
        "PostgreSQL is killed, the network to it goes away",
        (1, 2, 3),
        lambda arena, seed: postgres_trouble(arena, seed, leads=1500),
        lambda arena, seed: postgres_trouble(arena, seed, leads=150, per_second=30.0, away_s=2.0),
    ),
    Scenario(
        3,
        "carrier",
        "429 for half a minute, 5xx, lost, late and slow answers",
        (1, 2, 3),
        lambda arena, seed: carrier_trouble(arena, seed, leads=1500),
        lambda arena, seed: carrier_trouble(arena, seed, leads=70, refusing_s=3.0, slow_s=1.0),
    ),
    Scenario(
        4,
        "webhooks",
        "callbacks in every order, repeated, lost, forged, an hour late",
        (1, 2, 3),
        lambda arena, seed: webhook_storm(arena, seed, calls=600),
        lambda arena, seed: webhook_storm(arena, seed, calls=120),
    ),
    Scenario(
        5,
        "redis",
        "Redis is killed, emptied, stands still",
        (1,),
        lambda arena, seed: redis_loss(arena, seed, leads=1500),
        lambda arena, seed: redis_loss(arena, seed, leads=100, per_second=30.0),
    ),
    Scenario(
        6,
        "windows",
        "48 hours over both changes of clocks, 60 zones, clocks that are off",
        (1,),
        lambda arena, seed: windows(arena, seed, leads=5000),
        lambda arena, seed: windows(arena, seed, leads=120),
    ),
    Scenario(
        7,
        "say no",
        "people say no in bursts while they are called",
        (1, 2),
        lambda arena, seed: no_in_bursts(arena, seed, leads=1500, bursts=50, kills=seed == 2),
        lambda arena, seed: no_in_bursts(
            arena, seed, leads=150, bursts=8, kills=False, per_second=30.0
        ),
    ),
    Scenario(
        8,
        "stall",
        "workers stand still for seconds and go on",
        (1, 2),
        lambda arena, seed: stalls(arena, seed, leads=1000, times=25),
        lambda arena, seed: stalls(arena, seed, leads=80, times=1, per_second=15.0, longest_s=5.0),
    ),
    Scenario(
        9,
        "drain",
        "workers are replaced while calls go on; a campaign is drained",
        (1, 2),
        lambda arena, seed: rolling_deploy(arena, seed, leads=600),
        lambda arena, seed: rolling_deploy(arena, seed, leads=140, per_second=10.0),
    ),
    Scenario(
        10,
        "simulation",
        "100,000 lifecycles in virtual time, a fault possible at every await",
        (1,),
        lambda arena, seed: simulate(seed, 100_000),
        lambda arena, seed: simulate(seed, 4_000),
    ),
    Scenario(
        11,
        "conversations",
        "every kind of person, while line and speech vendor fail",
        (1,),
        lambda arena, seed: conversations(arena, seed, calls=1000, at_once=100),
        lambda arena, seed: conversations(arena, seed, calls=32, at_once=24),
    ),
    Scenario(
        12,
        "lake",
        "the lake's sync is killed while calls are written and changed",
        (1,),
        lambda arena, seed: lake_kills(arena, seed, kills=50),
        lambda arena, seed: lake_kills(arena, seed, kills=4),
    ),
)

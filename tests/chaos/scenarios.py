"""The ten scenarios of the acceptance plan, each with its seeds and its small form for tests."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.arena import Arena
from tests.chaos.carrier_faults import carrier_trouble
from tests.chaos.crash import crash_storm
from tests.chaos.runs import Outcome
from tests.chaos.simulation import simulate


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
        3,
        "carrier",
        "429 for half a minute, 5xx, lost, late and slow answers",
        (1, 2, 3),
        lambda arena, seed: carrier_trouble(arena, seed),
        lambda arena, seed: carrier_trouble(arena, seed, leads=150, refusing_s=3.0, slow_s=2.0),
    ),
    Scenario(
        10,
        "simulation",
        "100,000 lifecycles in virtual time, a fault possible at every await",
        (1,),
        lambda arena, seed: simulate(seed, 100_000),
        lambda arena, seed: simulate(seed, 4_000),
    ),
)

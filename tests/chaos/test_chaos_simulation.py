"""The deterministic simulation: clean with every guard, not without one; one seed, one history."""

from dataclasses import fields, replace

import pytest

from tests.chaos.model import Guards
from tests.chaos.simulation import NIGHTS, Simulation, simulate


def test_thousands_of_lifecycles_break_no_promise() -> None:
    outcome = simulate(7, 4_000)
    assert outcome.violations == ()
    assert outcome.notes["lifecycles"] >= 4_000
    for fault in ("crash", "stall", "break", "answer lost", "callback an hour late"):
        assert outcome.notes[fault] > 10, fault


def test_one_seed_is_one_history() -> None:
    def digest(seed: int) -> str:
        world = Simulation(seed, NIGHTS[0], 200)
        assert world.run() == []
        return world.digest

    assert digest(3) == digest(3) != digest(4)


@pytest.mark.parametrize("guard", [field.name for field in fields(Guards)])
def test_a_missing_guard_is_noticed(guard: str) -> None:
    guards = replace(Guards(), **{guard: False})
    assert any(Simulation(seed, NIGHTS[0], 600, guards).run() for seed in range(1, 8)), (
        f"nobody notices that {guard} is missing"
    )

"""The chaos scenarios in small: real processes, real servers, the carrier as judge."""

import pytest

from tests.chaos.arena import Arena
from tests.chaos.crash import crash_storm
from tests.chaos.mutation_check import is_caught
from tests.chaos.runs import Outcome
from tests.chaos.scenarios import SCENARIOS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
_SMALL = {scenario.key: scenario.small for scenario in SCENARIOS}


def assert_kept(outcome: Outcome) -> None:
    assert outcome.violations == ()
    assert (outcome.lost_terminals, outcome.stuck) == (0, 0)
    assert outcome.calls > 0


def test_killing_workers_and_servers_breaks_no_promise(arena: Arena) -> None:
    outcome = crash_storm(arena, 1, leads=40, workers=2, per_second=12.0)
    assert_kept(outcome)
    assert outcome.notes["dialer killed"] > 0


@pytest.mark.parametrize("scenario", ["carrier", "webhooks", "stall", "lake"])
def test_a_small_scenario_breaks_no_promise(arena: Arena, scenario: str) -> None:
    assert_kept(_SMALL[scenario](arena, 1))


@pytest.mark.parametrize("guard", ["one terminal event", "locks at the gate"])
def test_a_missing_guard_is_noticed(arena: Arena, guard: str) -> None:
    caught, _ = is_caught(arena, guard, 1)
    assert caught

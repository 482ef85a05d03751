"""Which commands a state allows, and what is said of one that it does not."""

import pytest

from voice_ai.campaign_states import TRANSITIONS, commands_from, refusal
from voice_ai.store.campaigns import COMMAND_KINDS


def test_every_command_leads_somewhere() -> None:
    assert set(TRANSITIONS) == set(COMMAND_KINDS)


@pytest.mark.parametrize(
    ("state", "commands"),
    [
        ("draft", ("start", "stop", "emergency_stop")),
        ("running", ("pause", "drain", "stop", "emergency_stop")),
        ("paused", ("resume", "drain", "stop", "emergency_stop")),
        ("draining", ("stop", "emergency_stop")),
        ("stopped", ("start", "emergency_stop")),
        ("emergency_stopped", ("clear",)),
    ],
)
def test_a_state_offers_what_it_allows(state: str, commands: tuple[str, ...]) -> None:
    assert commands_from(state) == commands


def test_a_refusal_says_the_state_and_after_an_emergency_what_to_do() -> None:
    assert refusal("pause", "draft") == "only from running; it is draft"
    assert "clears it by name" in refusal("start", "emergency_stopped")
    assert refusal("pause", None) == "only from running"

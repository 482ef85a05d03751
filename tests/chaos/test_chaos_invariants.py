"""The judge's own rules: each sees what it is there for, and lets through what is right."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests.chaos.invariants import (
    Attempt,
    CarrierCall,
    Evidence,
    Lead,
    Limits,
    Suppression,
    lost_terminals,
    stuck,
    violations,
)

AT = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
CAMPAIGN = UUID(int=1)
CALL = CarrierCall("CA1", "n1", "busy", AT, AT + timedelta(seconds=5))
ATTEMPT = Attempt(
    id=UUID(int=2),
    campaign_id=CAMPAIGN,
    lead_id=1,
    number_id=1,
    state="ended",
    disposition="busy",
    reached=True,
    terminal=False,
    late=False,
    intended_at=AT - timedelta(milliseconds=300),
    sent_at=AT,
    ended_at=AT + timedelta(seconds=5),
    terminal_events=1,
    permits=1,
    sids=("CA1",),
)
LEAD = Lead(1, CAMPAIGN, 1, "done", False, False)
CLEAN = Evidence([CALL], [ATTEMPT], [LEAD], Limits(1, 1.0, {"busy": 2}))


def second(**changed: object) -> tuple[CarrierCall, Attempt]:
    """Another call to the same number, a minute later."""
    at = AT + timedelta(minutes=1)
    call = CarrierCall("CA2", "n1", "busy", at, at + timedelta(seconds=5))
    attempt = replace(
        ATTEMPT, id=uuid4(), intended_at=at, sent_at=at, ended_at=call.ended_at, sids=("CA2",)
    )
    return call, replace(attempt, **changed)  # type: ignore[arg-type]


def names(evidence: Evidence) -> set[str]:
    return {said.partition(" ")[0] for said in violations(evidence)}


def test_what_is_right_is_let_through() -> None:
    call, attempt = second()
    both = replace(CLEAN, calls=[CALL, call], attempts=[ATTEMPT, attempt])
    assert violations(CLEAN) == violations(both) == []
    assert (lost_terminals(both), stuck(both)) == (0, 0)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"sids": ("CA1", "CA9")}, "I2"),
        ({"disposition": "not_dialed", "ended_at": AT}, "I2"),
        ({"terminal_events": 2}, "I7"),
        ({"sids": ()}, "I7"),
        ({"permits": 0}, "I10"),
        ({"sent_at": AT + timedelta(seconds=2)}, "I11"),
        ({"late": True}, "I11"),
    ],
)
def test_an_attempt_that_breaks_a_promise_is_seen(changed: dict[str, object], name: str) -> None:
    attempt = replace(ATTEMPT, **changed)  # type: ignore[arg-type]
    assert name in names(replace(CLEAN, attempts=[attempt]))


def test_two_calls_at_once_are_seen_at_the_number_the_cap_and_the_pace() -> None:
    call, attempt = second(intended_at=AT, sent_at=AT)
    call = replace(call, accepted_at=AT + timedelta(milliseconds=500))
    both = replace(CLEAN, calls=[CALL, call], attempts=[ATTEMPT, attempt])
    assert names(both) == {"I1", "I3", "I4"}
    # A call that came late was cancelled and is counted apart.
    late = replace(attempt, late=True)
    limits = replace(CLEAN.limits, late=1)
    assert violations(replace(both, attempts=[ATTEMPT, late], limits=limits)) == []


def test_a_call_after_a_no_or_a_stop_or_the_last_word_is_seen() -> None:
    no = Suppression(1, AT - timedelta(seconds=1))
    assert names(replace(CLEAN, suppressions=[no])) == {"I6"}
    assert names(replace(CLEAN, stops=[(CAMPAIGN, AT - timedelta(seconds=1))])) == {"I8"}
    call, attempt = second()
    ended = replace(ATTEMPT, terminal=True)
    assert names(replace(CLEAN, calls=[CALL, call], attempts=[ended, attempt])) == {"I2"}


def test_what_never_ended_is_counted() -> None:
    open_ = replace(ATTEMPT, state="ringing", terminal_events=0)
    assert (lost_terminals(replace(CLEAN, attempts=[open_])), stuck(replace(CLEAN))) == (1, 0)
    held = replace(LEAD, state="calling")
    assert stuck(replace(CLEAN, leads=[held])) == 1

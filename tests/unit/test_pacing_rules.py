"""Ramp, abandonment, breaker, budget and slots: each rule at its edge, and what always holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_ai.pacing import ramp
from voice_ai.pacing.abandonment import Abandonment, Answers, judge_uk, judge_us, period_start
from voice_ai.pacing.breaker import Requests, hold
from voice_ai.pacing.budget import Minutes, is_spent, spent
from voice_ai.pacing.judge import Figures, Stand, judge, since_of
from voice_ai.pacing.ramp import Ramped, Seen, broken_gate, calls_at_once, next_step
from voice_ai.pacing.slots import Demand, most_slots, share_slots

NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
GOOD = Seen(dials=200, failed=2, answered=60, abandoned=0, conversed=50, opt_outs=1)


def test_a_step_is_earned_by_answers_or_by_time() -> None:
    early = NOW - 5 * MINUTE
    assert next_step(0, early, replace(GOOD, answered=49), NOW) == Ramped(0)
    assert next_step(0, early, replace(GOOD, answered=50), NOW) == Ramped(1, "STEP_HELD")
    assert next_step(0, NOW - 30 * MINUTE, Seen(), NOW) == Ramped(1, "STEP_HELD")
    assert next_step(ramp.TOP, NOW - 99 * MINUTE, GOOD, NOW) == Ramped(ramp.TOP)


@pytest.mark.parametrize(
    ("seen", "gate"),
    [
        (replace(GOOD, abandoned=2), "ABANDON_RATE"),
        (replace(GOOD, failed=11), "FAILURE_RATE"),
        (replace(GOOD, opt_outs=5), "OPT_OUT_RATE"),
        (replace(GOOD, first_audio_p95_ms=1501.0), "FIRST_AUDIO_LATE"),
        (replace(GOOD, first_audio_p95_ms=1500.0), None),
        # Exactly the limit holds; too few cases say nothing.
        (replace(GOOD, failed=10), None),
        (Seen(dials=10, failed=9, answered=5, abandoned=3, conversed=4, opt_outs=4), None),
    ],
)
def test_a_broken_gate_leads_one_step_down(seen: Seen, gate: str | None) -> None:
    assert broken_gate(seen) == gate
    if gate is not None:
        assert next_step(2, NOW - MINUTE, seen, NOW) == Ramped(1, gate)
        assert next_step(0, NOW - 40 * MINUTE, seen, NOW) == Ramped(0)


def test_the_cap_on_each_step_is_a_share_and_never_nothing() -> None:
    assert [calls_at_once(100, step, throttled=False) for step in range(4)] == [5, 25, 50, 100]
    assert [calls_at_once(100, step, throttled=True) for step in range(4)] == [2, 12, 25, 50]
    assert calls_at_once(10, 0, throttled=True) == 1


@pytest.mark.parametrize(
    ("human", "abandoned", "verdict"),
    [
        (0, 0, Abandonment.FINE),
        (99, 4, Abandonment.FINE),
        (99, 5, Abandonment.PAUSE),
        (4, 5, Abandonment.PAUSE),
        (1000, 19, Abandonment.FINE),
        (1000, 20, Abandonment.THROTTLE),
        (1000, 24, Abandonment.THROTTLE),
        (1000, 25, Abandonment.PAUSE),
    ],
)
def test_abandonment_in_the_united_states(human: int, abandoned: int, verdict: Abandonment) -> None:
    answers, none = Answers(human, abandoned), Answers(0, 0)
    assert judge_us(answers, none) is judge_us(none, answers) is verdict
    assert answers.rate == (None if human == 0 else abandoned / human)


def test_abandonment_in_the_united_kingdom_is_stricter() -> None:
    assert judge_uk(Answers(1000, 9)) is Abandonment.FINE
    assert judge_uk(Answers(1000, 10)) is Abandonment.THROTTLE
    assert judge_uk(Answers(1000, 30)) is Abandonment.PAUSE


def test_the_thirty_day_periods_follow_each_other_from_the_first_dial() -> None:
    day = timedelta(days=1)
    assert period_start(NOW, NOW + 29 * day) == NOW
    assert period_start(NOW, NOW + 30 * day) == NOW + 30 * day
    assert period_start(NOW, NOW + 95 * day) == NOW + 90 * day
    assert period_start(NOW, NOW - day) == NOW


def test_the_breaker_opens_on_a_spike_and_longer_each_time() -> None:
    assert hold(Requests(19, 19), 0) is None
    assert hold(Requests(40, 19), 0) is None
    waits = [hold(Requests(40, 20), holds) for holds in (0, 1, 2, 10, 1000)]
    assert waits == [15 * SECOND, 30 * SECOND, 60 * SECOND, 600 * SECOND, 600 * SECOND]


def test_a_live_call_is_counted_before_it_ends() -> None:
    assert spent(Minutes(ended=10, live=3), Decimal("0.02")) == Decimal("0.32")
    assert not is_spent(Minutes(99, 0), Decimal("0.01"), Decimal(1))
    assert is_spent(Minutes(98, 1), Decimal("0.01"), Decimal(1))


FINE = Figures(GOOD, Requests(40, 1), 0, Answers(500, 0), Answers(500, 0), Answers(0, 0))
STAND = Stand(1, NOW - 5 * MINUTE, None, None, ramps=True, minds_abandonment=True)


def test_a_pause_says_why_and_each_change_carries_its_figures() -> None:
    lost = replace(FINE, seen=Seen(), rolling=Answers(1000, 30))
    verdict = judge(STAND, lost, NOW)
    assert verdict.pause == "ABANDON_RATE"
    (change,) = verdict.changes
    assert (change.kind, change.figures["rolling_abandoned"]) == ("pause", 30)
    over = judge(STAND, replace(FINE, seen=Seen(), budget_spent=True), NOW)
    assert over.pause == "BUDGET_SPENT"


def test_throttle_comes_and_goes() -> None:
    slow = judge(STAND, replace(FINE, seen=Seen(), rolling=Answers(1000, 21)), NOW)
    assert (slow.stand.throttle, slow.pause) == ("ABANDON_RATE", None)
    assert [change.kind for change in slow.changes] == ["throttle"]
    again = judge(slow.stand, replace(FINE, seen=Seen()), NOW)
    assert again.stand.throttle is None
    assert [change.kind for change in again.changes] == ["release"]


def test_a_hold_is_not_prolonged_while_it_lasts() -> None:
    failing = replace(FINE, seen=Seen(), recent=Requests(40, 40))
    held = judge(STAND, failing, NOW)
    assert held.stand.held_until == NOW + 15 * SECOND
    assert judge(held.stand, failing, NOW + 5 * SECOND).changes == ()
    later = judge(held.stand, replace(failing, holds=1), NOW + 15 * SECOND)
    assert later.stand.held_until == NOW + 45 * SECOND


def test_a_rehearsal_neither_ramps_nor_is_paused_for_abandonment() -> None:
    spared = replace(STAND, ramps=False, minds_abandonment=False)
    verdict = judge(spared, replace(FINE, rolling=Answers(100, 50)), NOW)
    assert (verdict.stand, verdict.changes, verdict.pause) == (spared, (), None)


def test_on_the_top_step_only_the_last_hour_counts() -> None:
    old = replace(STAND, ramp_since=NOW - timedelta(days=3))
    assert since_of(old, NOW) == old.ramp_since
    assert since_of(replace(old, ramp_step=ramp.TOP), NOW) == NOW - timedelta(hours=1)


def demand(name: int, wanted: int, spacing_ms: int = 0, after_ms: int = 0) -> Demand:
    wait, spacing = timedelta(milliseconds=after_ms), timedelta(milliseconds=spacing_ms)
    return Demand(UUID(int=name), wanted, NOW + wait, spacing)


def test_campaigns_take_turns_and_a_dry_one_keeps_nothing() -> None:
    slots = share_slots(
        [demand(1, 10), demand(2, 1), demand(3, 0)],
        first=NOW,
        spacing=100 * timedelta(milliseconds=1),
        room=4,
        until=NOW + SECOND,
    )
    at = [round((slot - NOW).total_seconds(), 1) for slot in slots[UUID(int=1)]]
    assert at == [0.0, 0.2, 0.3]
    assert [slot - NOW for slot in slots[UUID(int=2)]] == [timedelta(milliseconds=100)]
    assert slots[UUID(int=3)] == []


demands = st.lists(
    st.builds(
        demand, st.integers(1, 9), st.integers(0, 30), st.integers(0, 400), st.integers(0, 900)
    ),
    max_size=6,
    unique_by=lambda one: one.campaign_id,
)


@given(demands, st.integers(0, 300), st.integers(0, 40))
def test_slots_keep_every_distance_and_every_cap(
    wanted: list[Demand], spacing_ms: int, room: int
) -> None:
    spacing, until = timedelta(milliseconds=spacing_ms), NOW + SECOND / 2
    slots = share_slots(wanted, first=NOW, spacing=spacing, room=room, until=until)
    everything = sorted(slot for given_out in slots.values() for slot in given_out)
    assert len(everything) <= min(room, sum(one.wanted for one in wanted))
    assert all(NOW <= slot <= until for slot in everything)
    assert all(b - a >= spacing for a, b in zip(everything, everything[1:], strict=False))
    for one in wanted:
        own = slots[one.campaign_id]
        assert len(own) <= one.wanted
        assert all(slot >= one.next_slot_at for slot in own)
        assert all(b - a >= one.spacing for a, b in zip(own, own[1:], strict=False))


@given(st.integers(-500, 500), st.integers(1, 300))
def test_as_many_slots_fit_as_are_said_to(after_ms: int, spacing_ms: int) -> None:
    first, spacing = (
        NOW + timedelta(milliseconds=after_ms),
        timedelta(milliseconds=spacing_ms),
    )
    slots = share_slots(
        [demand(1, 10_000, 0, -10_000)], first=first, spacing=spacing, room=10_000, until=NOW
    )
    assert len(slots[UUID(int=1)]) == most_slots(first, spacing, NOW)

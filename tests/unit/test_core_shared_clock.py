"""Clocks of different machines are brought to one time, and not by answers that say little."""

from datetime import UTC, datetime, timedelta

import pytest

from voice_ai.clock import ManualClock, SharedClock

AT = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
MOMENT = timedelta(milliseconds=10)


@pytest.mark.parametrize("off_s", [-90.0, 90.0, 0.5])
def test_a_machine_that_is_off_goes_by_the_databases_time(off_s: float) -> None:
    machine = ManualClock(AT + timedelta(seconds=off_s))
    clock = SharedClock(machine)
    step = clock.set_right(machine.now(), AT + MOMENT / 2, machine.now() + MOMENT)
    assert step == timedelta(seconds=-off_s)
    assert clock.now() == AT
    assert clock.set_right(machine.now(), AT + MOMENT / 2, machine.now() + MOMENT) == timedelta(0)


def test_a_difference_shorter_than_the_way_or_an_answer_long_on_its_way_changes_nothing() -> None:
    machine = ManualClock(AT)
    clock = SharedClock(machine)
    long = timedelta(seconds=5)
    clock.set_right(machine.now(), AT + timedelta(seconds=0.05), machine.now() + MOMENT)
    clock.set_right(machine.now(), AT + timedelta(minutes=2), machine.now() + long)
    assert clock.now() == AT


def test_a_correction_in_real_time_is_as_much_longer_as_the_rehearsal_is_faster() -> None:
    clock = SharedClock(ManualClock(AT, speed=10.0), offset=timedelta(seconds=2))
    assert clock.now() == AT + timedelta(seconds=20)

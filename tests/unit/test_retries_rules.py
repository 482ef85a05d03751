"""When a lead is called again, outcome by outcome."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from tests.factories_core import seeded_dispositions
from voice_ai.campaigns import CampaignConfig
from voice_ai.day_parts import DayPart, Window, other_part, parts_of
from voice_ai.retries import (
    DEFAULT_RULES,
    Behind,
    Person,
    RetryAt,
    RetryPolicy,
    RetryRule,
    Stop,
    callback_moment,
    next_step,
    turn_of,
)

NEW_YORK, LOS_ANGELES = "America/New_York", "America/Los_Angeles"
HERE = Person((NEW_YORK,))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def at(text: str, zone: str = NEW_YORK) -> datetime:
    """A moment of the week of Monday 8 June 2026: "tue 10:30"."""
    day, clock = text.split()
    date = 8 + ("mon", "tue", "wed", "thu", "fri", "sat", "sun").index(day)
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 6, date, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def step(
    outcome: str,
    dialed: str,
    *,
    earlier: tuple[str, ...] = (),
    attempts: int | None = None,
    person: Person = HERE,
    policy: RetryPolicy | None = None,
    callback: str | None = None,
    rotate_from: str | None = None,
    seed: str = "a",
) -> RetryAt | Stop:
    """After a dial that ended as those at the `earlier` times did, the moment it was made."""
    same = tuple(map(at, (*earlier, dialed)))
    behind = Behind(
        attempts=len(same) if attempts is None else attempts,
        same=same,
        dialed_at=at(dialed),
        rotate_from=None if rotate_from is None else at(rotate_from),
        callback_at=None if callback is None else at(callback),
    )
    return next_step(
        outcome, behind, person, policy=policy or RetryPolicy(), now=at(dialed), seed=seed
    )


def told(found: RetryAt | Stop) -> str:
    """As in "tue 10:30", in New York."""
    assert isinstance(found, RetryAt), found
    return f"{found.at.astimezone(ZoneInfo(NEW_YORK)):%a %H:%M}".lower()


@pytest.mark.parametrize(
    ("outcome", "dialed", "earlier", "then"),
    [
        ("busy", "tue 10:00", (), "tue 10:10"),
        ("busy", "tue 10:10", ("tue 10:00",), "tue 10:40"),
        # The third of a day waits for the next one, the first of another day for its delay.
        ("busy", "tue 10:40", ("tue 10:00", "tue 10:10"), "wed 12:00"),
        ("busy", "wed 12:00", ("tue 10:00", "tue 10:10", "tue 10:40"), "wed 16:00"),
        ("no_answer", "tue 08:30", (), "tue 12:30"),
        ("no_answer", "tue 10:30", (), "tue 14:30"),
        ("no_answer", "tue 12:00", (), "tue 16:00"),
        ("no_answer", "tue 17:30", (), "wed 08:00"),
        ("no_answer", "tue 14:30", ("tue 10:30",), "wed 08:00"),
        ("no_answer", "wed 08:00", ("tue 10:30", "tue 14:30"), "wed 12:00"),
        ("machine", "tue 09:00", (), "wed 12:00"),
        ("machine", "tue 19:00", (), "wed 08:00"),
        ("machine", "wed 12:00", ("tue 09:00",), "thu 08:00"),
        ("human_hangup", "mon 10:00", (), "wed 12:00"),
        ("dead_air", "mon 13:00", (), "tue 15:00"),
        ("conversed_no_goal", "mon 10:00", (), "mon 12:00"),
        ("callback_requested", "tue 10:00", (), "wed 12:00"),
        ("not_dialed", "tue 10:00", (), "tue 10:00"),
        ("canceled", "tue 10:00", (), "tue 10:10"),
    ],
)
def test_a_lead_waits_as_its_outcome_asks(
    outcome: str, dialed: str, earlier: tuple[str, ...], then: str
) -> None:
    assert told(step(outcome, dialed, earlier=earlier)) == then


def test_a_talk_without_a_goal_rests_a_week() -> None:
    found = step("conversed_no_goal", "mon 10:00")
    assert isinstance(found, RetryAt)
    assert found.at == at("mon 12:00") + 7 * DAY
    assert found.day_part is DayPart.MIDDAY


@pytest.mark.parametrize(("times", "base"), [(1, 120), (2, 240)])
def test_a_carriers_failure_backs_off_with_a_jitter_of_its_attempt(times: int, base: int) -> None:
    earlier = ("tue 10:00",) * (times - 1)
    waits = set()
    for seed in "abcdefgh":
        found = step("failed_transient", "tue 10:00", earlier=earlier, attempts=0, seed=seed)
        assert found == step(
            "failed_transient", "tue 10:00", earlier=earlier, attempts=0, seed=seed
        )
        assert isinstance(found, RetryAt)
        wait = (found.at - at("tue 10:00")).total_seconds()
        assert base <= wait <= 1.25 * base
        waits.add(wait)
    assert len(waits) == 8


@pytest.mark.parametrize(
    ("outcome", "earlier", "attempts", "reason"),
    [
        ("goal", 0, 1, "finished"),
        ("opt_out", 0, 1, "finished"),
        ("wrong_number", 0, 1, "finished"),
        ("not_interested", 0, 1, "finished"),
        ("failed_permanent", 0, 1, "finished"),
        ("an outcome of tomorrow", 0, 1, "finished"),
        ("no_answer", 1, 6, "attempts_exhausted"),
        ("no_answer", 1, 7, "attempts_exhausted"),
        ("no_answer", 5, 5, "outcome_exhausted"),
        ("busy", 5, 5, "outcome_exhausted"),
        ("machine", 3, 4, "outcome_exhausted"),
        ("failed_transient", 8, 0, "outcome_exhausted"),
        ("abandoned", 0, 1, "outcome_exhausted"),
        ("human_hangup", 1, 3, "outcome_exhausted"),
        ("callback_requested", 2, 3, "outcome_exhausted"),
        ("conversed_no_goal", 1, 2, "outcome_exhausted"),
        ("not_dialed", 999, 0, "outcome_exhausted"),
    ],
)
def test_a_lead_is_done_for_a_reason(
    outcome: str, earlier: int, attempts: int, reason: str
) -> None:
    found = step(outcome, "tue 10:00", earlier=("mon 10:00",) * earlier, attempts=attempts)
    assert found == Stop(reason)  # type: ignore[arg-type]


def test_only_outcomes_that_do_not_end_a_lead_are_tried_again() -> None:
    flags = seeded_dispositions()
    assert set(DEFAULT_RULES) == {code for code, flag in flags.items() if not flag["terminal"]}


def test_another_part_of_the_day_is_another_one_in_every_zone() -> None:
    """Noon in New York is morning in California, so both are used."""
    both = Person((NEW_YORK, LOS_ANGELES))
    found = step("no_answer", "tue 12:30", person=both)
    assert told(found) == "tue 18:00"  # evening there, late afternoon here
    assert isinstance(found, RetryAt)
    assert found.day_part is None
    used = parts_of(both.zones, at("tue 12:30"))
    assert used == {DayPart.MIDDAY, DayPart.MORNING}
    assert not used & parts_of(both.zones, found.at)


def test_a_window_of_one_part_is_used_as_it_is() -> None:
    mornings = Person((NEW_YORK,), Window.of({"start": "09:00", "end": "11:30", "days": ["tue"]}))
    assert told(step("no_answer", "tue 10:00", person=mornings)) == "tue 14:00"
    assert other_part(mornings.zones, at("tue 10:00"), at("tue 14:00"), mornings.window) is None


def test_the_other_part_lies_in_the_campaigns_own_window() -> None:
    office = Person((NEW_YORK,), Window.of({"start": "10:00", "end": "18:00", "days": ["tue"]}))
    assert told(step("no_answer", "tue 16:00", person=office)) == "tue 10:00"
    found = step("no_answer", "tue 16:00", person=office)
    assert isinstance(found, RetryAt)
    assert found.at == at("tue 10:00") + 7 * DAY


def test_the_window_of_a_profile_is_inside_the_schedule() -> None:
    schedule = {"start": "09:00:00", "end": "21:00:00", "days": ["fri", "sat"]}
    strict = Window.of(schedule, "strictest")
    assert (strict.start.hour, strict.end.hour, strict.days) == (10, 18, frozenset({4}))
    assert Window.of(schedule, "law").days == {4, 5}
    assert Window.of(None) == Window()
    night = Window.of({"start": "18:30", "end": "20:00", "days": ["fri"]}, "strictest")
    assert night.next((NEW_YORK,), at("mon 10:00")) is None
    assert told(step("no_answer", "fri 19:00", person=Person((NEW_YORK,), night))) == "fri 23:00"


@pytest.mark.parametrize("zones", [(), ("Nowhere/Else",)])
def test_an_unknown_place_only_waits(zones: tuple[str, ...]) -> None:
    found = step("no_answer", "tue 10:00", person=Person(zones))
    assert found == RetryAt(at("tue 14:00"))


def test_what_reached_nobody_keeps_the_part_of_the_day_that_is_to_be_left() -> None:
    found = step("not_dialed", "tue 14:30", attempts=1, rotate_from="tue 10:30")
    assert found == RetryAt(at("tue 14:30") + timedelta(seconds=5), rotate_from=at("tue 10:30"))


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("tue 14:30", None),
        ("wed 08:00", "wed 12:00"),
        ("wed 11:59", "wed 12:00"),
        ("wed 12:00", None),
    ],
)
def test_a_lead_that_waited_too_long_still_leaves_the_part_it_was_called_in(
    now: str, then: str | None
) -> None:
    turn = turn_of(at("tue 10:30"), HERE, at(now))
    assert turn == (None if then is None else at(then))


def test_rotation_is_not_insisted_on_for_ever() -> None:
    assert turn_of(at("tue 10:30"), HERE, at("tue 10:30") + 9 * DAY) is None
    assert turn_of(None, HERE, at("tue 10:30")) is None


@pytest.mark.parametrize(
    ("agreed", "due"),
    [
        ("wed 15:00", "wed 15:00"),
        ("wed 07:57", "wed 08:00"),
        ("wed 21:02", "wed 20:57"),
        ("wed 21:10", "thu 08:00"),
        ("wed 03:00", "wed 08:00"),
        ("mon 10:00", "tue 10:00"),
    ],
)
def test_an_agreed_time_is_kept_within_five_minutes_where_the_window_allows(
    agreed: str, due: str
) -> None:
    assert callback_moment(at(agreed), HERE, at("tue 10:00")) == at(due)


def test_an_agreed_time_goes_before_the_rule() -> None:
    found = step("callback_requested", "tue 10:00", callback="wed 15:00")
    assert found == RetryAt(at("wed 15:00"), callback_at=at("wed 15:00"))
    assert step("human_hangup", "tue 10:00", earlier=("mon 10:00",), callback="wed 15:00") == found


def test_a_dial_made_for_the_agreed_time_has_used_it() -> None:
    found = step("no_answer", "wed 14:56", callback="wed 15:00")
    assert told(found) == "wed 18:56"
    assert isinstance(found, RetryAt)
    assert found.callback_at is None


def test_a_failure_before_the_person_leaves_the_agreed_time_open() -> None:
    found = step("failed_transient", "wed 15:00", attempts=0, callback="wed 15:00")
    assert isinstance(found, RetryAt)
    assert found.callback_at == at("wed 15:00")
    assert 2 * MINUTE <= found.at - at("wed 15:00") <= 3 * MINUTE


def test_an_agreed_time_does_not_outlive_a_no_or_the_last_attempt() -> None:
    assert step("opt_out", "tue 10:00", callback="wed 15:00") == Stop("finished")
    done = step("no_answer", "tue 10:00", attempts=6, callback="wed 15:00")
    assert done == Stop("attempts_exhausted")


@pytest.mark.parametrize(
    "broken",
    [
        {"delays_s": [], "most": 1},
        {"delays_s": [-60], "most": 1},
        {"delays_s": [60], "most": 1, "most_per_day": 0},
        {"delays_s": [60], "most": 1, "other_day_part": -1},
    ],
)
def test_a_rule_makes_sense(broken: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RetryRule.model_validate(broken)


def test_a_rule_given_in_part_has_the_rest_from_its_default() -> None:
    policy = RetryPolicy.model_validate({"rules": {"busy": {"delays_s": [60], "most": 2}}})
    assert policy.rules["busy"] == RetryRule(
        delays_s=(60,), most=2, most_per_day=3, other_day_part=3
    )
    assert policy.rules["machine"] == DEFAULT_RULES["machine"]
    assert RetryPolicy.model_validate(policy.model_dump(mode="json")) == policy


def test_a_campaign_dials_a_lead_eight_times_at_most() -> None:
    with pytest.raises(ValidationError):
        RetryPolicy(max_attempts=9)
    assert RetryPolicy.stored({"max_attempts": 20, "rules": {}}).max_attempts == 8
    assert CampaignConfig.model_fields["retries"].default_factory is not None
    assert RetryPolicy().cool_down_days == 30

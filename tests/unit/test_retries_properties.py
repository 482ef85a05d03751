"""What holds for every history of a lead, however its calls end."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.factories_core import seeded_dispositions
from voice_ai.day_parts import Window, other_part, parts_of, same_day
from voice_ai.retries import (
    DEFAULT_RULES,
    NOT_A_DIAL,
    Behind,
    Person,
    RetryAt,
    RetryPolicy,
    Stop,
    next_step,
)

ZONES = (
    "America/New_York",
    "America/Los_Angeles",
    "America/Chicago",
    "America/Phoenix",
    "Pacific/Honolulu",
    "Asia/Kolkata",
)
# Weeks around both nights when clocks change, and one far from them.
BEGINS = st.sampled_from(
    [datetime(2026, 3, 6, 15, tzinfo=UTC), datetime(2026, 10, 30, 15, tzinfo=UTC)]
) | st.datetimes(datetime(2026, 5, 1), datetime(2026, 6, 1), timezones=st.just(UTC))
PEOPLE = st.builds(
    Person,
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from([Window(), Window.of({"start": "10:00", "end": "18:00", "days": ["mon"]})]),
)
ENDS = st.lists(st.sampled_from([*sorted(DEFAULT_RULES), "goal", "?"]), min_size=1, max_size=40)
Past = list[tuple[str, datetime]]


def lived(
    ends: list[str], begin: datetime, person: Person, late: timedelta
) -> tuple[Past, RetryAt | Stop | None]:
    """The dials of a lead whose calls end like that, each made a little late, until it is done."""
    past: Past = []
    at, rotate_from, found = begin, None, None
    for place, outcome in enumerate(ends):
        past.append((outcome, at))
        found = next_step(
            outcome,
            Behind(
                attempts=sum(code not in NOT_A_DIAL for code, _ in past),
                same=[when for code, when in past if code == outcome],
                dialed_at=at,
                rotate_from=rotate_from,
            ),
            person,
            policy=RetryPolicy(),
            now=at + late,
            seed=str(place),
        )
        if isinstance(found, Stop):
            break
        at, rotate_from = found.at, found.rotate_from
    return past, found


LATE = st.timedeltas(timedelta(0), timedelta(minutes=5))


@given(ENDS, BEGINS, PEOPLE, LATE)
def test_caps_hold_for_any_history(
    ends: list[str], begin: datetime, person: Person, late: timedelta
) -> None:
    past, _ = lived(ends, begin, person, late)
    policy = RetryPolicy()
    dials = [(code, at) for code, at in past if code not in NOT_A_DIAL]
    assert len(dials) <= policy.max_attempts
    for code, rule in policy.rules.items():
        same = [at for outcome, at in past if outcome == code]
        assert len(same) <= rule.most
        if rule.most_per_day is not None:
            for at in same:
                on_that_day = [one for one in same if same_day(person.zones[:1], one, at)]
                assert len(on_that_day) <= rule.most_per_day
    moments = [at for _, at in past]
    assert moments == sorted(moments)


@given(ENDS, BEGINS, PEOPLE, LATE)
def test_never_twice_in_a_row_in_the_same_part_of_the_day_when_another_is_possible(
    ends: list[str], begin: datetime, person: Person, late: timedelta
) -> None:
    past, _ = lived(ends, begin, person, late)
    for (code, last), (_, again) in zip(past, past[1:], strict=False):
        times = sum(outcome == code for outcome, at in past if at <= last)
        if not DEFAULT_RULES[code].rotates(times):
            continue
        possible = other_part(person.zones, last, last, person.window)
        if possible is not None:
            assert not parts_of(person.zones, last) & parts_of(person.zones, again)


@given(
    st.sampled_from([*sorted(seeded_dispositions()), "?"]),
    st.integers(0, 30),
    st.integers(0, 30),
    st.lists(st.sampled_from([*ZONES, "Nowhere/Else"]), max_size=3).map(tuple),
    st.none() | st.timedeltas(timedelta(days=-3), timedelta(days=30)),
    st.text(max_size=4),
)
def test_there_is_always_an_answer(
    outcome: str,
    attempts: int,
    same: int,
    zones: tuple[str, ...],
    agreed: timedelta | None,
    seed: str,
) -> None:
    now = datetime(2026, 6, 9, 16, tzinfo=UTC)
    behind = Behind(
        attempts,
        (now,) * same,
        now,
        rotate_from=now,
        callback_at=None if agreed is None else now + agreed,
    )
    found = next_step(outcome, behind, Person(zones), policy=RetryPolicy(), now=now, seed=seed)
    assert isinstance(found, Stop) or found.at >= now

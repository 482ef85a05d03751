"""Best hours: shrinkage, sampling, the hold-out, and what the whole is worth, in a seeded world."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pytest

from ml.slots.benefit import FEWEST_PERSONS, Benefit, Dials, benefit
from ml.slots.choose import Arm, arm_of, choose_slot
from ml.slots.hours import Cell, Count, learn_hours
from pipelines.lead_slots import allowed_hours
from voice_ai.day_parts import Window
from voice_ai.priorities import FAVOUR, FRESHEST, priority

HOURS = tuple(range(9, 21))
MONDAY = date(2026, 1, 5)
GOOD = frozenset({17, 18})


def planted(hour: int) -> float:
    return 0.26 if hour in GOOD else 0.12


def flat(hour: int) -> float:
    return 0.15


UNIFORM = float(np.mean([planted(hour) for hour in HOURS]))


@dataclass
class World:
    """Two segments dialed day by day; what was seen by the evening is learnt overnight."""

    rate: Callable[[int], float]
    seed: int
    hold_out: float = 0.10
    counts: dict[Cell, Count] = field(default_factory=lambda: defaultdict(lambda: Count(0, 0)))
    arms: dict[tuple[str, Arm], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0, 0])
    )

    def live(self, days: int, people: int) -> Benefit:
        random = np.random.default_rng(self.seed)
        for passed in range(days):
            hours, today = learn_hours(self.counts), MONDAY + timedelta(days=passed)
            for place in range(people):
                person, segment = f"{passed}-{place % (people // 2)}", "ab"[place % 2]
                slot = choose_slot(hours, person, segment, today, HOURS, hold_out=self.hold_out)
                assert slot is not None
                hit = int(random.random() < self.rate(slot.hour))
                cell = (segment, today.weekday(), slot.hour)
                self.counts[cell] += Count(hit, 1)
                seen = self.arms[person, slot.arm]
                seen[0], seen[1] = seen[0] + hit, seen[1] + 1
        return benefit(
            Dials(
                person,
                arm,
                self.hold_out if arm == "random" else 1 - self.hold_out,
                *seen,
            )
            for (person, arm), seen in self.arms.items()
        )


def test_choosing_gains_contacts_and_the_hold_out_says_how_many() -> None:
    found = World(planted, seed=5).live(days=20, people=400)
    assert found.chosen.rate is not None
    assert found.random.rate is not None
    assert found.difference is not None
    assert found.low is not None
    assert found.high is not None
    assert found.chosen.rate > UNIFORM + 0.07
    # What was gained in truth: the chosen hours' own rates over an hour at random.
    assert found.low > 0
    assert found.low < found.chosen.rate - UNIFORM < found.high
    assert "choosing helps" in found.sentence


def test_where_hours_do_not_matter_nothing_is_claimed() -> None:
    found = World(flat, seed=3).live(days=10, people=400)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high
    assert "cannot be told" in found.sentence


def test_few_dials_say_little_and_many_say_what_they_say() -> None:
    few = learn_hours({("a", 0, 9): Count(60, 400), ("a", 0, 17): Count(3, 4)})
    assert few.of("a", 0, 17).mean < 0.35
    many = learn_hours({("a", 0, 9): Count(60, 400), ("a", 0, 17): Count(300, 400)})
    assert many.of("a", 0, 17).mean == pytest.approx(0.75, abs=0.02)
    assert many.of("a", 0, 9).mean == pytest.approx(0.15, abs=0.02)


def test_what_was_never_dialed_has_its_parents_rate() -> None:
    hours = learn_hours({("a", 0, 9): Count(60, 400), ("b", 0, 9): Count(200, 400)})
    assert hours.of("a", 3, 9).mean == pytest.approx(hours.hours["a", 9].mean)
    assert hours.of("a", 0, 15).mean == pytest.approx(hours.segments["a"].mean)
    assert hours.of("new", 0, 9).mean == pytest.approx(hours.whole.mean)
    assert learn_hours({}).of("a", 0, 9).mean == 0.5


def test_hours_that_differ_by_chance_come_out_alike() -> None:
    random = np.random.default_rng(2)
    counts = {
        ("a", d, h): Count(int(random.binomial(50, 0.2)), 50) for d in range(5) for h in HOURS
    }
    means = [learn_hours(counts).of("a", d, h).mean for d in range(5) for h in HOURS]
    assert max(means) - min(means) < 0.05
    assert learn_hours(counts).strengths["cell"] > 1000


def test_a_persons_arm_is_for_ever_and_a_tenth_is_held_out() -> None:
    people = [f"person {n}" for n in range(5000)]
    held = {person for person in people if arm_of(person) == "random"}
    assert 0.08 < len(held) / len(people) < 0.12
    assert held < {person for person in people if arm_of(person, 0.2) == "random"}


def test_the_hold_out_is_uniform_and_a_draw_is_its_own() -> None:
    hours = learn_hours({("a", 0, h): Count(int(400 * planted(h)), 400) for h in HOURS})
    held = [p for p in (f"person {n}" for n in range(9000)) if arm_of(p) == "random"]
    drawn = [choose_slot(hours, person, "a", MONDAY, HOURS) for person in held]
    counts = np.bincount([slot.hour for slot in drawn if slot], minlength=21)[9:21]
    assert counts.min() > 0.6 * len(held) / len(HOURS)
    # The same again, whatever else was drawn; another day may have another hour.
    again = [choose_slot(hours, person, "a", MONDAY, HOURS) for person in reversed(held)]
    assert again[::-1] == drawn
    tomorrow = [choose_slot(hours, p, "a", MONDAY + timedelta(days=7), HOURS) for p in held]
    assert tomorrow != drawn


def test_only_allowed_hours_are_drawn() -> None:
    hours = learn_hours({("a", 0, 17): Count(390, 400), ("a", 0, 9): Count(4, 400)})
    for person in range(200):
        slot = choose_slot(hours, f"{person}", "a", MONDAY, (9, 10))
        assert slot is not None
        assert slot.hour in (9, 10)
    assert choose_slot(hours, "one", "a", MONDAY, ()) is None


def test_hours_are_those_of_the_window_in_every_zone() -> None:
    window = Window.of({"start": "10:30", "end": "18:00", "days": ["mon"]})
    east = "America/New_York"
    assert allowed_hours((east,), east, MONDAY, window) == (10, 11, 12, 13, 14, 15, 16, 17)
    both = ("America/Los_Angeles", east)
    assert allowed_hours(both, east, MONDAY, window) == (13, 14, 15, 16, 17)
    assert allowed_hours((east,), east, MONDAY + timedelta(days=1), window) == ()


def test_persons_with_many_dials_widen_the_interval() -> None:
    arms: tuple[tuple[Arm, float], ...] = (("chosen", 0.9), ("random", 0.1))

    def dials(persons: int, each: int) -> list[Dials]:
        return [
            Dials(f"{arm}{n}", arm, share, each * (n % 3 == 0), each)
            for arm, share in arms
            for n in range(persons)
        ]

    alone, together = benefit(dials(900, 1)), benefit(dials(90, 10))
    assert alone.high is not None
    assert together.high is not None
    assert together.high > 2 * alone.high
    few = benefit(dials(FEWEST_PERSONS - 1, 1))
    assert few.difference is None
    assert "nothing can be said yet" in few.sentence


def test_weights_undo_a_share_that_changed() -> None:
    """In bad times half was held out, in good times a tenth: unweighted, chance looks worse."""
    bad = [Dials(f"c{n}", "chosen", 0.5, 0, 1) for n in range(500)]
    bad += [Dials(f"r{n}", "random", 0.5, 0, 1) for n in range(500)]
    good = [Dials(f"C{n}", "chosen", 0.9, 1, 1) for n in range(900)]
    good += [Dials(f"R{n}", "random", 0.1, 1, 1) for n in range(100)]
    found = benefit(bad + good)
    assert found.difference == pytest.approx(0.0, abs=1e-9)


def test_an_hour_never_puts_a_lead_before_a_fresher_one() -> None:
    day = timedelta(days=1)
    assert priority(2 * day, 0.95, 0, favoured=True) < FRESHEST
    assert priority(2 * day, 0.5, 0, favoured=True) == pytest.approx(
        priority(2 * day, 0.5, 0) + FAVOUR
    )

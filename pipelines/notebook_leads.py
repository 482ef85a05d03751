"""Dials for the notebook about leads: made up with a known truth, or bank-marketing's."""

import math
import os
import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from ml.slots.benefit import Dials
from ml.slots.choose import HOLD_OUT, arm_of, choose_slot
from ml.slots.hours import Cell, Count, learn_hours
from ml.table import kept
from ml.table.rows import Features, Row, Table, load_table
from ml.table.train import Source
from pipelines.notebook_models import rows_wanted

_BANK = Path("bank-marketing") / "bank_calls_first70.csv"
_OPEN = range(9, 21)
_GOOD_HOURS = (11, 18)
_SEGMENT = "America/Chicago"
_FIRST = date(2026, 1, 5)  # a Monday
_DAYS, _DIALS_A_DAY = 20, 400
_MOST = 6000


@dataclass(frozen=True)
class MadeUp(Table):
    """A table from which columns can be taken away."""

    def without(self, *columns: str) -> "MadeUp":
        left = tuple(name for name in self.columns if name not in columns)
        rows = tuple(
            replace(row, features={name: row.features[name] for name in left}) for row in self.rows
        )
        return replace(self, columns=left, rows=rows)


def made_up_dials(seed: int) -> MadeUp:
    """Dials over half a year: two columns tell who picks up, one only the season, one nothing,
    and one is known only after the call."""
    draw = random.Random(seed)
    n = min(rows_wanted() or _MOST, _MOST)
    rows = tuple(_dial(draw, at / n) for at in range(n))
    columns = ("zone", "dials_before", "season", "colour", "talk_seconds")
    return MadeUp("made-up dials", columns, rows, "made up")


def _dial(draw: random.Random, at: float) -> Row:
    zone = draw.choice(("east", "central", "west"))
    before = draw.randrange(6)
    season = 0.5 * math.sin(at * 12)
    score = -0.6 + season + {"east": 0.8, "central": 0.0, "west": -0.8}[zone] - 0.25 * before
    contact = draw.random() < 1 / (1 + math.exp(-score))
    features: Features = {
        "zone": zone,
        "dials_before": float(before),
        "season": round(season, 3),
        "colour": draw.choice(("red", "green", "blue")),
        "talk_seconds": float(draw.randrange(20, 200)) if contact else 0.0,
    }
    return Row(features, "contact" if contact else "no_contact", at=at * 180 * 86400)


def source(table: Table) -> Source:
    """Rows of nobody's own: a model of them is judged and never used."""
    return Source(table, kept.FILES)


def hour_truth(hour: int) -> float:
    """The chance of a contact in the made-up world, on every weekday."""
    return 0.26 if hour in _GOOD_HOURS else 0.12


def made_up_hours(seed: int) -> tuple[dict[Cell, Count], list[Dials]]:
    """Twenty days of dials whose hours are chosen by what was learnt until the evening before.

    Returns the counts by cell, and the dials by person with the arm each was in.
    """
    draw = random.Random(seed)
    counts: Counter[tuple[Cell, bool]] = Counter()
    people: Counter[tuple[str, bool]] = Counter()
    for day in (_FIRST + timedelta(days=number) for number in range(_DAYS)):
        hours = learn_hours(_cells(counts))
        for _ in range(_DIALS_A_DAY):
            person = f"person {draw.randrange(2000)}"
            slot = choose_slot(hours, person, _SEGMENT, day, _OPEN)
            assert slot is not None  # hours are allowed on every day
            contact = draw.random() < hour_truth(slot.hour)
            counts[(_SEGMENT, day.weekday(), slot.hour), contact] += 1
            people[person, contact] += 1
    return _cells(counts), [_dials(people, person) for person in sorted({p for p, _ in people})]


def _cells(counts: Counter[tuple[Cell, bool]]) -> dict[Cell, Count]:
    return {
        cell: Count(counts[cell, True], counts[cell, True] + counts[cell, False])
        for cell in {cell for cell, _ in counts}
    }


def _dials(people: Counter[tuple[str, bool]], person: str) -> Dials:
    arm = arm_of(person)
    contacts, missed = people[person, True], people[person, False]
    chance = HOLD_OUT if arm == "random" else 1 - HOLD_OUT
    return Dials(person, arm, chance, contacts, contacts + missed)


def bank_dials() -> Table | None:
    """The newest contacts of the bank's campaign; None where the file is not there."""
    data = os.environ.get("VOICE_AI_DATA")
    if data is None or not (Path(data) / _BANK).exists():
        return None
    table = load_table(Path(data) / _BANK, label="y")
    return replace(table, rows=table.rows[-min(rows_wanted() or _MOST, _MOST) :])

"""Hours for waiting leads: learnt from a seller's dials, drawn for each lead, once a day.

An hour only says when a lead comes first among leads as fresh as itself. Whether it may be called
is asked of the rules at every dial, whatever hour it has.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ml.slots.benefit import Benefit, Dials, benefit
from ml.slots.choose import HOLD_OUT, Arm, arm_of, choose_slot
from ml.slots.hours import Cell, Count, Hours, learn_hours
from voice_ai.day_parts import Window, known_zones
from voice_ai.db import queries
from voice_ai.db.connect import Db, Row

_SQL = queries("scores")
_HOUR = timedelta(hours=1)
# Before, all hours would be alike, and an order by nothing is no order.
FEWEST_DIALS = 200


@dataclass(frozen=True)
class LeadSlot:
    """`favoured`: it is the lead's hour now."""

    day: date
    hour: int
    arm: Arm
    chance: float
    favoured: bool


@dataclass(frozen=True)
class Slots:
    """`hours` of a seller, the campaign's `window`, and the share of persons in the hold-out."""

    hours: Hours
    window: Window
    hold_out: float = HOLD_OUT
    enough: bool = field(init=False)
    _allowed: dict[tuple[tuple[str, ...], date], tuple[int, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "enough", self.hours.dials >= FEWEST_DIALS)

    def of(self, lead: Row, now: datetime) -> LeadSlot | None:
        """None for a lead without a known time zone, or on a day without an hour."""
        zones = known_zones(lead["zones"])
        if not zones or not self.enough:
            return None
        here = now.astimezone(ZoneInfo(_first(lead)))
        day = here.date()
        drawn = self._kept(lead, day) or self._drawn(lead, zones, day)
        if drawn is None:
            return None
        hour, chance = drawn
        arm = arm_of(lead["person"], self.hold_out)
        return LeadSlot(day, hour, arm, chance, favoured=hour == here.hour)

    def _kept(self, lead: Row, day: date) -> tuple[int, float] | None:
        """The hour it has today already: news of the day must not give it another one."""
        if lead["slot_day"] != day or lead["slot_share"] != self.hold_out:
            return None
        return lead["slot_hour"], lead["slot_chance"]

    def _drawn(self, lead: Row, zones: tuple[str, ...], day: date) -> tuple[int, float] | None:
        segment = segment_of(_first(lead), lead["line_type"])
        allowed = self._hours_of(zones, _first(lead), day)
        slot = choose_slot(
            self.hours, lead["person"], segment, day, allowed, hold_out=self.hold_out
        )
        return None if slot is None else (slot.hour, round(slot.mean, 4))

    def _hours_of(self, zones: tuple[str, ...], first: str, day: date) -> tuple[int, ...]:
        key = ((first, *zones), day)
        if key not in self._allowed:
            self._allowed[key] = allowed_hours(zones, first, day, self.window)
        return self._allowed[key]


def allowed_hours(zones: tuple[str, ...], first: str, day: date, window: Window) -> tuple[int, ...]:
    """The hours of `day`, by the clock of `first`, in which the window is open in every zone."""
    found = []
    for hour in range(24):
        begins = datetime.combine(day, time(hour), tzinfo=ZoneInfo(first))
        opens = window.next(zones, begins)
        if opens is not None and opens < begins + _HOUR:
            found.append(hour)
    return tuple(found)


def segment_of(zone: str, line_type: str | None) -> str:
    """Not the list: a new one has no past, and its people are as those of the one before."""
    return f"{zone}, {line_type or 'unknown line'}"


def hours_of(db: Db, facts: Mapping[str, Any]) -> Hours:
    """`facts`: seller_id, rehearsal, since and now."""
    counts: dict[Cell, Count] = defaultdict(lambda: Count(0, 0))
    for row in db.execute(_SQL.hour_history, facts).fetchall():
        if not known_zones((row["zone"],)):
            continue
        there = row["at"].astimezone(ZoneInfo(row["zone"]))
        cell = (segment_of(row["zone"], row["line_type"]), there.weekday(), there.hour)
        counts[cell] += Count(row["human"], row["dials"])
    return learn_hours(counts)


def benefit_of(db: Db, seller_id: UUID, *, rehearsal: bool, now: datetime) -> Benefit:
    """What choosing hours was worth to a seller so far."""
    values = {"seller_id": seller_id, "rehearsal": rehearsal, "now": now}
    rows = db.execute(_SQL.slot_outcomes, values).fetchall()
    return benefit(
        Dials(
            row["person"],
            row["arm"],
            row["share"] if row["arm"] == "random" else 1 - row["share"],
            row["human"],
            row["dials"],
        )
        for row in rows
    )


def _first(lead: Row) -> str:
    """By whose clock its hours are: its own zone, or else the number's."""
    zone: str = lead["zone"]
    return zone if known_zones((zone,)) else next(z for z in lead["zones"] if known_zones((z,)))

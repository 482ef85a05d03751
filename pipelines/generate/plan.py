"""Who is called, for how long: the campaigns of a generated history, from a seed."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import numpy as np

from pipelines.generate import planted
from voice_ai.errors import BadInput

SELLER = "Generated Practice"
CALLER_IDS = 4
MOST_CALLS = 20_000_000
# The day after the last one; a constant, so that a seed gives the same rows on any day.
UNTIL = date(2026, 11, 1)
SCRIPTS = ("satisfaction_survey", "appointment_reminder")
_SPAN_MONTHS = 3


@dataclass(frozen=True)
class Ask:
    """`calls`: dials in all. `campaigns` None: one for every 400,000 calls, at least 2 where there
    are so many calls. `until`: the day after the last one."""

    calls: int
    seed: int
    campaigns: int | None = None
    months: int = 6
    until: date = UNTIL

    def __post_init__(self) -> None:
        if not 1 <= self.calls <= MOST_CALLS:
            raise BadInput(f"--calls is from 1 to {MOST_CALLS:,}", field="calls")
        if not 1 <= self.months <= 60:
            raise BadInput("--months is from 1 to 60", field="months")
        if self.campaigns is not None and not 1 <= self.campaigns <= min(self.calls, 500):
            raise BadInput(
                "--campaigns is from 1 to 500, one call each at least", field="campaigns"
            )


@dataclass(frozen=True)
class Planned:
    """One campaign; `place` is its number from 0 on, `days` how long it may last."""

    place: int
    id: str
    name: str
    script: str
    calls: int
    start: date
    days: int
    caller_ids: tuple[str, ...]
    experiment_id: str
    seed: int

    @property
    def experiment(self) -> str | None:
        found = planted.lift_of(self.place)
        return found[0] if found else None

    @property
    def bad_since(self) -> date | None:
        """From when on its caller id number `planted.BAD_CALLER_ID` is labelled; None: never."""
        if self.place:
            return None
        return self.start + timedelta(days=round(self.days * planted.BAD_SINCE))

    @property
    def created_at(self) -> datetime:
        return datetime.combine(self.start - timedelta(days=1), time(15), UTC)

    def dice(self, *what: int) -> np.random.Generator:
        """Luck of its own for each purpose, so that one more draw here changes nothing there."""
        return np.random.default_rng([self.seed, self.place, *what])


def campaigns(ask: Ask) -> list[Planned]:
    """In the order of their start; their calls add up to what was asked for."""
    count = ask.campaigns or min(max(2, round(ask.calls / 400_000)), ask.calls)
    dice = np.random.default_rng([ask.seed, 99])
    first = _months_before(ask.until, ask.months)
    whole = (ask.until - first).days
    span = min(whole, 30 * _SPAN_MONTHS)
    made = []
    for place in range(count):
        calls = ask.calls // count + (place < ask.calls % count)
        gap = (whole - span) * place // max(count - 1, 1)
        letters = "ABCD"[:CALLER_IDS]
        made.append(
            Planned(
                place=place,
                id=_uuid(dice),
                name=f"Generated {ask.seed}-{place + 1:02}",
                script=SCRIPTS[place % len(SCRIPTS)],
                calls=calls,
                start=first + timedelta(days=gap),
                days=span,
                caller_ids=tuple(f"Line {place + 1:02}{letter}" for letter in letters),
                experiment_id=_uuid(dice),
                seed=ask.seed,
            )
        )
    return made


def months_of(ask: Ask) -> list[date]:
    """The first days of the months it touches (UTC, so the last evening may need one more)."""
    found, month = [], _months_before(ask.until, ask.months).replace(day=1)
    while month <= ask.until:
        found.append(month)
        month = (month + timedelta(days=32)).replace(day=1)
    return found


def uuids(dice: np.random.Generator, count: int) -> list[str]:
    """Random ids of version 4."""
    octets = dice.integers(0, 256, (count, 16), dtype=np.uint8)
    octets[:, 6] = octets[:, 6] & 0x0F | 0x40
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    text = octets.tobytes().hex()
    starts = range(0, 32 * count, 32)
    return [
        f"{text[s : s + 8]}-{text[s + 8 : s + 12]}-{text[s + 12 : s + 16]}"
        f"-{text[s + 16 : s + 20]}-{text[s + 20 : s + 32]}"
        for s in starts
    ]


def _uuid(dice: np.random.Generator) -> str:
    return str(UUID(uuids(dice, 1)[0]))


def _months_before(day: date, months: int) -> date:
    place = day.year * 12 + day.month - 1 - months
    return date(place // 12, place % 12 + 1, min(day.day, 28))

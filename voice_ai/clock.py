"""Time as a value that is handed in: the system's, a rehearsal's, or one that a test moves.

A rehearsal clock runs from an anchor of its own (14:00 in New York on the next working day unless
told otherwise), at `speed` times real time, so that a rehearsal works at any hour of any day. Its
anchor is kept in Postgres (`rehearsal_clock`), so that every process of a home agrees on the time.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from typing import Protocol
from zoneinfo import ZoneInfo

from voice_ai.errors import BadInput

NEW_YORK = ZoneInfo("America/New_York")
REHEARSAL_START = wall_time(14, 0)
_LONGEST_WAY = timedelta(seconds=1)
_SMALLEST_STEP = timedelta(milliseconds=100)
# Between these New York hours the whole United States mainland may be called.
_REHEARSAL_LATEST = wall_time(16, 30)


class Clock(Protocol):
    """Clock time: what the rules, the rows and the waits of one installation go by."""

    @property
    def speed(self) -> float: ...

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    speed: float = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


@dataclass(frozen=True)
class RehearsalClock:
    """`anchor` was the rehearsal's time when the system's clock said `anchor_real`."""

    anchor_real: datetime
    anchor: datetime
    speed: float = 1.0

    def now(self) -> datetime:
        return self.anchor + (datetime.now(UTC) - self.anchor_real) * self.speed

    def monotonic(self) -> float:
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self.speed)


@dataclass
class SharedClock:
    """A clock that is set right by the database's, so that all processes agree on the time.

    Machines' clocks differ. Windows, pace and patience are judged by several processes, so they
    go by the one clock that all of them can see.
    """

    clock: Clock
    offset: timedelta = timedelta(0)

    @property
    def speed(self) -> float:
        return self.clock.speed

    def now(self) -> datetime:
        return self.clock.now() + self.offset * self.clock.speed

    def monotonic(self) -> float:
        return self.clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    def set_right(self, asked: datetime, there: datetime, answered: datetime) -> timedelta:
        """`there` is what the database's clock said between our `asked` and `answered`.

        The correction. An answer that was long on its way says little and changes nothing; nor do
        differences that are shorter than the way itself.
        """
        way = answered - asked
        offset = there - (asked + way / 2)
        if way > _LONGEST_WAY or abs(offset - self.offset) <= max(way, _SMALLEST_STEP):
            return timedelta(0)
        step, self.offset = offset - self.offset, offset
        return step


def machine_time() -> datetime:
    """What this machine's clock says."""
    return datetime.now(UTC)


@dataclass
class ManualClock:
    """Moves only when told to; `sleep` moves it."""

    at: datetime
    speed: float = 1.0
    _elapsed: float = field(default=0.0)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self._elapsed

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self._elapsed += seconds

    async def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)


def next_working_day(after: date) -> date:
    """The first day later than `after` on which the strictest rules let everybody be called."""
    day = after + timedelta(days=1)
    while not _works(day):
        day += timedelta(days=1)
    return day


def _works(day: date) -> bool:
    if day.weekday() >= 5:
        return False
    # Rules and holidays are read only by those who begin a rehearsal.
    from voice_ai.compliance.holidays import is_holiday_somewhere

    return not is_holiday_somewhere(day)


def rehearsal_anchor(
    real_now: datetime, *, chosen: datetime | None, current: datetime | None
) -> datetime:
    """Where a rehearsal's clock should stand now; it never goes back.

    `chosen` is VOICE_AI_CLOCK_START, `current` what the home's rehearsal clock says already.
    """
    if chosen is not None:
        return max(chosen, current) if current is not None else chosen
    if current is not None and _good_hour(current):
        return current
    latest = max(real_now, current) if current is not None else real_now
    day = next_working_day(latest.astimezone(NEW_YORK).date())
    return datetime.combine(day, REHEARSAL_START, tzinfo=NEW_YORK).astimezone(UTC)


def _good_hour(moment: datetime) -> bool:
    local = moment.astimezone(NEW_YORK)
    return _works(local.date()) and REHEARSAL_START <= local.time() < _REHEARSAL_LATEST


def parse_clock_start(text: str) -> datetime:
    """VOICE_AI_CLOCK_START as an aware time. Raises BadInput without an offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(
            f"VOICE_AI_CLOCK_START is not a time: {text!r}; write 2026-11-24T11:00:00-05:00"
        ) from error
    if moment.tzinfo is None:
        raise BadInput("VOICE_AI_CLOCK_START needs an offset, as in 2026-11-24T11:00:00-05:00")
    return moment.astimezone(UTC)

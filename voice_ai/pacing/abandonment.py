"""Abandoned calls: a person answered and heard nothing of ours within two seconds.

United States: at most 3 % of the calls that a person answered, for each campaign, in a 30-day
period (16 CFR 310.4(b)(4), 47 CFR 64.1200(a)(7)). United Kingdom: 3 % in 24 hours was the guidance
until 2017 and is no safe harbour since; the aim is 1 % (domain, 1.1 and 1.4).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

PERIOD = timedelta(days=30)
# Our first audio later than this after the answer makes the call an abandoned one.
LATE_MS = 2000.0
_THROTTLE, _PAUSE = 0.02, 0.025
_UK_THROTTLE, _UK_PAUSE = 0.01, 0.03
# Below this many answers a rate says little; then the number of cases itself is the limit.
_ENOUGH = 100
_MOST_OF_FEW = 5


class Abandonment(StrEnum):
    FINE = "fine"
    THROTTLE = "throttle"
    PAUSE = "pause"


@dataclass(frozen=True)
class Answers:
    """Calls that a person answered, and how many of them were abandoned."""

    human: int
    abandoned: int

    @property
    def rate(self) -> float | None:
        return self.abandoned / self.human if self.human else None


def period_start(started: datetime, now: datetime) -> datetime:
    """The beginning of the running 30-day period, counted from the campaign's first dial."""
    return started + (max(now - started, timedelta(0)) // PERIOD) * PERIOD


def judge_us(rolling: Answers, period: Answers) -> Abandonment:
    """The worse of the last 30 days and the running 30-day period."""
    return _worse(_judge(rolling, _THROTTLE, _PAUSE), _judge(period, _THROTTLE, _PAUSE))


def judge_uk(day: Answers) -> Abandonment:
    """The last 24 hours."""
    return _judge(day, _UK_THROTTLE, _UK_PAUSE)


def _judge(answers: Answers, throttle: float, pause: float) -> Abandonment:
    if answers.human < _ENOUGH:
        return Abandonment.PAUSE if answers.abandoned >= _MOST_OF_FEW else Abandonment.FINE
    rate = answers.abandoned / answers.human
    if rate >= pause:
        return Abandonment.PAUSE
    return Abandonment.THROTTLE if rate >= throttle else Abandonment.FINE


def _worse(one: Abandonment, other: Abandonment) -> Abandonment:
    order = list(Abandonment)
    return max(one, other, key=order.index)

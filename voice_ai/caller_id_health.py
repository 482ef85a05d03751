"""How well a caller id is still answered, as people look at it.

Score and weights as practitioners use them (domain.md §3.5): of a rolling fifty dials, answers 30,
duration 25, human engagement 20, trend 15, spam-clean 10; 70 and more is well. Nobody tells us of
spam labels, so the other weights share those ten. The answer rate counts against the pool's: what
is low for one list is usual for another. Whether a number rests is for `pacing.caller_ids` to say,
here and where it is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from voice_ai.pacing.caller_ids import NEWEST, AnswerRates, Rate, has_dropped

Verdict = Literal["ok", "watch", "cool"]

ROLLING = 50
COMPARED = 100
WELL = 70.0
LEAST_DIALS = 20
# Weights of domain.md §3.5 without the ten for spam labels, brought back to one hundred.
_ANSWER, _DURATION, _ENGAGED, _TREND = (100 * part / 90 for part in (30, 25, 20, 15))
# A conversation of that many seconds counts in full [assumed].
_FULL_TALK_S = 30.0
# What a pool is taken for when it is too small to tell its own rate [assumed].
_USUAL_RATE = 0.45


@dataclass(frozen=True)
class RecentDial:
    """A dial that reached the carrier and ended; `talk_s` None: not answered, or unmeasured."""

    at: datetime
    answered: bool
    human: bool
    conversed: bool
    talk_s: float | None = None


@dataclass(frozen=True)
class Health:
    """`score` 0 to 100; None while fewer than 20 dials say nothing. `n` counts the answer rate."""

    score: float | None
    answer_rate: float | None
    n: int
    verdict: Verdict


def score(recent: Sequence[RecentDial], pool: Rate) -> Health:
    """`recent` in any order; the last hundred count. The pool is the seller's other dials."""
    dials = sorted(recent, key=lambda dial: dial.at, reverse=True)[:COMPARED]
    own = _rate(dials)
    rate = own.answered / own.dials if dials else None
    if rate is None or len(dials) < LEAST_DIALS:
        return Health(None, rate, len(dials), "ok")
    usual = pool.answered / pool.dials if pool.dials >= LEAST_DIALS else 0.0
    points = _points(dials[:ROLLING], usual or _USUAL_RATE)
    answers = AnswerRates(own, _rate(dials[:NEWEST]), pool)
    return Health(points, rate, len(dials), _verdict(points, answers))


def _rate(dials: Sequence[RecentDial]) -> Rate:
    return Rate(len(dials), sum(dial.answered for dial in dials))


def _points(dials: Sequence[RecentDial], usual: float) -> float:
    n = len(dials)
    answers = [dial for dial in dials if dial.answered]
    humans = [dial for dial in dials if dial.human]
    against_pool = min(1.0, len(answers) / n / usual)
    # Parts that nothing says anything about count as well: their absence is no sign of a label.
    talk = [dial.talk_s for dial in humans if dial.talk_s is not None]
    duration = min(1.0, sum(talk) / len(talk) / _FULL_TALK_S) if talk else 1.0
    engaged = sum(dial.conversed for dial in humans) / len(humans) if humans else 1.0
    return min(
        100.0,
        _ANSWER * against_pool
        + _DURATION * duration * bool(answers)
        + _ENGAGED * engaged * bool(answers)
        + _TREND * _trend(dials),
    )


def _trend(dials: Sequence[RecentDial]) -> float:
    """1 when the newer half is answered as often as the older one, 0 when not at all."""
    half = len(dials) // 2
    newer = sum(dial.answered for dial in dials[:half]) / half
    older = sum(dial.answered for dial in dials[half : 2 * half]) / half
    return 1.0 if older == 0 else min(1.0, newer / older)


def _verdict(points: float, answers: AnswerRates) -> Verdict:
    if has_dropped(answers):
        return "cool"
    return "ok" if points >= WELL else "watch"

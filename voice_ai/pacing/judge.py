"""How fast a campaign may go from now on: ramp, throttle, breaker and budget together, pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from voice_ai.pacing.abandonment import Abandonment, Answers, judge_uk, judge_us
from voice_ai.pacing.breaker import Requests, hold
from voice_ai.pacing.ramp import TOP, Ramped, Seen, next_step

# On the top step the gates look at the last hour.
RECENT = timedelta(hours=1)


@dataclass(frozen=True)
class Stand:
    """Where a campaign is; the rules that are off for it are said here."""

    ramp_step: int
    ramp_since: datetime
    held_until: datetime | None
    throttle: str | None
    ramps: bool
    minds_abandonment: bool


@dataclass(frozen=True)
class Figures:
    """What was counted; `budget_spent` None: it has no budget."""

    seen: Seen
    recent: Requests
    holds: int
    rolling: Answers
    period: Answers
    uk: Answers
    budget_spent: bool | None = None


@dataclass(frozen=True)
class Change:
    """One thing that changes, for people to read: its kind, its reason, the figures behind it."""

    kind: str
    reason: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """`pause`: why the campaign must stop dialing until a person resumes it."""

    stand: Stand
    changes: tuple[Change, ...]
    pause: str | None


def since_of(stand: Stand, now: datetime) -> datetime:
    """From when on the gates count."""
    return max(stand.ramp_since, now - RECENT) if stand.ramp_step == TOP else stand.ramp_since


def judge(stand: Stand, figures: Figures, now: datetime) -> Verdict:
    ramped = next_step(stand.ramp_step, stand.ramp_since, figures.seen, now)
    if not stand.ramps:
        ramped = Ramped(stand.ramp_step)
    abandonment = _abandonment(figures) if stand.minds_abandonment else Abandonment.FINE
    throttle = "ABANDON_RATE" if abandonment is Abandonment.THROTTLE else None
    wait = hold(figures.recent, figures.holds)
    held = stand.held_until is not None and stand.held_until > now
    opened = wait is not None and not held
    changes = [
        *_step_change(stand, ramped, figures.seen),
        *_throttle_change(stand, throttle, figures),
        *([_hold_change(wait, figures.recent)] if opened and wait is not None else []),
    ]
    pause = _pause(abandonment, figures)
    if pause is not None:
        changes.append(Change("pause", pause, _answers(figures)))
    moved = ramped.step != stand.ramp_step
    after = Stand(
        ramp_step=ramped.step,
        ramp_since=now if moved else stand.ramp_since,
        held_until=now + wait if opened and wait is not None else stand.held_until,
        throttle=throttle,
        ramps=stand.ramps,
        minds_abandonment=stand.minds_abandonment,
    )
    return Verdict(after, tuple(changes), pause)


def _abandonment(figures: Figures) -> Abandonment:
    order = list(Abandonment)
    return max(judge_us(figures.rolling, figures.period), judge_uk(figures.uk), key=order.index)


def _pause(abandonment: Abandonment, figures: Figures) -> str | None:
    if abandonment is Abandonment.PAUSE:
        return "ABANDON_RATE"
    return "BUDGET_SPENT" if figures.budget_spent else None


def _step_change(stand: Stand, ramped: Ramped, seen: Seen) -> list[Change]:
    if ramped.reason is None:
        return []
    kind = "step_up" if ramped.step > stand.ramp_step else "step_down"
    figures = {"from": stand.ramp_step, "to": ramped.step, **vars(seen)}
    return [Change(kind, ramped.reason, figures)]


def _throttle_change(stand: Stand, throttle: str | None, figures: Figures) -> list[Change]:
    if throttle == stand.throttle:
        return []
    kind = "throttle" if throttle is not None else "release"
    return [Change(kind, throttle or stand.throttle or "", _answers(figures))]


def _hold_change(wait: timedelta, recent: Requests) -> Change:
    figures = {"seconds": wait.total_seconds(), "ended": recent.ended, "failed": recent.failed}
    return Change("hold", "FAILURE_SPIKE", figures)


def _answers(figures: Figures) -> dict[str, int]:
    counted = {"rolling": figures.rolling, "period": figures.period, "uk": figures.uk}
    return {
        f"{name}_{what}": getattr(answers, what)
        for name, answers in counted.items()
        for what in ("human", "abandoned")
    }

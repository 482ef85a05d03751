"""Ramp-up: a new campaign begins with a few calls at once and earns the rest (domain, 3.2)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor

# Shares of the campaign's own cap, step by step.
SHARES = (0.05, 0.25, 0.5, 1.0)
TOP = len(SHARES) - 1
# A step is over after this many calls that a person answered, or after this long.
ENOUGH_ANSWERED = 50
LONG_ENOUGH = timedelta(minutes=30)
# Gates. A rate counts only over enough cases: one bad call of three is not a trend.
MAX_ABANDON_RATE = 0.02
MAX_FAILURE_RATE = 0.05
MAX_OPT_OUT_RATE = 0.08
MAX_FIRST_AUDIO_P95_MS = 1500.0
_FEWEST_ANSWERED = 20
_FEWEST_DIALS = 50
_FEWEST_CONVERSATIONS = 25


@dataclass(frozen=True)
class Seen:
    """What happened since the step began; a p95 of None was not measured."""

    dials: int = 0
    failed: int = 0
    answered: int = 0
    abandoned: int = 0
    conversed: int = 0
    opt_outs: int = 0
    first_audio_p95_ms: float | None = None


@dataclass(frozen=True)
class Ramped:
    """The step from now on; `reason` says why it is another one, None when it stays."""

    step: int
    reason: str | None = None


def next_step(step: int, since: datetime, seen: Seen, now: datetime) -> Ramped:
    """One step down when a gate is broken, one up when the step was long enough and all held."""
    if (broken := broken_gate(seen)) is not None:
        return Ramped(step - 1, broken) if step > 0 else Ramped(0)
    over = seen.answered >= ENOUGH_ANSWERED or now - since >= LONG_ENOUGH
    return Ramped(step + 1, "STEP_HELD") if over and step < TOP else Ramped(step)


def broken_gate(seen: Seen) -> str | None:
    """The first gate that does not hold, by its code."""
    late = seen.first_audio_p95_ms is not None and seen.first_audio_p95_ms > MAX_FIRST_AUDIO_P95_MS
    gates = (
        ("ABANDON_RATE", seen.abandoned, seen.answered, MAX_ABANDON_RATE, _FEWEST_ANSWERED),
        ("FAILURE_RATE", seen.failed, seen.dials, MAX_FAILURE_RATE, _FEWEST_DIALS),
        ("OPT_OUT_RATE", seen.opt_outs, seen.conversed, MAX_OPT_OUT_RATE, _FEWEST_CONVERSATIONS),
    )
    for code, cases, of, most, fewest in gates:
        if of >= fewest and cases / of > most:
            return code
    return "FIRST_AUDIO_LATE" if late and seen.answered >= _FEWEST_ANSWERED else None


def calls_at_once(most: int, step: int, *, throttled: bool) -> int:
    """The cap on this step; a throttled campaign has half of it, and always at least one."""
    share = SHARES[min(max(step, 0), TOP)] * (0.5 if throttled else 1.0)
    return max(1, floor(most * share))

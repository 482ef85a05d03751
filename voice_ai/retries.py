"""When, if ever, a lead is called again: a pure answer to how the last attempt ended.

Every outcome has a rule: how long to wait, how often it may end so in a day and in all, and whether
the next call has to come at another part of the called party's day. A time agreed with the person
goes before the rule. What only a carrier failed at is no attempt at the person, unless it rang.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, field_validator

from voice_ai.day_parts import DayPart, Window, known_zones, next_day, other_part, parts_of
from voice_ai.day_parts import same_day as on_same_day

# A whole campaign's dials to one lead that reached the person's line.
DEFAULT_MAX_ATTEMPTS = 6
MOST_ATTEMPTS = 8
# An agreed time is kept to this exactly, where the window allows.
CALLBACK_GRACE = timedelta(minutes=5)
# Rotation is given up after this: a window may never meet another part of the day.
ROTATE_WITHIN = timedelta(days=8)
# These outcomes never reached the person: the last real dial still says which part was used.
NOT_A_DIAL = frozenset({"not_dialed", "failed_transient"})
# Leads that failed together would come back together.
_JITTERED = frozenset({"failed_transient"})
_JITTER = 0.25


class RetryRule(BaseModel):
    """After this disposition: wait `delays_s[n]` the n-th time, at most `most` times."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    delays_s: tuple[NonNegativeInt, ...] = Field(
        min_length=1, description="seconds; the last one repeats"
    )
    most: int = Field(ge=0, description="attempts that may end this way before the lead is done")
    most_per_day: PositiveInt | None = Field(
        None, description="of them in one day of the called party; then the next day"
    )
    other_day_part: bool | PositiveInt = Field(
        False, description="true: at another part of the day; or from which time on, as in 3"
    )

    def rotates(self, times: int) -> bool:
        """Whether another part of the day is due after ending this way for the n-th time."""
        if isinstance(self.other_day_part, bool):
            return self.other_day_part
        return times >= self.other_day_part


def _rule(
    *delays_s: int, most: int, a_day: int | None = None, other_part: bool | int = False
) -> RetryRule:
    return RetryRule(delays_s=delays_s, most=most, most_per_day=a_day, other_day_part=other_part)


_MINUTE, _HOUR, _DAY = 60, 3600, 86400
DEFAULT_RULES: Mapping[str, RetryRule] = {
    "busy": _rule(10 * _MINUTE, 30 * _MINUTE, 4 * _HOUR, most=6, a_day=3, other_part=3),
    "no_answer": _rule(4 * _HOUR, most=6, a_day=2, other_part=True),
    "machine": _rule(4 * _HOUR, most=4, a_day=1, other_part=True),
    # What the carrier failed at must not cost a lead: three times, then the next day.
    "failed_transient": _rule(2 * _MINUTE, 4 * _MINUTE, 8 * _MINUTE, most=9, a_day=3),
    "not_dialed": _rule(5, 30, 2 * _MINUTE, 10 * _MINUTE, most=1000),
    "human_hangup": _rule(2 * _DAY, most=2, other_part=True),
    "dead_air": _rule(_DAY, most=2, other_part=True),
    "abandoned": _rule(3 * _DAY, most=1),
    "callback_requested": _rule(4 * _HOUR, most=3, a_day=1, other_part=True),
    "conversed_no_goal": _rule(7 * _DAY, most=2, other_part=True),
    "canceled": _rule(10 * _MINUTE, most=3),
}


class RetryPolicy(BaseModel):
    """Which outcomes are tried again. An outcome without a rule ends the lead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_attempts: int = Field(
        DEFAULT_MAX_ATTEMPTS,
        ge=1,
        le=MOST_ATTEMPTS,
        description="dials to one lead that reached its line",
    )
    cool_down_days: int = Field(
        30,
        ge=0,
        le=365,
        description="days after another campaign of the seller dialed the number; 0: none",
    )
    rules: dict[str, RetryRule] = Field(
        default_factory=lambda: dict(DEFAULT_RULES),
        description="changes to the defaults, by outcome; `most: 0` never tries that one again",
    )

    @field_validator("rules", mode="before")
    @classmethod
    def _on_top_of_the_defaults(cls, value: Any) -> Any:
        """A rule that is given in part has the rest from the default of its outcome."""
        if not isinstance(value, Mapping):
            return value
        if unknown := sorted(map(str, set(value) - set(DEFAULT_RULES))):
            known = ", ".join(sorted(DEFAULT_RULES))
            raise ValueError(f"no rule for {', '.join(unknown)}; there are: {known}")
        return {**DEFAULT_RULES, **{code: _whole(code, rule) for code, rule in value.items()}}

    @classmethod
    def stored(cls, data: Mapping[str, Any] | None) -> Self:
        """From a stored version, which may be older than a limit of today; None: the defaults."""
        if data is None:
            return cls()
        most = min(int(data.get("max_attempts", DEFAULT_MAX_ATTEMPTS)), MOST_ATTEMPTS)
        return cls.model_validate({**data, "max_attempts": most})


def _whole(code: str, rule: Any) -> Any:
    if not isinstance(rule, Mapping):
        return rule
    return {**DEFAULT_RULES[code].model_dump(), **rule}


@dataclass(frozen=True)
class Behind:
    """What a lead has behind it in a campaign, the attempt that just ended included.

    `attempts` are those that count; `same` says when those that ended the same way were dialed.
    `dialed_at` is the dial that just ended; `rotate_from` the one before it whose part of the day
    was to be left, where what just ended reached nobody.
    """

    attempts: int
    same: Sequence[datetime]
    dialed_at: datetime
    rotate_from: datetime | None = None
    callback_at: datetime | None = None


@dataclass(frozen=True)
class Person:
    """Where the called party may be, and when the campaign calls there."""

    zones: tuple[str, ...]
    window: Window = Window()


@dataclass(frozen=True)
class RetryAt:
    """`day_part`: the one it falls into, where another than before was due; None: any.

    `rotate_from`: the dial whose part of the day is to be left, also when the lead waits longer
    than it should. `callback_at`: the agreed time that this is; it goes before other leads.
    """

    at: datetime
    day_part: DayPart | None = None
    rotate_from: datetime | None = None
    callback_at: datetime | None = None


@dataclass(frozen=True)
class Stop:
    reason: Literal["finished", "attempts_exhausted", "outcome_exhausted"]


def next_step(
    outcome: str,
    behind: Behind,
    person: Person,
    *,
    policy: RetryPolicy,
    now: datetime,
    seed: str = "",
) -> RetryAt | Stop:
    """What becomes of a lead. `seed`, an attempt's id, decides the jitter."""
    rule = policy.rules.get(outcome)
    if rule is None:
        return Stop("finished")
    if behind.attempts >= policy.max_attempts:
        return Stop("attempts_exhausted")
    times, reached = len(behind.same), outcome not in NOT_A_DIAL
    earliest = now + _delay(rule, times, outcome, seed)
    kept = _kept_callback(behind, person, now if reached else earliest, reached=reached)
    if kept is not None and reached:
        return kept
    if times >= rule.most:
        return Stop("outcome_exhausted")
    if kept is not None:
        return kept
    if rule.most_per_day is not None and _on_this_day(behind, person) >= rule.most_per_day:
        earliest = max(earliest, next_day(person.zones, behind.dialed_at))
    if not reached:
        return RetryAt(earliest, rotate_from=behind.rotate_from)
    if not rule.rotates(times):
        return RetryAt(earliest)
    return _in_another_part(behind.dialed_at, earliest, person)


def callback_moment(agreed: datetime, person: Person, now: datetime) -> datetime:
    """When an agreed call is due: at its time, or within five minutes of it where the window
    closes before or opens after it, or else when the window opens next."""
    zones = known_zones(person.zones)
    start = max(agreed, now)
    opens = person.window.next(zones, start)
    if opens is not None and opens <= agreed + CALLBACK_GRACE:
        return opens
    early = max(agreed - CALLBACK_GRACE, now)
    if early < start and person.window.next(zones, early) == early:
        return early
    return opens or start


def turn_of(rotate_from: datetime | None, person: Person, at: datetime) -> datetime | None:
    """When a lead may be called that comes up at `at` and has a part of the day to leave.

    A lead that waited for a place or for its window may come up in the very part in which it was
    called last; None: `at` is as good as any.
    """
    if rotate_from is None or at > rotate_from + ROTATE_WITHIN:
        return None
    if not parts_of(person.zones, rotate_from) & parts_of(person.zones, at):
        return None
    return other_part(person.zones, rotate_from, at, person.window)


def _kept_callback(
    behind: Behind, person: Person, earliest: datetime, *, reached: bool
) -> RetryAt | None:
    """The agreed time, unless this very dial was made for it."""
    agreed = behind.callback_at
    if agreed is None or (reached and behind.dialed_at >= agreed - CALLBACK_GRACE):
        return None
    return RetryAt(callback_moment(agreed, person, earliest), callback_at=agreed)


def _delay(rule: RetryRule, times: int, outcome: str, seed: str) -> timedelta:
    delay = rule.delays_s[min(max(times, 1), len(rule.delays_s)) - 1]
    if outcome not in _JITTERED:
        return timedelta(seconds=delay)
    draw = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big") / 2**64
    return timedelta(seconds=round(delay * (1 + _JITTER * draw), 3))


def _on_this_day(behind: Behind, person: Person) -> int:
    return sum(on_same_day(person.zones, at, behind.dialed_at) for at in behind.same)


def _in_another_part(last: datetime, earliest: datetime, person: Person) -> RetryAt:
    at = other_part(person.zones, last, earliest, person.window)
    if at is None:
        return RetryAt(earliest)
    parts = parts_of(person.zones, at)
    return RetryAt(at, next(iter(parts)) if len(parts) == 1 else None, rotate_from=last)

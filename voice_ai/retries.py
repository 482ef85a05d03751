"""When, if ever, a lead is called again: a pure answer to how the last attempt ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, field_validator

# A whole campaign's dials to one lead that reached the carrier.
DEFAULT_MAX_ATTEMPTS = 6


class RetryRule(BaseModel):
    """After this disposition: wait `delays_s[n]` the n-th time, at most `most` times."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    delays_s: tuple[NonNegativeInt, ...] = Field(
        min_length=1, description="seconds; the last one repeats"
    )
    most: int = Field(ge=0, description="attempts that may end this way before the lead is done")


def _rule(*delays_s: int, most: int) -> RetryRule:
    return RetryRule(delays_s=delays_s, most=most)


_MINUTE, _HOUR, _DAY = 60, 3600, 86400
DEFAULT_RULES: Mapping[str, RetryRule] = {
    "busy": _rule(10 * _MINUTE, 30 * _MINUTE, 4 * _HOUR, most=3),
    "no_answer": _rule(4 * _HOUR, _DAY, most=6),
    "machine": _rule(_DAY, most=4),
    "failed_transient": _rule(2 * _MINUTE, 4 * _MINUTE, 8 * _MINUTE, most=3),
    "not_dialed": _rule(5, 30, 2 * _MINUTE, most=20),
    "human_hangup": _rule(2 * _DAY, most=2),
    "dead_air": _rule(_DAY, most=2),
    "abandoned": _rule(3 * _DAY, most=1),
    "callback_requested": _rule(_DAY, most=3),
    "conversed_no_goal": _rule(7 * _DAY, most=2),
    "canceled": _rule(10 * _MINUTE, most=3),
}


class RetryPolicy(BaseModel):
    """Which outcomes are tried again. An outcome without a rule ends the lead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_attempts: int = Field(DEFAULT_MAX_ATTEMPTS, ge=1, le=20)
    rules: dict[str, RetryRule] = Field(
        default_factory=lambda: dict(DEFAULT_RULES),
        description="changes to the defaults, by outcome; `most: 0` never tries that one again",
    )

    @field_validator("rules")
    @classmethod
    def _on_top_of_the_defaults(cls, value: dict[str, RetryRule]) -> dict[str, RetryRule]:
        if unknown := sorted(set(value) - set(DEFAULT_RULES)):
            known = ", ".join(sorted(DEFAULT_RULES))
            raise ValueError(f"no rule for {', '.join(unknown)}; there are: {known}")
        return {**DEFAULT_RULES, **value}


@dataclass(frozen=True)
class RetryAt:
    at: datetime


@dataclass(frozen=True)
class Stop:
    reason: Literal["finished", "attempts_exhausted", "outcome_exhausted"]


def next_step(
    outcome: str, *, attempts: int, same_outcome: int, policy: RetryPolicy, now: datetime
) -> RetryAt | Stop:
    """What becomes of a lead.

    `attempts` are its dials in this campaign that reached the carrier, this one included;
    `same_outcome` how many of its attempts ended like this one, this one included.
    """
    rule = policy.rules.get(outcome)
    if rule is None:
        return Stop("finished")
    if attempts >= policy.max_attempts:
        return Stop("attempts_exhausted")
    if same_outcome >= rule.most:
        return Stop("outcome_exhausted")
    delay = rule.delays_s[min(same_outcome, len(rule.delays_s)) - 1]
    return RetryAt(now + timedelta(seconds=delay))

"""Arms of an experiment: who hears which wording, and what the comparison is to find."""

from functools import lru_cache
from hashlib import sha256
from math import ceil, floor, gcd, isclose
from typing import Literal

from pydantic import Field, field_validator, model_validator

from voice_ai.conversation.written import Frozen, Name
from voice_ai.experiments.arms import control_of

Metric = Literal["goals_per_assigned_lead"]
Guardrail = Literal["opt_outs", "hang_ups"]
# Shares are kept to a thousandth: the arms of so many leads in a row are counted out exactly.
_ROUND = 1000
# Within so many leads of a stratum, about, every arm has had its share.
_BLOCK = (4, 20)


class Experiment(Frozen):
    """`arms` are names with their shares of the leads.

    What is compared is written down before the first call: `minimal_effect` is the least absolute
    difference of the `metric` worth finding, `baseline` the control's, as far as it is known.
    """

    name: Name
    arms: dict[Name, float] = Field(min_length=2)
    metric: Metric = "goals_per_assigned_lead"
    baseline: float | None = Field(default=None, gt=0, lt=1)
    minimal_effect: float = Field(default=0.05, gt=0, lt=1)
    alpha: float = Field(default=0.05, ge=0.001, le=0.2)
    power: float = Field(default=0.8, ge=0.5, le=0.99)
    guardrails: tuple[Guardrail, ...] = ("opt_outs", "hang_ups")
    stop: Literal["automatic", "by hand"] = "automatic"

    @field_validator("arms")
    @classmethod
    def whole(cls, arms: dict[str, float]) -> dict[str, float]:
        if any(share <= 0 for share in arms.values()):
            raise ValueError("every arm has a share above 0; leave an arm out that nobody hears")
        if not isclose(total := sum(arms.values()), 1, abs_tol=1e-6):
            raise ValueError(f"the shares of the arms add up to {total:g}; they must make 1")
        return arms

    @field_validator("guardrails")
    @classmethod
    def once(cls, guardrails: tuple[Guardrail, ...]) -> tuple[Guardrail, ...]:
        if len(set(guardrails)) < len(guardrails):
            raise ValueError("a guardrail is named once")
        return guardrails

    @model_validator(mode="after")
    def possible(self) -> "Experiment":
        if self.baseline is not None and self.baseline + self.minimal_effect >= 1:
            raise ValueError("`baseline` and `minimal_effect` together must stay below 1")
        return self

    @property
    def control(self) -> str:
        """The arm that the others are compared with."""
        return control_of(tuple(self.arms))

    def arm_at(self, stratum: str, place: int) -> str:
        """The arm of the lead that came as number `place` (0, 1 …) into its stratum.

        Permuted blocks (Lachin, Matts and Wei 1988): in each block every arm stands as often as its
        share says, in an order drawn from experiment, stratum and number of the block. What a block
        rounds off, the next one makes up for, so an arm is never a whole block away from its share.
        """
        row = _row(tuple(self.arms.items()))
        lap, at = divmod(place, len(row))
        begin = at - at % _BLOCK[1]
        block = row[begin : begin + _BLOCK[1]]

        def drawn(one: int) -> bytes:
            told = f"{self.name}\x1f{stratum}\x1f{lap}\x1f{begin}\x1f{one}"
            return sha256(told.encode()).digest()

        return block[sorted(range(len(block)), key=drawn)[at - begin]]


@lru_cache(maxsize=64)
def _row(arms: tuple[tuple[str, float], ...]) -> tuple[str, ...]:
    """Arms in a row that repeats: always the one whose share is behind most."""
    counts = _largest_remainder(arms)
    step = gcd(*counts.values())
    counts = {arm: n // step for arm, n in counts.items()}
    total = sum(counts.values())
    if total < _BLOCK[0]:
        times = ceil(_BLOCK[0] / total)
        counts = {arm: n * times for arm, n in counts.items()}
        total *= times
    given = dict.fromkeys(counts, 0)
    row = []
    for place in range(1, total + 1):
        arm = max(counts, key=lambda one: counts[one] * place - given[one] * total)
        given[arm] += 1
        row.append(arm)
    return tuple(row)


def _largest_remainder(arms: tuple[tuple[str, float], ...]) -> dict[str, int]:
    """How many of a thousand leads; no arm goes without."""
    counts = {arm: max(1, floor(share * _ROUND + 1e-9)) for arm, share in arms}
    left = {arm: share * _ROUND - counts[arm] for arm, share in arms}
    while (missing := _ROUND - sum(counts.values())) != 0:
        pick = max if missing > 0 else min
        arm = pick(left, key=left.__getitem__)
        counts[arm] += 1 if missing > 0 else -1
        left[arm] += -1 if missing > 0 else 1
    return counts

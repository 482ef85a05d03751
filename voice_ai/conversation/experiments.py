"""Arms of an experiment: who hears which wording, by a hash that nothing can shift."""

from hashlib import sha256
from math import isclose

from pydantic import Field, field_validator

from voice_ai.conversation.written import Frozen, Name


class Experiment(Frozen):
    """`arms` are names with their shares of the leads."""

    name: Name
    arms: dict[Name, float] = Field(min_length=2)

    @field_validator("arms")
    @classmethod
    def whole(cls, arms: dict[str, float]) -> dict[str, float]:
        if any(share <= 0 for share in arms.values()):
            raise ValueError("every arm has a share above 0; leave an arm out that nobody hears")
        if not isclose(total := sum(arms.values()), 1, abs_tol=1e-6):
            raise ValueError(f"the shares of the arms add up to {total:g}; they must make 1")
        return arms

    def assign(self, key: str) -> str:
        """The arm of whoever `key` stands for: the same in every call, on every machine."""
        drawn = sha256(f"{self.name}\x1f{key}".encode()).digest()
        left = int.from_bytes(drawn[:8], "big") / 2**64
        for arm, share in self.arms.items():
            left -= share
            if left < 0:
                return arm
        return next(reversed(self.arms))  # what rounding left over

"""What is measured of a served version, and from where on it wants attention."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Name = Literal[
    "psi_score",
    "psi_labels",
    "psi_length",
    "label_shift",
    "unknown_words",
    "missing",
    "accuracy",
    "ece",
    "kappa",
]
NAMES: tuple[Name, ...] = get_args(Name)
Verdict = Literal["stable", "watch", "act", "too_few"]
# Worst last; "too few" says nothing of the model.
_ORDER: tuple[Verdict, ...] = ("too_few", "stable", "watch", "act")

# Fewer turns than this give a PSI that is mostly noise.
FEWEST = 1_000
FEWEST_MISSING = 200
FEWEST_LABELLED = 50
# Conventions, not mathematics: Siddiqi, Credit Risk Scorecards (2006), for the first pair.
PSI_LIMITS = (0.10, 0.25)
SHIFT_LIMITS = (0.10, 0.25)
MISSING_LIMITS = (0.01, 0.05)
UNKNOWN_LIMITS = (0.05, 0.15)  # share of words above the reference's
ECE_LIMITS = (0.05, 0.10)
ACCURACY_LIMITS = (0.0, 0.05)  # below the held-out accuracy
KAPPA_TRUSTED = 0.70
# What may end in the fallback: the mix of answers, not the manner of speaking.
DRIFT: tuple[Name, ...] = ("psi_score", "psi_labels")


@dataclass(frozen=True)
class Measure:
    """`value` None: it could not be computed. `low` to `high`: 95 %. `n`: turns it rests on."""

    name: Name
    value: float | None
    low: float | None
    high: float | None
    n: int
    verdict: Verdict
    detail: Mapping[str, Any] = field(default_factory=dict)


def graded(value: float, limits: tuple[float, float]) -> Verdict:
    """Below the first limit stable, up to and with the second watch, above it act."""
    watch, act = limits
    if value > act:
        return "act"
    return "watch" if value >= watch else "stable"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """`too_few` when there is nothing else."""
    return max(verdicts, key=_ORDER.index, default="too_few")

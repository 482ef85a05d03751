"""How many leads an experiment needs, before it begins.

Two shares, normal approximation with the pooled variance under "no difference": Fleiss, Levin and
Paik (2003), *Statistical Methods for Rates and Proportions*, 3rd ed., section 4.2, without the
continuity correction; the same as R's `power.prop.test`.
"""

import math
from statistics import NormalDist

import numpy as np

from voice_ai.errors import BadInput
from voice_ai.experiments.sequential import intervals

ALPHA = 0.05
POWER = 0.8
_NORMAL = NormalDist()


def needed(
    baseline: float, effect: float, alpha: float = ALPHA, power: float = POWER, arms: int = 2
) -> int:
    """Leads per arm for a test that looks once, at the end. `effect`: absolute difference; with
    more than two arms each is compared with the control at `alpha / (arms - 1)`.

    Raises BadInput for shares that cannot be.
    """
    other = _other(baseline, effect, alpha, power, arms)
    return math.ceil(_once(baseline, other, alpha / (arms - 1), power))


def needed_always_valid(
    baseline: float, effect: float, alpha: float = ALPHA, power: float = POWER, arms: int = 2
) -> int:
    """Leads per arm so that the interval that may be looked at every day leaves out 0 by then with
    chance `power`: what the freedom to look costs. It is found at the last look alone, so the real
    chance is a little higher. Raises BadInput."""
    other = _other(baseline, effect, alpha, power, arms)
    level = alpha / (arms - 1)
    spread = math.sqrt(baseline * (1 - baseline) + other * (1 - other))

    def short(n: float) -> bool:
        size = np.array([n])
        low, high, _ = intervals(size * other, size, size * baseline, size, level, abs(effect))
        half = float(high[0] - low[0]) / 2
        return abs(effect) - half < _NORMAL.inv_cdf(power) * spread / math.sqrt(n)

    least = most = math.ceil(_once(baseline, other, level, power))
    while short(most):
        most *= 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if short(middle) else (least, middle)
    return most


def _once(p0: float, p1: float, alpha: float, power: float) -> float:
    mean = (p0 + p1) / 2
    under_none = _NORMAL.inv_cdf(1 - alpha / 2) * math.sqrt(2 * mean * (1 - mean))
    under_some = _NORMAL.inv_cdf(power) * math.sqrt(p0 * (1 - p0) + p1 * (1 - p1))
    return ((under_none + under_some) / (p1 - p0)) ** 2


def _other(baseline: float, effect: float, alpha: float, power: float, arms: int) -> float:
    if not 0 < baseline < 1:
        raise BadInput("the baseline is a share between 0 and 1", field="baseline")
    if effect == 0 or not 0 < baseline + effect < 1:
        raise BadInput("baseline and effect together are a share between 0 and 1", field="effect")
    if not 0 < alpha < 1 or not 0 < power < 1 or arms < 2:
        raise BadInput("alpha and power lie between 0 and 1, arms are two or more", field="alpha")
    return baseline + effect

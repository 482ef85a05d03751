"""Did a rate jump between two days? Two shares compared, strictly, because many are looked at."""

import math
from dataclasses import dataclass

from pipelines.metrics.contract import THIN_BELOW, Metric

# Two-sided 0.1 %: of a thousand comparisons in which nothing happened, one is told.
Z_JUMP = 3.2905267314919255

JUMP = Metric(
    name="rate_jumps",
    title="Rates that jumped",
    unit="dial",
    numerator="Difference of a rate between two days",
    denominator="its standard error under one pooled rate (told from 3.29 on: 0.1 %, two-sided)",
    excludes="days on which the rate rests on fewer than twenty",
    chart="table",
    interval="none",
    source="pooled two-proportion z test (Fleiss, Levin, Paik 2003, §3.1)",
)
METRICS = (JUMP,)


@dataclass(frozen=True)
class Jump:
    """`difference`: now less before, in shares (-1 to 1); `z`: in standard errors."""

    difference: float
    z: float


def jump(k_now: int, n_now: int, k_before: int, n_before: int) -> Jump | None:
    """The jump from k_before of n_before to k_now of n_now; None: none, or too few to tell."""
    if min(n_now, n_before) < THIN_BELOW:
        return None
    pooled = (k_now + k_before) / (n_now + n_before)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n_now + 1 / n_before))
    if error == 0:
        return None
    difference = k_now / n_now - k_before / n_before
    z = difference / error
    return Jump(difference, z) if abs(z) >= Z_JUMP else None

"""The 95 % score interval of a share (Wilson 1927). Pure."""

import math

Z_95 = 1.959963984540054


def wilson(p: float, n: float) -> tuple[float, float]:
    """Bounds for a share `p` of `n` > 0 trials; inside 0 to 1, and around p.

    `n` may be an effective sample size, which need not be whole.
    """
    z2 = Z_95 * Z_95
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half))

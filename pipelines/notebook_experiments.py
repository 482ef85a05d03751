"""What the notebook on experiments tries out: what peeking costs, and a planted lift again."""

from math import exp, log, sqrt

import numpy as np
import polars as pl

from pipelines.analyses.experiments import Known
from pipelines.generate import planted
from pipelines.lake.read import Lake
from pipelines.metrics.intervals import Z_95
from voice_ai.experiments.sequential import MIXTURE, intervals, running

_RUNS = 2000
_TALKS = """
SELECT arm, sum(first_goal) AS goals, sum(first_conversed) AS talks FROM cube_outcomes
WHERE campaign_id = $campaign_id AND experiment = $experiment AND arm IS NOT NULL
GROUP BY arm ORDER BY arm
"""


def errors_by_look(
    rate: float = 0.12, leads_a_day: int = 200, looks: int = 30, seed: int = 7
) -> pl.DataFrame:
    """look, test, wrong: of experiments whose arms are the same, the share that was called a winner
    by that day, where somebody looks every evening and stops at the first sight of one."""
    dice = np.random.default_rng(seed)
    k1, k0 = (
        dice.binomial(leads_a_day, rate, (_RUNS, looks)).cumsum(1).astype(np.float64)
        for _ in range(2)
    )
    n = np.broadcast_to(leads_a_day * np.arange(1.0, looks + 1), k1.shape)
    pooled = np.maximum((k1 + k0) / (2 * n), 0.5 / n)
    z = np.abs(k1 - k0) / n / np.sqrt(pooled * (1 - pooled) * 2 / n)
    low, high, _ = running(*intervals(k1, n, k0, n, mixture=MIXTURE))
    wrong = {"z-test": z > Z_95, "always valid": (low > 0) | (high < 0)}
    parts = [
        pl.DataFrame(
            {
                "look": range(1, looks + 1),
                "test": [test] * looks,
                "wrong": np.maximum.accumulate(refused, axis=1).mean(axis=0),
            }
        )
        for test, refused in wrong.items()
    ]
    return pl.concat(parts)


def lift_per_talk(history: Lake, known: Known) -> pl.DataFrame:
    """arm, goals, talks, lift, low, high, planted, found: goals per lead that was talked with, as
    many times the control's, with its 95 % interval for one look (Katz et al. 1978, on the log
    scale); null where an arm has no goal. `planted`: what a generated history was made with."""
    rows = history.sql(
        _TALKS, {"campaign_id": known.campaign_id, "experiment": known.name}
    ).to_dicts()
    made_with = dict(planted.EXPERIMENTS.values()).get(known.name)
    base = next((row for row in rows if row["arm"] == known.control), None)
    found = []
    for row in rows:
        if base is None or row is base:
            continue
        lift = _lift(row["goals"], row["talks"], base["goals"], base["talks"])
        held = None if lift is None or made_with is None else lift[1] <= made_with <= lift[2]
        middle, low, high = lift or (None, None, None)
        found.append((row["arm"], row["goals"], row["talks"], middle, low, high, made_with, held))
    schema = {
        "arm": pl.String, "goals": pl.Int64, "talks": pl.Int64, "lift": pl.Float64,
        "low": pl.Float64, "high": pl.Float64, "planted": pl.Float64, "found": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(found, schema=schema, orient="row")


def _lift(k1: int, n1: int, k0: int, n0: int) -> tuple[float, float, float] | None:
    if k1 == 0 or k0 == 0:
        return None
    middle = log((k1 / n1) / (k0 / n0))
    half = Z_95 * sqrt(1 / k1 - 1 / n1 + 1 / k0 - 1 / n0)
    return exp(middle), exp(middle - half), exp(middle + half)

"""How calls were judged by the scorecard: mean score, and failed gates on a control chart."""

import polars as pl

from pipelines.metrics.contract import Metric
from pipelines.metrics.definitions import THIN_BELOW
from pipelines.metrics.intervals import with_rates
from voice_ai.intervals import Z_95


def qa_counts(attempts: pl.DataFrame) -> pl.DataFrame:
    """day, judged (a gate was judged), failed (one of them did not hold), scored, total_sum and
    total2_sum (of scores from 0 to 100): of the lake's attempts, by the called person's day."""
    judged, total = pl.col("qa_passed").is_not_null(), pl.col("qa_total")
    return (
        attempts.filter(judged | total.is_not_null())
        .group_by(day=pl.coalesce("local_day", pl.col("intended_at").dt.date()))
        .agg(
            judged=judged.sum().cast(pl.Int64),
            failed=(~pl.col("qa_passed")).sum().cast(pl.Int64),
            scored=total.is_not_null().sum().cast(pl.Int64),
            total_sum=total.sum(),
            total2_sum=(total * total).sum(),
        )
        .sort("day")
    )


def control_chart(counts: pl.DataFrame) -> pl.DataFrame:
    """day, k, n, rate, low, high, thin, centre, lower, upper, out; days with a judged call.

    A p-chart: centre p̄ = all failed ÷ all judged, limits p̄ ± 3 √(p̄(1 − p̄) ÷ n) of the day's own n,
    kept between 0 and 1 (W. A. Shewhart; NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.3.2).
    `out`: outside of them. A day with fewer than twenty judged calls is thin and never out.
    """
    days = with_rates(
        counts.filter(pl.col("judged") > 0).select("day", k="failed", n="judged"), "k"
    )
    centre = pl.col("k").sum() / pl.col("n").sum()
    half = 3 * (pl.col("centre") * (1 - pl.col("centre")) / pl.col("n")).sqrt()
    limits = days.with_columns(centre=centre).with_columns(
        lower=pl.max_horizontal(pl.lit(0.0), pl.col("centre") - half),
        upper=pl.min_horizontal(pl.lit(1.0), pl.col("centre") + half),
    )
    outside = (pl.col("rate") < pl.col("lower")) | (pl.col("rate") > pl.col("upper"))
    return limits.with_columns(out=outside & ~pl.col("thin")).sort("day")


def by_week(counts: pl.DataFrame) -> pl.DataFrame:
    """The same sums by the Monday that a day's week begins with, for where days are thin."""
    return counts.group_by(pl.col("day").dt.truncate("1w")).agg(pl.exclude("day").sum()).sort("day")


def fit_for_a_chart(counts: pl.DataFrame) -> pl.DataFrame:
    """By day where at least half of the days have enough judged calls, else by week."""
    days = counts.filter(pl.col("judged") > 0)
    enough = days.filter(pl.col("judged") >= THIN_BELOW).height
    return counts if 2 * enough >= days.height else by_week(counts)


def mean_score(counts: pl.DataFrame) -> pl.DataFrame:
    """n, value, low, high, thin: mean score of 0 to 100 with its 95 % interval. One row."""
    n = pl.col("n").cast(pl.Float64)
    mean = pl.when(n > 0).then(pl.col("s") / n)
    spread = pl.max_horizontal(pl.col("q") / n - mean**2, pl.lit(0.0))
    half = pl.when(n > 1).then(Z_95 * (spread / (n - 1)).sqrt())
    return (
        counts.select(
            n=pl.col("scored").sum(), s=pl.col("total_sum").sum(), q=pl.col("total2_sum").sum()
        )
        .select("n", value=mean, low=mean - half, high=mean + half)
        .with_columns(thin=pl.col("n") < THIN_BELOW)
    )


GATE_FAILURES = Metric(
    name="gate_failures_per_judged_call",
    title="Failed a gate per judged call",
    unit="call",
    numerator="Calls that failed a gate of the scorecard",
    denominator="calls of which a gate was judged",
    better="fewer",
    chart="control chart",
    source="p-chart: W. A. Shewhart; NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.3.2",
)
SCORE = Metric(
    name="qa_score_per_scored_call",
    title="Scorecard",
    unit="call",
    numerator="Points from 0 to 100",
    denominator="calls of which an item was judged",
    better="more",
    interval="normal",
    chart="line",
)
METRICS = (GATE_FAILURES, SCORE)

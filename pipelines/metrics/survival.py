"""How long until a person picks up: Kaplan-Meier over the number of the dial, and over hours.

Kaplan and Meier 1958; the standard error is Greenwood's (1926); the interval is that of the log-log
transform, which stays between 0 and 1 (Kalbfleisch and Prentice, The Statistical Analysis of
Failure Time Data, 2nd ed., section 1.4).
"""

from collections.abc import Sequence

import polars as pl

from pipelines.metrics.contract import THIN_BELOW, Metric
from voice_ai.intervals import Z_95

_CENSORED = (
    "a lead counts until it is picked up; one that nobody picked up counts up to its newest dial, "
    "whether it is still called or not (so later dials are taken to be like those of leads that "
    "got them)"
)
CONTACT_BY_DIAL = Metric(
    name="contacted_leads_by_dial",
    title="Leads reached, by number of the dial",
    unit="lead",
    numerator="Leads that a person picked up by their k-th dial (Kaplan-Meier)",
    denominator="leads dialed at least once; at each dial, those nobody had picked up before it",
    excludes=_CENSORED,
    chart="step curve",
    interval="greenwood",
    better="more",
    source="Kaplan and Meier 1958; Greenwood 1926; log-log interval",
)
CONTACT_BY_HOUR = Metric(
    name="contacted_leads_by_hours_since_load",
    title="Leads reached, by time since they were loaded",
    unit="lead",
    numerator="Leads that a person picked up within so many hours of loading (Kaplan-Meier)",
    denominator="leads dialed at least once",
    excludes=f"{_CENSORED}; single hours for three days, then whole days",
    chart="step curve",
    interval="greenwood",
    better="more",
    source="Kaplan and Meier 1958; Greenwood 1926; log-log interval",
)
METRICS = (CONTACT_BY_DIAL, CONTACT_BY_HOUR)


def kaplan_meier(risk: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """From `time`, `events` and `at_risk`, a row per time and group: survival (nobody picked up
    yet) with its Greenwood standard error `se`, low and high; `reached` is 1 less survival, with
    `reached_low` and `reached_high`; `thin` where fewer than twenty were at risk.

    Where everybody was reached the interval is null: the transform has none.
    """
    left = pl.col("at_risk") - pl.col("events")
    step = pl.when(pl.col("at_risk") > 0).then(left / pl.col("at_risk"))
    part = pl.when(left > 0).then(pl.col("events") / (pl.col("at_risk") * left))
    known = risk.filter(pl.col("at_risk") > 0).sort(*by, "time")
    survival, spread = step.cum_prod(), part.cum_sum()
    curve = known.with_columns(
        survival=survival.over(by) if by else survival,
        spread=spread.over(by) if by else spread,
    )
    inside = (pl.col("survival") > 0) & (pl.col("survival") < 1)
    log = pl.col("survival").log()
    half = Z_95 * pl.col("spread").sqrt() / log.abs()
    return (
        curve.with_columns(
            se=pl.when(pl.col("survival") > 0).then(pl.col("survival") * pl.col("spread").sqrt()),
            low=pl.when(inside).then((log * half.exp()).exp()),
            high=pl.when(inside).then((log * (-half).exp()).exp()),
            thin=pl.col("at_risk") < THIN_BELOW,
        )
        .with_columns(
            reached=1 - pl.col("survival"),
            reached_low=1 - pl.col("high"),
            reached_high=1 - pl.col("low"),
        )
        .drop("spread")
    )


def risk_sets(exits: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """From `time`, `events` and `censored` (how many left then, with and without the event), any
    number of rows per time: time, events and `at_risk`, those who had not left before."""
    left = pl.col("events") + pl.col("censored")
    sums = exits.group_by(*by, "time").agg(pl.col("events", "censored").sum()).filter(left > 0)
    ordered = sums.sort(*by, "time", descending=[False] * len(by) + [True])
    at_risk = left.cum_sum().over(by) if by else left.cum_sum()
    return ordered.with_columns(at_risk=at_risk).drop("censored").sort(*by, "time")


def half_reached(curve: pl.DataFrame) -> float | None:
    """The first time by which half of the leads were reached; None: they were not."""
    found = curve.filter(pl.col("survival") <= 0.5)["time"]
    return None if found.is_empty() else float(found[0])

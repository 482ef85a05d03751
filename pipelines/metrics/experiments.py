"""What an experiment shows so far: leads by the arm they were given, whatever came of it."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from pipelines.metrics.contract import Metric
from pipelines.metrics.intervals import with_rates
from voice_ai.experiments.sequential import intervals, running
from voice_ai.experiments.verdict import Arm, Rules, Verdict, judge

GOALS_PER_ASSIGNED_LEAD = Metric(
    name="goals_per_assigned_lead",
    title="Goals per assigned lead",
    unit="lead",
    numerator="Leads of the arm that reached the goal in any call",
    denominator="leads that were given the arm (intention to treat)",
    chart="line",
    better="more",
)
DIFFERENCE = Metric(
    name="goals_per_assigned_lead_difference",
    title="Difference to the control",
    unit="lead",
    numerator="Goals per assigned lead of the arm less those of the control",
    denominator="1: it is a difference of two shares",
    excludes="days before both arms have twenty leads",
    chart="line",
    interval="always valid",
    better="more",
    source="mixture sequential test, Robbins 1970; Johari, Koomen, Pekelis and Walsh 2022",
)
OPT_OUTS_PER_ASSIGNED_LEAD = Metric(
    name="opt_outs_per_assigned_lead",
    title="Opt-outs per assigned lead",
    unit="lead",
    numerator="Calls of the arm's leads in which they asked not to be called again",
    denominator="leads that were given the arm",
    better="fewer",
)
HANG_UPS_PER_ASSIGNED_LEAD = Metric(
    name="hang_ups_per_assigned_lead",
    title="Early hang-ups per assigned lead",
    unit="lead",
    numerator="Leads of the arm that hung up early, or heard no agent, when they first picked up",
    denominator="leads that were given the arm",
    excludes="later calls of the same lead",
    better="fewer",
)
METRICS = (
    GOALS_PER_ASSIGNED_LEAD,
    DIFFERENCE,
    OPT_OUTS_PER_ASSIGNED_LEAD,
    HANG_UPS_PER_ASSIGNED_LEAD,
)
COUNTS = ("leads", "goals", "opt_outs", "hang_ups")


@dataclass(frozen=True)
class ReadOut:
    """`arms`: arm, share, COUNTS, n, rate, low, high, thin (Wilson, for one look). `course`: arm,
    day, k, n, value, low, high, p; a row for each arm but the control and day, as it stood that
    evening, each knowing the days before."""

    control: str
    arms: pl.DataFrame
    course: pl.DataFrame
    verdict: Verdict

    @property
    def leads(self) -> int:
        return int(self.arms["leads"].sum())


def read_out(days: pl.DataFrame, shares: dict[str, float], control: str, rules: Rules) -> ReadOut:
    """`days`: arm, day and COUNTS of that day; `shares` as planned, by arm."""
    sums = days.group_by("arm").agg(pl.col(COUNTS).sum())
    planned = pl.DataFrame(
        {"arm": list(shares), "share": list(shares.values())},
        schema={"arm": pl.String, "share": pl.Float64},
    )
    arms = planned.join(sums, on="arm", how="left", maintain_order="left").with_columns(
        pl.col(COUNTS).fill_null(0)
    )
    arms = with_rates(arms.with_columns(n=pl.col("leads")), "goals")
    told = {row["arm"]: _arm(row) for row in arms.iter_rows(named=True)}
    others = tuple(arm for name, arm in told.items() if name != control)
    return ReadOut(
        control,
        arms,
        _course(days, control, list(told), rules),
        judge(told[control], others, rules),
    )


def days_left(read: ReadOut, planned: int | None, course_days: int) -> float | None:
    """Days until the smallest arm has as many leads as planned, at the mean pace so far; None where
    there is no plan or no pace, 0 when it is there."""
    least = int(read.arms["leads"].min() or 0)  # type: ignore[arg-type]
    if planned is None or course_days == 0 or least == 0:
        return None
    return max(0.0, (planned - least) / (least / course_days))


def _arm(row: dict[str, Any]) -> Arm:
    return Arm(
        row["arm"], row["share"], row["leads"], row["goals"], row["opt_outs"], row["hang_ups"]
    )


def _course(days: pl.DataFrame, control: str, arms: list[str], rules: Rules) -> pl.DataFrame:
    """Sums at the end of each day against the control's, at the level that each comparison has."""
    schema = {"arm": pl.String, "day": pl.Date, "k": pl.Int64, "n": pl.Int64} | dict.fromkeys(
        ("value", "low", "high", "p"), pl.Float64
    )
    every = sorted(set(days["day"].to_list()))
    others = [arm for arm in arms if arm != control]
    parts = [pl.DataFrame(schema=schema)]
    base = _so_far(days, control, every)
    for arm in others:
        own = _so_far(days, arm, every)
        k1, n1, k0, n0 = (
            frame[column].to_numpy().astype(float)
            for frame in (own, base)
            for column in ("goals", "leads")
        )
        level = rules.alpha / len(others)
        low, high, p = running(*intervals(k1, n1, k0, n0, level, rules.effect))
        with np.errstate(divide="ignore", invalid="ignore"):
            value = k1 / n1 - k0 / n0
        parts.append(
            own.select(
                arm=pl.lit(arm),
                day="day",
                k="goals",
                n="leads",
                value=pl.Series(value).fill_nan(None),
                low=pl.Series(low),
                high=pl.Series(high),
                p=pl.Series(p),
            ).filter(pl.Series(np.minimum(n1, n0) >= 20))
        )
    return pl.concat([part.cast(schema) for part in parts])  # type: ignore[arg-type]


def _so_far(days: pl.DataFrame, arm: str, every: list[date]) -> pl.DataFrame:
    """day, leads, goals: sums until the end of each day."""
    whole = pl.DataFrame({"day": every}, schema={"day": pl.Date})
    own = days.filter(pl.col("arm") == arm).group_by("day").agg(pl.col("leads", "goals").sum())
    joined = whole.join(own, on="day", how="left").sort("day").fill_null(0)
    return joined.with_columns(pl.col("leads", "goals").cum_sum())

"""What the dials of a lead bring, one after the other: by attempt, cohorts, penetration, passes."""

import polars as pl

from pipelines.metrics.contract import Metric
from pipelines.metrics.intervals import with_rates

COHORT_DIALS = 6
_LOADED = "days choose leads by the day (UTC) on which they were loaded"

HUMANS_PER_DIAL_BY_ATTEMPT = Metric(
    name="humans_per_dial_by_attempt",
    title="Contact and conversion, by number of the dial",
    unit="dial",
    numerator="k-th dials that a person picked up; of those, dials that reached the goal",
    denominator="k-th dials of a lead; dials that a person picked up",
    excludes=f"attempts that never reached the carrier; {_LOADED}",
    better="more",
)
GOALS_PER_DIALED_LEAD_BY_COHORT = Metric(
    name="goal_leads_per_dialed_lead_by_cohort",
    title="Goals per lead dialed, by week of loading",
    unit="lead",
    numerator="Leads loaded in that week that reached the goal by their k-th dial",
    denominator="leads loaded in that week and dialed at least once",
    excludes="weeks whose leads have not had a k-th dial yet",
    chart="triangle",
    better="more",
)
DIALED_PER_ELIGIBLE_LEAD = Metric(
    name="dialed_leads_per_eligible_lead",
    title="How much of the lists was dialed",
    unit="lead",
    numerator="Leads dialed at least once by the end of that day",
    denominator="leads loaded by then and not shut out by the rules as they then stood",
    excludes="leads that the newest decision refused and that were never dialed",
    chart="area",
    better="more",
)
DIALS_PER_LEAD = Metric(
    name="dials_per_lead",
    title="Dials per lead",
    unit="lead",
    numerator="Leads with exactly so many dials",
    denominator="leads dialed at least once",
    excludes=_LOADED,
    chart="histogram",
)
LISTS_PASS = Metric(
    name="lists_pass",
    title="Passes through the lists",
    unit="dial",
    numerator="Contacts, conversations, goals and opt-outs of a list's k-th dials",
    denominator="the list's k-th dials",
    excludes=_LOADED,
    chart="table",
    source="the Lists Pass Report of VICIdial",
)
METRICS = (
    HUMANS_PER_DIAL_BY_ATTEMPT,
    GOALS_PER_DIALED_LEAD_BY_COHORT,
    DIALED_PER_ELIGIBLE_LEAD,
    DIALS_PER_LEAD,
    LISTS_PASS,
)
_RESULTS = ("human_answered", "conversed", "goal", "opted_out")


def by_attempt(paths: pl.DataFrame) -> pl.DataFrame:
    """From sums by `attempt`: a row per attempt and `what` (human: human_answered ÷ dials; goal:
    goal ÷ human_answered), with k, n and the rate's columns."""
    sums = paths.group_by("attempt").agg(pl.col("dials", "human_answered", "goal").sum())
    parts = [
        sums.select("attempt", what=pl.lit(what), k=pl.col(k), n=pl.col(n))
        for what, k, n in (("human", "human_answered", "dials"), ("goal", "goal", "human_answered"))
    ]
    return with_rates(pl.concat(parts), "k").sort("what", "attempt")


def cohorts(paths: pl.DataFrame, dials: int = COHORT_DIALS) -> pl.DataFrame:
    """From sums by `day` (of loading) and `attempt`: a row per `week` (its Monday) and attempt up
    to `dials`: first_goal (leads that reached the goal by then), n (leads dialed), with rates.
    A week is left out from the attempt on that none of its leads has had."""
    weekly = (
        paths.filter(pl.col("day").is_not_null())
        .group_by(week=pl.col("day").dt.truncate("1w"), attempt=pl.col("attempt"))
        .agg(pl.col("dials", "first_dial", "first_goal").sum())
        .sort("week", "attempt")
    )
    so_far = weekly.with_columns(
        pl.col("first_goal").cum_sum().over("week"), n=pl.col("first_dial").sum().over("week")
    )
    kept = so_far.filter((pl.col("attempt") <= dials) & (pl.col("dials") > 0))
    return with_rates(kept.drop("first_dial", "dials"), "first_goal")


def dials_per_lead(paths: pl.DataFrame) -> pl.DataFrame:
    """From sums by `attempt`: `dials`, leads with exactly so many, n and their share of all. A lead
    has one k-th dial, so those with exactly k are the k-th dials less the next ones."""
    sums = paths.group_by("attempt").agg(pl.col("dials").sum()).sort("attempt")
    leads = pl.col("dials") - pl.col("dials").shift(-1, fill_value=0)
    exact = sums.select(dials="attempt", leads=leads)
    return with_rates(exact.with_columns(n=pl.col("leads").sum()), "leads")


def passes(paths: pl.DataFrame) -> pl.DataFrame:
    """From sums by `list` and `attempt`: a row per list and attempt with its dials, results and
    `<result>_rate` of each (null where nothing was dialed)."""
    sums = paths.group_by("list", "attempt").agg(pl.col("dials", *_RESULTS, "first_goal").sum())
    found = sums.sort("list", "attempt", nulls_last=True)
    for result in _RESULTS:
        rates = with_rates(found.select(n="dials", k=result), "k")["rate"]
        found = found.with_columns(rates.alias(f"{result}_rate"))
    return found


def penetration(loaded: pl.DataFrame, dialed: pl.DataFrame, shut: pl.DataFrame) -> pl.DataFrame:
    """From counts by `day` (`leads` loaded, first dialed, newly shut out less let in again): a row
    per day from the first to the last: loaded, dialed, shut_out and n (eligible), all so far, and
    dialed per eligible lead."""
    parts = [
        frame.select("day", pl.col("leads").cast(pl.Int64).alias(name))
        for name, frame in (("loaded", loaded), ("dialed", dialed), ("shut_out", shut))
    ]
    whole = pl.concat(parts, how="diagonal").drop_nulls("day")
    if whole.is_empty():
        return with_rates(pl.DataFrame(schema=_PENETRATION), "dialed")
    sums = whole.group_by("day").agg(pl.col("loaded", "dialed", "shut_out").sum())
    days = sums.select(pl.date_range(pl.col("day").min(), pl.col("day").max()))
    filled = days.join(sums, on="day", how="left").fill_null(0).sort("day")
    so_far = filled.with_columns(pl.col("loaded", "dialed", "shut_out").cum_sum())
    # Whoever was dialed was eligible, whatever was decided later.
    eligible = pl.max_horizontal("dialed", pl.col("loaded") - pl.col("shut_out"))
    return with_rates(so_far.with_columns(n=eligible), "dialed")


_PENETRATION = {
    "day": pl.Date, "loaded": pl.Int64, "dialed": pl.Int64, "shut_out": pl.Int64, "n": pl.Int64,
}  # fmt: skip

"""Why leads are not called: the ledger's last word on each lead, by reason.

A *standing* is what is known of the refused: reasons (joined by +, in order), leads, never_dialed;
from the rows of a campaign here, from the lake's cube of that name elsewhere.
"""

import polars as pl

from pipelines.metrics.funnel import latest_decisions
from pipelines.metrics.intervals import with_rates


def standing_counts(
    leads: pl.DataFrame, attempts: pl.DataFrame, decisions: pl.DataFrame
) -> pl.DataFrame:
    """reasons, leads, never_dialed: leads whose latest decision is a refusal. Each counts once."""
    dialed = attempts.filter(pl.col("reached_carrier")).select("lead_id").unique()
    refused = (
        latest_decisions(decisions)
        .filter(~pl.col("allow"))
        .join(leads.select("lead_id"), on="lead_id", how="semi")
        .join(dialed.with_columns(dialed=pl.lit(value=True)), on="lead_id", how="left")
    )
    return refused.group_by(pl.col("reasons").list.unique().list.sort().list.join("+")).agg(
        leads=pl.len().cast(pl.Int64),
        never_dialed=pl.col("dialed").null_count().cast(pl.Int64),
    )


def refusal_counts(standing: pl.DataFrame) -> pl.DataFrame:
    """reason, leads, never_dialed. A lead with several reasons counts under each of them."""
    single = standing.with_columns(reason=pl.col("reasons").str.split("+")).explode("reason")
    return (
        single.filter(pl.col("reason") != "")
        .group_by("reason")
        .agg(pl.col("leads", "never_dialed").sum())
    )


def blocked(standing: pl.DataFrame, leads: int) -> pl.DataFrame:
    """The way from all leads to the eligible ones: code (reasons; `leads` and `eligible` at the
    ends), leads taken away, before (left until then), n, rate, low, high, thin; most first.

    Only leads that were never dialed are taken away, as the funnel has it.
    """
    taken = (
        standing.filter(pl.col("never_dialed") > 0)
        .select(code="reasons", leads=pl.col("never_dialed").cast(pl.Int64))
        .sort("leads", "code", descending=[True, False])
    )
    left = leads - int(taken["leads"].sum())
    ends = (
        pl.DataFrame({"code": [code], "leads": [n]})
        for code, n in (("leads", leads), ("eligible", left))
    )
    first, last = ends
    steps = pl.concat([first, taken, last])
    before = [leads, *(leads - taken["leads"].cum_sum().shift(1, fill_value=0)), left]
    sized = steps.with_columns(before=pl.Series(before, dtype=pl.Int64), n=pl.lit(leads, pl.Int64))
    return with_rates(sized, "leads")


def refusals(counts: pl.DataFrame, leads: int) -> pl.DataFrame:
    """reason, leads, never_dialed, n (leads of the campaign), rate, low, high; most first."""
    sized = counts.with_columns(n=pl.lit(leads, dtype=pl.Int64))
    return with_rates(sized.sort("leads", "reason", descending=[True, False]), "leads")

"""Why leads are not called: the ledger's last word on each lead, by reason."""

import polars as pl

from pipelines.metrics.funnel import latest_decisions
from pipelines.metrics.intervals import with_rates


def refusal_counts(
    leads: pl.DataFrame, attempts: pl.DataFrame, decisions: pl.DataFrame
) -> pl.DataFrame:
    """reason, leads, never_dialed. A lead with several reasons counts under each of them."""
    dialed = attempts.filter(pl.col("reached_carrier")).select("lead_id").unique()
    refused = (
        latest_decisions(decisions)
        .filter(~pl.col("allow"))
        .join(leads.select("lead_id"), on="lead_id", how="semi")
        .join(dialed.with_columns(dialed=pl.lit(value=True)), on="lead_id", how="left")
    )
    return (
        refused.explode("reasons", empty_as_null=False, keep_nulls=False)
        .group_by(reason="reasons")
        .agg(
            leads=pl.col("lead_id").n_unique().cast(pl.Int64),
            never_dialed=pl.col("lead_id")
            .filter(pl.col("dialed").is_null())
            .n_unique()
            .cast(pl.Int64),
        )
    )


def refusals(counts: pl.DataFrame, leads: int) -> pl.DataFrame:
    """reason, leads, never_dialed, n (leads of the campaign), rate, low, high; most first."""
    sized = counts.with_columns(n=pl.lit(leads, dtype=pl.Int64))
    return with_rates(sized.sort("leads", "reason", descending=[True, False]), "leads")

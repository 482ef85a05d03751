"""How far leads came: loaded, eligible, dialed, answered, human, conversed, goal."""

import polars as pl

from pipelines.metrics.intervals import with_rates

STAGES = ("leads", "eligible", "dialed", "answered", "human", "conversed", "goal")
_FLAGS = {
    "dialed": "reached_carrier",
    "answered": "answered",
    "human": "human_answered",
    "conversed": "conversed",
    "goal": "goal",
}


def latest_decisions(decisions: pl.DataFrame) -> pl.DataFrame:
    """The ledger's last word on each lead."""
    return decisions.sort("decision_id").group_by("lead_id").last()


def funnel_counts(
    leads: pl.DataFrame, attempts: pl.DataFrame, decisions: pl.DataFrame
) -> dict[str, int]:
    """Unique leads per stage. Eligible: dialed, or not refused by the latest decision (the rules
    are asked just before a dial, so a lead that waits its turn is eligible)."""
    reached = {
        stage: attempts.filter(pl.col(flag)).select("lead_id").unique()
        for stage, flag in _FLAGS.items()
    }
    refused = latest_decisions(decisions).filter(~pl.col("allow"))
    shut_out = refused.join(reached["dialed"], on="lead_id", how="anti").join(
        leads, on="lead_id", how="semi"
    )
    counts = {stage: frame.height for stage, frame in reached.items()}
    return {"leads": leads.height, "eligible": leads.height - shut_out.height, **counts}


def funnel(counts: dict[str, int]) -> pl.DataFrame:
    """stage, leads, n (leads of the step before), rate of that step with its interval, and
    `of_all`, the share of the whole list."""
    reached = [counts[stage] for stage in STAGES]
    frame = pl.DataFrame(
        {"stage": list(STAGES), "leads": reached, "n": [reached[0], *reached[:-1]]},
        schema={"stage": pl.String, "leads": pl.Int64, "n": pl.Int64},
    )
    return with_rates(frame, "leads").with_columns(
        of_all=pl.when(pl.lit(reached[0] > 0)).then(pl.col("leads") / max(reached[0], 1))
    )

"""How far leads came: loaded, eligible, dialed, answered, human, right party, conversed, goal; and
why the others did not.
"""

import polars as pl

from pipelines.metrics.intervals import with_rates

STAGES = (
    "leads",
    "eligible",
    "dialed",
    "answered",
    "human",
    "right_party",
    "conversed",
    "goal",
)
# What a step is out of, where it is not the one before: the wrong person may converse too.
_OUT_OF = {"conversed": "human"}
FLAGS = {
    "dialed": "reached_carrier",
    "answered": "answered",
    "human": "human_answered",
    "right_party": "right_party",
    "conversed": "conversed",
    "goal": "goal",
}
# The dials that a step loses: of those with the first flag, all that lack the second.
_LOST = {
    "answered": ("reached_carrier", "answered"),
    "human": ("answered", "human_answered"),
    "conversed": ("human_answered", "conversed"),
    "goal": ("conversed", "goal"),
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
        for stage, flag in FLAGS.items()
    }
    refused = latest_decisions(decisions).filter(~pl.col("allow"))
    shut_out = refused.join(reached["dialed"], on="lead_id", how="anti").join(
        leads, on="lead_id", how="semi"
    )
    counts = {stage: frame.height for stage, frame in reached.items()}
    return {"leads": leads.height, "eligible": leads.height - shut_out.height, **counts}


def funnel(counts: dict[str, int]) -> pl.DataFrame:
    """stage, leads, n (leads of the step that it is out of), rate of that step with its interval,
    and `of_all`, the share of the whole list. A stage without a count is left out."""
    stages = [stage for stage in STAGES if stage in counts]
    reached = [counts[stage] for stage in stages]
    before = dict(zip(stages, [stages[0], *stages[:-1]], strict=True)) | _OUT_OF
    frame = pl.DataFrame(
        {"stage": stages, "leads": reached, "n": [counts[before[stage]] for stage in stages]},
        schema={"stage": pl.String, "leads": pl.Int64, "n": pl.Int64},
    )
    return with_rates(frame, "leads").with_columns(
        of_all=pl.when(pl.lit(reached[0] > 0)).then(pl.col("leads") / max(reached[0], 1))
    )


def outcome_counts(attempts: pl.DataFrame) -> pl.DataFrame:
    """disposition, end_reason, and how many dials with them have each flag of `_LOST`."""
    flags = dict.fromkeys(flag for pair in _LOST.values() for flag in pair)
    return attempts.group_by("disposition", "end_reason").agg(
        pl.col(flag).sum().cast(pl.Int64) for flag in flags
    )


def drop_off(counts: pl.DataFrame) -> pl.DataFrame:
    """stage (the step that was not taken), disposition, end_reason, dials lost, n (all dials lost
    at that step), rate, low, high, thin; the most first. From the columns of `outcome_counts`.

    Of dials, not of leads: a lead that was dialed three times fell out in three ways.
    """
    parts = [
        counts.select(
            "disposition",
            "end_reason",
            stage=pl.lit(stage),
            dials=(pl.col(got) - pl.col(lacks)).cast(pl.Int64),
        ).filter(pl.col("dials") > 0)
        for stage, (got, lacks) in _LOST.items()
    ]
    lost = pl.concat(parts).with_columns(n=pl.col("dials").sum().over("stage"))
    place = pl.col("stage").replace_strict(
        {stage: place for place, stage in enumerate(_LOST)}, return_dtype=pl.Int64
    )
    ordered = lost.sort(
        place, -pl.col("dials"), "disposition", "end_reason", nulls_last=True
    ).select("stage", "disposition", "end_reason", "dials", "n")
    return with_rates(ordered, "dials")

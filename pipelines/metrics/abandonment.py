"""Calls that a person answered and heard nothing of ours in time: the rule's share, and Ofcom's.

The rule itself is `voice_ai.pacing.abandonment`, by which a campaign is throttled and paused.
"""

from datetime import timedelta

import polars as pl

from pipelines.metrics.contract import Metric
from pipelines.metrics.intervals import with_rates
from voice_ai.pacing.abandonment import LATE_MS, PERIOD

MOST = 0.03  # of a campaign's human-answered calls in 30 days
# SQL for DuckDB and polars, of an attempt that a person answered; the pacing's own words
# (voice_ai/sql/pacing.sql, `answers`), where `abandoned` is: no turn of ours was heard.
NEVER = "disposition = 'abandoned'"
LATE = f"coalesce(first_audio_ms > {LATE_MS}, false)"
UNMEASURED = f"first_audio_ms IS NULL AND coalesce(NOT ({NEVER}), true)"
_SUMS = ("human", "abandoned", "never", "unmeasured", "machines")


def abandonment_counts(attempts: pl.DataFrame) -> pl.DataFrame:
    """campaign_id, day, human (a person answered), abandoned (heard nothing of ours within two
    seconds), never (of these: nothing at all), unmeasured (nobody knows when they heard us; they
    count as not abandoned), machines: of the lake's attempts, by the called person's day."""
    human = pl.col("human_answered")
    never, late = (pl.sql_expr(rule).fill_null(value=False) for rule in (NEVER, LATE))
    return (
        attempts.filter(human | pl.col("machine"))
        .group_by("campaign_id", day=pl.coalesce("local_day", pl.col("intended_at").dt.date()))
        .agg(
            human=human.sum().cast(pl.Int64),
            abandoned=(human & (never | late)).sum().cast(pl.Int64),
            never=(human & never).sum().cast(pl.Int64),
            unmeasured=(human & pl.sql_expr(UNMEASURED)).sum().cast(pl.Int64),
            machines=pl.col("machine").sum().cast(pl.Int64),
        )
        .sort("campaign_id", "day")
    )


def abandoned_share(counts: pl.DataFrame) -> pl.DataFrame:
    """k, n, rate, low, high, thin, never, unmeasured: over all rows. One row."""
    sums = counts.select(pl.col(_SUMS).sum())
    return with_rates(sums.with_columns(k=pl.col("abandoned"), n=pl.col("human")), "k")


def rolling(counts: pl.DataFrame) -> pl.DataFrame:
    """campaign_id, day, k, n, rate, low, high, thin, over: the 30 days up to and with each day,
    from each campaign's first to its last. `over`: more than the rule's 3 %.

    Days are the called person's; the pacing counts the same calls to the second.
    """
    if counts.is_empty():
        return with_rates(
            counts.select("campaign_id", "day", k="abandoned", n="human"), "k"
        ).with_columns(over=pl.col("rate") > MOST)
    added = counts.group_by("campaign_id", "day").agg(pl.col("abandoned", "human").sum())
    spans = added.group_by("campaign_id").agg(
        day=pl.date_ranges(pl.col("day").min(), pl.col("day").max()).first()
    )
    days = spans.explode("day").join(added, on=["campaign_id", "day"], how="left")
    last = days.fill_null(0).sort("campaign_id", "day")
    sums = last.with_columns(
        k=pl.col("abandoned").rolling_sum_by("day", PERIOD).over("campaign_id"),
        n=pl.col("human").rolling_sum_by("day", PERIOD).over("campaign_id"),
    )
    rates = with_rates(sums.select("campaign_id", "day", "k", "n"), "k")
    return rates.with_columns(over=pl.col("rate") > MOST)


def worst(rolled: pl.DataFrame) -> pl.DataFrame:
    """Each campaign's last row of `rolling`, the highest share first."""
    last = rolled.sort("day").group_by("campaign_id", maintain_order=True).last()
    return last.sort("rate", "campaign_id", descending=[True, False], nulls_last=True)


def ofcom_rate(drops: int, live: int, machines: int) -> float | None:
    """Ofcom's abandoned call rate of 2015, which estimates how many drops were machines.

    `drops`: calls dropped before anybody knew who had answered; `live` and `machines`: calls that
    the agent answered. drops × (1 − machines ÷ (live + machines)) ÷ (live + that). Source: Ofcom,
    review of how we use our persistent misuse powers, annex 5 (December 2015), by its worked
    example (29, 9, 7: 64.44 %). None where there is nothing to divide by.
    """
    if live + machines == 0:
        return None
    people = drops * (1 - machines / (live + machines))
    return people / (live + people) if live + people else None


ABANDONED = Metric(
    name="abandoned_per_human_answered",
    title="Abandoned per human answered",
    unit="call",
    numerator=f"Calls whose first audio of ours came later than {LATE_MS / 1000:.0f} s after the "
    "answer, or never",
    denominator="calls that a person answered",
    excludes="machines. Calls of which nobody knows when they heard us count as not abandoned and "
    "are stated beside it",
    better="fewer",
    chart="gauge",
    source=f"16 CFR 310.4(b)(4), 47 CFR 64.1200(a)(7): at most {MOST:.0%} of a campaign's in "
    f"{PERIOD // timedelta(days=1)} days",
)
OFCOM = Metric(
    name="ofcom_abandoned_rate",
    title="Abandoned, by Ofcom's formula",
    unit="call",
    numerator="Abandoned calls less the share of them that is estimated to be machines",
    denominator="calls that a person answered and heard us in time, plus that",
    interval="none",
    better="fewer",
    chart="table",
    source="Ofcom, persistent misuse powers, annex 5 (December 2015)",
)
METRICS = (ABANDONED, OFCOM)

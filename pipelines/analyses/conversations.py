"""What happens inside calls, asked of the cubes: bounded answers however long the history is."""

from collections.abc import Mapping, Sequence

import polars as pl

from pipelines.lake.cube_list import CUBE_OF
from pipelines.lake.cubes_turns import WAIT_STEP_MS
from pipelines.lake.read import Lake
from pipelines.metrics import (
    abandonment,
    answering,
    conversations,
    latency,
    quality,
    script_nodes,
    steps,
)
from pipelines.metrics.conversations import QUANTITIES
from pipelines.metrics.latency import Latency, Percentile
from pipelines.metrics.slices import Slice
from voice_ai.qa.agreement import Agreement


def sums(
    lake: Lake,
    part: Slice,
    cube: str,
    *by: str,
    where: str = "true",
    values: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Every measure of a cube of this part of the history, added up by some of its dims; `where`
    narrows it further, with parameters of its own.

    One row without `by` (nulls where there is nothing), else a row for each group.
    """
    of = CUBE_OF[cube]
    condition, given = part.where()
    whole = ("_s", "_ms", "_sum", "_amount")
    added = ", ".join(
        f"sum({m})::{'DOUBLE' if m.endswith(whole) else 'BIGINT'} AS {m}" for m in of.measures
    )
    return lake.sql(
        f"SELECT {', '.join((*by, added))} FROM {of.table} WHERE {condition} AND ({where})"
        + (f" GROUP BY {', '.join(by)}" if by else ""),
        given | dict(values or {}),
    )


def quotients(lake: Lake, part: Slice, *by: str) -> pl.DataFrame:
    """ratio, `by` (outcome, day …) and what `conversations.quotients` says."""
    keys = ("ratio", *by)
    return conversations.quotients(sums(lake, part, "ratios", *keys), *keys)


def call_steps(lake: Lake, part: Slice, quantity: str, *by: str) -> pl.DataFrame:
    """`by`, step, calls of one of `conversations.QUANTITIES`; a null step: unmeasured."""
    assert quantity in QUANTITIES
    return sums(lake, part, "call_steps", *by, "step", where=f"quantity = '{quantity}'")


def lengths(
    lake: Lake,
    part: Slice,
    quantity: str,
    *by: str,
    shares: Sequence[float] = conversations.PERCENTILES,
) -> pl.DataFrame:
    """`by` and the percentiles of one of `conversations.QUANTITIES` (`steps.percentiles`)."""
    return steps.percentiles(call_steps(lake, part, quantity, *by), "calls", shares, by=by)


def wait_steps(lake: Lake, part: Slice, *by: str) -> pl.DataFrame:
    """`by`, step (milliseconds, null: unmeasured), responses."""
    return sums(lake, part, "waits", *by, "step")


def waits(counts: pl.DataFrame) -> Latency:
    """Of `wait_steps`: percentiles rounded down to `WAIT_STEP_MS`."""
    rows = steps.percentiles(counts, "responses", latency.PERCENTILES)
    unmeasured = counts.filter(pl.col("step").is_null())["responses"].sum()
    found = tuple(Percentile(*row) for row in rows.select("p", "value", "low", "high").iter_rows())
    return Latency(int(rows["n"][0]) if rows.height else 0, int(unmeasured), found)


def waits_by(lake: Lake, part: Slice, by: str) -> pl.DataFrame:
    """`by` (local_hour, day) and the percentiles of our answers (`steps.percentiles`)."""
    return steps.percentiles(wait_steps(lake, part, by), "responses", latency.PERCENTILES, by=(by,))


def wait_curve(counts: pl.DataFrame) -> pl.DataFrame:
    """Of `wait_steps`: at (ms), share of measured responses that came at most so late, n."""
    return steps.running_share(counts, "responses", WAIT_STEP_MS)


def scripts(lake: Lake, part: Slice) -> pl.DataFrame:
    """script, calls: the scripts of this part by the calls that had a turn in them, most first."""
    calls = sums(lake, part, "nodes", "campaign_id", "node")
    of = lake.sql("SELECT campaign_id, script FROM campaigns WHERE script IS NOT NULL")
    most = calls.group_by("campaign_id").agg(calls=pl.col("reached").max())
    found = most.join(of, on="campaign_id").group_by("script").agg(pl.col("calls").sum())
    return found.sort("calls", "script", descending=[True, False])


_OF_SCRIPT = "campaign_id IN (SELECT campaign_id FROM campaigns WHERE script = $script)"


def nodes(lake: Lake, part: Slice, script: str) -> pl.DataFrame:
    """The script's nodes, in the order in which calls come to them (`script_nodes.node_table`)."""
    counts = sums(lake, part, "nodes", "node", where=_OF_SCRIPT, values={"script": script})
    return script_nodes.node_table(counts)


def ways(lake: Lake, part: Slice, script: str) -> pl.DataFrame:
    """from_node, to_node, calls; most first."""
    where, values = _OF_SCRIPT, {"script": script}
    found = sums(lake, part, "node_ways", "from_node", "to_node", where=where, values=values)
    return found.sort("calls", "from_node", "to_node", descending=[True, False, False])


def false_interruptions(lake: Lake, part: Slice) -> pl.DataFrame:
    """One row (`script_nodes.false_cuts`), over all scripts."""
    return script_nodes.false_cuts(sums(lake, part, "nodes"))


def verdicts(lake: Lake, part: Slice) -> pl.DataFrame:
    """carrier_says, own_says, shown, calls: what `answering` judges."""
    return sums(lake, part, "verdicts", "carrier_says", "own_says", "shown")


def agreement(lake: Lake, part: Slice) -> Agreement:
    """Of the carrier's verdict with our own."""
    return answering.both(verdicts(lake, part))


def judged(lake: Lake, part: Slice) -> pl.DataFrame:
    """day, judged, failed, scored, total_sum, total2_sum: what `quality` charts."""
    return sums(lake, part, "quality", "day").sort("day")


def control_chart(lake: Lake, part: Slice) -> pl.DataFrame:
    return quality.control_chart(judged(lake, part))


def abandoned(lake: Lake, part: Slice) -> pl.DataFrame:
    """campaign_id, day, human, abandoned, never, unmeasured, machines."""
    return sums(lake, part, "abandonment", "campaign_id", "day").sort("campaign_id", "day")


def abandoned_rolling(lake: Lake, part: Slice) -> pl.DataFrame:
    """The rule's 30 days up to each day, campaign by campaign (`abandonment.rolling`).

    The rule is about whole campaigns: lists and arms do not narrow it, and days before `since`
    count where they belong to the 30 days.
    """
    whole = Slice(part.campaign_id, rehearsal=part.rehearsal, until=part.until)
    rolled = abandonment.rolling(abandoned(lake, whole))
    return rolled.filter(pl.col("day") >= part.since) if part.since else rolled

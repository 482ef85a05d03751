"""What happens at each node of a script: who got there, who hung up there, what came after."""

import polars as pl

from pipelines.metrics.contract import Metric
from pipelines.metrics.intervals import with_rates

_BY = ("attempt_id", "node")
COUNTS = (
    "reached", "goals", "opted_out", "ended", "hung_up", "agent_turns", "cut", "cut_by_noise",
    "cut_at_end",
)  # fmt: skip


def node_counts(attempts: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """node and, of calls that a person answered: `reached` calls with a turn there, of them `goals`
    and `opted_out` in the end, `ended` there, `hung_up` there by the person without the goal;
    `agent_turns` there, `cut` by the person, after which nothing was heard (`cut_by_noise`) or the
    call was over (`cut_at_end`); dwell_ms and place_sum (of the order in which calls came there,
    from 1 on).

    A turn lasts until the next one begins, so dwell times add up to the call. Rows as in the lake.
    """
    calls = attempts.filter("human_answered").select(
        "attempt_id", "goal", "opted_out", "last_node", "end_reason"
    )
    spoken = _with_after(turns).filter(pl.col("node").is_not_null())
    agent = pl.col("speaker") == "agent"
    cut = agent & pl.col("interrupted").fill_null(value=False)
    per_call = (
        spoken.group_by(_BY)
        .agg(
            agent_turns=agent.sum(),
            cut=cut.sum(),
            cut_by_noise=(cut & (pl.col("after") == "agent").fill_null(value=False)).sum(),
            cut_at_end=(cut & pl.col("after").is_null()).sum(),
            dwell_ms=pl.col("lasted").sum(),
            first=pl.col("turn_index").min(),
        )
        .with_columns(place_sum=pl.col("first").rank("ordinal").over("attempt_id"))
        .join(calls, on="attempt_id")
        .with_columns(here=(pl.col("node") == pl.col("last_node")).fill_null(value=False))
    )
    left = (pl.col("end_reason") == "human_hangup").fill_null(value=False)
    counted = per_call.with_columns(
        reached=pl.lit(1),
        goals=pl.col("goal"),
        ended=pl.col("here"),
        hung_up=pl.col("here") & left & ~pl.col("goal"),
    )
    return (
        counted.group_by("node")
        .agg(pl.col(COUNTS).sum().cast(pl.Int64), pl.col("dwell_ms", "place_sum").sum())
        .with_columns(pl.col("dwell_ms", "place_sum").cast(pl.Float64))
        .sort("node")
    )


def way_counts(attempts: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """from_node, to_node, calls: of calls that a person answered, those that went from one node to
    another, next to it in the order of turns."""
    calls = attempts.filter("human_answered").select("attempt_id")
    spoken = turns.filter(pl.col("node").is_not_null()).join(calls, on="attempt_id", how="semi")
    before = pl.col("node").shift(1).over("attempt_id", order_by="turn_index")
    return (
        spoken.with_columns(from_node=before)
        .filter(pl.col("from_node") != pl.col("node"))
        .group_by("from_node", to_node="node")
        .agg(calls=pl.col("attempt_id").n_unique().cast(pl.Int64))
        .sort("from_node", "to_node")
    )


def node_table(counts: pl.DataFrame) -> pl.DataFrame:
    """node, n (reached), ended, hung_up with rate, low, high, thin; goals with goal_rate, goal_low,
    goal_high; cut_rate of agent_turns; dwell_s per call that got there; place (mean order); in the
    order in which calls come to them."""
    goals = with_rates(counts, "goals", "reached").select(
        "node", goal_rate="rate", goal_low="low", goal_high="high"
    )
    return (
        with_rates(counts, "hung_up", "reached")
        .join(goals, on="node")
        .with_columns(
            n=pl.col("reached"),
            dwell_s=pl.col("dwell_ms") / 1000 / pl.col("reached"),
            place=pl.col("place_sum") / pl.col("reached"),
            cut_rate=pl.when(pl.col("agent_turns") > 0).then(pl.col("cut") / pl.col("agent_turns")),
        )
        .sort("place", "node")
    )


def false_cuts(counts: pl.DataFrame) -> pl.DataFrame:
    """k, n, rate, low, high, thin: interruptions after which nothing was heard, of those whose
    call went on. One row."""
    sums = counts.select(pl.col("cut", "cut_by_noise", "cut_at_end").sum())
    return with_rates(
        sums.select(k=pl.col("cut_by_noise"), n=pl.col("cut") - pl.col("cut_at_end")), "k"
    )


def _with_after(turns: pl.DataFrame) -> pl.DataFrame:
    """Each turn with who spoke `after` it, and how many milliseconds it `lasted`."""

    def call(column: str) -> pl.Expr:
        return pl.col(column).shift(-1).over("attempt_id", order_by="turn_index")

    until = pl.coalesce(call("started_at"), "ended_at")
    lasted = until.dt.epoch("ms") - pl.col("started_at").dt.epoch("ms")
    return turns.with_columns(after=call("speaker"), lasted=lasted.clip(lower_bound=0).fill_null(0))


DROP_OFF = Metric(
    name="hang_ups_per_node_reached",
    title="Hung up at a script node",
    unit="call",
    numerator="Calls in which the person hung up while the script was at this node, without the "
    "goal",
    denominator="human-answered calls that had a turn at this node",
    chart="funnel",
    better="fewer",
)
GOALS_AFTER_NODE = Metric(
    name="goals_per_node_reached",
    title="Goal after a script node",
    unit="call",
    numerator="Calls that reached the goal in the end",
    denominator="human-answered calls that had a turn at this node",
    chart="table",
    better="more",
)
DWELL = Metric(
    name="dwell_seconds_per_node_reached",
    title="Dwell at a script node",
    unit="second",
    numerator="Seconds from the beginning of a turn at this node to the beginning of the next turn",
    denominator="human-answered calls that had a turn at this node",
    interval="none",
    chart="table",
)
FALSE_INTERRUPTIONS = Metric(
    name="false_interruptions_per_interruption",
    title="False interruptions",
    unit="turn",
    numerator="Interruptions after which no turn of the person was heard: the agent spoke next",
    denominator="interruptions after which the call went on",
    excludes="interruptions with which the call ended: of these nobody can tell",
    better="fewer",
)
METRICS = (DROP_OFF, GOALS_AFTER_NODE, DWELL, FALSE_INTERRUPTIONS)

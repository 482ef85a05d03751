"""How conversations went: who spoke how much, over whom, how long; sums over calls, so that cubes
can keep them.

What is added up of a call is written once, as SQL that DuckDB (in the cubes) and polars (here, over
rows) both understand.
"""

from dataclasses import dataclass

import polars as pl

from pipelines.metrics.calls import outcome
from pipelines.metrics.contract import Metric
from pipelines.metrics.definitions import THIN_BELOW
from voice_ai.intervals import Z_95

PERCENTILES = (0.5, 0.9)


@dataclass(frozen=True)
class Ratio:
    """`part` ÷ `whole`, each a sum over calls; a call counts where both are measured."""

    part: str
    whole: str


# Over conversations. One call in which the agent talks much is one observation, not many seconds.
RATIOS: dict[str, Ratio] = {
    "agent_speech": Ratio("agent_speech_s", "agent_speech_s + caller_speech_s"),
    "overlap": Ratio("overlap_s", "talk_s"),
    "silence": Ratio("talk_s - agent_speech_s - caller_speech_s + overlap_s", "talk_s"),
    "interruptions": Ratio("interruptions", "agent_turns"),
}


@dataclass(frozen=True)
class Measured:
    """A quantity of a call in steps of `width`, of the attempts that hold `where`; null:
    unmeasured. At `last` the steps end: it is open."""

    value: str
    width: int
    last: int
    where: str


QUANTITIES: dict[str, Measured] = {
    "talk_s": Measured("talk_s", 1, 3600, "conversed"),
    "longest_turn_s": Measured("longest_turn_s", 1, 600, "conversed"),
    "agent_share": Measured(
        "100 * agent_speech_s / (agent_speech_s + caller_speech_s)",
        5,
        95,
        "conversed AND (agent_speech_s + caller_speech_s > 0 OR agent_speech_s IS NULL"
        " OR caller_speech_s IS NULL)",
    ),
    "first_audio_ms": Measured("first_audio_ms", 50, 30_000, "human_answered"),
    "own_verdict_ms": Measured("own_answer_at_ms", 50, 30_000, "answered"),
    "carrier_verdict_ms": Measured("detection_ms", 50, 30_000, "answered"),
}
_SUMS = ("calls", "part_sum", "whole_sum", "part2_sum", "both_sum", "whole2_sum")


def ratio_sums(attempts: pl.DataFrame) -> pl.DataFrame:
    """ratio, outcome, calls and the sums `quotients` needs, over the conversations of the lake's
    `attempts`."""
    talked = attempts.filter("conversed").with_columns(outcome=outcome())
    part, whole = pl.col("part"), pl.col("whole")
    parts = [
        talked.select(
            "outcome",
            ratio=pl.lit(name),
            part=pl.sql_expr(ratio.part).cast(pl.Float64),
            whole=pl.sql_expr(ratio.whole).cast(pl.Float64),
        )
        .filter(part.is_not_null(), whole > 0)
        .group_by("ratio", "outcome")
        .agg(
            calls=pl.len().cast(pl.Int64),
            part_sum=part.sum(),
            whole_sum=whole.sum(),
            part2_sum=(part * part).sum(),
            both_sum=(part * whole).sum(),
            whole2_sum=(whole * whole).sum(),
        )
        for name, ratio in RATIOS.items()
    ]
    return pl.concat(parts).sort("ratio", "outcome")


def quotients(sums: pl.DataFrame, *by: str) -> pl.DataFrame:
    """`by`, part_sum, whole_sum, n (calls), value, low, high, thin; null where there is nothing.

    The quotient of two sums over calls, its variance by linearisation with calls as the units
    (W. G. Cochran, Sampling Techniques, 3rd ed. 1977, section 6.4, without the correction for a
    finite population); from two calls on, and never below 0.
    """
    added = sums.group_by(by).agg(pl.col(_SUMS).sum()) if by else sums.select(pl.col(_SUMS).sum())
    n, whole = pl.col("calls").cast(pl.Float64), pl.col("whole_sum")
    value = pl.when(whole > 0).then(pl.col("part_sum") / whole)
    spread = (
        pl.col("part2_sum")
        - 2 * pl.col("value") * pl.col("both_sum")
        + pl.col("value") ** 2 * pl.col("whole2_sum")
    )
    half = pl.when(n > 1).then(
        Z_95 * (pl.max_horizontal(spread, pl.lit(0.0)) * n / (n - 1)).sqrt() / whole
    )
    return (
        added.with_columns(value=value)
        .select(
            *by,
            "part_sum",
            "whole_sum",
            "value",
            n="calls",
            low=pl.when(half.is_not_null()).then(
                pl.max_horizontal(pl.lit(0.0), pl.col("value") - half)
            ),
            high=pl.col("value") + half,
        )
        .with_columns(thin=pl.col("n") < THIN_BELOW)
        .sort(by or "n")
    )


def step_counts(attempts: pl.DataFrame, quantity: str) -> pl.DataFrame:
    """outcome, step (lower edge; null: unmeasured), calls: over the lake's `attempts`."""
    of = QUANTITIES[quantity]
    step = (pl.sql_expr(of.value) / of.width).floor().cast(pl.Int32) * of.width
    return (
        attempts.filter(pl.sql_expr(of.where))
        .group_by(outcome=outcome(), step=step.clip(0, of.last))
        .agg(calls=pl.len().cast(pl.Int64))
        .sort("outcome", "step", nulls_last=True)
    )


HANDLE_TIME = Metric(
    name="handle_seconds_per_conversation",
    title="Handle time per conversation",
    unit="second",
    numerator="Seconds from the answer to the end of the call, whole seconds; median and p90",
    denominator="conversations (no work after the call: the agent is a program)",
    excludes="calls without a conversation and calls whose length is unmeasured",
    chart="histogram",
    interval="rank",
    source="AHT = (talk + hold + after-call work) ÷ interactions; hold and after-call are 0 here",
)
AGENT_SPEECH = Metric(
    name="agent_speech_per_speech",
    title="Agent's share of speech",
    unit="second",
    numerator="Seconds the agent spoke",
    denominator="seconds the agent spoke plus seconds the person spoke, in conversations",
    excludes="conversations in which either is unmeasured; silence",
    chart="histogram",
    interval="ratio",
    source="W. G. Cochran, Sampling Techniques (1977), 6.4: ratio of sums over calls",
)
OVERLAP = Metric(
    name="overlap_per_talk",
    title="Both at once per talk",
    unit="second",
    numerator="Seconds in which both spoke",
    denominator="seconds of conversations",
    interval="ratio",
    better="fewer",
    source=AGENT_SPEECH.source,
)
SILENCE = Metric(
    name="silence_per_talk",
    title="Silence per talk",
    unit="second",
    numerator="Seconds in which nobody spoke",
    denominator="seconds of conversations",
    excludes="conversations in which the speech of either, or both at once, is unmeasured",
    interval="ratio",
    better="fewer",
    source=AGENT_SPEECH.source,
)
LONGEST_TURN = Metric(
    name="longest_monologue",
    title="Longest monologue",
    unit="second",
    numerator="Seconds of the longest turn of each conversation; median and p90",
    denominator="conversations",
    interval="rank",
)
INTERRUPTIONS = Metric(
    name="interruptions_per_agent_turn",
    title="Interruptions per agent turn",
    unit="turn",
    numerator="Agent turns that the person spoke over, so that the agent stopped",
    denominator="agent turns in conversations",
    excludes="words of agreement spoken over a line, which do not stop it",
    interval="ratio",
    better="fewer",
    source=AGENT_SPEECH.source,
)

METRICS = (HANDLE_TIME, AGENT_SPEECH, OVERLAP, SILENCE, LONGEST_TURN, INTERRUPTIONS)

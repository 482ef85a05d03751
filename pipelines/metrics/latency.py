"""How long a person waits for an answer: percentiles, their intervals, and what is unmeasured."""

import math
from dataclasses import dataclass

import polars as pl

from pipelines.metrics.intervals import wilson

PERCENTILES = (0.50, 0.95, 0.99)
BIN_MS = 100
LAST_BIN_MS = 3000


@dataclass(frozen=True)
class Percentile:
    """Nearest-rank percentile in milliseconds; `low` to `high` holds it with 95 % (by ranks)."""

    p: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Latency:
    """n measured and `unmeasured` responses; no percentiles when n is 0."""

    n: int
    unmeasured: int
    percentiles: tuple[Percentile, ...]

    @property
    def unmeasured_share(self) -> float | None:
        responses = self.n + self.unmeasured
        return self.unmeasured / responses if responses else None


def responses(turns: pl.DataFrame) -> pl.DataFrame:
    """response_ms of every agent turn that answers a caller turn; null: unmeasured.

    Turns are numbered as they end: a line that the person spoke into, and that went on, follows
    the caller's turn without answering it; it began before. Moments count in whole milliseconds.
    """
    before = pl.col("speaker", "started_at").shift(1).over("attempt_id", order_by="turn_index")
    answers = (pl.col("before_speaker") == "caller") & (
        pl.col("started_at") > pl.col("before_started_at")
    )
    return (
        turns.with_columns(pl.col("started_at").dt.truncate("1ms"))
        .with_columns(before.name.prefix("before_"))
        .filter(pl.col("speaker") == "agent", answers | pl.col("response_ms").is_not_null())
        .select("response_ms")
    )


def turn_latency(turns: pl.DataFrame) -> Latency:
    return latency_of(responses(turns))


def latency_of(answers: pl.DataFrame) -> Latency:
    """From response_ms of each response (`responses`)."""
    times = answers["response_ms"]
    measured = times.drop_nulls().sort()
    n = measured.len()
    percentiles = (
        Percentile(p, *(measured[nearest_rank(share, n)] for share in (p, *wilson(p, n))))
        for p in PERCENTILES
        if n
    )
    return Latency(n, times.len() - n, tuple(percentiles))


def nearest_rank(fraction: float, n: int) -> int:
    """Index of the smallest value whose cumulative share is at least `fraction`."""
    return min(n, max(1, math.ceil(fraction * n))) - 1


def latency_counts(turns: pl.DataFrame) -> pl.DataFrame:
    """from_ms, responses: measured responses in steps of `BIN_MS`; the last step is open."""
    return steps_of(responses(turns))


def steps_of(answers: pl.DataFrame) -> pl.DataFrame:
    """The same from response_ms of each response (`responses`)."""
    measured = answers.drop_nulls()
    step = (pl.col("response_ms") / BIN_MS).floor().cast(pl.Int64) * BIN_MS
    return measured.group_by(from_ms=step.clip(0, LAST_BIN_MS)).agg(
        responses=pl.len().cast(pl.Int64)
    )


def latency_histogram(counts: pl.DataFrame) -> pl.DataFrame:
    """from_ms, responses; without gaps between the first and the last step."""
    if counts.is_empty():
        return counts.select("from_ms", "responses")
    last = int(counts["from_ms"].max())  # type: ignore[arg-type]
    steps = pl.DataFrame({"from_ms": range(0, last + BIN_MS, BIN_MS)}, schema={"from_ms": pl.Int64})
    return steps.join(counts, on="from_ms", how="left").with_columns(
        pl.col("responses").fill_null(0)
    )

"""What became of dials: carrier status, outcome, answers by local hour, activity over time."""

from datetime import datetime, timedelta

import polars as pl

from pipelines.metrics.intervals import with_rates, with_shares

STATUSES = (
    "queued",
    "initiated",
    "ringing",
    "in-progress",
    "completed",
    "busy",
    "no-answer",
    "failed",
    "canceled",
)
DISPOSITION_ORDER = (
    "goal",
    "transferred",
    "conversed_no_goal",
    "callback_requested",
    "not_interested",
    "opt_out",
    "wrong_number",
    "human_hangup",
    "abandoned",
    "dead_air",
    "machine",
    "no_answer",
    "busy",
    "failed_transient",
    "failed_permanent",
    "canceled",
    "not_dialed",
)
# From what we want most to what we want least; a dial has the first that its flags allow.
OUTCOMES = ("goal", "opted_out", "conversed", "human", "machine", "unanswered")
FLAGS = ("answered", "human_answered", "conversed", "goal", "opted_out")

_STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 10, 30, 60, 120, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 86400)
)
_MOST_BINS = 60


def status_counts(attempts: pl.DataFrame) -> pl.DataFrame:
    """status, calls: attempts with a word from the carrier, by its last one."""
    known = attempts.filter(pl.col("carrier_status").is_not_null())
    return known.group_by(status="carrier_status").agg(calls=pl.len().cast(pl.Int64))


def calls_by_status(counts: pl.DataFrame) -> pl.DataFrame:
    """status, calls, n, rate, low, high; in the order in which a call passes through them."""
    return with_shares(in_order(counts, "status", STATUSES), "calls")


def disposition_counts(attempts: pl.DataFrame) -> pl.DataFrame:
    """disposition, attempts: ended attempts by outcome."""
    ended = attempts.filter(pl.col("state") == "ended", pl.col("disposition").is_not_null())
    return ended.group_by("disposition").agg(attempts=pl.len().cast(pl.Int64))


def dispositions(counts: pl.DataFrame) -> pl.DataFrame:
    """disposition, attempts, n, rate, low, high; the wanted ones first."""
    return with_shares(in_order(counts, "disposition", DISPOSITION_ORDER), "attempts")


def hour_counts(attempts: pl.DataFrame) -> pl.DataFrame:
    """local_hour (null: no zone known), answered, dials."""
    dials = attempts.filter(pl.col("reached_carrier"))
    return dials.group_by("local_hour").agg(
        answered=pl.col("answered").sum().cast(pl.Int64), dials=pl.len().cast(pl.Int64)
    )


def answer_rate_by_hour(counts: pl.DataFrame) -> pl.DataFrame:
    """local_hour, answered, dials, rate, low, high, thin."""
    return with_rates(counts.sort("local_hour", nulls_last=True), "answered", "dials")


def bin_width(first: datetime | None, last: datetime | None) -> timedelta:
    """The finest step that shows first to last in at most sixty intervals."""
    if first is None or last is None:
        return _STEPS[0]
    span = last - first
    return next((step for step in _STEPS if span <= step * (_MOST_BINS - 1)), _STEPS[-1])


def outcome() -> pl.Expr:
    """A dial's outcome from its flags; never from its disposition's code."""
    return (
        pl.when("goal")
        .then(pl.lit("goal"))
        .when("opted_out")
        .then(pl.lit("opted_out"))
        .when("conversed")
        .then(pl.lit("conversed"))
        .when("human_answered")
        .then(pl.lit("human"))
        .when("answered")
        .then(pl.lit("machine"))
        .otherwise(pl.lit("unanswered"))
    )


def activity_step(attempts: pl.DataFrame) -> timedelta:
    """The width of the intervals in which this campaign's dials are shown."""
    return bin_width(*_span(_ended_dials(attempts)))


def activity_counts(attempts: pl.DataFrame) -> pl.DataFrame:
    """at (start of the interval in which dials ended), outcome, dials and the flags' sums."""
    dials = _ended_dials(attempts)
    every = bin_width(*_span(dials))
    return dials.group_by(at=pl.col("ended_at").dt.truncate(every), outcome=outcome()).agg(
        dials=pl.len().cast(pl.Int64), **{flag: pl.col(flag).sum().cast(pl.Int64) for flag in FLAGS}
    )


def activity(counts: pl.DataFrame) -> pl.DataFrame:
    """The same rows, in order of time and outcome."""
    return in_order(counts, "outcome", OUTCOMES).sort("at", maintain_order=True)


def in_order(counts: pl.DataFrame, column: str, order: tuple[str, ...]) -> pl.DataFrame:
    """Sorted by `order`; a code that is not in it comes last."""
    rank = {code: place for place, code in enumerate(order)}
    return counts.sort(
        pl.col(column).replace_strict(rank, default=len(order), return_dtype=pl.Int64), column
    )


def _ended_dials(attempts: pl.DataFrame) -> pl.DataFrame:
    return attempts.filter(pl.col("reached_carrier"), pl.col("ended_at").is_not_null())


def _span(dials: pl.DataFrame) -> tuple[datetime | None, datetime | None]:
    if dials.is_empty():
        return None, None
    first, last = dials.select(first=pl.col("ended_at").min(), last=pl.col("ended_at").max()).row(0)
    return first, last

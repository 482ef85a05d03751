"""The first row of the page on conversations."""

import polars as pl

from app.figure_row import Shown, changed
from app.talk_readings import Talk
from pipelines.analyses import conversations as talk
from pipelines.metrics import abandonment, conversations, steps
from pipelines.metrics.definitions import TURN_LATENCY
from pipelines.metrics.periods import last_and_before
from pipelines.report.labels import count, interval, milliseconds, percent

RATIOS = {
    "agent_speech": conversations.AGENT_SPEECH,
    "interruptions": conversations.INTERRUPTIONS,
    "silence": conversations.SILENCE,
    "overlap": conversations.OVERLAP,
}


def figures(found: Talk) -> list[Shown]:
    share = abandonment.abandoned_share(found.abandoned).row(0, named=True)
    return [
        _handle_time(found),
        _ratio(found, "agent_speech"),
        _ratio(found, "interruptions"),
        _latency(found),
        Shown(
            abandonment.ABANDONED,
            percent(share["rate"]),
            [
                f"{count(share['k'])} of {count(share['n'])} human answered",
                f"95 %: {interval(share['low'], share['high'])}",
                f"{count(share['never'])} heard nothing · {count(share['unmeasured'])} unmeasured",
            ],
            change=_abandoned_change(found),
            line=_by_day(
                found.abandoned.group_by("day")
                .agg(pl.col("abandoned").sum(), pl.col("human").sum())
                .select("day", value=pl.col("abandoned") / pl.col("human"), n="human")
            ),
        ),
    ]


def _by_day(days: pl.DataFrame) -> list[float]:
    """The values of days that rest on enough, in order."""
    return (
        days.filter(pl.col("n") >= 20, pl.col("value").is_finite()).sort("day")["value"].to_list()
    )


def _abandoned_change(found: Talk) -> str | None:
    now, then = (
        abandonment.abandoned_share(part).row(0, named=True)
        for part in last_and_before(found.abandoned)
    )
    thin = now["thin"] or then["thin"]
    return None if thin else changed((now["rate"], then["rate"]), "pp", 100)


def _handle_time(found: Talk) -> Shown:
    rows = steps.percentiles(found.lengths, "calls", conversations.PERCENTILES)
    parts = [steps.percentiles(p, "calls", (0.5,)) for p in last_and_before(found.lengths)]
    values = [None if p.is_empty() or p["thin"][0] else float(p["value"][0]) for p in parts]
    if rows.is_empty():
        return Shown(conversations.HANDLE_TIME, "–", ["no conversation was measured"])
    median, p90 = rows.iter_rows(named=True)
    days = steps.percentiles(found.lengths, "calls", (0.5,), by=("day",))
    return Shown(
        conversations.HANDLE_TIME,
        f"{median['value']:,.0f} s",
        [
            f"median of {count(median['n'])} conversations · p90 {p90['value']:,.0f} s",
            f"95 %: {median['low']:,.0f}–{median['high']:,.0f} s",
        ],
        change=changed(values, "s"),
        line=_by_day(days),
    )


def _ratio(found: Talk, ratio: str) -> Shown:
    sums = found.ratios.filter(pl.col("ratio") == ratio)
    metric, rows = RATIOS[ratio], conversations.quotients(sums, "ratio")
    if rows.is_empty():
        return Shown(metric, "–", ["not measured in any conversation"])
    row = rows.row(0, named=True)
    lines = [f"in {count(row['n'])} conversations", f"95 %: {interval(row['low'], row['high'])}"]
    if ratio == "interruptions":
        false = found.false_cuts.row(0, named=True)
        lines[0] = f"{row['part_sum']:,.0f} of {row['whole_sum']:,.0f} agent turns"
        lines.append(f"false: {count(false['k'])} of {count(false['n'])} that can be told")
    parts = [conversations.quotients(p, "ratio") for p in last_and_before(sums)]
    values = [None if p.is_empty() or p["thin"][0] else float(p["value"][0]) for p in parts]
    days = conversations.quotients(sums, "day")
    return Shown(
        metric,
        percent(row["value"]),
        lines,
        change=changed(values, "pp", 100),
        line=_by_day(days),
    )


def _latency(found: Talk) -> Shown:
    whole = talk.waits(found.waits)
    values = [
        None if part.n < 20 else part.percentiles[1].value
        for part in map(talk.waits, last_and_before(found.waits))
    ]
    if not whole.n:
        return Shown(TURN_LATENCY, "–", ["no answer was measured"])
    middle, high, _ = whole.percentiles
    days = steps.percentiles(found.waits, "responses", (0.95,), by=("day",))
    return Shown(
        TURN_LATENCY,
        f"{high.value / 1000:.2f} s",
        [
            f"p95 of {count(whole.n)} answers · median {milliseconds(middle.value)}",
            f"95 %: {high.low:,.0f}–{high.high:,.0f} ms · in steps of 10 ms",
            f"{count(whole.unmeasured)} unmeasured",
        ],
        change=changed(values, "ms"),
        line=_by_day(days),
    )

"""What works, and what moved: sums by day and by campaign from the lake's cubes."""

from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

import polars as pl

from pipelines.analyses.funnel import whole_numbers
from pipelines.lake.read import Lake
from pipelines.metrics.calls import dispositions
from pipelines.metrics.contract import Metric
from pipelines.metrics.frames import MOMENT
from pipelines.metrics.measures import Totals
from pipelines.metrics.moves import Move, moves
from pipelines.metrics.slices import Slice
from pipelines.metrics.trend import Trend, trends

PERIOD_DAYS = 7
_FLAGS = ("dials", "answered", "human_answered", "conversed", "goal", "opted_out")
_TOTALS = tuple(field.name for field in fields(Totals) if field.name != "live")
# Every measure of the cube, so that any metric of dials may be looked at.
_DAILY = """
SELECT day, {sums} FROM cube_attempt_numbers WHERE {where} GROUP BY day ORDER BY day
"""
_ENDED = """
SELECT disposition, sum(attempts) AS attempts FROM cube_outcomes
WHERE {where} AND disposition IS NOT NULL GROUP BY disposition
"""
_PERIODS = """
SELECT {part} AS part, CASE WHEN day > $middle THEN 'now' ELSE 'before' END AS period, {sums}
FROM cube_attempt_numbers WHERE {where} AND day > $first AND day <= $last GROUP BY ALL
"""


@dataclass(frozen=True)
class FirstRow:
    """`totals` and `dialed` (unique leads) of the chosen days; how each figure moved from the
    second last to the last week of them; `last`: their last day with a call."""

    totals: Totals
    dialed: int
    trends: dict[str, Trend]
    last: date | None


def first_row(lake: Lake, part: Slice) -> FirstRow:
    """`totals.live` is 0: the lake holds calls that have ended."""
    names = dict.fromkeys((*_TOTALS, *_FLAGS, "first_dial"))
    where, values = part.where()
    query = _DAILY.format(sums=_sums(tuple(names)), where=where)
    daily = whole_numbers(lake.sql(query, values))
    sums = daily.select(pl.col(tuple(names)).sum()).row(0, named=True)
    activity = daily.select(*_FLAGS, at=pl.col("day").cast(MOMENT))
    return FirstRow(
        Totals(live=0, **{name: sums[name] for name in _TOTALS}),
        sums["first_dial"],
        trends(activity, timedelta(days=1), PERIOD_DAYS, running=False),
        daily["day"][-1] if daily.height else None,
    )


def ended(lake: Lake, part: Slice) -> pl.DataFrame:
    """As `pipelines.metrics.calls.dispositions` says it."""
    where, values = part.where()
    return dispositions(whole_numbers(lake.sql(_ENDED.format(where=where), values)))


def moved(lake: Lake, part: Slice, last: date, metrics: tuple[Metric, ...]) -> list[Move]:
    """The week that ends on `last` beside the week before it, for the whole and, where every
    campaign is chosen, for each of them; the surest change first."""
    week = timedelta(days=PERIOD_DAYS)
    where, values = replace(part, since=None, until=None).where()
    values |= {"last": last, "middle": last - week, "first": last - 2 * week}
    measures = {str(name) for metric in metrics for name in (metric.k, metric.n)}
    found = []
    for group in ("NULL::VARCHAR",) if part.campaign_id else ("NULL::VARCHAR", "campaign_id"):
        query = _PERIODS.format(part=group, sums=_sums(tuple(sorted(measures))), where=where)
        found.append(whole_numbers(lake.sql(query, values)))
    return moves(pl.concat(found), metrics)


def _sums(names: tuple[str, ...]) -> str:
    return ", ".join(f"sum({name}) AS {name}" for name in names)

"""Any metric of dials or leads, split by anything the cubes know: a question as SQL.

The same question can be put to the lake's cubes or to the views of Postgres; both count the same
rows. The SQL is complete: it may be shown, copied and run as it is (`voice-ai lake sql`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from pipelines.lake.cube_list import CUBES
from pipelines.lake.cubes import Cube
from pipelines.lake.cubes_dials import DIAL_CUBES
from pipelines.metrics.contract import Metric
from pipelines.metrics.slices import Slice
from voice_ai.errors import BadInput

Kind = Literal["time", "ordered", "named"]
MOST_ROWS = 10_000


@dataclass(frozen=True)
class Split:
    """`sql`: an expression over the column `needs` of a cube, and over the view's rows where
    `in_views`. `kind` says how it is drawn; `of_lead`: it is the same for all dials of a lead in a
    campaign."""

    name: str
    title: str
    kind: Kind
    needs: str
    sql: str
    in_views: bool = True
    of_lead: bool = False


def _period(name: str, title: str) -> Split:
    return Split(name, title, "time", "day", f"CAST(date_trunc('{name}', day) AS DATE)")


def _column(
    name: str,
    title: str,
    kind: Kind = "named",
    column: str = "",
    *,
    in_views: bool = True,
    of_lead: bool = False,
) -> Split:
    return Split(name, title, kind, column or name, column or name, in_views, of_lead)


_SPLITS = (
    _column("day", "Day", "time"),
    _period("week", "Week from Monday"),
    _period("month", "Month"),
    _column("hour", "Local hour", "ordered", "local_hour"),
    _column("weekday", "Weekday", "ordered", "local_weekday"),
    _column("attempt", "Dial number of the lead", "ordered"),
    Split("campaign", "Campaign", "named", "campaign_id", "campaign", of_lead=True),
    _column("list", "List", of_lead=True),
    _column("experiment", "Experiment", in_views=False, of_lead=True),
    _column("arm", "Arm", in_views=False, of_lead=True),
    _column("zone", "Time zone", in_views=False, of_lead=True),
    _column("caller_id", "Caller ID", in_views=False),
    _column("disposition", "Outcome"),
    _column("carrier_status", "Carrier status"),
    _column("answer_class", "Who picked up"),
    _column("end_reason", "Who ended it"),
)
SPLITS = {split.name: split for split in _SPLITS}
# Measures that the views show, as conditions on their rows.
_FIRST = {
    "first_dial": "reached_carrier",
    "first_answered": "answered",
    "first_human": "human_answered",
    "first_right_party": "right_party",
    "first_conversed": "conversed",
    "first_goal": "goal",
}
_CONDITIONS = {"attempts": "true", "dials": "reached_carrier"} | {
    flag: flag for flag in ("machine", "opted_out", *_FIRST.values(), *_FIRST)
}
# What the dial cubes say of a row and the views do not; the day is the called person's own, and
# that of UTC where no zone is known.
_ROWS = """(
  SELECT a.*, l.list,
    coalesce(CASE WHEN cardinality(l.zones) > 0
                  THEN CAST(a.intended_at AT TIME ZONE l.zones[1] AS DATE) END,
             CAST(a.intended_at AT TIME ZONE 'UTC' AS DATE)) AS day,
    {firsts},
    least(20, 1 + count(*) FILTER (WHERE reached_carrier) OVER (
        PARTITION BY campaign_id, lead_id ORDER BY intended_at, attempt_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS attempt
  FROM v_attempts a JOIN v_leads l USING (lead_id) WHERE a.state = 'ended') dials"""


@dataclass(frozen=True)
class Question:
    """Metrics that have a `k` and an `n`, and names of `SPLITS` to tell rows apart by."""

    metrics: tuple[Metric, ...]
    splits: tuple[str, ...] = ()
    part: Slice = Slice()


@dataclass(frozen=True)
class Query:
    """SQL whose `$name` stand for `parameters`; `text` has them filled in."""

    sql: str
    parameters: dict[str, Any]

    @property
    def text(self) -> str:
        return re.sub(r"\$(\w+)", lambda found: _literal(self.parameters[found[1]]), self.sql)


def cube_query(question: Question) -> Query:
    """One row for each combination of the splits: those, then for every metric its k, its n and
    their quotient, named after it. Raises BadInput for what no cube answers."""
    source = cube_for(question).table
    if "campaign" in question.splits:
        source += " LEFT JOIN (SELECT campaign_id, campaign FROM campaigns) USING (campaign_id)"
    return _query(question, source, lambda measure: f"sum({measure})")


def view_query(question: Question) -> Query:
    """The same question to the views of Postgres, with the same columns. Raises BadInput for what
    they do not show: arms, zones, caller IDs."""
    hidden = [name for name in _known(question.splits) if not SPLITS[name].in_views]
    if hidden or question.part.arms:
        raise BadInput(f"Postgres' views do not show {(*hidden, 'arms')[0]}; ask the lake")
    firsts = ",\n    ".join(
        f"{flag} AND row_number() OVER (PARTITION BY campaign_id, lead_id, {flag}"
        f" ORDER BY intended_at, attempt_id) = 1 AS {name}"
        for name, flag in _FIRST.items()
    )
    return _query(question, _ROWS.format(firsts=firsts), _counted)


def _counted(measure: str) -> str:
    if measure not in _CONDITIONS:
        raise BadInput(f"Postgres' views do not show {measure}; ask the lake")
    return f"count(*) FILTER (WHERE {_CONDITIONS[measure]})"


def _query(question: Question, source: str, summed: Callable[[str], str]) -> Query:
    where, values = question.part.where()
    columns = [_named(name) for name in question.splits]
    for metric in question.metrics:
        k, n = summed(str(metric.k)), summed(str(metric.n))
        kind = "BIGINT" if metric.interval == "wilson" else "DOUBLE PRECISION"
        columns += [
            f"CAST({k} AS {kind}) AS {metric.name}_k",
            f"CAST({n} AS {kind}) AS {metric.name}_n",
            f"{k} / CAST(nullif({n}, 0) AS DOUBLE PRECISION) AS {metric.name}",
        ]
    sql = "SELECT " + ",\n       ".join(columns) + f"\nFROM {source}\nWHERE {where}"
    if question.splits:
        places = ", ".join(str(place + 1) for place in range(len(question.splits)))
        sql += f"\nGROUP BY {places}\nORDER BY {places}\nLIMIT {MOST_ROWS}"
    return Query(sql, values)


def cube_for(question: Question) -> Cube:
    """The cube with the fewest dimensions that has what is asked for."""
    needed = {SPLITS[name].needs for name in _known(question.splits)}
    needed |= {"list"} if question.part.lists else set()
    needed |= {"arm"} if question.part.arms else set()
    measures: set[str] = set()
    for metric in question.metrics:
        if metric.k is None or metric.n is None:
            raise BadInput(f"{metric.name} is not a quotient of two sums of dials; it has its page")
        measures |= {metric.k, metric.n}
        _lead_by_lead(metric, question)
    # What counts dials counts every dial; another cube may have a sum of that name of some only.
    of_dials = measures <= set(DIAL_CUBES[0].measures)
    able = [
        cube
        for cube in (DIAL_CUBES if of_dials else CUBES)
        if needed | {"day", "rehearsal"} <= set(cube.dims) and measures <= set(cube.measures)
    ]
    if not able:
        asked = ", ".join((*(one.name for one in question.metrics), *question.splits))
        raise BadInput(f"no cube tells these together: {asked}; ask for fewer splits at once")
    return min(able, key=lambda cube: len(cube.dims))


def splits_of(metric: Metric) -> tuple[str, ...]:
    """By what a metric can be split, one at a time."""
    able = []
    for name in SPLITS:
        try:
            cube_for(Question((metric,), (name,)))
        except BadInput:
            continue
        able.append(name)
    return tuple(able)


def _lead_by_lead(metric: Metric, question: Question) -> None:
    """A lead counts where it first got so far: over a few days, or by hour, those that got to the
    second step would not be among those that got to the first."""
    apart = [name for name in question.splits if not SPLITS[name].of_lead]
    if metric.unit == "lead" and (apart or question.part.since):
        by = (
            f"be split by {SPLITS[apart[0]].title.lower()}"
            if apart
            else "begin on a day: clear From"
        )
        raise BadInput(f"“{metric.title}” counts leads over all their dials; it cannot {by}")


def _known(splits: tuple[str, ...]) -> tuple[str, ...]:
    strange = [name for name in splits if name not in SPLITS]
    if strange:
        raise BadInput(f"there is no split {strange[0]!r}; there are {', '.join(SPLITS)}")
    return splits


def _named(split: str) -> str:
    sql = SPLITS[split].sql
    return split if sql == split else f"{sql} AS {split}"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, list):
        return "ARRAY[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, int | float):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"

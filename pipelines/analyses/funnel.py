"""How far leads came, and why the others did not, from the lake's cubes.

What is asked for is what stands at the end of the last chosen day: a lead that was dialed last
month and answered today came that far, so the first chosen day cuts nothing off.
"""

from dataclasses import replace

import polars as pl

from pipelines.lake.read import Lake
from pipelines.metrics import funnel as steps
from pipelines.metrics import refusals
from pipelines.metrics.intervals import with_rates
from pipelines.metrics.slices import Slice

_FIRSTS = {
    "dialed": "first_dial",
    "answered": "first_answered",
    "human": "first_human",
    "right_party": "first_right_party",
    "conversed": "first_conversed",
    "goal": "first_goal",
}
_SUMS = ", ".join(f"coalesce(sum({first}), 0) AS {stage}" for stage, first in _FIRSTS.items())
_COUNTS = "SELECT {group} AS part, {sums} FROM cube_outcomes"
_LOADED = "SELECT {group} AS part, count(*) AS leads FROM campaign_leads"
_BLOCKED = """
SELECT {group} AS part, reasons, sum(leads) AS leads, sum(never_dialed) AS never_dialed
FROM cube_standing"""
_LOST = """
SELECT disposition, end_reason, sum(dials) AS reached_carrier, sum(answered) AS answered,
       sum(human_answered) AS human_answered, sum(conversed) AS conversed, sum(goal) AS goal
FROM cube_outcomes"""
_WHOLE = "NULL::VARCHAR"


def funnel(lake: Lake, part: Slice) -> pl.DataFrame:
    """As `pipelines.metrics.funnel.funnel` says it, of all chosen leads. With arms chosen it starts
    at the dialed: a lead has an arm from its first dial on."""
    (counts,) = _counts(lake, part, _WHOLE).values() or ({"leads": 0, "eligible": 0},)
    return steps.funnel(counts)


def funnel_by(lake: Lake, part: Slice, split: str) -> pl.DataFrame:
    """The same for each list or arm (`split`), named in the column of that name."""
    found = _counts(lake, part, split)
    frames = [
        steps.funnel(counts).select(pl.lit(value, pl.String).alias(split), pl.all())
        for value, counts in sorted(found.items(), key=lambda item: item[0] or "")
    ]
    return pl.concat(frames) if frames else steps.funnel({"leads": 0}).clear()


def drop_off(lake: Lake, part: Slice) -> pl.DataFrame:
    """As `pipelines.metrics.funnel.drop_off` says it."""
    return steps.drop_off(_asked(lake, _LOST, replace(part, since=None)))


def standing(lake: Lake, part: Slice) -> pl.DataFrame:
    """reasons, leads, never_dialed: leads that the rules hold back; of every arm."""
    found = _standing(lake, part, _WHOLE)
    return found.filter((pl.col("leads") != 0) | (pl.col("never_dialed") != 0)).drop("part")


def blocked(lake: Lake, part: Slice) -> pl.DataFrame:
    """As `pipelines.metrics.refusals.blocked` says it, of all chosen leads."""
    return refusals.blocked(standing(lake, part), sum(_loaded(lake, part, _WHOLE).values()))


def contacted_by_list(lake: Lake, part: Slice) -> pl.DataFrame:
    """list, contacted (leads of whom a person picked up), n (leads loaded), rate with interval."""
    counts = _counts(lake, replace(part, arms=()), "list")
    frame = pl.DataFrame(
        [(name, row.get("human", 0), row["leads"]) for name, row in counts.items()],
        schema={"list": pl.String, "contacted": pl.Int64, "n": pl.Int64},
        orient="row",
    )
    return with_rates(frame.sort("list", nulls_last=True), "contacted")


def _counts(lake: Lake, part: Slice, group: str) -> dict[str | None, dict[str, int]]:
    """For each part its counts by stage, as `pipelines.metrics.funnel.funnel` wants them."""
    query = _COUNTS.format(group=group, sums=_SUMS)
    found: dict[str | None, dict[str, int]] = {}
    for row in _asked(lake, query, replace(part, since=None)).iter_rows(named=True):
        found[row["part"]] = {stage: int(row[stage]) for stage in _FIRSTS}
    if part.arms or group == "arm":
        return {value: counts for value, counts in found.items() if group != "arm" or value}
    held: dict[str | None, int] = {}
    for value, never in _standing(lake, part, group).select("part", "never_dialed").iter_rows():
        held[value] = held.get(value, 0) + int(never)
    none = dict.fromkeys(_FIRSTS, 0)
    return {
        value: {"leads": leads, "eligible": leads - held.get(value, 0), **found.get(value, none)}
        for value, leads in _loaded(lake, part, group).items()
    }


def _loaded(lake: Lake, part: Slice, group: str) -> dict[str | None, int]:
    whole = replace(part, since=None, arms=())
    rows = _asked(lake, _LOADED.format(group=group), whole, "CAST(loaded_at AS DATE)")
    return dict(rows.iter_rows())


def _standing(lake: Lake, part: Slice, group: str) -> pl.DataFrame:
    """part, reasons, leads, never_dialed."""
    return _asked(lake, _BLOCKED.format(group=group), replace(part, since=None, arms=()))


def _asked(lake: Lake, query: str, part: Slice, day: str = "day") -> pl.DataFrame:
    where, values = part.where(day)
    rows = lake.sql(f"{query}\nWHERE {where}\nGROUP BY ALL", values)
    return whole_numbers(rows)


def whole_numbers(rows: pl.DataFrame) -> pl.DataFrame:
    """Sums of counts as whole numbers: DuckDB gives them in a wider type."""
    return rows.with_columns(pl.col(pl.Decimal, pl.Int128).cast(pl.Int64))

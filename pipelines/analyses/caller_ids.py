"""Since when a number of ours is picked up differently from those beside it."""

from dataclasses import dataclass

import polars as pl

from pipelines.lake.read import Lake
from pipelines.metrics.caller_changes import Change, change_of, expected
from pipelines.metrics.slices import Slice

_STRATA = (
    "SELECT caller_id, campaign_id, list, local_hour, day, sum(dials)::BIGINT AS dials,"
    " sum(human_answered)::BIGINT AS human_answered FROM cube_caller_strata"
)


@dataclass(frozen=True)
class History:
    """One number: dials and people who picked up, `usual` (as many as its pool would have had), by
    day in `days` (day, dials, humans, usual, others_humans, others_usual); the change, if any."""

    caller_id: str
    days: pl.DataFrame
    change: Change | None

    @property
    def dials(self) -> int:
        return int(self.days["dials"].sum())


def histories(lake: Lake, part: Slice) -> list[History]:
    """Of every number that was dialed from beside others, those that changed first."""
    where, values = part.where()
    strata = lake.sql(f"{_STRATA} WHERE {where} AND day IS NOT NULL GROUP BY ALL", values)
    parts = expected(strata).partition_by("caller_id", maintain_order=True)
    found = [
        History(str(days["caller_id"][0]), days, change_of(days, tested=len(parts)))
        for days in parts
    ]
    return sorted(found, key=lambda one: (one.change is None, one.caller_id))

"""Since when a number of ours is picked up differently from those beside it."""

from pipelines.lake.read import Lake
from pipelines.metrics import caller_changes
from pipelines.metrics.caller_changes import History
from pipelines.metrics.slices import Slice

_STRATA = (
    "SELECT caller_id, campaign_id, list, local_hour, day, sum(dials)::BIGINT AS dials,"
    " sum(human_answered)::BIGINT AS human_answered FROM cube_caller_strata"
)


def histories(lake: Lake, part: Slice) -> list[History]:
    """As `metrics.caller_changes.histories`."""
    where, values = part.where()
    strata = lake.sql(f"{_STRATA} WHERE {where} AND day IS NOT NULL GROUP BY ALL", values)
    return caller_changes.histories(strata)

"""When to call: questions to the cubes about hours, paths of leads, and what remains.

What follows leads (`paths` and all after it) takes a slice's days as days of loading, UTC.
"""

import polars as pl

from pipelines.lake.read import Lake
from pipelines.metrics import best_time as hours
from pipelines.metrics import forecast as finish
from pipelines.metrics import lead_paths as leads
from pipelines.metrics import survival
from pipelines.metrics.forecast import Forecast
from pipelines.metrics.slices import Slice

_PATH = (
    "dials", "at_risk", "human_answered", "conversed", "goal", "opted_out", "first_dial",
    "first_human", "first_goal",
)  # fmt: skip
_SUMS = ", ".join(f"sum({name})::BIGINT AS {name}" for name in _PATH)


def best_time(lake: Lake, part: Slice) -> pl.DataFrame:
    """As `metrics.best_time.best_time`."""
    where, values = part.where()
    counts = lake.sql(
        "SELECT local_weekday, local_hour, sum(dials)::BIGINT AS dials,"
        " sum(human_answered)::BIGINT AS human_answered"
        f" FROM cube_hours WHERE {where} GROUP BY ALL",
        values,
    )
    return hours.best_time(counts)


def humans_by_day(lake: Lake, part: Slice) -> pl.DataFrame:
    """day (of the call), dials, human_answered."""
    where, values = part.where()
    return lake.sql(
        "SELECT day, sum(dials)::BIGINT AS dials, sum(human_answered)::BIGINT AS human_answered"
        f" FROM cube_attempt_numbers WHERE {where} AND day IS NOT NULL GROUP BY day ORDER BY day",
        values,
    )


def paths(lake: Lake, part: Slice) -> pl.DataFrame:
    """Sums of the cube `lead_paths` by list, day (of loading) and attempt: what all below start
    from, so that a page asks once."""
    where, values = part.where()
    return lake.sql(
        f"SELECT list, day, attempt, {_SUMS} FROM cube_lead_paths WHERE {where} GROUP BY ALL",
        values,
    )


def contact_by_dial(found: pl.DataFrame, *, by_list: bool = False) -> pl.DataFrame:
    """Kaplan-Meier over the number of the dial, from `paths`; with a column `list` where asked."""
    by = ["list"] if by_list else []
    risk = found.group_by(*by, time="attempt").agg(
        events=pl.col("first_human").sum(), at_risk=pl.col("at_risk").sum()
    )
    return survival.kaplan_meier(risk, by)


def contact_by_hour(lake: Lake, part: Slice, *, by_list: bool = False) -> pl.DataFrame:
    """Kaplan-Meier over hours since loading; `time` is the end of the hour or day."""
    where, values = part.where()
    by = ["list"] if by_list else []
    chosen = "".join(f"{name}, " for name in by)
    exits = lake.sql(
        f"SELECT {chosen}within_h AS time, sum(contacts)::BIGINT AS events,"
        " greatest(sum(quiet), 0)::BIGINT AS censored"
        f" FROM cube_contact_hours WHERE {where} GROUP BY ALL",
        values,
    )
    return survival.kaplan_meier(survival.risk_sets(exits, by), by)


def penetration(lake: Lake, part: Slice) -> pl.DataFrame:
    """As `metrics.lead_paths.penetration`, up to the last day of the slice. Its first day, and its
    arms (a lead has none before its first dial), are left out."""
    whole = Slice(part.campaign_id, part.rehearsal, part.lists, (), None, part.until)
    loaded_where, values = whole.where("CAST(loaded_at AS DATE)")
    loaded = lake.sql(
        "SELECT CAST(loaded_at AS DATE) AS day, count(*) AS leads FROM campaign_leads"
        f" WHERE {loaded_where} GROUP BY ALL",
        values,
    )
    where, values = whole.where()
    dialed = lake.sql(
        "SELECT day, sum(first_dial)::BIGINT AS leads FROM cube_outcomes"
        f" WHERE {where} GROUP BY ALL",
        values,
    )
    held = lake.sql(
        "SELECT day, sum(never_dialed)::BIGINT AS leads FROM cube_standing"
        f" WHERE {where} GROUP BY ALL",
        values,
    )
    return leads.penetration(loaded, dialed, held)


def forecast(standing: pl.DataFrame) -> Forecast:
    """From `penetration`: when every eligible lead will have been dialed once."""
    return finish.forecast(standing)

"""Count days again, as a flow."""

from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from pipelines.flows.progress import Progress
from pipelines.flows.recorded import recorded
from pipelines.flows.retrying import when_not_available
from pipelines.summaries import summarise_days
from voice_ai.context import open_context


@flow(name="daily-summary", flow_run_name="summarise {days} days")
@recorded("daily-summary")
def daily_summary_flow(days: int = 3) -> dict[str, Any]:
    """Counts dials, answers and goals per campaign and day (UTC) and keeps them.

    Args:
        days: How many days back, today included.
    """
    return summarise_task(days)


# The same days again replace what was counted: trying again is safe.
@task(
    name="count days",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=when_not_available,
)
def summarise_task(days: int) -> dict[str, Any]:
    told = Progress("daily-summary", "counting attempts")
    with open_context() as context:
        made = summarise_days(context.role_url("flows"), now=context.clock.now(), days=days)
    told.at(1.0, f"{made['days']} days of {len(made['campaigns'])} campaigns")
    return made

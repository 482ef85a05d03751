"""Score turns that were said before, as a flow."""

from datetime import timedelta
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from ml.score import score_turns
from ml.tasks import find_task
from pipelines.flows.progress import Progress
from pipelines.flows.recorded import recorded
from pipelines.flows.retrying import when_not_available
from voice_ai.context import open_context


@flow(name="score-turns", flow_run_name="score turns")
@recorded("score-turns")
def score_turns_flow(task: str, days: int = 30) -> dict[str, Any]:
    """Lets the served version of a task tell turns that were said before it was served.

    Args:
        task: intent, emotion or opt_out.
        days: How many days back.
    """
    return score_turns_task(find_task(task).name, days)


# What is scored already is left out: trying again is safe.
@task(
    name="score turns",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=when_not_available,
)
def score_turns_task(name: str, days: int) -> dict[str, Any]:
    told = Progress("score-turns", "reading turns")
    with open_context() as context:
        now = context.clock.now()
        made = score_turns(
            context.role_url("flows"),
            context.settings.home,
            name,
            since=now - timedelta(days=days),
            rehearsal=context.rehearsal,
            now=now,
            progress=told.at,
        )
    told.at(1.0, f"{made['turns']:,} turns scored by {name} version {made['version']}")
    return made

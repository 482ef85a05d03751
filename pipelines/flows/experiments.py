"""Experiments under way are judged."""

from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from pipelines.experiments import judge_experiments
from pipelines.flows.progress import Progress
from pipelines.flows.recorded import recorded
from pipelines.flows.retrying import when_not_available
from voice_ai.context import open_context


@flow(name="judge-experiments", flow_run_name="judge experiments")
@recorded("judge-experiments")
def judge_experiments_flow() -> dict[str, Any]:
    """Per experiment that goes on its verdict, why, and whether that ended it."""
    return judge_experiments_task()


@task(
    name="judge experiments",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=when_not_available,
)
def judge_experiments_task() -> dict[str, Any]:
    told = Progress("judge-experiments", "bringing the lake up to date")
    with open_context() as context:
        looks = judge_experiments(context)
    said = [f"{look['experiment']}: {look['verdict']}" for look in looks]
    told.at(1.0, ", ".join(said) or "no experiment goes on")
    return {"experiments": looks}

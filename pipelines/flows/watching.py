"""Watch the served models, as a flow."""

from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from ml.watch import draw_labels, watch_models
from pipelines.flows.progress import Progress
from pipelines.flows.recorded import recorded
from pipelines.flows.retrying import when_not_available
from voice_ai.context import open_context


@flow(name="watch-models", flow_run_name="watch models")
@recorded("watch-models")
def watch_models_flow(draw: str | None = None) -> dict[str, Any]:
    """Measures whether models still hear in calls what they were taught.

    Args:
        draw: Task of which turns of this week are drawn to be labelled now; left out: none.
    """
    return watch_task(draw)


# The same day again replaces what was measured: trying again is safe.
@task(
    name="watch",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=when_not_available,
)
def watch_task(draw: str | None) -> dict[str, Any]:
    told = Progress("watch-models", "reading what was heard")
    with open_context() as context:
        url, now, rehearsal = context.role_url("flows"), context.clock.now(), context.rehearsal
        made = watch_models(
            url, context.settings.home, now=now, rehearsal=rehearsal, progress=told.at
        )
        if draw:
            drawn = draw_labels(url, draw, now=now, rehearsal=rehearsal)
            made["drawn"] = {**made["drawn"], draw: drawn + made["drawn"].get(draw, 0)}
    acts = sum(one["verdict"] == "act" for one in made["measures"])
    told.at(1.0, f"{len(made['measures'])} measures, {acts} ask for action")
    return made

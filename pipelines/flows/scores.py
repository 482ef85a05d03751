"""Score waiting leads, as a flow."""

from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from pipelines.flows.progress import Progress
from pipelines.flows.recorded import recorded
from pipelines.flows.retrying import when_not_available
from pipelines.lead_models import lead_models
from pipelines.scores import score_leads
from voice_ai.context import open_context


@flow(name="score-leads", flow_run_name="score leads")
@recorded("score-leads")
def score_leads_flow(campaign: str | None = None) -> dict[str, Any]:
    """Orders waiting leads by their chance to be picked up by a person, and gives them hours.

    Args:
        campaign: Name of one campaign; left out: every campaign that is not over.
    """
    return score_task(campaign)


# The same leads again get the same scores: trying again is safe.
@task(
    name="score",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=when_not_available,
)
def score_task(campaign: str | None) -> dict[str, Any]:
    told = Progress("score-leads", "reading past dials")
    with open_context() as context:
        made = score_leads(
            context.role_url("flows"),
            now=context.clock.now(),
            campaign=campaign,
            served=lead_models(context.settings.home),
            progress=told.at,
        )
    told.at(1.0, f"{made['scored']:,} leads scored")
    return made

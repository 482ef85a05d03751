"""Take an import back, as a flow."""

from typing import Any
from uuid import UUID

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from pipelines.flows.progress import Progress
from pipelines.flows.recorded import recorded
from pipelines.undo import undo_import
from voice_ai.context import open_context


@flow(name="undo-import", flow_run_name="undo import {run_id}")
@recorded("undo-import")
def undo_import_flow(run_id: UUID) -> dict[str, Any]:
    """Deletes the leads of one import, while none of them was called or decided about.

    Args:
        run_id: The id of the import, as the page of lists and imports shows it.
    """
    return undo_task(run_id)


# Not tried again: a second try after a lost answer would be told that it is undone already.
@task(name="delete the leads", cache_policy=NO_CACHE)
def undo_task(run_id: UUID) -> dict[str, Any]:
    told = Progress("undo-import", "looking whether its leads were called")
    with open_context() as context:
        made = undo_import(context.role_url("flows"), run_id, now=context.clock.now())
    told.at(1.0, f"{made['leads']:,} leads deleted")
    return made

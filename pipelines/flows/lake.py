"""The lake in step with the database: a flow with a record, and a quiet look every minute."""

import asyncio
from typing import Any

import structlog
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from pipelines.flows.progress import Progress
from pipelines.flows.recorded import recorded
from pipelines.flows.retrying import when_not_available
from pipelines.lake import manifest as commits
from pipelines.lake.store import open_store
from pipelines.lake.sync import SyncReport, compact_now, sync
from voice_ai.context import Context, open_context
from voice_ai.errors import VoiceAIError

log = structlog.get_logger()
_PAUSE_S = 60.0


@flow(name="sync-lake", flow_run_name="sync the lake")
@recorded("sync-lake")
def sync_lake_flow() -> dict[str, Any]:
    """Writes finished calls into the lake, puts its small files together, deletes unneeded ones."""
    return sync_lake_task()


# What was committed stays; trying again goes on from there.
@task(
    name="sync the lake",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=when_not_available,
)
def sync_lake_task() -> dict[str, Any]:
    told = Progress("sync-lake", "looking for what is new")
    with open_context() as context:
        url = context.role_url("flows")
        store = open_store(context.settings.lake_url, context.settings.home)
        made = sync(url, store, now=context.clock.now(), tell=lambda share, step: told.at(share))
        packed = compact_now(url, store)
    merged = packed.merged if packed else 0
    told.at(1.0, _sentence(made, merged))
    return {**made.model_dump(mode="json"), "merged_files": merged}


async def keep_lake_in_step(context: Context) -> None:
    """Syncs again and again, in real time, until it is cancelled. Nothing new costs a few queries;
    a run a minute in Prefect would cost a process each."""
    while True:
        await asyncio.sleep(_PAUSE_S)
        try:
            await asyncio.to_thread(_in_step, context)
        except VoiceAIError as error:
            log.warning("lake_not_in_step", why=error.message)
        except Exception:  # whatever it was may be over in a minute, and the flows go on
            log.exception("lake_not_in_step")


def _in_step(context: Context) -> None:
    url = context.role_url("flows")
    store = open_store(context.settings.lake_url, context.settings.home)
    found = commits.newest(store)
    if found is not None and found.made_up:
        return
    sync(url, store, now=context.clock.now())
    compact_now(url, store, only_if_due=True)


def _sentence(made: SyncReport, merged: int) -> str:
    if made.busy:
        return "another process was writing to the lake"
    rows = sum(made.rows.values())
    packed = f", {merged:,} files put together" if merged else ""
    return f"{rows:,} rows in {made.commits} commits{packed}"

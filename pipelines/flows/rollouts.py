"""Candidates in running calls are judged: as a flow, and all along beside the flows."""

import asyncio
import time
from typing import Any

import structlog
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from ml.rollout.judge import judge_rollouts
from pipelines.flows.progress import Progress
from pipelines.flows.recorded import recorded
from voice_ai.context import Context, open_context

log = structlog.get_logger(__name__)
# A bad candidate costs calls until somebody looks; a rehearsal's stages last a minute.
_LOOK_S = {"live": 30.0, "rehearsal": 5.0}

# A look over very many calls is followed by a longer pause: so many times what it took.
_PAUSE_FOR_A_LOOK = 20.0


@flow(name="judge-rollouts", flow_run_name="judge rollouts")
@recorded("judge-rollouts")
def judge_rollouts_flow() -> dict[str, Any]:
    """Per rollout under way task, version, what was decided and why."""
    return judge_task()


@task(name="judge", cache_policy=NO_CACHE)
def judge_task() -> dict[str, Any]:
    told = Progress("judge-rollouts", "looking at candidates")
    with open_context() as context:
        looks = judge_rollouts(context)
    said = [f"{look['task']} {look['version']}: {look['decision']}" for look in looks]
    told.at(1.0, ", ".join(said) or "no candidate is in calls")
    return {"rollouts": looks}


async def watch_rollouts(context: Context) -> None:
    """Looks again and again, in real time, until it is cancelled. Nothing to do costs one query."""
    pause = _LOOK_S["rehearsal" if context.rehearsal else "live"]
    took = 0.0
    while True:
        await asyncio.sleep(max(pause, _PAUSE_FOR_A_LOOK * took))
        began = time.monotonic()
        try:
            looks = await asyncio.to_thread(judge_rollouts, context)
        except Exception:
            # Whatever it was may be over at the next look, and the flows go on beside it.
            log.exception("rollouts_not_judged")
            continue
        finally:
            took = time.monotonic() - began
        for look in looks:
            if look["decision"] != "hold":
                log.info("rollout", **look)

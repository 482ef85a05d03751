"""The flows process: a Prefect server, the deployments of all flows, and the requests' worker.

The runner starts every run as a process of its own, so a heavy one holds nothing up.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from ml.lifecycle import Lifecycle
from pipelines.flow_list import FLOWS, address_file
from pipelines.flows.experiments import judge_experiments_flow
from pipelines.flows.imports import import_leads_flow
from pipelines.flows.lake import keep_lake_in_step, sync_lake_flow
from pipelines.flows.local import ServerHandle
from pipelines.flows.models import model_order_flow, train_model_flow, train_models_flow
from pipelines.flows.recorded import PARENT_VARIABLE, WORKER_VARIABLE
from pipelines.flows.reports import build_report_flow, daily_report_flow, send_report_flow
from pipelines.flows.requests import RequestWorker, crash_orphans
from pipelines.flows.rollouts import judge_rollouts_flow, watch_rollouts
from pipelines.flows.scores import score_leads_flow
from pipelines.flows.scoring import score_turns_flow
from pipelines.flows.summaries import daily_summary_flow
from pipelines.flows.undo import undo_import_flow
from pipelines.flows.watching import watch_models_flow
from pipelines.models_in_step import ModelsInStep
from voice_ai.context import Context
from voice_ai.errors import NotAvailable
from voice_ai.store.flow_requests import FlowName
from voice_ai.store.workers import Presence

log = structlog.get_logger()
DEPLOYMENT = "served"
_AT_ONCE = 3
_QUERY_S = 1.0
_LOOK_S = 0.5
_LEAVE_S = 2.0
_MODELS_S = 10.0
_FLOWS: Mapping[FlowName, Flow[..., Any]] = {
    "import-leads": import_leads_flow,
    "undo-import": undo_import_flow,
    "train-models": train_models_flow,
    "judge-rollouts": judge_rollouts_flow,
    "train-model": train_model_flow,
    "model-order": model_order_flow,
    "build-report": build_report_flow,
    "score-leads": score_leads_flow,
    "daily-summary": daily_summary_flow,
    "watch-models": watch_models_flow,
    "score-turns": score_turns_flow,
    "sync-lake": sync_lake_flow,
    "daily-report": daily_report_flow,
    "send-report": send_report_flow,
    "judge-experiments": judge_experiments_flow,
}


async def serve_flows(
    context: Context,
    server: ServerHandle,
    schedules: Mapping[str, str | None],
    ready: Callable[[str], None],
) -> None:
    """Serves until SIGTERM or SIGINT; `ready` is told the address of Prefect's pages.

    `schedules` replaces the cron of a flow; None switches it off. Raises NotAvailable when the
    server ends.
    """
    presence = Presence(context.role_url("flows"), "flows")
    await presence.enter()
    os.environ[WORKER_VARIABLE] = str(presence.worker_id)
    os.environ[PARENT_VARIABLE] = str(os.getpid())
    runner = Runner(
        name="voice-ai", query_seconds=_QUERY_S, limit=_AT_ONCE, pause_on_shutdown=False
    )
    async with get_client() as client:
        if server.process is not None:
            await crash_orphans(client)
        deployments = await _deploy(runner, schedules)
        worker = RequestWorker(context, presence.worker_id, client, deployments)
        pages = server.api_url.removesuffix("/api")
        told = _Announcement(runner, address_file(context.settings.home), pages, ready)
        try:
            work = [presence.beat_forever(), runner.start(), worker.run_forever()]
            work.append(_keep_models_in_step(context))
            work.append(watch_rollouts(context))
            work.append(keep_lake_in_step(context))
            await _until_told(server, work, told)
        finally:
            told.take_back()
            await worker.leave()
            await presence.leave()


async def _keep_models_in_step(context: Context) -> None:
    """An alias that was moved serves within a minute. Real time: files, not calls."""
    models = ModelsInStep(Lifecycle.of(context.settings, "flows"), context.role_url("flows"))
    while True:
        await asyncio.sleep(_MODELS_S)
        try:
            await asyncio.to_thread(models.look, context.clock.now())
        except Exception:  # whatever a registry does to us, the flows go on
            log.exception("models_not_in_step")


async def _deploy(runner: Runner, schedules: Mapping[str, str | None]) -> dict[str, UUID]:
    return {
        name: await runner.aadd_deployment(await _deployment(name, schedules)) for name in _FLOWS
    }


async def _deployment(name: FlowName, schedules: Mapping[str, str | None]) -> RunnerDeployment:
    facts = FLOWS[name]
    cron, zone = (facts.schedule.cron, facts.schedule.zone) if facts.schedule else (None, "UTC")
    cron = schedules.get(name, cron)
    return await _FLOWS[name].ato_deployment(
        DEPLOYMENT,
        schedules=[Cron(cron, timezone=zone)] if cron else [],
        description=facts.purpose,
        tags=list(facts.tags),
        concurrency_limit=1,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


async def _until_told(
    server: ServerHandle, work: Sequence[Coroutine[Any, Any, None]], beat: Callable[[], None]
) -> None:
    """Runs the work until a signal, with a beat now and then; raises what ended it before."""
    stop = asyncio.Event()
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        while not stop.is_set():
            # Again and again: the runner sets a handler of its own, which says no goodbye.
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            for task in tasks:
                if task.done():
                    task.result()
                    raise NotAvailable("a part of the flows process ended by itself")
            if server.process is not None and server.process.poll() is not None:
                raise NotAvailable("the Prefect server ended; logs/prefect.log says why")
            beat()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=_LEAVE_S)


class _Announcement:
    """Told once, when the runner has begun: in a file for the pages, and to whoever waits."""

    def __init__(self, runner: Runner, file: Path, pages: str, ready: Callable[[str], None]):
        self._runner, self._file, self._pages, self._ready = runner, file, pages, ready
        self._told = False

    def __call__(self) -> None:
        if self._told or not self._runner.started:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(self._pages, encoding="utf-8")
        self._ready(self._pages)
        self._told = True

    def take_back(self) -> None:
        self._file.unlink(missing_ok=True)

"""The worker of `flow_requests`: claims what was asked, runs it through Prefect, tells its end.

Progress and the end come from the run's own process (`recorded`). This worker only begins runs and
looks after those whose process could not say how it ended.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import httpx
import psycopg
import structlog
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Crashed

from pipelines.flows.recorded import REQUEST_TAG
from voice_ai.context import Context
from voice_ai.db.connect import Db, Row, connect
from voice_ai.errors import NotAvailable
from voice_ai.store import flow_requests as store

log = structlog.get_logger()
T = TypeVar("T")

_PAUSE_S = 0.3
_LOOK_AFTER_S = 1.5
_UNFINISHED = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]


class RequestWorker:
    """One per flows process; any number of processes share the work."""

    def __init__(
        self,
        context: Context,
        worker: UUID,
        client: PrefectClient,
        deployments: Mapping[str, UUID],
    ) -> None:
        self._url = context.role_url("flows")
        self._clock = context.clock
        self._worker = worker
        self._client = client
        self._deployments = deployments
        self._db: Db | None = None
        self._looked_at = 0.0

    async def run_forever(self) -> None:
        """Outlives a database or a Prefect that does not answer for a while."""
        while True:
            try:
                await self._turn()
            except (psycopg.OperationalError, NotAvailable, httpx.HTTPError) as error:
                log.warning("flow_requests_wait", reason=str(error).strip().splitlines()[:1])
                self._drop()
            await asyncio.sleep(_PAUSE_S)

    async def leave(self) -> None:
        """What still runs is ended with this process, and says so."""
        try:
            rows = await self._ask(
                lambda db: store.interrupt_mine(db, self._worker, now=self._clock.now())
            )
            await crash(self._client, _runs(rows))
        except (psycopg.OperationalError, NotAvailable, httpx.HTTPError) as error:
            log.warning("flow_requests_left", reason=str(error).strip().splitlines()[:1])
        self._drop()

    async def _turn(self) -> None:
        while row := await self._ask(
            lambda db: store.claim(db, self._worker, now=self._clock.now())
        ):
            await self._begin(row)
        if time.monotonic() - self._looked_at >= _LOOK_AFTER_S:
            await self._look_after()
            self._looked_at = time.monotonic()

    async def _begin(self, row: Row) -> None:
        deployment = self._deployments.get(row["flow"])
        if deployment is None:
            await self._end(row["id"], "failed", f"there is no flow {row['flow']!r}")
            return
        try:
            run = await self._client.create_flow_run_from_deployment(
                deployment,
                parameters=row["parameters"] or {},
                tags=[f"{REQUEST_TAG}{row['id']}"],
                idempotency_key=str(row["id"]),
            )
        except PrefectHTTPStatusError as error:
            await self._end(row["id"], "failed", _refusal(error))
            return
        except httpx.HTTPError:
            await self._end(row["id"], "failed", "Prefect does not answer; ask again in a moment")
            return
        await self._ask(lambda db: store.link_run(db, row["id"], run.id))

    async def _look_after(self) -> None:
        dead = await self._ask(lambda db: store.interrupt_dead(db, now=self._clock.now()))
        await crash(self._client, _runs(dead))
        mine = await self._ask(lambda db: store.running_of(db, self._worker))
        row_of = {row["flow_run_id"]: row["id"] for row in mine if row["flow_run_id"]}
        if not row_of:
            return
        for run in await self._client.read_flow_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=list(row_of)))
        ):
            if run.state is not None and run.state.is_final():
                state, message = _end_of(run)
                await self._end(row_of[run.id], state, message)

    async def _end(self, request: UUID, state: Any, message: str | None) -> None:
        await self._ask(lambda db: store.finish(db, request, state, message, now=self._clock.now()))

    async def _ask(self, question: Callable[[Db], T]) -> T:
        def answer() -> T:
            if self._db is None or self._db.closed:
                self._db = connect(self._url, name="voice-ai flow requests", autocommit=True)
            return question(self._db)

        return await asyncio.to_thread(answer)

    def _drop(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None


async def crash_orphans(client: PrefectClient) -> None:
    """Ends runs that a killed flows process left running: its server is ours alone."""
    unfinished = FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNFINISHED))
    while runs := await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=unfinished), limit=100
    ):
        await crash(client, [run.id for run in runs])
    # Their places in the deployments' limits are kept in the ended server's memory and would be
    # held for minutes.
    for limit in await client.read_global_concurrency_limits(limit=100):
        if limit.active_slots:
            await client.update_global_concurrency_limit(
                limit.name, GlobalConcurrencyLimitUpdate(active_slots=0)
            )


async def crash(client: PrefectClient, runs: Sequence[UUID]) -> None:
    """Marks runs as crashed; one that this Prefect does not know is left alone."""
    for run in runs:
        try:
            await client.set_flow_run_state(run, Crashed(message=store.INTERRUPTED), force=True)
        except ObjectNotFound:
            log.info("flow_run_unknown", flow_run_id=str(run))


def _runs(rows: Sequence[Row]) -> list[UUID]:
    return [row["flow_run_id"] for row in rows if row["flow_run_id"] is not None]


def _end_of(run: FlowRun) -> tuple[str, str | None]:
    """How a run ended that did not say so itself."""
    assert run.state is not None
    if run.state.is_completed():
        return "done", None
    if run.state.is_cancelled():
        return "cancelled", "cancelled in Prefect's pages"
    if run.state.is_crashed():
        return "failed", "its process ended before it was done; ask again"
    first = (run.state.message or "it failed").strip().splitlines()[0]
    return "failed", first


def _refusal(error: PrefectHTTPStatusError) -> str:
    try:
        detail = error.response.json().get("detail")
    except ValueError:
        detail = None
    if error.response.status_code in (409, 422) and detail:
        return f"the parameters do not fit the flow: {detail}"
    return f"Prefect refused the request (HTTP {error.response.status_code})"

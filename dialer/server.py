"""The web and media process: carrier callbacks, audio streams, health, metrics.

`create_app` wires one process; `run_server` serves it with uvicorn until it is told to stop.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import orjson
import psycopg
import psycopg_pool
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from dialer import media_route, webhooks
from dialer.parts import ServerParts
from voice_ai import __version__
from voice_ai.db import queries

log = structlog.get_logger()
_STATES = "SELECT state, count(*) AS n FROM attempts WHERE state <> 'ended' GROUP BY state"
_LIVE_STATES = ("intended", "unknown", "placed", "ringing", "in_progress")
_TROUBLE = (psycopg.OperationalError, psycopg_pool.PoolTimeout)


def create_app(
    open_parts: Callable[[], AbstractAsyncContextManager[ServerParts]],
    on_ready: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The application; `on_ready` is called once its parts are open."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_parts() as parts:
            app.state.parts = parts
            app.include_router(webhooks.routes(parts.webhooks))
            app.include_router(media_route.routes(parts))
            on_ready()
            yield

    app = FastAPI(
        title="Voice AI",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url="/api/docs",
        redoc_url=None,
        lifespan=lifespan,
    )
    _watch_requests(app)
    _add_api(app)
    return app


def _watch_requests(app: FastAPI) -> None:
    @app.middleware("http")
    async def count(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        started = time.perf_counter()
        try:
            response = await call_next(request)
        except _TROUBLE as error:
            log.error("database_lost", reason=type(error).__name__)
            response = PlainTextResponse("the database does not answer", 503)
        metrics = request.app.state.parts.metrics
        route = getattr(request.scope.get("route"), "path", "unknown")
        metrics.requests.labels(route, str(response.status_code)).inc()
        metrics.request_seconds.labels(route).observe(time.perf_counter() - started)
        return response


def _add_api(app: FastAPI) -> None:
    @app.get("/api/health")
    async def health(request: Request) -> Response:
        """200 when calls can be held, else 503; each component with its state and its reason."""
        parts: ServerParts = request.app.state.parts
        components = {
            "database": await _database_health(parts),
            "models": _model_health(parts),
            "opt_out_spool": _spool_health(parts),
        }
        components |= await _process_health(parts)
        ok = all(components[name]["ok"] for name in ("database", "opt_out_spool"))
        body = {
            "status": "ok" if ok else "unavailable",
            "version": __version__,
            "rehearsal": parts.rehearsal,
            "clock": parts.clock.now(),
            "components": components,
        }
        return _json(body, 200 if ok else 503)

    @app.get("/api/voice-ai/model-status")
    async def model_status(request: Request) -> Response:
        """Which version of which model this process serves."""
        parts: ServerParts = request.app.state.parts
        return _json(parts.models.status())

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        parts: ServerParts = request.app.state.parts
        await _count_attempts(parts)
        parts.metrics.live_conversations.set(len(parts.live))
        return Response(generate_latest(parts.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


async def _database_health(parts: ServerParts) -> dict[str, Any]:
    try:
        async with parts.pool.connection(timeout=2.0) as db:
            await db.execute("SELECT 1")
    except _TROUBLE as error:
        return {"ok": False, "reason": f"does not answer ({type(error).__name__})"}
    return {"ok": True, "reason": "answers"}


async def _process_health(parts: ServerParts) -> dict[str, dict[str, Any]]:
    """Dialers, by their heartbeats; none is no fault of the server's."""
    try:
        async with parts.pool.connection(timeout=2.0) as db:
            rows = await (await db.execute(queries("workers").alive)).fetchall()
    except _TROUBLE:
        return {"dialer": {"ok": False, "reason": "unknown: the database does not answer"}}
    alive = [row for row in rows if row["kind"] == "dialer" and row["fresh"]]
    reason = f"{len(alive)} alive" if alive else "none is running; start `voice-ai dialer`"
    return {"dialer": {"ok": bool(alive), "reason": reason}}


def _model_health(parts: ServerParts) -> dict[str, Any]:
    status = parts.models.status()
    serving = sorted(name for name, model in status.items() if model.get("serving"))
    reason = f"serving {', '.join(serving)}" if serving else "none yet; keywords stand in"
    return {"ok": bool(serving), "reason": reason}


def _spool_health(parts: ServerParts) -> dict[str, Any]:
    waiting = sum(1 for _ in parts.spool.waiting())
    reason = f"{waiting} opt-outs wait for the database" if waiting else "empty"
    return {"ok": waiting == 0, "reason": reason}


async def _count_attempts(parts: ServerParts) -> None:
    try:
        async with parts.pool.connection(timeout=2.0) as db:
            rows = await (await db.execute(_STATES)).fetchall()
    except _TROUBLE:
        parts.metrics.database_up.set(0)
        return
    parts.metrics.database_up.set(1)
    counts = {row["state"]: row["n"] for row in rows}
    for state in _LIVE_STATES:
        parts.metrics.attempts.labels(state).set(counts.get(state, 0))

"""The web and media process: carrier callbacks, audio streams, health, metrics.

`create_app` wires one process; `run_server` serves it with uvicorn until it is told to stop.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from dialer import inbound, media_route, relay_route, transfer_routes, webhooks
from dialer.health import TROUBLE, Component
from dialer.parts import ServerParts
from dialer.scrape import fill_in
from dialer.serving import set_apart_what_stays
from voice_ai import __version__

log = structlog.get_logger()
# Asked every few seconds by machines: their requests are counted, not logged.
_QUIET_ROUTES = frozenset({"/api/health", "/metrics"})


def create_app(
    open_parts: Callable[[], AbstractAsyncContextManager[ServerParts]],
    on_ready: Callable[[], None] = lambda: None,
    is_draining: Callable[[], bool] = lambda: False,
) -> FastAPI:
    """The application; `on_ready` is called once its parts are open."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_parts() as parts:
            app.state.parts = parts
            app.include_router(webhooks.routes(parts.webhooks))
            app.include_router(transfer_routes.routes(parts.webhooks))
            app.include_router(inbound.routes(parts.inbound))
            app.include_router(media_route.routes(parts))
            app.include_router(relay_route.routes(parts))
            set_apart_what_stays()
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
    _add_api(app, is_draining)
    return app


def live_calls(app: FastAPI) -> int:
    """Conversations that this process holds; none before it is up."""
    parts: ServerParts | None = getattr(app.state, "parts", None)
    return 0 if parts is None else len(parts.live)


def _watch_requests(app: FastAPI) -> None:
    @app.middleware("http")
    async def count(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        started = time.perf_counter()
        status = 500
        try:
            response = await call_next(request)
            status = response.status_code
        except TROUBLE as error:
            log.error("database_lost", reason=type(error).__name__)
            status = 503
            response = PlainTextResponse("the database does not answer", status)
        finally:
            _tell(request, status, time.perf_counter() - started)
        return response


def _tell(request: Request, status: int, seconds: float) -> None:
    """Counts and logs one request by its route; its address may hold a token, so never that."""
    metrics = request.app.state.parts.metrics
    route = getattr(request.scope.get("route"), "path", "unknown")
    metrics.requests.labels(route, str(status)).inc()
    metrics.request_seconds.labels(route).observe(seconds)
    if route not in _QUIET_ROUTES or status >= 500:
        log.info(
            "request",
            method=request.method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
        )


def _add_api(app: FastAPI, is_draining: Callable[[], bool]) -> None:
    @app.get("/api/health")
    async def health(request: Request) -> Response:
        """200 when calls can be held, else 503; each component with its state and its reason."""
        parts: ServerParts = request.app.state.parts
        ok, components = await parts.health.look()
        if is_draining():
            ok = False
            reason = f"it is being stopped; {len(parts.live)} calls are finished first"
            components["server"] = Component("down", reason, ok=False).body()
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
        await fill_in(parts)
        return Response(generate_latest(parts.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")

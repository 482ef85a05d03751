"""One process that is both vendors: composition, serving, and an orderly end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from dialer.simulator import refusals
from dialer.simulator.chat import ChatConfig, chat_routes
from dialer.simulator.config import SimulatorConfig
from dialer.simulator.control import control_routes
from dialer.simulator.elevenlabs import SPEECH_FAULTS, ElevenLabsConfig, SpeechFaults
from dialer.simulator.elevenlabs import routes as speech_routes
from dialer.simulator.exchange import Exchange
from dialer.simulator.inbound import inbound_routes
from dialer.simulator.rest import refuse
from dialer.simulator.rest_account import account_routes
from dialer.simulator.rest_calls import call_routes
from dialer.simulator.rest_messages import message_routes
from dialer.simulator.speech import Speech
from voice_ai.errors import NotAvailable

_SHUTDOWN_S = 2
_BACKLOG = 2048


def create_app(config: SimulatorConfig) -> Starlette:
    """The ASGI application; its lifespan opens and closes the exchange."""
    speech = Speech(
        seed=config.seed,
        word_error_rate=config.word_error_rate,
        voice_engine=config.voice_engine,
    )
    exchange = Exchange(config, speech)
    vendor = ElevenLabsConfig(
        seed=config.seed,
        speed=config.speed,
        faults=SPEECH_FAULTS.get(config.faults.name, SpeechFaults()),
    )

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        exchange.open()
        try:
            yield
        finally:
            await exchange.close()

    app = Starlette(
        routes=[
            *call_routes(exchange),
            *account_routes(exchange),
            *message_routes(exchange),
            *control_routes(exchange),
            *inbound_routes(exchange),
            *speech_routes(speech, vendor),
            *chat_routes(ChatConfig(config.seed, config.faults.name)),
        ],
        lifespan=lifespan,
        exception_handlers={404: _unknown_address, 405: _unknown_address},
    )
    app.state.exchange = exchange
    app.state.drop_connection = lambda request: False
    return app


async def _unknown_address(request: Request, problem: Exception) -> Response:
    return refuse(refusals.not_found(request.url.path))


class _Server(uvicorn.Server):
    """uvicorn, without its signal handling: whoever runs it decides when it ends."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.begun.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def drop_connection(self, request: Request) -> bool:
        """Cut the connection a request came on, before any answer; False when it is not found."""
        for connection in list(self.server_state.connections):
            client = getattr(connection, "client", None)
            if request.client is not None and client == tuple(request.client):
                connection.transport.abort()
                return True
        return False


def bind(host: str, port: int) -> socket.socket:
    """A listening socket's address, taken now. Raises NotAvailable in one sentence."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = (
            "is taken" if isinstance(error, OSError) and error.errno == 98 else "cannot be used"
        )
        raise NotAvailable(f"Port {port} on {host} {reason}; choose another with --port") from error
    return listener


async def run(
    config: SimulatorConfig,
    *,
    stop: asyncio.Event | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until `stop` is set; `ready` gets the address once requests are answered.

    Raises NotAvailable when the port cannot be used.
    """
    listener = bind(config.host, config.port)
    app = create_app(config)
    server = _Server(_uvicorn_config(app))
    app.state.drop_connection = server.drop_connection
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    begun = asyncio.create_task(server.begun.wait())
    stopping = asyncio.create_task((stop or asyncio.Event()).wait())
    try:
        await asyncio.wait({serving, begun}, return_when=asyncio.FIRST_COMPLETED)
        if ready is not None and server.started:
            host = f"[{config.host}]" if ":" in config.host else config.host
            ready(f"http://{host}:{listener.getsockname()[1]}")
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        begun.cancel()
        stopping.cancel()
        server.should_exit = True
        await serving
        listener.close()


def _uvicorn_config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        backlog=_BACKLOG,
        server_header=False,
    )


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's factory where uvloop exists, else the default."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop

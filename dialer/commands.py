"""`voice-ai dialer` and `voice-ai server`: one process each; SIGTERM drains."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voice_ai.errors import NotAvailable

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

AsJson = Annotated[bool, typer.Option("--json", help="Ready line as JSON.")]


def dialer(
    metrics_port: Annotated[int, typer.Option(help="Prometheus metrics; 0: none.")] = 9101,
    as_json: AsJson = False,
) -> None:
    """Run one dialer worker; any number of them may run. Ctrl-C or SIGTERM drains it.

    Example: voice-ai dialer --metrics-port 9102
    """
    from dialer.parts import open_worker
    from voice_ai import logs
    from voice_ai.context import open_context

    logs.configure("dialer")

    async def work() -> None:
        with open_context() as context:
            async with open_worker(context) as worker:
                if metrics_port:
                    _serve_metrics(metrics_port, worker.metrics.registry)
                _drain_on_signals(worker.drain)
                _ready("dialer", {"rehearsal": worker.rehearsal}, as_json=as_json)
                await worker.run()

    asyncio.run(work())


def server(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 3000,
    drain_limit: Annotated[
        float, typer.Option(min=0, help="Seconds that live calls may go on after a SIGTERM.")
    ] = 600.0,
    as_json: AsJson = False,
) -> None:
    """Run the web and media server: carrier callbacks, audio, health, metrics.

    Ctrl-C or SIGTERM lets live calls finish; the second one ends them.

    Example: voice-ai server --port 3000
    """
    from dialer.draining import DrainingServer
    from dialer.parts import open_server
    from dialer.server import create_app, live_calls
    from dialer.serving import allow_many_sockets, server_config
    from voice_ai import logs
    from voice_ai.context import open_context

    logs.configure("server")
    listener = _listen(host, port)
    allow_many_sockets()
    with open_context() as context:
        app = create_app(
            lambda: open_server(context),
            on_ready=lambda: _ready("server", {"url": f"http://{host}:{port}"}, as_json=as_json),
            is_draining=lambda: serving.draining,
        )
        serving = DrainingServer(server_config(app), lambda: live_calls(app), drain_limit)
        serving.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise NotAvailable(
            f"port {port} on {host} is taken; stop what uses it, or give another --port"
        ) from error
    return listener


def _drain_on_signals(drain: Callable[[], None]) -> None:
    """The first signal drains, the second ends the process at once."""
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        drain()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)


def _serve_metrics(port: int, registry: "CollectorRegistry") -> None:
    from prometheus_client import start_http_server

    try:
        start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise NotAvailable(
            f"metrics port {port} is taken; give another --metrics-port, or 0 for none"
        ) from error


def _ready(process: str, facts: dict[str, Any], *, as_json: bool) -> None:
    """The one line on standard output that says the process is up."""
    line = json.dumps({"ready": process, **facts}) if as_json else f"{process} ready {facts}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

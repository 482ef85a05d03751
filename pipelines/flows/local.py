"""A Prefect server of our own on this machine, and flows that run against it in this process.

A flow without a server starts a temporary one, which costs every process about ten seconds; one
server started early, while other work goes on, costs nobody anything.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from voice_ai.errors import NotAvailable

_POLL = 0.1
_LEAVE = 10.0


def prefect_environment(home: Path) -> dict[str, str]:
    """Prefect's settings for this home: nothing is sent anywhere, nothing is chatty.

    A PREFECT_API_URL that is set already names a server to use instead of our own.
    """
    chosen = os.environ.get("PREFECT_API_URL")
    return {
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
        **({"PREFECT_API_URL": chosen} if chosen else {}),
    }


@dataclass
class ServerHandle:
    """A server that is starting or up. `process` is None when somebody else runs it."""

    home: Path
    api_url: str
    process: subprocess.Popen[bytes] | None

    def wait_ready(self, timeout: float = 120.0) -> None:
        """Raises NotAvailable when the server ends, or does not answer in time."""
        import httpx

        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if self.process is not None and self.process.poll() is not None:
                raise NotAvailable(
                    f"the Prefect server ended while starting; {_log(self.home)} says why"
                )
            try:
                if httpx.get(f"{self.api_url}/health", timeout=5).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(_POLL)
        raise NotAvailable(
            f"the Prefect server at {self.api_url} does not answer; "
            "check PREFECT_API_URL, or unset it"
        )

    def close(self) -> None:
        """Stops a server of our own and waits for its end."""
        if self.process is None:
            return
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(_LEAVE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> "ServerHandle":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def start_server(home: Path, port: int = 0) -> ServerHandle:
    """Starts a server on this machine and returns at once; `wait_ready` waits. Port 0: a free one.

    Raises NotAvailable when the port is taken. The server ends when the handle is closed, and when
    this process ends in any way: it reads a pipe whose other end only this process holds. Ctrl-C
    does not reach it.
    """
    environment = prefect_environment(home)
    chosen = environment.get("PREFECT_API_URL")
    if chosen is not None:
        return ServerHandle(home, chosen.rstrip("/"), None)
    log = _log(home)
    log.parent.mkdir(parents=True, exist_ok=True)
    with _listen(port) as listener, log.open("ab") as output:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.flows.server", str(listener.fileno())],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=[listener.fileno()],
            start_new_session=True,
            env={**os.environ, **environment, "PREFECT_API_URL": url},
        )
    return ServerHandle(home, url, process)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise NotAvailable(
            f"port {port} (Prefect) is taken; stop what uses it (another `voice-ai flows`?),"
            " or give another --port"
        ) from error


@contextmanager
def prefect_session(server: ServerHandle) -> Iterator[None]:
    """Flows called inside run in this process and report to that server. Not for coroutines."""
    server.wait_ready()
    wanted = {**prefect_environment(server.home), "PREFECT_API_URL": server.api_url}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        from prefect.context import SettingsContext, get_settings_context
        from prefect.settings import Settings

        # Prefect read the variables when it was first imported, which may have been before.
        profile = get_settings_context().profile
        with SettingsContext(profile=profile, settings=Settings()):
            yield
            _send_what_waits()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _send_what_waits() -> None:
    """Logs and task states leave in the background; the server may end with this session."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    EventsWorker.drain_all(timeout=_LEAVE)
    APILogWorker.drain_all(timeout=_LEAVE)


def _log(home: Path) -> Path:
    return home / "logs" / "prefect.log"

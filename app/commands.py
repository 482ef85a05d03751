"""`voice-ai app`: runs the pages."""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from voice_ai.errors import NotAvailable

_MAIN = Path(__file__).parent / "main.py"


def app(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8501,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    as_json: Annotated[bool, typer.Option("--json", help="The address as JSON.")] = False,
) -> None:
    """Run the Streamlit pages until Ctrl-C or SIGTERM.

    Example: voice-ai app --port 8501
    """
    _refuse_taken(host, port)
    _reach_database()
    url = f"http://{host}:{port}"
    print(json.dumps({"app": {"url": url}}) if as_json else f"Pages on {url}", flush=True)
    # Streamlit's own words go to standard error; it replaces this process, so that signals
    # reach it and nothing is left behind.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.execv(
        sys.executable, [sys.executable, "-m", "app.serve", "run", str(_MAIN), *flags(host, port)]
    )


def flags(host: str, port: int) -> list[str]:
    """Streamlit's options: nothing leaves the machine, nothing opens a browser."""
    options = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.runOnSave": "false",
        "server.showEmailPrompt": "false",
        # A full collection after every rerun is most of what a page costs, nine tenths of a beat of
        # the live page; the interpreter collects by itself when there is something to collect.
        "runner.postScriptGC": "false",
        "browser.gatherUsageStats": "false",
        "browser.serverAddress": host,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": "false",
        "logger.level": "warning",
        "theme.paddingTop": "1rem",
        "theme.headingFontSizes": '["1.9rem", "1.5rem", "1.25rem"]',
        "theme.light.primaryColor": "#2f6fb3",
        "theme.dark.primaryColor": "#7fb2e5",
    }
    return [f"--{name}={value}" for name, value in options.items()]


def _refuse_taken(host: str, port: int) -> None:
    """Raises NotAvailable. Streamlit itself would only say so after it had started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise NotAvailable(
                f"port {port} on {host} cannot be used ({error.strerror});"
                " choose another with --port"
            ) from error


def _reach_database() -> None:
    """Raises NotAvailable while a browser is not yet there to be told. An embedded server is
    started by the pages themselves."""
    from voice_ai.context import open_context
    from voice_ai.settings import Settings

    if Settings.read().database_url is not None:
        with open_context():
            pass

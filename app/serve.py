"""Streamlit as `voice-ai app` runs it: logs in JSON, and known in the database from its start."""

import logging
import os
import sys
import threading
from typing import NoReturn

import structlog

from app.presence import leave, present
from voice_ai import logs
from voice_ai.errors import VoiceAIError


def main() -> NoReturn:
    """Takes Streamlit's own words."""
    logs.configure("app")
    threading.Thread(target=_register, name="register", daemon=True).start()
    from streamlit.web.cli import main as streamlit

    sys.argv[0] = "streamlit"
    try:
        streamlit()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    _end(code)


def _register() -> None:
    """Before anybody looks, so that health knows the pages; a failure is told to who looks."""
    try:
        present()
    except VoiceAIError as error:
        structlog.get_logger().warning("not_registered", reason=error.message)


def _end(code: int) -> NoReturn:
    """Leaves without the exit handlers of native libraries.

    A page may be drawn at this very moment. Its thread is never joined, and a worker of Arrow's
    that asks the interpreter for something after its end vanishes; Arrow's exit handler then awaits
    it for ever.
    """
    leave()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()

"""Streamlit as `voice-ai app` runs it: logs in JSON, and known in the database from its start."""

import sys
import threading

import structlog

from voice_ai import logs
from voice_ai.errors import VoiceAIError


def main() -> None:
    """Takes Streamlit's own words; does not return."""
    logs.configure("app")
    threading.Thread(target=_register, name="register", daemon=True).start()
    from streamlit.web.cli import main as streamlit

    sys.argv[0] = "streamlit"
    streamlit()


def _register() -> None:
    """Before anybody looks, so that health knows the pages; a failure is told to who looks."""
    from app.presence import present

    try:
        present()
    except VoiceAIError as error:
        structlog.get_logger().warning("not_registered", reason=error.message)


if __name__ == "__main__":
    main()

"""Structured logs: one JSON object a line on standard error, a fixed sentence plus fields.

Numbers, names and speech never go in. Libraries that log addresses with their query, which can
hold a number, are held at warnings.
"""

import logging
import sys

import structlog

_QUIET = ("httpx", "httpcore", "twilio", "aiohttp", "websockets", "uvicorn", "alembic", "psycopg")


def configure(process: str, *, level: int = logging.INFO) -> None:
    """Sets up logging for this process; called once, by its entry point."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)

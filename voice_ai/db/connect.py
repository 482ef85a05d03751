"""Connections: one, or a pool. Every session speaks UTC and names its process."""

from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from voice_ai.errors import NotAvailable

Row = DictRow
AsyncDb = psycopg.AsyncConnection[DictRow]
Db = psycopg.Connection[DictRow]
Pool = AsyncConnectionPool[AsyncDb]

_OPTIONS = "-c timezone=UTC -c idle_in_transaction_session_timeout=60000"


def connect(url: str, *, name: str = "voice-ai", autocommit: bool = False) -> Db:
    """A connection with rows as dictionaries. Raises NotAvailable when the server is not there."""
    try:
        return psycopg.connect(
            url,
            autocommit=autocommit,
            application_name=name,
            options=_OPTIONS,
            connect_timeout=10,
            row_factory=dict_row,
        )
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        # A ProgrammingError is an address that cannot be understood.
        raise NotAvailable(unreachable(error)) from error


def open_pool(url: str, *, name: str, most: int, least: int = 1, **kwargs: Any) -> Pool:
    """A pool that is not opened yet (`async with open_pool(...) as pool`)."""
    return AsyncConnectionPool(
        url,
        min_size=least,
        max_size=most,
        open=False,
        kwargs={
            "application_name": name,
            "options": _OPTIONS,
            "row_factory": dict_row,
            **kwargs,
        },
    )


def unreachable(error: Exception) -> str:
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if "password authentication failed" in first:
        return (
            f"the database refuses the login ({first}); check DATABASE_URL, and that"
            " VOICE_AI_SECRET_KEY or the home's secret.key is the one it was set up with"
        )
    return f"the database does not answer ({first}); check DATABASE_URL, or unset it"

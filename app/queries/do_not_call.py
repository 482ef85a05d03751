"""Suppressions, outside lists and kill switches, as the page of them shows them; no numbers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from voice_ai.db import queries
from voice_ai.db.connect import Row
from voice_ai.store.outside_lists import SNAPSHOTS_IN_FORCE, ListStanding, standings

_SQL = queries("suppressions")
_SWITCHES = queries("switches")
_NAMES = "SELECT name FROM {} ORDER BY name LIMIT 1000"


def counts(connection: sa.Connection, since: datetime) -> Row:
    """numbers, recent (since then) and for_all."""
    (row,) = _rows(connection, _SQL.counts, {"since": since})
    return row


def by_source(connection: sa.Connection, since: datetime) -> pl.DataFrame:
    """source, numbers, recent; the fullest first."""
    rows = _rows(connection, _SQL.by_source, {"since": since})
    return pl.DataFrame(
        [(row["source"], row["numbers"], row["recent"]) for row in rows],
        schema={"source": pl.String(), "numbers": pl.Int64(), "recent": pl.Int64()},
        orient="row",
    )


def newest(connection: sa.Connection, limit: int = 100) -> list[Row]:
    return _rows(connection, _SQL.newest, {"limit": limit})


def outside_lists(connection: sa.Connection, now: datetime) -> list[ListStanding]:
    return standings(_rows(connection, SNAPSHOTS_IN_FORCE, {}), now)


def switches(connection: sa.Connection) -> list[Row]:
    """Those that stop calls now first, then those that were lifted."""
    return _rows(connection, _SWITCHES.all, {"limit": 100})


def sellers(connection: sa.Connection) -> list[str]:
    return [row["name"] for row in _rows(connection, _NAMES.format("sellers"), {})]


def campaigns(connection: sa.Connection) -> list[str]:
    return [row["name"] for row in _rows(connection, _NAMES.format("campaigns"), {})]


def _rows(connection: sa.Connection, query: str, values: dict[str, Any]) -> list[Row]:
    found: Sequence[Any] = connection.exec_driver_sql(query, values).mappings().all()
    return [dict(row) for row in found]

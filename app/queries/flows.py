"""What was asked of the flows process, and how it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

_COLUMNS = """id, flow, parameters, state, asked_by, progress, message, result, asked_at,
    started_at, finished_at"""


@dataclass(frozen=True)
class Request:
    """One row of `flow_requests`. `progress`: 0 to 1, None while unknown."""

    id: UUID
    flow: str
    parameters: Mapping[str, Any] | None
    state: str
    asked_by: str
    progress: float | None
    message: str | None
    result: Mapping[str, Any] | None
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.state in ("asked", "running")


@dataclass(frozen=True)
class Work:
    """All that the page of flows shows, read in one snapshot."""

    served: bool
    open: list[Request]
    recent: list[Request]
    last: dict[str, Request]
    campaigns: list[str]


def work(connection: sa.Connection, *, recent: int = 20) -> Work:
    served = connection.execute(
        sa.text(
            "SELECT EXISTS (SELECT FROM workers WHERE kind = 'flows' AND stopped_at IS NULL"
            " AND seen_at > now() - interval '10 seconds')"
        )
    ).scalar_one()
    still = _requests(
        connection,
        f"SELECT {_COLUMNS} FROM flow_requests WHERE state IN ('asked', 'running')"
        " ORDER BY state DESC, asked_at LIMIT 20",
    )
    over = _requests(
        connection,
        f"SELECT {_COLUMNS} FROM flow_requests WHERE state NOT IN ('asked', 'running')"
        " ORDER BY asked_at DESC, id LIMIT :limit",
        limit=recent,
    )
    last = _requests(
        connection,
        f"SELECT DISTINCT ON (flow) {_COLUMNS} FROM flow_requests WHERE started_at IS NOT NULL"
        " ORDER BY flow, started_at DESC, id",
    )
    names = connection.execute(sa.text("SELECT name FROM campaigns ORDER BY created_at DESC"))
    return Work(
        served=bool(served),
        open=still,
        recent=over,
        last={one.flow: one for one in last},
        campaigns=[row.name for row in names],
    )


def requests_of(
    connection: sa.Connection, flows: Sequence[str], *, limit: int = 5
) -> list[Request]:
    """The newest of these flows, the newest first."""
    return _requests(
        connection,
        f"SELECT {_COLUMNS} FROM flow_requests WHERE flow = ANY(:flows)"
        " ORDER BY asked_at DESC LIMIT :limit",
        flows=list(flows),
        limit=limit,
    )


def _requests(connection: sa.Connection, query: str, **values: Any) -> list[Request]:
    return [Request(**row._mapping) for row in connection.execute(sa.text(query), values)]

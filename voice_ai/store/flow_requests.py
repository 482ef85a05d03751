"""Requests to the flows process: a page or a command asks here, the flows process answers."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, cast, get_args
from uuid import UUID

from psycopg.types.json import Jsonb

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import NotFound, Refused

_SQL = queries("flow_requests")

# Each is a deployment of `voice-ai flows`; the parameters are those of its flow function.
FlowName = Literal[
    "import-leads", "undo-import", "train-models", "build-report", "score-leads", "daily-summary"
]
FLOW_NAMES: tuple[str, ...] = get_args(FlowName)
FINISHED = frozenset({"done", "failed", "cancelled", "interrupted"})


def ask(db: Db, flow: FlowName, parameters: Mapping[str, Any], *, by: str, now: datetime) -> UUID:
    """Writes the request; its id. Nobody has begun it when this returns."""
    values = {
        "flow": flow,
        "parameters": Jsonb(dict(parameters)),
        "asked_by": by,
        "now": now,
    }
    with db.transaction():
        row = db.execute(_SQL.ask, values).fetchone()
    assert row is not None
    return cast(UUID, row["id"])


def look(db: Db, request: UUID) -> Row:
    """How it stands: state, progress (0 to 1, None while unknown), message, result.

    Raises NotFound.
    """
    row = db.execute(_SQL.look, {"id": request}).fetchone()
    if row is None:
        raise NotFound(f"there is no request {request}")
    return row


def recent(db: Db, *, flow: FlowName | None = None, limit: int = 20) -> list[Row]:
    """The newest first."""
    return db.execute(_SQL.recent, {"flow": flow, "limit": limit}).fetchall()


def cancel(db: Db, request: UUID, *, by: str, now: datetime) -> None:
    """Takes back a request that nobody has begun. Raises Refused."""
    values = {"id": request, "now": now, "message": f"cancelled by {by}"}
    with db.transaction():
        if db.execute(_SQL.cancel, values).fetchone() is None:
            raise Refused(
                "the request was begun already, or is over; it can no longer be cancelled"
            )


def wait_for(
    db: Db,
    request: UUID,
    *,
    timeout: float,
    tell: Callable[[Row], None] = lambda row: None,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Row:
    """The request once it is finished, or as it stands after `timeout` seconds."""
    until = monotonic() + timeout
    while True:
        row = look(db, request)
        tell(row)
        if row["state"] in FINISHED or monotonic() >= until:
            return row
        sleep(0.2)

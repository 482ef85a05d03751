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
    "import-leads",
    "undo-import",
    "train-models",
    "judge-rollouts",
    "train-model",
    "model-order",
    "build-report",
    "score-leads",
    "daily-summary",
    "score-turns",
    "watch-models",
    "sync-lake",
    "daily-report",
    "send-report",
    "judge-experiments",
]
FLOW_NAMES: tuple[str, ...] = get_args(FlowName)
FINISHED = frozenset({"done", "failed", "cancelled", "interrupted"})
INTERRUPTED = "the flows process ended; ask again"
# As for a dialer: longer than a lost connection takes to come back.
DEAD_AFTER_S = 12.0


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


def claim(db: Db, worker: UUID, *, now: datetime) -> Row | None:
    """Takes the next request to run it; None when there is none. Others take others."""
    with db.transaction():
        return db.execute(_SQL.claim, {"worker_id": worker, "now": now}).fetchone()


def link_run(db: Db, request: UUID, flow_run: UUID) -> None:
    """Notes which of Prefect's runs is the request's."""
    with db.transaction():
        db.execute(_SQL.link_run, {"id": request, "flow_run_id": flow_run})


def record_run(
    db: Db,
    flow: FlowName,
    parameters: Mapping[str, Any],
    *,
    by: str,
    flow_run: UUID,
    worker: UUID,
    now: datetime,
) -> UUID:
    """Puts a run on record that began without a request; its id."""
    values = {
        "flow": flow,
        "parameters": Jsonb(dict(parameters)),
        "asked_by": by,
        "flow_run_id": flow_run,
        "worker_id": worker,
        "now": now,
    }
    with db.transaction():
        row = db.execute(_SQL.record_run, values).fetchone()
    assert row is not None
    return cast(UUID, row["id"])


def tell(db: Db, request: UUID, progress: float | None, message: str | None) -> None:
    """Progress from 0 to 1 and one sentence; None keeps what was said before."""
    with db.transaction():
        db.execute(_SQL.tell, {"id": request, "progress": progress, "message": message})


def finish(
    db: Db,
    request: UUID,
    state: Literal["done", "failed", "cancelled"],
    message: str | None,
    *,
    now: datetime,
    result: Mapping[str, Any] | None = None,
) -> bool:
    """Ends a running request; False when it had ended before, and then nothing changes.

    Without a message the last word of its progress stays.
    """
    values = {
        "id": request,
        "state": state,
        "message": message,
        "result": None if result is None else Jsonb(dict(result)),
        "now": now,
    }
    with db.transaction():
        return db.execute(_SQL.finish, values).fetchone() is not None


def running_of(db: Db, worker: UUID) -> list[Row]:
    """What that process runs now."""
    return db.execute(_SQL.running_of, {"worker_id": worker}).fetchall()


def interrupt_dead(db: Db, *, now: datetime, dead_after_s: float = DEAD_AFTER_S) -> list[Row]:
    """Ends what a process ran that is proved dead; the rows."""
    values = {"now": now, "message": INTERRUPTED, "dead_after": dead_after_s}
    with db.transaction():
        return db.execute(_SQL.interrupt_dead, values).fetchall()


def interrupt_mine(db: Db, worker: UUID, *, now: datetime) -> list[Row]:
    """Ends what this process runs, because it leaves; the rows."""
    values = {"now": now, "message": INTERRUPTED, "worker_id": worker}
    with db.transaction():
        return db.execute(_SQL.interrupt_mine, values).fetchall()


def last_runs(db: Db) -> dict[str, Row]:
    """Per flow the newest run."""
    return {row["flow"]: row for row in db.execute(_SQL.last_runs).fetchall()}


def is_served(db: Db) -> bool:
    """Whether a flows process is alive to run what is asked."""
    row = db.execute(_SQL.serving).fetchone()
    return bool(row and row["serving"])

"""Every run that the flows process starts is on record as a row of `flow_requests`.

A run that somebody asked for has its row already and names it in a tag; one that a schedule or
Prefect's own pages began gets one here. A flow that is called in a process of its own (`voice-ai
demo`) is not on record: nobody asked, and whoever called it has the answer.
"""

import functools
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ParamSpec
from uuid import UUID

import psycopg

from voice_ai.context import open_context
from voice_ai.db.connect import Db, connect
from voice_ai.errors import VoiceAIError
from voice_ai.store import flow_requests as store
from voice_ai.store.flow_requests import FlowName

P = ParamSpec("P")
Answer = dict[str, Any]

WORKER_VARIABLE = "VOICE_AI_FLOWS_WORKER"
PARENT_VARIABLE = "VOICE_AI_FLOWS_PARENT"
REQUEST_TAG = "request:"
_LEAST_PAUSE_S = 0.25
_LOOK_S = 0.5


@dataclass
class _Row:
    """The row of this process's run; a process runs one flow."""

    db: Db
    request: UUID
    told_at: float = 0.0

    def tell(self, share: float | None, step: str | None) -> None:
        now = time.monotonic()
        if step is None and now - self.told_at < _LEAST_PAUSE_S:
            return
        self.told_at = now
        progress = None if share is None else min(max(share, 0.0), 1.0)
        store.tell(self.db, self.request, progress, step)


_row: _Row | None = None


def tell(share: float | None, step: str | None) -> None:
    """Writes progress into the run's row, where it has one."""
    if _row is not None:
        _row.tell(share, step)


def asked_by() -> str | None:
    """Who asked for this process's run; None where it is not on record."""
    return None if _row is None else str(store.look(_row.db, _row.request)["asked_by"])


def recorded(name: FlowName) -> Callable[[Callable[P, Answer]], Callable[P, Answer]]:
    """Puts a flow's runs on record: begun, progress, and how it ended in one sentence."""

    def around(function: Callable[P, Answer]) -> Callable[P, Answer]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> Answer:
            worker = os.environ.get(WORKER_VARIABLE)
            if worker is None:
                return function(*args, **kwargs)
            _leave_with_parent(int(os.environ[PARENT_VARIABLE]))
            return _on_record(name, UUID(worker), lambda: function(*args, **kwargs))

        return run

    return around


def _on_record(name: FlowName, worker: UUID, run: Callable[[], Answer]) -> Answer:
    global _row
    with (
        open_context() as context,
        connect(context.role_url("flows"), name=f"voice-ai flow {name}", autocommit=True) as db,
    ):
        _row = _Row(db, _request(db, name, worker, context.clock.now()))
        try:
            answer = run()
        except Exception as error:
            why = reason_of(error)
            store.finish(db, _row.request, "failed", why, now=context.clock.now())
            raise
        # The last word of its progress stays: it says what came out.
        store.finish(db, _row.request, "done", None, now=context.clock.now(), result=answer)
        return answer


def _request(db: Db, name: FlowName, worker: UUID, now: datetime) -> UUID:
    """The run's row, by its tag, or a new one."""
    from prefect.runtime import flow_run

    for tag in flow_run.tags:
        if tag.startswith(REQUEST_TAG):
            return UUID(tag.removeprefix(REQUEST_TAG))
    scheduled = "auto-scheduled" in flow_run.tags
    return store.record_run(
        db,
        name,
        {key: value for key, value in flow_run.parameters.items() if value is not None},
        by="schedule" if scheduled else "Prefect's pages",
        flow_run=UUID(flow_run.id),
        worker=worker,
        now=now,
    )


def reason_of(error: Exception) -> str:
    """One sentence for a person; the whole story is in the logs."""
    if isinstance(error, VoiceAIError):
        return error.message
    if isinstance(error, psycopg.Error):
        words = str(error).strip().splitlines() or [type(error).__name__]
        return f"the database did not go along: {words[0]}"
    if isinstance(error, OSError) and error.strerror:
        return f"a file could not be used: {error.strerror} ({error.filename})"
    return f"it ended unexpectedly ({type(error).__name__}); the log of the flows process says more"


def _leave_with_parent(parent: int) -> None:
    """Ends this process when the flows process is gone: nobody is left to hear of its end.

    Its transaction is rolled back by the database, and its row is marked as interrupted.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="leave with parent").start()

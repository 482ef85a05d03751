"""Processes in the database: a heartbeat proves one alive, its lost lock proves it dead."""

import asyncio
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

import psycopg
import structlog
from psycopg.types.json import Jsonb

from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb, Db, Row
from voice_ai.ids import WorkerId
from voice_ai.vitals import Pulse

log = structlog.get_logger()
_SQL = queries("workers")
HEARTBEAT_S = 2.0
_LEAVE_S = 5.0


class Presence:
    """One process's row in `workers`, with the lock and the heartbeat that go with it.

    `url` is a connection of its own: the lock lives exactly as long as the process reaches the
    database. `beaten_at` is the last heartbeat that was written, as time.time().
    """

    def __init__(self, url: str, kind: str) -> None:
        self.worker_id = WorkerId(uuid4())
        self.beaten_at: float | None = None
        self._url = url
        self._kind = kind
        self._db: AsyncDb | None = None
        self._pulse = Pulse()

    async def enter(self) -> None:
        """Registers and takes the lock; also after a lost connection."""
        self._db = await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            application_name=f"voice-ai {self._kind} presence",
            row_factory=psycopg.rows.dict_row,
        )
        # A key of its own for every connection: a server that has not noticed the loss of the last
        # one still holds its lock. 62 bits, and never negative, so that pg_locks shows the same
        # key in its two halves.
        lock_key = secrets.randbits(62)
        await self._db.execute(_SQL.hold_lock, {"lock_key": lock_key})
        await self._db.execute(
            _SQL.register,
            {
                "id": self.worker_id,
                "kind": self._kind,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "lock_key": lock_key,
            },
        )

    async def beat(self) -> None:
        """One heartbeat with the vitals of this process; reconnects when it has to."""
        if self._db is None or self._db.closed:
            await self.enter()
        assert self._db is not None
        vitals = Jsonb(self._pulse.read().row())
        await self._db.execute(_SQL.beat, {"id": self.worker_id, "vitals": vitals})
        self.beaten_at = time.time()

    async def beat_forever(self) -> None:
        """The heartbeat; reconnects by itself. Real time: it proves a process, not a rehearsal."""
        while True:
            try:
                await self.beat()
            except psycopg.OperationalError as error:
                log.warning("presence_lost", reason=str(error).splitlines()[0])
                self._db = None
            await asyncio.sleep(HEARTBEAT_S)

    async def leave(self) -> None:
        if self._db is not None and not self._db.closed:
            await self._db.execute(_SQL.leave, {"id": self.worker_id})
            await self._db.close()


@contextmanager
def presence_thread(url: str, kind: str) -> Iterator[Presence]:
    """For a process without an event loop of its own: the heartbeat in a thread beside it.

    The row is there when this yields, if the database answers; else it follows by itself.
    """
    presence = Presence(url, kind)
    loop = asyncio.new_event_loop()
    begun = threading.Event()
    thread = threading.Thread(
        target=_beat_in_thread, args=(loop, presence, begun), name="presence", daemon=True
    )
    thread.start()
    begun.wait(_LEAVE_S)
    try:
        yield presence
    finally:
        with suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(loop.stop)
        thread.join(_LEAVE_S)


def _beat_in_thread(
    loop: asyncio.AbstractEventLoop, presence: Presence, begun: threading.Event
) -> None:
    asyncio.set_event_loop(loop)
    beating = loop.create_task(_begin(presence, begun))
    try:
        loop.run_forever()
    finally:
        beating.cancel()
        loop.run_until_complete(_leave_in_time(beating, presence))
        loop.close()


async def _begin(presence: Presence, begun: threading.Event) -> None:
    try:
        await presence.beat()
    except psycopg.OperationalError as error:
        log.warning("presence_lost", reason=str(error).splitlines()[0])
    finally:
        begun.set()
    await presence.beat_forever()


async def _leave_in_time(beating: "asyncio.Task[None]", presence: Presence) -> None:
    with suppress(asyncio.CancelledError):
        await beating
    with suppress(psycopg.OperationalError, TimeoutError):
        async with asyncio.timeout(_LEAVE_S / 2):
            await presence.leave()


def processes(db: Db) -> list[Row]:
    """Every process of the last day with its state (`alive`, `stale`, `stopped`) and vitals."""
    return db.execute(_SQL.processes).fetchall()

"""Processes in the database: a heartbeat proves one alive, its lost lock proves it dead."""

import asyncio
import os
import secrets
import socket
from uuid import uuid4

import psycopg
import structlog

from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.ids import WorkerId

log = structlog.get_logger()
_SQL = queries("workers")
HEARTBEAT_S = 2.0


class Presence:
    """One process's row in `workers`, with the lock and the heartbeat that go with it.

    `url` is a connection of its own: the lock lives exactly as long as the process reaches the
    database.
    """

    def __init__(self, url: str, kind: str) -> None:
        self.worker_id = WorkerId(uuid4())
        self._url = url
        self._kind = kind
        self._db: AsyncDb | None = None

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

    async def beat_forever(self) -> None:
        """The heartbeat; reconnects by itself. Real time: it proves a process, not a rehearsal."""
        while True:
            try:
                if self._db is None or self._db.closed:
                    await self.enter()
                assert self._db is not None
                await self._db.execute(_SQL.beat, {"id": self.worker_id})
            except psycopg.OperationalError as error:
                log.warning("presence_lost", reason=str(error).splitlines()[0])
                self._db = None
            await asyncio.sleep(HEARTBEAT_S)

    async def leave(self) -> None:
        if self._db is not None and not self._db.closed:
            await self._db.execute(_SQL.leave, {"id": self.worker_id})
            await self._db.close()

"""Keeps the audio of ended calls: sealed to disk by a thread of its own, then a row that names it.

Nothing here is waited for by a conversation. Whatever goes wrong loses this one recording, is
logged, and leaves neither half a file nor a file that no row names.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import psycopg_pool
import structlog

from dialer.media.recorder import Tape, Tracks
from voice_ai.clock import Clock
from voice_ai.conversation.graph import Script
from voice_ai.conversation.turns import State
from voice_ai.db import queries
from voice_ai.db.connect import Pool
from voice_ai.errors import NotFound
from voice_ai.ids import AttemptId
from voice_ai.recordings import CHANNELS, remove_drafts, set_aside, store_recording
from voice_ai.vault import Keyring

log = structlog.get_logger()
_SQL = queries("recordings")
# Last words, the goodbye and the carrier's own end come after the conversation's limit.
_BEYOND_S = 60.0


class Recordings:
    """One per server; `close` waits for what is still being written."""

    def __init__(self, pool: Pool, keyring: Keyring, clock: Clock, home: Path) -> None:
        self._pool = pool
        self._keyring = keyring
        self._clock = clock
        self._home = home
        # One thread: sealing must not take the processors from live calls.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recordings")
        self._writing: set[asyncio.Task[None]] = set()
        self._thread.submit(remove_drafts, home)

    def tape(self, script: Script, max_call_s: float, state: State | None = None) -> Tape:
        """An empty tape that keeps what is said after the notice; nothing without a notice.

        `recorded` stands for the announcement: a script that has it and does not say so in its
        opening is not loaded. `state` is that of a call which comes back into its conversation.
        """
        recorded = script.recorded and not (state is not None and state.unrecorded)
        after_notice = state is None or not state.noticed
        return Tape(max_call_s + _BEYOND_S if recorded else 0.0, after_notice=after_notice)

    def keep(self, attempt_id: AttemptId, tape: Tape) -> None:
        """Returns at once. A tape whose person objected takes with it what was kept before."""
        if tape.discarded:
            self._start(self._forget(attempt_id, tuple(self._writing)))
            return
        tracks = tape.take()
        if not tracks.caller:
            return
        self._start(self._keep(attempt_id, tracks))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        await asyncio.gather(*self._writing)
        self._thread.shutdown()

    async def _keep(self, attempt_id: AttemptId, tracks: Tracks) -> None:
        now = self._clock.now()
        try:
            path = await self._stored(attempt_id, tracks, now)
        except OSError as error:
            log.error("recording_lost", attempt=str(attempt_id), reason=_reason(error))
            return
        try:
            await self._insert(attempt_id, tracks, path, now)
        except (psycopg.Error, psycopg_pool.PoolTimeout) as error:
            log.error("recording_lost", attempt=str(attempt_id), reason=_reason(error))
            with suppress(OSError):
                (self._home / path).unlink()

    async def _forget(self, attempt_id: AttemptId, before: Sequence[asyncio.Task[None]]) -> None:
        """What an earlier stream of the same call left, once it is written."""
        await asyncio.gather(*before)
        try:
            async with self._pool.connection() as db:
                known = await db.execute(_SQL.recordings_of, {"attempt_id": attempt_id})
                for row in await known.fetchall():
                    aside = set_aside(self._home, row["path"])
                    purged = {"recording_sid": row["recording_sid"], "now": self._clock.now()}
                    await db.execute(_SQL.purge_recording, purged)
                    await db.commit()
                    aside.unlink(missing_ok=True)
        except (psycopg.Error, psycopg_pool.PoolTimeout, NotFound, OSError) as error:
            reason = type(error).__name__
            log.error("declined_recording_not_deleted", attempt=str(attempt_id), reason=reason)

    async def _stored(self, attempt_id: AttemptId, tracks: Tracks, now: datetime) -> str:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread,
            store_recording,
            self._home,
            self._keyring,
            str(attempt_id),
            f"{now:%Y-%m}",
            tracks.caller,
            tracks.agent,
        )

    async def _insert(
        self, attempt_id: AttemptId, tracks: Tracks, path: str, now: datetime
    ) -> None:
        async with self._pool.connection() as db:
            await db.execute(
                _SQL.insert_recording,
                {
                    "recording_sid": f"local-{Path(path).stem}",
                    "attempt_id": attempt_id,
                    "duration_s": tracks.seconds,
                    "channels": CHANNELS,
                    "path": path,
                    "created_at": now,
                },
            )


def _reason(error: Exception) -> str:
    """The kind of trouble; a message may hold a path of this machine."""
    detail = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {detail}" if detail else type(error).__name__

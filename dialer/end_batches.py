"""Group commit of the carrier's last words: what comes together is made durable together.

Nobody waits for company: the first callback is written at once, and what arrives meanwhile is the
next set. So a quiet server answers as quickly as before, and a busy one commits once for many.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from dialer.journal_batch import End, finish_alone, finish_many
from voice_ai.db.connect import Pool
from voice_ai.errors import NotFound

log = structlog.get_logger()
# More in one transaction gains little and holds their rows longer.
MOST = 200


@dataclass(frozen=True)
class _Waiting:
    end: End
    written: "asyncio.Future[None]"

    def answer(self, problem: Exception | None = None) -> None:
        if self.written.done():  # its request was given up meanwhile
            return
        if problem is None:
            self.written.set_result(None)
        else:
            self.written.set_exception(problem)


@dataclass
class EndBatches:
    """Writes ends told by callbacks; one flush at a time."""

    pool: Pool
    _waiting: list[_Waiting] = field(default_factory=list)
    _flush: "asyncio.Task[None] | None" = None
    _alones: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def write(self, end: End) -> None:
        """Returns after the commit. Raises NotFound, or what Postgres says of this end."""
        one = _Waiting(end, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._write_all())
        await one.written

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                left = await self._together(batch)
            except Exception as error:
                # One row that cannot be written must not keep the others from being so.
                log.warning("ends_written_one_by_one", ends=len(batch), reason=type(error).__name__)
                left = batch
            for one in left:
                # Not waited for: whoever holds its attempt would hold up everybody.
                task = asyncio.create_task(self._alone(one))
                self._alones.add(task)
                task.add_done_callback(self._alones.discard)

    async def _together(self, batch: Sequence[_Waiting]) -> Sequence[_Waiting]:
        """Those that the set did not take."""
        async with self.pool.connection() as db, db.transaction():
            written = await finish_many(db, [one.end for one in batch], ended_by="callback")
        left = []
        for one, known in zip(batch, written, strict=True):
            if known is None:
                left.append(one)
            else:
                one.answer()
        return left

    async def _alone(self, one: _Waiting) -> None:
        try:
            async with self.pool.connection() as db, db.transaction():
                found = await finish_alone(db, one.end, ended_by="callback")
        except Exception as error:
            one.answer(error)
            return
        one.answer(None if found is not None else NotFound("no such attempt"))

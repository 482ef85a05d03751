"""Writes the call's log in order, beside the conversation, so that nobody waits for a commit."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from dialer.ports import CallLog

Entry = Callable[[CallLog], Awaitable[None]]

log = structlog.get_logger(__name__)


class Journal:
    """Entries are written one at a time in the order of `write`; a failure loses that entry only.

    The queue needs no bound of its own: an entry is a turn or a part of the frame around them, and
    a script ends by itself after its `max_turns`.
    """

    def __init__(self, call_log: CallLog) -> None:
        self._log = call_log
        self._entries: asyncio.Queue[Entry | None] = asyncio.Queue()

    def write(self, entry: Entry) -> None:
        self._entries.put_nowait(entry)

    def end(self) -> None:
        """`run` returns once everything written so far is durable."""
        self._entries.put_nowait(None)

    async def run(self) -> None:
        while (entry := await self._entries.get()) is not None:
            try:
                await entry(self._log)
            except Exception as error:
                # The type only: a database's message may quote the row, which holds what was said.
                log.error("call_log_entry_lost", error=type(error).__name__)


async def opt_out_recorded(call_log: CallLog, evidence: str) -> bool:
    """Whether it is safe to promise that no other call will come."""
    try:
        await call_log.opt_out(evidence)
    except Exception as error:
        log.critical("opt_out_not_recorded", error=type(error).__name__)
        return False
    return True

"""The conversations that this process holds right now, so that a webhook can reach one."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from dialer.media.events import SessionControl
from voice_ai.ids import AttemptId


@dataclass
class LiveCall:
    control: SessionControl
    over: asyncio.Event = field(default_factory=asyncio.Event)


class LiveCalls:
    def __init__(self) -> None:
        self._calls: dict[AttemptId, LiveCall] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def open(self, attempt_id: AttemptId, control: SessionControl) -> LiveCall | None:
        """None when the attempt has a conversation already: a stream is opened once."""
        if attempt_id in self._calls:
            return None
        call = self._calls[attempt_id] = LiveCall(control)
        return call

    def close(self, attempt_id: AttemptId) -> None:
        if (call := self._calls.pop(attempt_id, None)) is not None:
            call.over.set()

    def ids(self) -> Iterator[AttemptId]:
        return iter(self._calls)

    def get(self, attempt_id: AttemptId) -> LiveCall | None:
        return self._calls.get(attempt_id)

    async def wait_until_over(self, attempt_id: AttemptId, timeout: float) -> None:
        """The conversation's last words are written when this returns (or it took too long)."""
        call = self._calls.get(attempt_id)
        if call is None:
            return
        try:
            async with asyncio.timeout(timeout):
                await call.over.wait()
        except TimeoutError:
            return

    def stop_all(self, reason: str) -> None:
        for call in self._calls.values():
            call.control.stop(reason)

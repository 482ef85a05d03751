"""Waiting for a session whose time goes by step by step."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from dialer.media.session import SessionResult

_TURNS_OF_THE_LOOP = 12


class InTime(ABC):
    """A session whose time goes by step by step: what waits for it, on any transport."""

    task: asyncio.Task[SessionResult] | None = None

    @abstractmethod
    async def pass_time(self, seconds: float) -> None:
        """Let that much go by, or less when the call is over."""

    @abstractmethod
    def _said(self) -> object:
        """What the agent has said, for whoever waited in vain."""

    @property
    def over(self) -> bool:
        return self.task is not None and self.task.done()

    async def settle(self) -> None:
        for _ in range(_TURNS_OF_THE_LOOP):
            await asyncio.sleep(0)

    async def result(self) -> SessionResult:
        """What came of it; the call must have ended by itself."""
        assert self.task is not None
        for _ in range(10):
            await self.settle()
        assert self.task.done(), "the call goes on"
        return self.task.result()

    async def until_over(self, longest: float = 60.0) -> SessionResult:
        await self.until(lambda: self.over, longest)
        return await self.result()

    async def until(self, happened: Callable[[], bool], longest: float = 60.0) -> None:
        for _ in range(round(longest / 0.1)):
            if happened():
                return
            await self.pass_time(0.1)
        assert happened(), f"not within {longest} s; said: {self._said()}"

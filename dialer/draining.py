"""The server's end: conversations that are going on are finished first."""

import time
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn

log = structlog.get_logger()


class DrainingServer(uvicorn.Server):
    """The first signal lets live calls finish, up to `limit_s`; the second ends the process now.

    While it drains it goes on serving: calls on their way still need their callbacks and audio.
    `/api/health` says so, so that a balancer sends new ones elsewhere.
    """

    def __init__(self, config: uvicorn.Config, live: Callable[[], int], limit_s: float) -> None:
        super().__init__(config)
        self._live = live
        self._limit_s = limit_s
        self._until: float | None = None

    @property
    def draining(self) -> bool:
        return self._until is not None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._until is not None:
            super().handle_exit(sig, frame)
            return
        self._until = time.monotonic() + self._limit_s
        if live := self._live():
            log.warning("draining", live_calls=live, limit_s=self._limit_s)

    async def on_tick(self, counter: int) -> bool:
        over = self._until is not None and (self._live() == 0 or time.monotonic() >= self._until)
        return await super().on_tick(counter) or over

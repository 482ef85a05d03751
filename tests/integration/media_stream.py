"""The carrier's end of one media stream of a running server, as fast as frames can be sent."""

import asyncio
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import orjson
import pytest
import websockets

from tests.integration import test_dialer_server
from tests.integration.test_dialer_server import Server, start
from tests.unit.media_fakes import FRAME, SILENT
from voice_ai.clock import Clock, RehearsalClock
from voice_ai.ids import AttemptId


class Stream:
    """Plays what the agent sends while frames go by; marks come back when they were heard."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.marks = 0
        self._socket = socket
        self._sent = 0
        self._played = 0
        self._buffered = 0
        self._waiting: deque[tuple[int, str]] = deque()
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._receive())

    async def frames(self, audio: bytes, count: int) -> None:
        for _ in range(count):
            payload = b64encode(audio).decode()
            media = {"track": "inbound", "timestamp": str(20 * self._sent), "payload": payload}
            await self._socket.send(orjson.dumps({"event": "media", "media": media}).decode())
            self._sent += 1
            played = min(FRAME, self._buffered)
            self._buffered -= played
            self._played += played
            while self._waiting and self._waiting[0][0] <= self._played:
                mark = {"event": "mark", "mark": {"name": self._waiting.popleft()[1]}}
                await self._socket.send(orjson.dumps(mark).decode())
                self.marks += 1

    async def hear_the_agent(self) -> None:
        """Until something of the agent's is there to be played."""
        async with asyncio.timeout(20):
            while not self._buffered:
                self._news.clear()
                await self._news.wait()

    async def hear_lines(self, count: int) -> None:
        """Until so many of the agent's lines were played to their ends."""
        async with asyncio.timeout(30):
            while self.marks < count:
                if not self._buffered and not self._waiting:
                    self._news.clear()
                    await self._news.wait()
                await self.frames(SILENT, 5)

    async def hang_up(self) -> None:
        await self._socket.send('{"event":"stop","stop":{}}')
        await self.closed()

    async def closed(self) -> None:
        async with asyncio.timeout(30):
            await self._socket.wait_closed()

    async def done(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _receive(self) -> None:
        async for text in self._socket:
            message = orjson.loads(text)
            match message["event"]:
                case "media":
                    self._buffered += len(b64decode(message["media"]["payload"]))
                case "mark":
                    place = self._played + self._buffered
                    self._waiting.append((place, message["mark"]["name"]))
                case "clear":
                    self._buffered = 0
                    self._waiting = deque((0, name) for _, name in self._waiting)
            self._news.set()


def let_time_go_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is started after this has a clock that goes: a conversation needs one."""

    def goes(at: datetime) -> Clock:
        return RehearsalClock(datetime.now(UTC), at)

    monkeypatch.setattr(test_dialer_server, "ManualClock", goes)


@asynccontextmanager
async def talking(running: Server, attempt_id: AttemptId) -> AsyncIterator[Stream]:
    async with running.media() as socket:
        await socket.send(start(attempt_id, running.parts.urls.token(attempt_id)))
        stream = Stream(socket)
        try:
            await stream.frames(SILENT, 5)
            yield stream
        finally:
            await stream.done()

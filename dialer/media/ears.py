"""The line from the call to the recogniser: audio and commits in order, and one second chance."""

import asyncio
from collections.abc import Callable

from dialer.media.frames import SAMPLE_RATE
from dialer.ports import EarEvent, Ears, EarsFactory, EarsLost

CHUNK_BYTES = 1600  # 200 ms: ten frames a message; a commit sends what is left at once
_ATTEMPTS = 2


class _OtherEars(Exception):
    """Those that listen now are to be replaced; nothing is wrong with them."""


class EarLine:
    """`feed` and `commit` return at once; `run` carries them. Lost ears are opened once more.

    `backlog_s` is how much audio may wait while the recogniser is opened or slow.
    """

    def __init__(
        self,
        factory: EarsFactory,
        *,
        language: str,
        on_event: Callable[[EarEvent], None],
        backlog_s: float,
    ) -> None:
        self._factory = factory
        self._language = language
        self._on_event = on_event
        self._other_ears = asyncio.Event()
        self._chunk = bytearray()
        chunks = int(backlog_s * SAMPLE_RATE / CHUNK_BYTES)
        self._outgoing: asyncio.Queue[bytes | None] = asyncio.Queue(max(1, chunks))

    def feed(self, audio: bytes) -> None:
        """Raises EarsLost when the recogniser is too far behind."""
        self._chunk += audio
        if len(self._chunk) >= CHUNK_BYTES:
            self._flush()

    def commit(self) -> None:
        """Raises EarsLost when the recogniser is too far behind."""
        self._flush()
        self._put(None)

    def listen_in(self, language: str) -> None:
        """Other ears, for another language; what is said until they are open waits for them."""
        self._language = language
        self._other_ears.set()

    async def run(self) -> None:
        """Ends only by raising EarsLost, or by being cancelled."""
        lost = 0
        while True:
            self._other_ears.clear()
            try:
                ears = await self._factory.open(language=self._language)
                try:
                    await self._serve(ears)
                finally:
                    await ears.close()
            except _OtherEars:
                continue
            except EarsLost:
                lost += 1
                if lost == _ATTEMPTS:
                    raise

    async def _serve(self, ears: Ears) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(ears))
                tasks.create_task(self._listen(ears))
                tasks.create_task(self._replace())
        except* EarsLost as lost:
            raise EarsLost(str(lost.exceptions[0])) from None
        except* _OtherEars:
            raise _OtherEars from None

    async def _replace(self) -> None:
        await self._other_ears.wait()
        raise _OtherEars

    async def _send(self, ears: Ears) -> None:
        while True:
            chunk = await self._outgoing.get()
            if chunk is None:
                await ears.commit()
            else:
                await ears.send(chunk)

    async def _listen(self, ears: Ears) -> None:
        async for event in ears.hear():
            self._on_event(event)
        raise EarsLost("the recogniser ended the session")

    def _flush(self) -> None:
        if self._chunk:
            self._put(bytes(self._chunk))
            self._chunk.clear()

    def _put(self, item: bytes | None) -> None:
        try:
            self._outgoing.put_nowait(item)
        except asyncio.QueueFull:
            raise EarsLost("the recogniser is too far behind") from None

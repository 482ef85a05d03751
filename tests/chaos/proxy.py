"""A small TCP proxy of ours before PostgreSQL: the network that can be taken away."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Runs in a thread of its own. `hold` keeps bytes back both ways; `cut` ends what is open."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._pairs: set[asyncio.StreamWriter] = set()
        self._refusing = False
        self.port = 0

    def start(self) -> threading.Thread:
        begun = threading.Event()

        async def serve() -> None:
            self._open.set()
            server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            begun.set()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.create_task(serve())
            self._loop.run_forever()

        thread = threading.Thread(target=run, name="proxy", daemon=True)
        thread.start()
        begun.wait(10)
        return thread

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def hold(self) -> None:
        """The other side does not answer any more; no connection ends."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def cut(self) -> None:
        """Every connection is reset, new ones are refused."""

        def act() -> None:
            self._refusing = True
            for writer in list(self._pairs):
                writer.transport.abort()

        self._loop.call_soon_threadsafe(act)

    def heal(self) -> None:
        def act() -> None:
            self._refusing = False
            self._open.set()

        self._loop.call_soon_threadsafe(act)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._pairs |= {writer, back}
        try:
            await asyncio.gather(self._carry(reader, back), self._carry(there, writer))
        finally:
            self._pairs -= {writer, back}

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._open.wait()
                target.write(data)
                await target.drain()
        target.close()


def through(url: str, port: int) -> str:
    """The same database, reached over another port."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{port}"))


@contextmanager
def proxy_before(port: int) -> Iterator[Proxy]:
    proxy = Proxy(port)
    thread = proxy.start()
    try:
        yield proxy
    finally:
        proxy.cut()
        proxy.stop()
        thread.join(5)

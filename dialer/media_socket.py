"""The media port on the web server's own messages, without a framework in between.

A call brings fifty messages a second each way. What a framework's socket checks for each of them
the server below has checked already.
"""

from collections.abc import Awaitable, Callable

from starlette.routing import WebSocketRoute
from starlette.types import Message, Receive, Scope, Send

from dialer.media_protocol import FAILED, PUSH
from dialer.ports import SocketClosed

# Codes that only a close frame brings; a connection that is lost gets one from the web server.
_PROPERLY = (1000, 1001)

Take = Callable[[str | bytes], None]
Handle = Callable[["AsgiSocket"], Awaitable[None]]


class AsgiSocket:
    """One socket, from its upgrade to its end; `accept` it or `close` it first."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._gone = False

    def header(self, name: str) -> str | None:
        """By its name in lower case."""
        wanted = name.encode("latin-1")
        found = next((value for key, value in self._scope["headers"] if key == wanted), None)
        return None if found is None else found.decode("latin-1")

    async def accept(self) -> None:
        """Raises SocketClosed."""
        await self._receive()  # the server says `websocket.connect` first
        await self._tell({"type": "websocket.accept"})

    async def refuse(self) -> None:
        """Instead of accepting: the upgrade is answered with 403."""
        await self._receive()
        await self._tell({"type": "websocket.close", "code": 1008})

    async def receive(self) -> str | bytes:
        if self._gone:
            raise SocketClosed
        message = await self._receive()
        if message["type"] != "websocket.receive":
            raise self._end(message)
        text: str | None = message.get("text")
        return text if text is not None else message["bytes"]

    async def pump(self, take: Take) -> None:
        """Where the server can push, only what is left of the messages comes through the loop."""
        push = self._scope["extensions"].get(PUSH)
        if push is not None:
            push(take)
        while not self._gone:
            message = await self._receive()
            if message["type"] == FAILED:
                raise message["error"]
            if message["type"] != "websocket.receive":
                raise self._end(message)
            text = message.get("text")
            take(text if text is not None else message["bytes"])
        raise SocketClosed

    async def send(self, text: str) -> None:
        await self._tell({"type": "websocket.send", "text": text})

    async def close(self, code: int = 1000) -> None:
        await self._tell({"type": "websocket.close", "code": code})

    def _end(self, message: Message) -> SocketClosed:
        self._gone = True
        return SocketClosed(properly=message.get("code") in _PROPERLY)

    async def _tell(self, message: dict[str, object]) -> None:
        try:
            await self._send(message)
        except (OSError, RuntimeError) as error:  # the other side is gone, or we closed before
            raise SocketClosed from error


class _Endpoint:
    """Starlette gives a route that is no function the bare ASGI arguments."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._handle(AsgiSocket(scope, receive, send))


def socket_route(path: str, handle: Handle) -> WebSocketRoute:
    """Every socket that is opened at `path` is given to `handle`."""
    return WebSocketRoute(path, _Endpoint(handle))

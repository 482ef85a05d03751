"""A WebSocket client cheap enough for hundreds of calls: writes are immediate, reads are callbacks.

The protocol itself is the `websockets` library's; only the plumbing to asyncio is here.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidURI
from websockets.frames import CloseCode, Opcode
from websockets.frames import Frame as WireFrame
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

_HANDSHAKE_S = 10.0
# An application that reads so little that this much waits for it has stopped reading.
_MOST_UNREAD = 4 << 20
_LONGEST_MESSAGE = 4 << 20


class SocketFailed(Exception):
    """The socket could not be opened."""


class SocketClient(asyncio.Protocol):
    """One connection; `closed` is done when it ended, with True for a proper close by the peer."""

    def __init__(self, protocol: ClientProtocol, on_text: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[bool] = loop.create_future()
        self._opened: asyncio.Future[None] = loop.create_future()
        self._protocol = protocol
        self._on_text = on_text
        self._transport: asyncio.Transport | None = None
        self._fragments: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        self._after_input()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._after_input()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._opened.done():
            self._opened.set_exception(SocketFailed("the connection was closed"))
            self._opened.exception()
        if not self.closed.done():
            self.closed.set_result(self._protocol.close_rcvd is not None)

    @property
    def usable(self) -> bool:
        return self._protocol.state is State.OPEN

    def send(self, text: bytes) -> None:
        """Write one text message now; nothing happens when the socket is closed already."""
        if self._protocol.state is not State.OPEN or self._transport is None:
            return
        self._protocol.send_text(text)
        self._flush()
        if self._transport.get_write_buffer_size() > _MOST_UNREAD:
            self.abort()

    def close(self) -> None:
        """Begin a proper close; the peer has a moment to answer."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()
            asyncio.get_running_loop().call_later(1.0, self.abort)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def open(self, headers: Mapping[str, str]) -> None:
        """Do the handshake. Raises SocketFailed."""
        request = self._protocol.connect()
        for name, value in headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()
        try:
            async with asyncio.timeout(_HANDSHAKE_S):
                await self._opened
        except TimeoutError as error:
            self.abort()
            raise SocketFailed("no answer to the handshake") from error

    def _after_input(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self._handshake_answered()
            elif isinstance(event, WireFrame):
                self._frame(event)
        self._flush()
        if self._transport is not None and self._protocol.close_expected():
            self._transport.close()

    def _handshake_answered(self) -> None:
        if self._opened.done():
            return
        problem = self._protocol.handshake_exc
        if problem is None:
            self._opened.set_result(None)
        else:
            self._opened.set_exception(SocketFailed(str(problem)))

    def _frame(self, frame: WireFrame) -> None:
        if frame.opcode is Opcode.TEXT and frame.fin:
            self._on_text(bytes(frame.data))
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                whole, self._fragments = b"".join(self._fragments), []
                self._on_text(whole)

    def _flush(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        for data in self._protocol.data_to_send():
            if data:
                transport.write(data)
            elif transport.can_write_eof():
                transport.write_eof()


async def connect_socket(
    url: str, headers: Mapping[str, str], on_text: Callable[[bytes], None]
) -> SocketClient:
    """An open client for a ws or wss address. Raises SocketFailed."""
    try:
        uri = parse_uri(url)
    except InvalidURI as error:
        raise SocketFailed(str(error)) from error
    protocol = ClientProtocol(uri, max_size=_LONGEST_MESSAGE)
    context = ssl.create_default_context() if uri.secure else None
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_HANDSHAKE_S):
            _, client = await loop.create_connection(
                lambda: SocketClient(protocol, on_text),
                uri.host,
                uri.port,
                ssl=context,
            )
        try:
            await client.open(headers)
        except BaseException:  # also when the call ended meanwhile
            client.abort()
            raise
    except (OSError, TimeoutError, InvalidHandshake) as error:
        raise SocketFailed(f"{type(error).__name__}: {error}") from error
    return client

"""The short way of messages: whatever the network's cuts, all of them arrive, once and in order."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.uri import parse_uri

from dialer.media_protocol import MediaProtocol
from dialer.media_socket import AsgiSocket
from dialer.ports import SocketClosed
from dialer.serving import server_config

Messages = list[str]


class Wire(asyncio.Transport):
    """The server's transport; what it writes goes to the client."""

    def __init__(self, to_client: Callable[[bytes], None]) -> None:
        super().__init__()
        self.closed = False
        self._to_client = to_client

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._to_client(bytes(data))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Connection:
    """A client and the server's protocol, with an application that keeps what it is told."""

    def __init__(self, taken: Callable[[str], None]) -> None:
        self.said: list[Frame] = []
        self.ended: BaseException | None = None
        self._taken = taken
        self.client = ClientProtocol(parse_uri("ws://localhost/media"))
        config = server_config(self._application)
        config.load()
        config.loaded_app = self._application
        self._server = MediaProtocol(config, ServerState(), {}, asyncio.get_running_loop())
        self.wire = Wire(self._to_client)
        self._server.connection_made(self.wire)

    async def open(self) -> None:
        self.client.send_request(self.client.connect())
        self.deliver(self.written())
        await self.settle()

    def written(self) -> bytes:
        return b"".join(self.client.data_to_send())

    def deliver(self, data: bytes) -> None:
        self._server.data_received(data)

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    def _to_client(self, data: bytes) -> None:
        self.client.receive_data(data)
        self.said += [event for event in self.client.events_received() if isinstance(event, Frame)]

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        line = AsgiSocket(scope, receive, send)
        await line.accept()
        await line.send("first " + "x" * 70_000)
        await line.send("second")

        def take(message: str | bytes) -> None:
            self._taken(message if isinstance(message, str) else message.decode())

        try:
            await line.pump(take)
        except (SocketClosed, ZeroDivisionError) as end:
            self.ended = end


async def opened(taken: Callable[[str], None]) -> Connection:
    connection = Connection(taken)
    await connection.open()
    return connection


@pytest.mark.parametrize("seed", range(30))
async def test_messages_arrive_whole_whatever_the_cuts(seed: int) -> None:
    chance, taken = random.Random(seed), Messages()
    connection = await opened(taken.append)
    sent, data = Messages(), b""
    for number in range(40):
        text = f"{number} " + "ä" * chance.choice((0, 1, 60, 124, 125, 126, 300, 3_000))
        sent.append(text)
        connection.client.send_text(text.encode())
        if chance.random() < 0.2:
            connection.client.send_ping(b"still there?")
        data += connection.written()
    while data:
        size = chance.choice((1, 2, 5, 7, 100, 400, 5_000))
        connection.deliver(data[:size])
        data = data[size:]
        if chance.random() < 0.1:
            await connection.settle()
    await connection.settle()
    assert taken == sent


async def test_what_is_sent_arrives_at_any_length() -> None:
    connection = await opened(Messages().append)
    assert [len(frame.data) for frame in connection.said] == [70_006, 6]


async def test_unusual_frames_go_the_long_way_and_so_does_all_that_follows() -> None:
    taken = Messages()
    connection = await opened(taken.append)
    client = connection.client
    client.send_text(b"short")
    client.send_text(b"be", fin=False)
    client.send_continuation(b"gin", fin=True)
    client.send_binary(b"bytes")
    client.send_text(b"l" * 70_000)
    client.send_text(b"last")
    data = connection.written()
    for at in range(0, len(data), 999):
        connection.deliver(data[at : at + 999])
        await connection.settle()
    assert taken == ["short", "begin", "bytes", "l" * 70_000, "last"]


async def test_a_proper_close_is_answered_and_ends_the_pump() -> None:
    connection = await opened(Messages().append)
    connection.client.send_close(1000)
    connection.deliver(connection.written())
    await connection.settle()
    assert isinstance(connection.ended, SocketClosed)
    assert connection.client.close_rcvd is not None
    assert connection.wire.closed


async def test_what_a_handler_raises_comes_out_of_its_pump() -> None:
    def breaks(text: str) -> None:
        raise ZeroDivisionError(text)

    connection = await opened(breaks)
    connection.client.send_text(b"one")
    connection.client.send_text(b"two")
    connection.deliver(connection.written())
    await connection.settle()
    assert isinstance(connection.ended, ZeroDivisionError)


async def test_frames_without_a_mask_are_refused() -> None:
    taken = Messages()
    connection = await opened(taken.append)
    connection.deliver(b"\x81\x0aunmasked..")
    await connection.settle()
    assert taken == []
    assert isinstance(connection.ended, SocketClosed)

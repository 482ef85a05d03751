"""WebSockets under the web server, with a short way for the messages of live calls.

A carrier's message is one small text frame. The general way takes it through a parser made of
generators, a queue and a task to be woken, which costs several times what is then done with it. A
handler that asks for it (`PUSH` among the scope's extensions) is called with each such message at
once, as it is read. Handshake, control frames and closing stay with uvicorn's class, on which this
one is built, and a connection that brings anything else is left to it altogether.
"""

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

try:
    from websockets.speedups import apply_mask
except ImportError:  # no compiled part for this platform
    from websockets.utils import apply_mask

PUSH = "voice_ai.push"
FAILED = "voice_ai.failed"
Take = Callable[[bytes], None]

_TEXT = 0x81  # a message in one frame
_CONTROL = frozenset({0x88, 0x89, 0x8A})  # close, ping, pong
_MASKED = 0x80
_SHORT, _MEDIUM = 125, 126  # the size itself; two bytes of size follow


class MediaProtocol(WebSocketsSansIOProtocol):
    """One connection. `_rest` is the beginning of a frame whose end has not come, under 64 kB."""

    _take: Take | None = None
    _rest = b""
    _left_to_uvicorn = False

    async def run_asgi(self) -> None:
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions[PUSH] = self.push
        await super().run_asgi()

    def push(self, take: Take) -> None:
        """Call `take` with each message from now on, those that wait already first.

        What it raises ends that; the application receives it in a message of the type `FAILED`.
        """
        self._take = take
        for _ in range(self.queue.qsize()):
            message: Any = self.queue.get_nowait()
            if self._take is None or message["type"] != "websocket.receive":
                self.queue.put_nowait(message)
            else:
                self._give(message.get("bytes") or message["text"].encode())
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self._left_to_uvicorn or not self.handshake_complete:
            super().data_received(data)
            return
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        while end - at >= 6:
            kind, size, body = data[at], data[at + 1] ^ _MASKED, at + 6
            if size > _MEDIUM or (kind != _TEXT and kind not in _CONTROL):
                self._left_to_uvicorn = True
                super().data_received(data[at:])
                return
            if size == _MEDIUM:
                size, body = data[at + 2] << 8 | data[at + 3], at + 8
            if end < body + size:
                break
            if kind != _TEXT or self._take is None:
                super().data_received(data[at : body + size])
            elif not self.close_sent:
                self._give(apply_mask(data[body : body + size], data[body - 4 : body]))
            at = body + size
        self._rest = data[at:]

    async def send(self, message: Any) -> None:
        await self.writable.wait()
        text = message.get("text") if message["type"] == "websocket.send" else None
        if text is None or self.close_sent or self.conn.state is not State.OPEN:
            await super().send(message)
        else:
            self.transport.write(_text_frame(text.encode()))

    def _give(self, message: bytes) -> None:
        assert self._take is not None
        try:
            self._take(message)
        except Exception as error:
            self._take = None
            failed: Any = {"type": FAILED, "error": error}
            self.queue.put_nowait(failed)


def _text_frame(payload: bytes) -> bytes:
    size = len(payload)
    if size <= _SHORT:
        return bytes((_TEXT, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload

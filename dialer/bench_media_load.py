"""The carrier's side of the media bench: many calls in one process, each 50 frames a second.

Run as `python -m dialer.bench_media_load URL CALLS SHAPE EARS_PORT CORE` beside a server of ours or
of a peer; prints one JSON object with the server's lateness. It also plays the recogniser to which
the calls forward their audio. Its own work is kept small, so that the server's is what is measured:
the frames of a socket are written and read by hand, with an empty mask.
"""

import asyncio
import json
import os
import sys
import time
from array import array
from base64 import b64encode
from collections import deque
from collections.abc import Sequence
from functools import cache, partial
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import urlopen

from dialer.bench_media_ports import vowel
from dialer.media.frames import FRAME_BYTES, SILENCE
from dialer.serving import allow_many_sockets

FRAME_S = 0.02
RAMP_S = 1.5
# Until who answered is known: a call has that stage for its first seconds only, Pipecat has none.
SETTLE_S = 5.0
MEASURE_S = 4.0
_SLOTS = 20  # a frame's time is cut into so many, so that the calls do not all speak at once
_SPEAKS_S, _CYCLE_S = 0.8, 3.0  # a person who says a word and listens, over and over
_PAUSE_S = 0.3
_QUIET = b64encode(SILENCE * FRAME_BYTES)
_MEDIA = (
    b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d",'
    b'"timestamp":"%d","payload":"%s"},"streamSid":"%s"}'
)


@cache
def _voice() -> bytes:
    return b64encode(vowel())


def text_frame(payload: bytes) -> bytes:
    """A client's message on the wire; a mask of zeros leaves it as it is."""
    size = len(payload)
    head = b"\x81" + (bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big"))
    return head + b"\0\0\0\0" + payload


class Caller(asyncio.Protocol):
    """One call: says its frames when it is told to, plays what it hears, returns its marks."""

    def __init__(self, number: int, path: str, *, speaks: bool) -> None:
        self.sid = f"MZ{number:032d}"
        self.sent = array("d")
        self.alive = False
        self._sid = self.sid.encode()
        self._path = path
        self._speaks = speaks
        self._phase_s = (number * 0.37) % _CYCLE_S
        self._wire = bytearray()
        self._upgraded = False
        self._buffered = 0
        self._marks: deque[tuple[int, bytes]] = deque()
        self._played = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._wire += data
        if not self._upgraded:
            end = self._wire.find(b"\r\n\r\n")
            if end < 0:
                return
            assert b" 101 " in self._wire[:end], bytes(self._wire[:end])
            del self._wire[: end + 4]
            self._upgraded = True
            self._start()
        self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = False

    def tick(self) -> None:
        """20 ms went by."""
        if not self.alive:
            return
        number = len(self.sent)
        voiced = self._speaks and (number * FRAME_S + self._phase_s) % _CYCLE_S < _SPEAKS_S
        payload = _voice() if voiced else _QUIET
        message = _MEDIA % (number + 2, number + 1, number * 20, payload, self._sid)
        self.sent.append(time.monotonic())
        self._write(message)
        if self._speaks:
            self._play()

    def hang_up(self) -> None:
        if self._transport is not None and self.alive:
            self._write(b'{"event":"stop","stop":{},"streamSid":"%s"}' % self._sid)
            self._transport.write(b"\x88\x80\0\0\0\0")
            self._transport.close()
        self.alive = False

    def _start(self) -> None:
        self._write(b'{"event":"connected","protocol":"Call","version":"1.0.0"}')
        self._write(
            b'{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC0","streamSid":"%s",'
            b'"callSid":"CA0","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw",'
            b'"sampleRate":8000,"channels":1},"customParameters":{}},"streamSid":"%s"}'
            % (self._sid, self._sid)
        )
        self.alive = True

    def _write(self, payload: bytes) -> None:
        if self._transport is not None:
            self._transport.write(text_frame(payload))

    def _read(self) -> None:
        wire, at = self._wire, 0
        while len(wire) - at >= 2:
            size, head = wire[at + 1] & 0x7F, 2
            if size == 126:
                size, head = int.from_bytes(wire[at + 2 : at + 4], "big"), 4
            if size == 127:
                size, head = int.from_bytes(wire[at + 2 : at + 10], "big"), 10
            if len(wire) - at < head + size:
                break
            if self._speaks and wire[at] == 0x81:
                self._take(bytes(wire[at + head : at + head + size]))
            at += head + size
        del wire[:at]

    def _take(self, message: bytes) -> None:
        """Only what the carrier must know: how much there is to play, and the marks after it."""
        told = json.loads(message)
        if told["event"] == "media":
            self._buffered += len(told["media"]["payload"]) * 3 // 4
        elif told["event"] == "mark":
            self._marks.append((self._played + self._buffered, told["mark"]["name"].encode()))
        elif told["event"] == "clear":
            self._buffered = 0
            self._marks = deque((0, name) for _, name in self._marks)

    def _play(self) -> None:
        played = min(FRAME_BYTES, self._buffered)
        self._buffered -= played
        self._played += played
        while self._marks and self._marks[0][0] <= self._played:
            name = self._marks.popleft()[1]
            self._write(
                b'{"event":"mark","mark":{"name":"%s"},"streamSid":"%s"}' % (name, self._sid)
            )


async def calls(url: str, count: int, *, speaks: bool) -> dict[str, object]:
    """Ramp up, hold, and hang up; then what the server says of its times."""
    at, loop = urlsplit(url), asyncio.get_running_loop()
    callers = [Caller(number, "/media", speaks=speaks) for number in range(count)]
    ticking = asyncio.create_task(_tick(callers))
    for caller in callers:
        await loop.create_connection(partial(_itself, caller), at.hostname or "", at.port or 0)
        await asyncio.sleep(RAMP_S / count)
    await asyncio.sleep(SETTLE_S)
    began = time.monotonic()
    cpu = await loop.run_in_executor(None, _told, f"{url}/cpu")
    await asyncio.sleep(MEASURE_S)
    ended = time.monotonic()
    busy = await loop.run_in_executor(None, _told, f"{url}/cpu")
    alive = sum(caller.alive for caller in callers)
    for caller in callers:
        caller.hang_up()
    ticking.cancel()
    await asyncio.sleep(0.5)
    times = await loop.run_in_executor(None, _told, f"{url}/times")
    sent = {caller.sid: caller.sent for caller in callers}
    return {
        **lateness(sent, times, began, ended),
        "alive": alive,
        "cpu": (busy["cpu"] - cpu["cpu"]) / (busy["at"] - cpu["at"]),
    }


def _itself(caller: Caller) -> Caller:
    return caller


async def _tick(callers: list[Caller]) -> None:
    """Every slot of a frame's time belongs to some of the calls, by an absolute schedule."""
    slots = [callers[first::_SLOTS] for first in range(_SLOTS)]
    due, turn = time.monotonic(), 0
    while True:
        for caller in slots[turn % _SLOTS]:
            caller.tick()
        turn += 1
        due += FRAME_S / _SLOTS
        await asyncio.sleep(max(0.0, due - time.monotonic()))


def lateness(
    sent: dict[str, "array[float]"],
    times: dict[str, Any],
    began: float,
    ended: float,
) -> dict[str, object]:
    """The 99th percentiles of a step in ms.

    In: from a frame's sending to the end of its handling; a frame that was not handled is late for
    ever. Out: what `waits` says of every call.
    """
    inwards, outwards, missing = [], [], 0
    for sid, stamps in sent.items():
        handled = times.get(sid, {}).get("in", [])
        for number, stamp in enumerate(stamps):
            if began <= stamp < ended - 0.1:
                late = number >= len(handled)
                missing += late
                inwards.append(float("inf") if late else handled[number] - stamp)
        outwards += waits(times.get(sid, {}).get("out", []), began, ended)
    return {
        "in_ms": 1000 * _p99(inwards),
        "out_ms": 1000 * _p99(outwards),
        "frames": len(inwards),
        "missing": missing,
    }


def waits(sent: Sequence[tuple[float, float]], began: float, ended: float) -> list[float]:
    """How long a listener waited for each message after the sound before it was over.

    A message is its time and its seconds of sound. The first one after a pause begins an answer,
    for which nobody waits yet.
    """
    waited, silent_from, before = [], 0.0, 0.0
    for at, seconds in sent:
        if began <= at < ended and at - before < _PAUSE_S:
            waited.append(max(0.0, at - silent_from))
        silent_from, before = max(at, silent_from) + seconds, at
    return waited


def _p99(values: list[float]) -> float:
    return sorted(values)[int(0.99 * len(values))] if values else float("inf")


def _told(url: str) -> Any:
    with urlopen(url, timeout=30) as answer:
        return json.loads(answer.read())


async def _recogniser(port: int) -> None:
    """Scribe's realtime protocol, as far as a server under load uses it: every turn is a "yes"."""
    from websockets.asyncio.server import ServerConnection, serve

    async def session(socket: ServerConnection) -> None:
        await socket.send('{"message_type":"session_started","session_id":"bench","config":{}}')
        async for message in socket:
            text = message if isinstance(message, str) else message.decode()
            if '"commit":true' in text.replace(" ", ""):
                await socket.send('{"message_type":"committed_transcript","text":"yes"}')

    async with serve(session, "127.0.0.1", port, compression=None):
        await asyncio.get_running_loop().create_future()


async def _main(url: str, count: int, shape: str, ears_port: int) -> None:
    listening = asyncio.create_task(_recogniser(ears_port)) if shape == "full" else None
    await asyncio.sleep(0.2)
    result = await calls(url, count, speaks=shape == "full")
    if listening is not None:
        listening.cancel()
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    import uvloop

    if (core := int(sys.argv[5])) >= 0:
        os.sched_setaffinity(0, {core})
    allow_many_sockets()
    uvloop.run(_main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))

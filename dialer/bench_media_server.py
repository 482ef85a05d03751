"""Our side of the media bench: the server's own way of serving a media socket, on one core.

Run as `python -m dialer.bench_media_server SHAPE PORT EARS_PORT CORE`. `bare` reads every frame and
gives it back on an absolute schedule of 20 ms. `full` holds the real conversation on it: voice
activity, audio to the recogniser by the vendor's SDK, turn-taking, the script, prompts from the
cache; only the call's log is left out.
"""

import asyncio
import os
import sys
import time
from array import array
from collections import deque
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir

import orjson
import uvicorn
from fastapi import FastAPI, Response

from dialer.adapters.elevenlabs import ElevenLabs, ElevenLabsOptions
from dialer.bench_media_ports import SLOTS, NoLog, bench_script, rendered_voice
from dialer.media.frames import SAMPLE_RATE, Audio, Connected, Started, Writer, read
from dialer.media.prompts import CachedVoice
from dialer.media.session import SessionControl, SessionLimits, converse
from dialer.media_socket import AsgiSocket, socket_route
from dialer.mind import ServedMind
from dialer.ports import SocketClosed, StreamStart
from dialer.serving import allow_many_sockets, server_config, set_apart_what_stays
from ml.serving import ModelServer
from voice_ai.clock import SystemClock

FRAME_S = 0.02


class Watched:
    """A media socket that notes when each frame was done with and each sound was sent."""

    def __init__(self, socket: AsgiSocket) -> None:
        self.done = array("d")
        self.out: list[tuple[float, float]] = []
        self._socket = socket

    async def receive(self) -> str | bytes:
        return await self._socket.receive()

    async def pump(self, take: Callable[[str | bytes], None]) -> None:
        def noted(message: str | bytes) -> None:
            take(message)
            if message[10:15] in (b"media", "media"):
                self.done.append(time.monotonic())

        await self._socket.pump(noted)

    async def send(self, text: str) -> None:
        await self._socket.send(text)
        if text.startswith('{"event":"media"'):
            sound = (len(text) - 80) * 3 // 4 / SAMPLE_RATE
            self.out.append((time.monotonic(), sound))

    async def close(self) -> None:
        await self._socket.close()


class Calls:
    """What is measured: the times of every call that was held."""

    def __init__(self, shape: str, ears_port: int) -> None:
        self._watched: dict[str, Watched] = {}
        self._hold = self._echo if shape == "bare" else self._converse
        vendor = ElevenLabsOptions(api_key="bench", base_url=f"http://127.0.0.1:{ears_port}")
        self._ears = ElevenLabs.connect(vendor)
        self._script = bench_script()
        self._voice: CachedVoice | None = None
        self._mind = ServedMind(ModelServer(Path(gettempdir())))

    async def render(self) -> None:
        self._voice = await rendered_voice(self._script)
        set_apart_what_stays()

    async def held(self, socket: AsgiSocket) -> None:
        await socket.accept()
        watched = Watched(socket)
        start = await _started(socket)
        self._watched[start.stream_sid] = watched
        await self._hold(watched, start)

    def times(self) -> dict[str, object]:
        """By stream, also of calls whose last words are still waited for."""
        return {
            sid: {"in": list(watched.done), "out": watched.out}
            for sid, watched in self._watched.items()
        }

    async def _echo(self, socket: Watched, start: StreamStart) -> None:
        writer, waiting = Writer(start.stream_sid), deque[bytes]()
        sending = asyncio.create_task(_send_on_time(socket, writer, waiting))

        def take(message: str | bytes) -> None:
            frame = read(message)
            if isinstance(frame, Audio):
                waiting.append(frame.audio)

        try:
            await socket.pump(take)
        except SocketClosed:
            sending.cancel()

    async def _converse(self, socket: Watched, start: StreamStart) -> None:
        assert self._voice is not None
        await converse(
            socket=socket,
            start=start,
            script=self._script,
            slots=SLOTS,
            ears=self._ears,
            voice=self._voice,
            mind=self._mind,
            log=NoLog(),
            clock=SystemClock(),
            limits=SessionLimits(),
            control=SessionControl(),
        )


async def _started(socket: AsgiSocket) -> StreamStart:
    while True:
        match read(await socket.receive()):
            case Started(start):
                return start
            case Connected():
                continue
            case _:
                raise SocketClosed


async def _send_on_time(socket: Watched, writer: Writer, waiting: "deque[bytes]") -> None:
    due = time.monotonic()
    while True:
        if waiting:
            await socket.send(writer.media(waiting.popleft()))
        due += FRAME_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))


def application(shape: str, ears_port: int) -> FastAPI:
    calls = Calls(shape, ears_port)
    app = FastAPI(on_startup=[calls.render])
    app.router.routes.append(socket_route("/media", calls.held))

    @app.get("/times")
    def times() -> Response:
        return Response(orjson.dumps(calls.times()))

    @app.get("/cpu")
    async def cpu() -> dict[str, float]:
        return {"cpu": time.process_time(), "at": time.monotonic()}

    return app


if __name__ == "__main__":
    if (core := int(sys.argv[4])) >= 0:
        os.sched_setaffinity(0, {core})
    allow_many_sockets()
    config = server_config(application(sys.argv[1], int(sys.argv[3])))
    config.port = int(sys.argv[2])
    uvicorn.Server(config).run()

"""Pipecat's side of the media bench: the same stages as a pipeline of its own parts, on one core.

Run by the interpreter of Pipecat's own environment, where nothing of ours can be imported:
`python bench_media_pipecat.py SHAPE PORT EARS_PORT CORE`. `bare` is transport, serializer and a
processor that gives each frame back. `full` has, one after the other, a processor that listens for
speech as ours does, one that forwards audio to the recogniser as the vendor wants it, ten frames a
message as we do, and one that answers each turn with sound that is there already, unless it is
interrupted.
"""

import asyncio
import audioop
import base64
import json
import os
import resource
import sys
import time
from typing import Any

import uvicorn
import webrtcvad
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.frames.frames import Frame, InputAudioRawFrame, OutputAudioRawFrame, TextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.transports.websocket.fastapi import (
    FastAPIWebsocketParams,
    FastAPIWebsocketTransport,
)
from pipecat.workers.runner import WorkerRunner
from websockets.asyncio.client import ClientConnection, connect

RATE = 8000
CHUNK_BYTES = 1600
LOUD = 1000
ONSET_FRAMES, ENDPOINT_FRAMES = 3, 25
SENTENCE = OutputAudioRawFrame(b"\x10\x10" * int(0.8 * RATE), RATE, 1)
TURN_OVER, SPEECH = "turn over", "speech"


class Echo(FrameProcessor):
    """Gives each frame back."""

    def __init__(self, done: list[float]) -> None:
        super().__init__()
        self._done = done

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            await self.push_frame(OutputAudioRawFrame(frame.audio, RATE, 1))
            self._done.append(time.monotonic())
        else:
            await self.push_frame(frame, direction)


class Loudness(FrameProcessor):
    """Tells when speech begins and when a turn is over; WebRTC's VAD hears loud frames only."""

    def __init__(self) -> None:
        super().__init__()
        self._vad = webrtcvad.Vad(2)
        self._loud = self._quiet = 0
        self._speaking = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            await self._hear(frame)
        await self.push_frame(frame, direction)

    async def _hear(self, frame: InputAudioRawFrame) -> None:
        if audioop.rms(frame.audio, 2) > LOUD and self._vad.is_speech(frame.audio, RATE):
            self._loud, self._quiet = self._loud + 1, 0
        else:
            self._loud, self._quiet = 0, self._quiet + 1
        if not self._speaking and self._loud >= ONSET_FRAMES:
            self._speaking = True
            await self.push_frame(TextFrame(SPEECH))
        elif self._speaking and self._quiet >= ENDPOINT_FRAMES:
            self._speaking = False
            await self.push_frame(TextFrame(TURN_OVER))


class Forward(FrameProcessor):
    """Sends audio to the recogniser and brings its transcripts."""

    def __init__(self, ears: ClientConnection) -> None:
        super().__init__()
        self._ears = ears
        self._chunk = bytearray()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self._chunk += audioop.lin2ulaw(frame.audio, 2)
            if len(self._chunk) >= CHUNK_BYTES:
                await self._send(commit=False)
        if isinstance(frame, TextFrame) and frame.text == TURN_OVER:
            await self._send(commit=True)
            return
        await self.push_frame(frame, direction)

    async def _send(self, *, commit: bool) -> None:
        message: dict[str, Any] = {
            "message_type": "input_audio_chunk",
            "audio_base_64": base64.b64encode(self._chunk).decode(),
            "commit": commit,
            "sample_rate": RATE,
        }
        self._chunk.clear()
        await self._ears.send(json.dumps(message))

    async def listen(self) -> None:
        async for message in self._ears:
            told = json.loads(message)
            if told["message_type"] == "committed_transcript":
                await self.push_frame(TextFrame(told["text"]))


class Answer(FrameProcessor):
    """Answers a transcript with two sentences; whoever speaks over them stops them."""

    def __init__(self, done: list[float]) -> None:
        super().__init__()
        self._done = done
        self._until = 0.0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self._done.append(time.monotonic())
        elif isinstance(frame, TextFrame):
            await self._on_text(frame.text)
        else:
            await self.push_frame(frame, direction)

    async def _on_text(self, text: str) -> None:
        if text != SPEECH:
            self._until = time.monotonic() + 1.6
            for _ in range(2):
                await self.push_frame(OutputAudioRawFrame(SENTENCE.audio, RATE, 1))
        elif time.monotonic() < self._until:
            self._until = 0.0
            await self.broadcast_interruption()


def noting_sends(socket: WebSocket, out: list[tuple[float, float]]) -> None:
    """Every sound that is sent is noted, after it was sent."""
    send_text = socket.send_text

    async def noted(data: str) -> None:
        await send_text(data)
        if data.startswith('{"event": "media"'):
            out.append((time.monotonic(), (len(data) - 87) * 3 // 4 / RATE))

    socket.send_text = noted  # type: ignore[method-assign]


class Calls:
    """What is measured: the times of every call that was held."""

    def __init__(self, shape: str, ears_port: int) -> None:
        self.times: dict[str, dict[str, list[Any]]] = {}
        self._shape = shape
        self._ears_url = f"ws://127.0.0.1:{ears_port}"

    async def held(self, socket: WebSocket) -> None:
        await socket.accept()
        _, call = await parse_telephony_websocket(socket)
        done: list[float] = []
        out: list[tuple[float, float]] = []
        noting_sends(socket, out)
        self.times[call["stream_id"]] = {"in": done, "out": out}
        if self._shape == "bare":
            await self._run(socket, call["stream_id"], [Echo(done)])
            return
        async with connect(self._ears_url, compression=None) as ears:
            forward = Forward(ears)
            listening = asyncio.create_task(forward.listen())
            await self._run(socket, call["stream_id"], [Loudness(), forward, Answer(done)])
            listening.cancel()

    async def _run(self, socket: WebSocket, sid: str, stages: list[FrameProcessor]) -> None:
        serializer = TwilioFrameSerializer(
            sid, params=TwilioFrameSerializer.InputParams(auto_hang_up=False)
        )
        transport = FastAPIWebsocketTransport(
            socket,
            FastAPIWebsocketParams(
                audio_in_enabled=True,
                audio_out_enabled=True,
                audio_out_auto_silence=False,
                # Each frame is given back as it came; else the transport's own default of 40 ms.
                audio_out_10ms_chunks=2 if self._shape == "bare" else 4,
                serializer=serializer,
            ),
        )
        worker = PipelineWorker(
            Pipeline([transport.input(), *stages, transport.output()]),
            params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
        )

        @transport.event_handler("on_client_disconnected")
        async def gone(_transport: Any, _socket: Any) -> None:
            await worker.cancel()

        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()


def application(shape: str, ears_port: int) -> FastAPI:
    calls, app = Calls(shape, ears_port), FastAPI()

    @app.websocket("/media")
    async def media(socket: WebSocket) -> None:
        await calls.held(socket)

    @app.get("/times")
    def times() -> dict[str, Any]:
        return calls.times

    @app.get("/cpu")
    async def cpu() -> dict[str, float]:
        return {"cpu": time.process_time(), "at": time.monotonic()}

    return app


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    if (core := int(sys.argv[4])) >= 0:
        os.sched_setaffinity(0, {core})
    uvicorn.run(
        application(sys.argv[1], int(sys.argv[3])),
        port=int(sys.argv[2]),
        log_level="error",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        loop="uvloop",
    )

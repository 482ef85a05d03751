"""A Pipecat bot that repeats what it hears and then hangs up; runs in Pipecat's own environment.

`python pipecat_bot.py PORT CARRIER_URL TOKEN SECONDS`: answers `/voice` with TwiML for a stream to
itself. When a call is over it prints one JSON line: what it was told at the start, and what came.
"""

import json
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, Response, WebSocket
from pipecat.frames.frames import EndTaskFrame, Frame, InputAudioRawFrame, OutputAudioRawFrame
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

RATE = 8000


class Parrot(FrameProcessor):
    """Repeats each frame; ends the call after so many seconds of them."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.frames = 0
        self._most = int(50 * seconds)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, InputAudioRawFrame):
            await self.push_frame(frame, direction)
            return
        self.frames += 1
        await self.push_frame(OutputAudioRawFrame(frame.audio, RATE, 1))
        if self.frames == self._most:
            await self.push_frame(EndTaskFrame(), FrameDirection.UPSTREAM)


async def talk(socket: WebSocket, carrier: str, token: str, seconds: float) -> dict[str, Any]:
    await socket.accept()
    kind, call = await parse_telephony_websocket(socket)
    parrot = Parrot(seconds)
    start = {"kind": kind, "call": call["call_id"], "parameters": dict(call["body"])}
    account = call["body"]["account"]
    transport = FastAPIWebsocketTransport(
        socket,
        FastAPIWebsocketParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            audio_out_auto_silence=False,
            audio_out_end_silence_secs=0,
            serializer=TwilioFrameSerializer(
                call["stream_id"], call["call_id"], account, token, base_url=carrier
            ),
        ),
    )
    worker = PipelineWorker(
        Pipeline([transport.input(), parrot, transport.output()]),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
    )

    @transport.event_handler("on_client_disconnected")
    async def gone(_transport: Any, _socket: Any) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()
    return start | {"frames": parrot.frames}


def application(port: int, carrier: str, token: str, seconds: float) -> FastAPI:
    app = FastAPI()

    @app.post("/voice")
    async def voice(account: str) -> Response:
        twiml = (
            f'<Response><Connect><Stream url="ws://127.0.0.1:{port}/media">'
            f'<Parameter name="account" value="{account}"/></Stream></Connect></Response>'
        )
        return Response(twiml, media_type="text/xml")

    @app.websocket("/media")
    async def media(socket: WebSocket) -> None:
        told = await talk(socket, carrier, token, seconds)
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()

    return app


if __name__ == "__main__":
    number = int(sys.argv[1])
    uvicorn.run(
        application(number, sys.argv[2], sys.argv[3], float(sys.argv[4])),
        port=number,
        log_level="error",
    )

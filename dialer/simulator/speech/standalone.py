"""The simulated speech vendor alone, without the carrier, on a port of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette

from dialer.simulator.elevenlabs import ElevenLabsConfig, routes
from dialer.simulator.speech import Speech


@asynccontextmanager
async def serve_speech(
    speech: Speech, config: ElevenLabsConfig, *, port: int = 0
) -> AsyncIterator[str]:
    """Serve on loopback in the running event loop; gives the base address. Port 0: any free one."""
    app = Starlette(routes=routes(speech, config))
    with socket.create_server(("127.0.0.1", port)) as listening:
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_level="error",
                lifespan="off",
                ws="websockets-sansio",
                ws_per_message_deflate=False,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving

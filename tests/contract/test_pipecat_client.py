"""A foreign client proves the simulator: Pipecat's own Twilio serializer holds a call on it."""

import asyncio
import io
import json
import socket
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from twilio.rest import Client

from dialer.bench_environment import pipecat_python
from dialer.simulator.config import SimulatorConfig
from tests.integration.sim_carrier import ACCOUNT, PACING, TO, TOKEN, Carrier, carrier, until

PYTHON = pipecat_python()
BOT = Path(__file__).with_name("pipecat_bot.py")
SECONDS = 3.0
_FRAME = 320  # 20 ms of 16-bit samples

pytestmark = [
    pytest.mark.skipif(
        PYTHON is None,
        reason="Pipecat is not installed: `make bench ROW=media.bare` makes its environment, or "
        "VOICE_AI_PIPECAT names an interpreter that has it",
    ),
    pytest.mark.slow,
]


@asynccontextmanager
async def bot(carrier_url: str) -> AsyncIterator[tuple[str, asyncio.StreamReader]]:
    """Its address, and what it prints."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = (str(PYTHON), str(BOT), str(port), carrier_url, TOKEN, str(SECONDS))
    process = await asyncio.create_subprocess_exec(
        *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    url = f"http://127.0.0.1:{port}"

    async def up() -> bool | None:
        try:
            async with httpx.AsyncClient() as http:
                return (await http.get(f"{url}/docs")).is_success or None
        except httpx.TransportError:
            assert process.returncode is None, "the bot ended"
            return None

    try:
        await until(up, 60)
        yield url, process.stdout
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_a_pipecat_bot_completes_a_call_on_the_simulator() -> None:
    config = SimulatorConfig(
        port=0, pacing=PACING, answer_mix={"human": 1.0}, personas={"pleased": 1.0}
    )
    async with carrier(config) as vendor, bot(vendor.url) as (url, prints):
        sid = await vendor.place(
            TO,
            url=f"{url}/voice?account={ACCOUNT}",
            record=True,
            recording_channels="dual",
        )
        async with asyncio.timeout(60):
            told: dict[str, Any] = json.loads(await prints.readline())

        async def over() -> str | None:
            status = await vendor.status_of(sid)
            return status if status != "in-progress" else None

        assert await until(over) == "completed"
        assert told == {
            "kind": "twilio",
            "call": sid,
            "parameters": {"account": ACCOUNT},
            "frames": told["frames"],
        }
        assert told["frames"] >= 50 * SECONDS
        # Ended by the bot's own request, not because a socket closed or a person hung up.
        (case,) = (await vendor.judge())["calls"]
        assert case["ended_by"] == "api"
        heard, repeated = await recorded(vendor, sid)
    frames = [heard[at : at + _FRAME] for at in range(0, len(heard) - _FRAME, _FRAME)]
    sounds = [frame for frame in frames if any(frame)]
    assert len(sounds) > 20
    # Through the bot's 16-bit samples and back unharmed; the last ones were still on their way.
    assert sum(sound in repeated for sound in sounds) > 0.8 * len(sounds)


async def recorded(vendor: Carrier, sid: str) -> tuple[bytes, bytes]:
    """Both sides of the call, 16-bit samples: the person's, the bot's."""

    def stored(client: Client) -> str | None:
        (recording,) = client.calls(sid).recordings.list()
        return recording.sid if recording.status == "completed" else None

    found = await until(lambda: vendor.ask(stored))
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/{found}.wav"
    async with httpx.AsyncClient(auth=(ACCOUNT, TOKEN)) as http:
        answer = (await http.get(vendor.url + path)).raise_for_status()
    with wave.open(io.BytesIO(answer.content)) as file:
        samples = file.readframes(file.getnframes())
    both = np.frombuffer(samples, np.int16)
    return both[0::2].tobytes(), both[1::2].tobytes()

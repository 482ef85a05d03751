"""The server as a process runs it: health, callbacks, the media socket, a lost database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import websockets
from twilio.request_validator import RequestValidator

from dialer.parts import open_server
from dialer.server import create_app
from dialer.simulator.config import SimulatorConfig
from dialer.spool import OptOutSpool
from tests.integration.dialer_parts import House, serving
from tests.integration.sim_carrier import carrier
from voice_ai.carrier_account import carrier_credentials
from voice_ai.clock import ManualClock, RehearsalClock
from voice_ai.context import Context
from voice_ai.ids import AttemptId
from voice_ai.settings import Settings

pytest_plugins = ("tests.integration.dialer_fixtures",)
# The vendor's client on the newest aiohttp that it can do with.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")

PUBLIC = "https://calls.example"


class Server:
    """The running server, and what the carrier of this home signs with."""

    def __init__(self, app: Any, address: str, http: httpx.AsyncClient, token: str) -> None:
        self.parts = app.state.parts
        self.address = address
        self.http = http
        self._validator = RequestValidator(token)

    async def tell(self, url: str, form: dict[str, str]) -> httpx.Response:
        signature = self._validator.compute_signature(url, form)
        return await self.http.post(
            url.removeprefix(PUBLIC), data=form, headers={"X-Twilio-Signature": signature}
        )

    def media(self, *, signed_for: str | None = None) -> websockets.connect:
        signature = self._validator.compute_signature(signed_for or self.parts.urls.media(), {})
        address = self.address.replace("http", "ws", 1) + "/twilio/media"
        return websockets.connect(address, additional_headers={"X-Twilio-Signature": signature})


@asynccontextmanager
async def server(
    dialer: House, monkeypatch: pytest.MonkeyPatch, *, real_time: bool = False
) -> AsyncIterator[Server]:
    """`real_time`: its clock goes on by itself, as waiting for machines needs."""
    clock = (
        RehearsalClock(datetime.now(UTC), dialer.clock.at, 1.0)
        if real_time
        else ManualClock(dialer.clock.at)
    )
    async with carrier(SimulatorConfig(port=0)) as simulator:
        monkeypatch.setenv("TWILIO_BASE_URL", simulator.url)
        monkeypatch.setenv("ELEVENLABS_BASE_URL", simulator.url)
        monkeypatch.setenv("VOICE_AI_PUBLIC_URL", PUBLIC)
        settings = Settings.read()
        context = Context(
            settings,
            dialer.keyring,
            dialer.url,
            None,
            clock,
            has_roles=False,
        )
        app = create_app(lambda: open_server(context))
        _, token = carrier_credentials(settings, dialer.keyring)
        async with serving(app) as address, httpx.AsyncClient(base_url=address) as http:
            yield Server(app, address, http, token)


async def dialed(dialer: House) -> AttemptId:
    dialer.office.leads(1)
    dialer.office.campaign()
    attempt_id, _ = await dialer.dial()
    return attempt_id


def start(attempt_id: AttemptId, token: str) -> str:
    return (
        '{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"accountSid":"AC1",'
        '"streamSid":"MZ1","callSid":"CA1","tracks":["inbound"],"mediaFormat":{"encoding":'
        '"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":'
        f'{{"attempt_id":"{attempt_id}","token":"{token}"}}}}}}'
    )


async def close_code(socket: websockets.ClientConnection) -> int | None:
    async with asyncio.timeout(20):
        await socket.wait_closed()
    return socket.close_code


async def test_health_names_each_component_and_its_reason(
    dialer: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with server(dialer, monkeypatch) as running:
        well = await running.http.get("/api/health")
        assert well.status_code == 200
        body = well.json()
        assert (body["status"], body["rehearsal"]) == ("ok", True)
        assert all({"ok", "reason"} <= set(part) for part in body["components"].values())
        assert body["components"]["dialer"]["ok"] is True
        attempt_id = await dialed(dialer)
        OptOutSpool(tmp_path / "home").put(attempt_id, "asked")
        spooled = await running.http.get("/api/health")
        assert spooled.status_code == 503
        assert "1 opt-out" in spooled.json()["components"]["opt_out_spool"]["reason"]


async def test_the_carrier_is_served_and_the_figures_count_it(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server(dialer, monkeypatch) as running:
        attempt_id = await dialed(dialer)
        url = running.parts.urls.status(attempt_id)
        form = {"CallSid": "CA1", "CallStatus": "ringing", "SequenceNumber": "1"}
        assert (await running.tell(url, form)).status_code == 204
        refused = await running.http.post(url.removeprefix(PUBLIC), data=form)
        assert refused.status_code == 403
        metrics = (await running.http.get("/metrics")).text
        assert "voice_ai_bad_signatures_total 1.0" in metrics
        assert 'voice_ai_attempts{state="ringing"} 1.0' in metrics
        assert "voice_ai_database_up 1.0" in metrics
        number = dialer.carrier.placed[0].to
        assert number not in metrics
        assert number.removeprefix("+") not in metrics


async def test_while_postgres_is_gone_the_carrier_is_told_to_come_again(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server(dialer, monkeypatch) as running:
        attempt_id = await dialed(dialer)
        await running.parts.pool.close()
        form = {"CallSid": "CA1", "CallStatus": "ringing", "SequenceNumber": "1"}
        answer = await running.tell(running.parts.urls.status(attempt_id), form)
        assert answer.status_code == 503
        health = await running.http.get("/api/health")
        assert health.status_code == 503
        assert health.json()["components"]["database"]["ok"] is False
        assert "voice_ai_database_up 0.0" in (await running.http.get("/metrics")).text
    assert dialer.office.attempt(attempt_id)["state"] == "placed"


async def test_an_unsigned_stream_is_refused_before_it_is_accepted(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server(dialer, monkeypatch) as running:
        as_https = running.parts.urls.media().replace("wss", "https")
        with pytest.raises(websockets.InvalidStatus):
            await running.media(signed_for=as_https)
        address = running.address.replace("http", "ws", 1) + "/twilio/media"
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(address)


async def test_a_signed_stream_of_no_or_another_attempt_is_closed(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server(dialer, monkeypatch) as running:
        attempt_id = await dialed(dialer)
        for first in (
            start(attempt_id, "stolen"),
            start(attempt_id, ""),
            start(attempt_id, running.parts.urls.token(AttemptId(uuid4()))),
            '{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"accountSid":"AC1",'
            '"streamSid":"MZ1","callSid":"CA1","tracks":["inbound"],"customParameters":{}}}',
        ):
            async with running.media() as socket:
                await socket.send(first)
                assert await close_code(socket) == 1008
        # Its own token, but the attempt is over.
        dialer.office.db.execute("UPDATE attempts SET state = 'ended'")
        async with running.media() as socket:
            await socket.send(start(attempt_id, running.parts.urls.token(attempt_id)))
            assert await close_code(socket) == 1008
        assert len(running.parts.live) == 0
    assert "media_started" not in dialer.office.kinds(attempt_id)


async def test_a_call_to_our_number_is_answered_also_while_postgres_is_gone(
    dialer: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with server(dialer, monkeypatch) as running:
        form = {"CallSid": "CA1", "From": "+12125550100", "To": "+12125550199"}
        assert "<Gather" in (await running.tell(f"{PUBLIC}/twilio/inbound", form)).text
        await running.parts.pool.close()
        url = f"{PUBLIC}/twilio/inbound/choice"
        assert "will not call" in (await running.tell(url, {**form, "Digits": "9"})).text
        assert (await running.http.get("/api/health")).status_code == 503
    assert OptOutSpool(tmp_path / "home").count() == 1

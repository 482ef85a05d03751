"""The text socket as the server serves it: signed, bound to its attempt, in the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import orjson
import pytest
import websockets

from tests.integration import test_dialer_server
from tests.integration.dialer_parts import House, new_sid, until
from tests.integration.test_dialer_server import PUBLIC, Server, close_code, server
from voice_ai.clock import Clock, RehearsalClock
from voice_ai.ids import AttemptId

pytest_plugins = ("tests.integration.dialer_fixtures",)
# The vendor's client on the newest aiohttp that it can do with.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")

SPEED = 20.0


@asynccontextmanager
async def running(dialer: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """The server on a clock that goes, quickly: playing times are estimates of it."""

    def goes(at: datetime) -> Clock:
        return RehearsalClock(datetime.now(UTC), at, SPEED)

    monkeypatch.setattr(test_dialer_server, "ManualClock", goes)
    async with server(dialer, monkeypatch) as it:
        yield it


async def dialed(dialer: House, transport: str = "conversation_relay") -> AttemptId:
    dialer.office.leads(1)
    dialer.office.campaign(transport=transport)
    attempt_id, _ = await dialer.dial()
    return attempt_id


def relay(it: Server, *, signed_for: str | None = None) -> websockets.connect:
    signature = it._validator.compute_signature(signed_for or it.parts.urls.relay(), {})
    address = it.address.replace("http", "ws", 1) + "/twilio/relay"
    return websockets.connect(address, additional_headers={"X-Twilio-Signature": signature})


def setup(attempt_id: AttemptId, token: str) -> str:
    parameters = {"attempt_id": str(attempt_id), "token": token}
    message = {"type": "setup", "sessionId": "VX1", "accountSid": "AC1", "callSid": "CA1"}
    return orjson.dumps({**message, "customParameters": parameters}).decode()


async def heard(socket: websockets.ClientConnection, words: str) -> dict[str, Any]:
    """The first message that holds these words."""
    async with asyncio.timeout(20):
        while True:
            message: dict[str, Any] = orjson.loads(await socket.recv())
            if words in message.get("token", message["type"]):
                return message


async def over(dialer: House, attempt_id: AttemptId) -> None:
    async def stopped() -> bool | None:
        return "media_stopped" in dialer.office.kinds(attempt_id) or None

    await until(stopped)


def suppressions(dialer: House) -> int:
    row = dialer.office.db.execute("SELECT count(*) AS many FROM suppressions").fetchone()
    assert row is not None
    return int(row["many"])


async def test_the_answered_call_is_connected_as_its_campaign_says(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(dialer, monkeypatch) as it:
        attempt_id = await dialed(dialer)
        form = {"CallSid": new_sid(), "CallStatus": "in-progress"}
        answer = await it.tell(it.parts.urls.voice(attempt_id), form)
        connect = ElementTree.fromstring(answer.text)[0]
        noun = connect[0]
        assert (connect.tag, noun.tag) == ("Connect", "ConversationRelay")
        assert connect.get("action") == it.parts.urls.relay_over(attempt_id)
        assert noun.get("url") == "wss://calls.example/twilio/relay"
        assert (noun.get("ttsProvider"), noun.get("language")) == ("ElevenLabs", "en-US")
        assert noun.get("voice") == "21m00Tcm4TlvDq8ikWAM"
        assert (noun.get("interruptible"), noun.get("dtmfDetection")) == ("any", "true")
        assert not noun.get("welcomeGreeting")
        given = {parameter.get("name"): parameter.get("value") for parameter in noun}
        assert given == {
            "attempt_id": str(attempt_id),
            "token": it.parts.urls.token(attempt_id),
        }


async def test_an_opt_out_is_in_the_table_before_the_goodbye_is_sent(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(dialer, monkeypatch) as it:
        attempt_id = await dialed(dialer)
        async with relay(it) as socket:
            await socket.send(setup(attempt_id, it.parts.urls.token(attempt_id)))
            first = await heard(socket, "this is")
            assert (first["interruptible"], first["lang"]) == (False, "en-US")
            assert "record" not in (await heard(socket, "automated"))["token"]
            await socket.send('{"type":"nonsense"}')
            await socket.send('{"type":"prompt","voicePrompt":"Stop calling me.","last":true}')
            await heard(socket, "will not call you again")
            assert suppressions(dialer) == 1
            end = await heard(socket, "end")
            assert orjson.loads(end["handoffData"]) == {"reason": "opt_out"}
        await over(dialer, attempt_id)
        # The action comes late, and twice: it is answered, and changes nothing.
        kinds = dialer.office.kinds(attempt_id)
        form = {"CallSid": "CA1", "CallStatus": "in-progress", "SessionId": "VX1",
                "SessionStatus": "ended", "SessionDuration": "7",
                "HandoffData": end["handoffData"]}  # fmt: skip
        for _ in range(2):
            answer = await it.tell(it.parts.urls.relay_over(attempt_id), form)
            assert answer.status_code == 200
            assert "<Hangup" in answer.text
        assert dialer.office.kinds(attempt_id) == kinds
        assert dialer.office.attempt(attempt_id)["end_reason"] == "opt_out"
        assert len(it.parts.live) == 0
    assert kinds.count("media_started") == kinds.count("opt_out_heard") == 1
    turns = dialer.office.db.execute(
        "SELECT speaker, endpoint_ms, stt_tail_ms, tts_first_byte_ms, response_ms FROM turns"
        " ORDER BY index"
    ).fetchall()
    assert {turn["speaker"] for turn in turns} == {"agent", "caller"}
    assert all(turn[name] is None for turn in turns for name in turn if name != "speaker")


async def test_a_socket_is_refused_that_nobody_signed_or_that_is_of_no_attempt(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(dialer, monkeypatch) as it:
        attempt_id = await dialed(dialer)
        with pytest.raises(websockets.InvalidStatus):
            await relay(it, signed_for=it.parts.urls.media())
        token = it.parts.urls.token(attempt_id)
        for first in (
            setup(attempt_id, "stolen"),
            setup(AttemptId(uuid4()), token),
            '{"type":"setup"}',
            '{"type":"prompt","voicePrompt":"Hello","last":true}',
            "hello",
        ):
            async with relay(it) as socket:
                await socket.send(first)
                assert await close_code(socket) == 1008
        async with relay(it) as one, relay(it) as other:
            await one.send(setup(attempt_id, token))
            await heard(one, "this is")
            await other.send(setup(attempt_id, token))
            assert await close_code(other) == 1000
            assert len(it.parts.live) == 1
        await over(dialer, attempt_id)
        unsigned = await it.http.post(it.parts.urls.relay_over(attempt_id).removeprefix(PUBLIC))
        assert unsigned.status_code == 403
    assert dialer.office.attempt(attempt_id)["end_reason"] == "human_hangup"


async def test_a_session_that_is_over_for_the_carrier_is_over_here_too(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(dialer, monkeypatch) as it:
        monkeypatch.setattr("dialer.relay_route._CLOSING_S", 0.2)
        attempt_id = await dialed(dialer)
        async with relay(it) as socket:
            await socket.send(setup(attempt_id, it.parts.urls.token(attempt_id)))
            await heard(socket, "this is")
            form = {"CallSid": "CA1", "CallStatus": "in-progress", "SessionStatus": "failed"}
            answer = await it.tell(it.parts.urls.relay_over(attempt_id), form)
            assert "<Hangup" in answer.text
            await over(dialer, attempt_id)
    assert dialer.office.attempt(attempt_id)["end_reason"] == "media_lost"

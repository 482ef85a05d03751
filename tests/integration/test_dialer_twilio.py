"""The Twilio adapter: what it sends, and what it makes of every kind of answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dialer.adapters import twilio
from dialer.adapters.twilio import TwilioCarrier
from dialer.callbacks import CallbackUrls
from dialer.carrier import (
    AgentLeg,
    CarrierSilent,
    DialRequest,
    FailureKind,
    PlaceAnswer,
    Placed,
    Rejected,
    Unanswered,
)
from dialer.simulator.config import SimulatorConfig
from dialer.simulator.faults import FaultProfile
from tests.contract.twilio_oracle import check_request, check_response
from tests.integration.dialer_parts import ACCOUNT, new_sid, serving, until
from tests.integration.sim_carrier import PACING, carrier
from voice_ai.ids import AttemptId
from voice_ai.vault import Keyring

# The vendor's client on the newest aiohttp that it can do with.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")

CALLS = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"


def order(to: str = "+12125550123", *, detect: bool = True, await_end: bool = False) -> DialRequest:
    return DialRequest(AttemptId(uuid4()), to, "+12125550900", 25, 300, detect, await_end)


@asynccontextmanager
async def adapter(base_url: str, keyring: Keyring) -> AsyncIterator[TwilioCarrier]:
    made = TwilioCarrier(
        account_sid=ACCOUNT,
        auth_token="a-token",
        base_url=base_url,
        callbacks=CallbackUrls("http://127.0.0.1:9", keyring),
    )
    try:
        yield made
    finally:
        await made.close()


@dataclass
class Tapped:
    """Passes requests on to a carrier and keeps both sides of every exchange."""

    upstream: str
    exchanges: list[tuple[str, str, dict[str, list[str]], int, Any]] = field(default_factory=list)

    async def pass_on(self, request: Request) -> Response:
        body = await request.body()
        path = request.url.path
        headers = {
            name: request.headers[name]
            for name in ("authorization", "content-type")
            if name in request.headers
        }
        async with httpx.AsyncClient(base_url=self.upstream) as http:
            answer = await http.request(
                request.method,
                path,
                params=dict(request.query_params),
                content=body,
                headers=headers,
            )
        form = parse_qs(body.decode(), keep_blank_values=True)
        self.exchanges.append((request.method, path, form, answer.status_code, answer.json()))
        return Response(answer.content, answer.status_code, media_type="application/json")


async def test_everything_sent_to_the_carrier_keeps_to_its_description(keyring: Keyring) -> None:
    config = SimulatorConfig(port=0, pacing=PACING, answer_mix={"no_answer": 1})
    async with carrier(config) as simulator:
        tap = Tapped(simulator.url)
        web = Starlette(routes=[Route("/{path:path}", tap.pass_on, methods=["GET", "POST"])])
        async with serving(web) as address, adapter(address, keyring) as dialer:
            request = order()
            answer = await dialer.place(request)
            assert isinstance(answer, Placed)
            other = await dialer.place(order("+12125550124", detect=False))
            assert isinstance(other, Placed)
            leaving = await dialer.place(order("+12125550125", await_end=True))
            assert isinstance(leaving, Placed)
            call = await dialer.fetch(answer.sid)
            assert call is not None
            assert call.sid == answer.sid
            (found,) = await dialer.find(to=request.to, caller_id=request.caller_id)
            assert found.sid == answer.sid
            assert found.created_at is not None
            assert found.created_at.tzinfo is not None
            assert await dialer.end(answer.sid) is True

            async def over() -> bool | None:
                seen = await dialer.fetch(answer.sid)
                return seen is not None and seen.status == "canceled" or None

            await until(over)
            assert await dialer.end(answer.sid) is False
    for method, path, form, status, body in tap.exchanges:
        if method == "POST":
            assert check_request(method, path, form) == [], path
        assert check_response(method, path, status, body) == [], (method, path)
    (first, second, third) = [e[2] for e in tap.exchanges if e[:2] == ("POST", CALLS)]
    assert first["StatusCallbackEvent"] == ["initiated", "ringing", "answered", "completed"]
    assert (first["To"], first["From"]) == ([request.to], [request.caller_id])
    assert (first["Timeout"], first["TimeLimit"]) == (["25"], ["300"])
    assert first["AsyncAmd"] == third["AsyncAmd"] == ["true"]
    modes = [sent["MachineDetection"] for sent in (first, third)]
    assert modes == [["Enable"], ["DetectMessageEnd"]]
    assert not [name for name in second if "Amd" in name or "Machine" in name]
    for name in ("Url", "StatusCallback", "AsyncAmdStatusCallback"):
        assert str(request.attempt_id) in first[name][0]


async def test_a_call_is_redirected_and_a_colleague_rung_as_the_description_has_it(
    keyring: Keyring,
) -> None:
    """Against the vendor's own description; the addresses name the attempt and the turn."""
    config = SimulatorConfig(port=0, pacing=PACING, answer_mix={"human": 1.0})
    leg = AgentLeg(AttemptId(uuid4()), "1.0", "+12125550177", "+12125550900", 20, 600)
    async with carrier(config) as simulator:
        tap = Tapped(simulator.url)
        app = Starlette(routes=[Route("/{path:path}", tap.pass_on, methods=["GET", "POST"])])
        async with serving(app) as address, adapter(address, keyring) as dialer:
            answer = await dialer.ring(leg)
            assert isinstance(answer, Placed)
            # Nobody has picked up yet: it can be ended, not redirected.
            assert await dialer.redirect(answer.sid, leg.attempt_id, "transfer", max_s=900) is False
            assert await dialer.end(answer.sid) is True
    for method, path, form, status, body in tap.exchanges:
        assert check_request(method, path, form) == [], path
        assert status >= 400 or check_response(method, path, status, body) == []
    rung, redirected = (exchange[2] for exchange in tap.exchanges[:2])
    assert rung["Url"][0].split("?")[0].endswith(f"/twilio/transfer/whisper/{leg.attempt_id}")
    assert rung["StatusCallback"][0].endswith("&n=1.0")
    assert (rung["Timeout"], rung["TimeLimit"]) == (["20"], ["600"])
    assert redirected["Url"][0].split("?")[0].endswith(f"/transfer/transfer/{leg.attempt_id}")
    assert redirected["TimeLimit"] == ["900"]


async def test_a_call_that_the_carrier_never_had(keyring: Keyring) -> None:
    config = SimulatorConfig(port=0)
    async with carrier(config) as simulator, adapter(simulator.url, keyring) as dialer:
        assert await dialer.fetch(new_sid()) is None
        assert await dialer.find(to="+12125550123", caller_id="+12125550900") == []
        assert await dialer.end(new_sid()) is False


@pytest.mark.parametrize("fault", ["lost_response", "error_after_accepting"])
async def test_a_call_whose_answer_was_lost_is_there_and_was_placed_once(
    keyring: Keyring, fault: str
) -> None:
    config = SimulatorConfig(
        port=0,
        pacing=PACING,
        answer_mix={"no_answer": 1},
        faults=FaultProfile(name="test", **{fault: 1.0}),
    )
    async with carrier(config) as simulator, adapter(simulator.url, keyring) as dialer:
        request = order()
        assert isinstance(await dialer.place(request), Unanswered)
        found = await dialer.find(to=request.to, caller_id=request.caller_id)
        assert len(found) == 1
        assert (await simulator.judge())["accepted"] == 1


async def test_a_rate_limit_leaves_no_call_behind(keyring: Keyring) -> None:
    config = SimulatorConfig(port=0, faults=FaultProfile(name="test", rate_limited=1.0))
    async with carrier(config) as simulator, adapter(simulator.url, keyring) as dialer:
        assert await dialer.place(order()) == Rejected(FailureKind.RATE_LIMITED, 20429)
        assert (await simulator.judge())["accepted"] == 0


@dataclass
class Odd:
    """A server that answers every request with the same status and text."""

    status: int = 200
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    never: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: Request) -> Response:
        self.asked += 1
        if self.status == 0:
            await self.never.wait()
        return Response(self.text, self.status or 200, self.headers)


@asynccontextmanager
async def odd(keyring: Keyring, status: int, text: str) -> AsyncIterator[tuple[Odd, TwilioCarrier]]:
    server = Odd(status, text, {"Content-Type": "application/json"})
    web = Starlette(routes=[Route("/{path:path}", server.answer, methods=["GET", "POST"])])
    async with serving(web) as address, adapter(address, keyring) as dialer:
        try:
            yield server, dialer
        finally:
            server.never.set()


def error_body(code: int, status: int) -> str:
    body = {"code": code, "message": "no", "more_info": "", "status": status}
    return orjson.dumps(body).decode()


def problem_body(code: int, status: int) -> str:
    body = {"type": "about:blank", "title": "no", "code": code, "status": status}
    return orjson.dumps(body).decode()


UNKNOWN = [
    pytest.param(500, error_body(20500, 500), id="500"),
    pytest.param(503, "<html>", id="503 without a body we know"),
    pytest.param(504, problem_body(20504, 504), id="504 as a problem"),
    pytest.param(201, "{", id="201 cut short"),
    pytest.param(201, "[]", id="201 with a list"),
    pytest.param(201, "null", id="201 with nothing"),
    pytest.param(201, "{}", id="201 without a call"),
    pytest.param(200, "<html>hello</html>", id="200 from something else"),
]
REFUSED = [
    pytest.param(400, error_body(21211, 400), FailureKind.INVALID_NUMBER, id="bad number"),
    pytest.param(400, error_body(13224, 400), FailureKind.INVALID_NUMBER, id="unsupported number"),
    pytest.param(400, error_body(21215, 400), FailureKind.NOT_PERMITTED, id="country"),
    pytest.param(401, error_body(20003, 401), FailureKind.AUTH, id="password"),
    pytest.param(429, error_body(20429, 429), FailureKind.RATE_LIMITED, id="too many"),
    pytest.param(429, "slow down", FailureKind.RATE_LIMITED, id="too many, in words"),
    pytest.param(429, problem_body(20429, 429), FailureKind.RATE_LIMITED, id="too many, a problem"),
    pytest.param(400, problem_body(21211, 400), FailureKind.INVALID_NUMBER, id="bad, a problem"),
    pytest.param(400, error_body(99999, 400), FailureKind.APP_ERROR, id="a new code"),
]


@pytest.mark.parametrize(("status", "text"), UNKNOWN)
async def test_an_answer_that_says_nothing_about_the_call_is_no_answer(
    keyring: Keyring, status: int, text: str
) -> None:
    async with odd(keyring, status, text) as (server, dialer):
        assert isinstance(await dialer.place(order()), Unanswered)
        assert server.asked == 1
        with pytest.raises(CarrierSilent):
            await dialer.fetch(new_sid())
        with pytest.raises(CarrierSilent):
            await dialer.find(to="+12125550123", caller_id="+12125550900")
        if status >= 500:
            with pytest.raises(CarrierSilent):
                await dialer.end(new_sid())


@pytest.mark.parametrize(("status", "text", "kind"), REFUSED)
async def test_a_refusal_is_classed_and_not_repeated(
    keyring: Keyring, status: int, text: str, kind: FailureKind
) -> None:
    async with odd(keyring, status, text) as (server, dialer):
        answer = await dialer.place(order())
        assert isinstance(answer, Rejected)
        assert answer.kind is kind
        assert server.asked == 1
        with pytest.raises(CarrierSilent):
            await dialer.find(to="+12125550123", caller_id="+12125550900")


async def test_a_carrier_that_never_answers_is_not_waited_for(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio, "TIMEOUT_S", 0.2)
    async with odd(keyring, 0, "") as (server, dialer):
        answer: PlaceAnswer = await dialer.place(order())
        assert isinstance(answer, Unanswered)
        assert server.asked == 1
        with pytest.raises(CarrierSilent):
            await dialer.fetch(new_sid())
        with pytest.raises(CarrierSilent):
            await dialer.end(new_sid())


async def test_a_carrier_that_is_not_there_is_no_answer(keyring: Keyring) -> None:
    async with adapter("http://127.0.0.1:1", keyring) as dialer:
        assert isinstance(await dialer.place(order()), Unanswered)
        with pytest.raises(CarrierSilent):
            await dialer.find(to="+12125550123", caller_id="+12125550900")

"""Callbacks over HTTP: only what the carrier signed for this very attempt changes anything."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from twilio.request_validator import RequestValidator

from dialer.adapters.twilio import TwilioSignatures
from dialer.callbacks import CallbackUrls
from dialer.live_calls import LiveCalls
from dialer.media.events import SessionControl
from dialer.metrics import ServerMetrics
from dialer.transfers import Transfers
from dialer.webhooks import Webhooks, routes
from tests.integration.dialer_parts import House, new_sid
from voice_ai.ids import AttemptId

pytest_plugins = ("tests.integration.dialer_fixtures",)

TOKEN = "the-auth-token-of-the-account"
PUBLIC = "https://calls.example"


class Outside:
    """Whoever posts to the server; signs as the carrier does unless told otherwise."""

    def __init__(self, http: httpx.AsyncClient, urls: CallbackUrls) -> None:
        self.http, self.urls = http, urls

    async def post(
        self, url: str, form: Mapping[str, str], *, token: str = TOKEN, signature: str | None = None
    ) -> httpx.Response:
        given = signature or RequestValidator(token).compute_signature(url, dict(form))
        # What arrives is addressed to the machine; the signature is over the public address.
        return await self.http.post(
            url.removeprefix(PUBLIC), data=dict(form), headers={"X-Twilio-Signature": given}
        )


@asynccontextmanager
async def server(dialer: House, live: LiveCalls | None = None) -> AsyncIterator[Outside]:
    urls = CallbackUrls(PUBLIC, dialer.keyring)
    hooks = Webhooks(
        dialer.pool,
        dialer.carrier,
        dialer.clock,
        urls,
        TwilioSignatures(TOKEN),
        live or LiveCalls(),
        ServerMetrics(),
        Transfers(dialer.pool, dialer.keyring, dialer.clock, urls, dialer.carrier),
    )
    app = FastAPI()
    app.include_router(routes(hooks))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7:3000") as http:
        yield Outside(http, urls)


async def dialed(dialer: House) -> tuple[AttemptId, dict[str, str]]:
    dialer.office.leads(1)
    dialer.office.campaign()
    attempt_id, sid = await dialer.dial()
    return attempt_id, {"CallSid": sid, "CallStatus": "ringing", "SequenceNumber": "1"}


def everything(dialer: House) -> list[Any]:
    return [
        dialer.office.rows(f"SELECT * FROM {table}")
        for table in ("attempts", "calls", "call_events", "campaign_leads", "outbox")
    ]


async def test_a_signed_callback_is_applied_and_a_second_one_changes_nothing(
    dialer: House,
) -> None:
    attempt_id, form = await dialed(dialer)
    async with server(dialer) as outside:
        url = outside.urls.status(attempt_id)
        assert (await outside.post(url, form)).status_code == 204
        assert dialer.office.attempt(attempt_id)["state"] == "ringing"
        kinds = dialer.office.kinds(attempt_id)
        assert (await outside.post(url, form)).status_code == 204
        assert dialer.office.kinds(attempt_id) == kinds
        over = {**form, "CallStatus": "no-answer", "SequenceNumber": "2"}
        assert (await outside.post(url, over)).status_code == 204
        after = everything(dialer)
        dialer.clock.advance(30)
        assert (await outside.post(url, over)).status_code == 204
    assert dialer.office.attempt(attempt_id)["disposition"] == "no_answer"
    assert after[0][0]["event_seq"] == dialer.office.attempt(attempt_id)["event_seq"]
    assert after[2:] == everything(dialer)[2:]


@pytest.mark.parametrize("what", ["voice", "status", "detection"])
async def test_what_the_carrier_did_not_sign_changes_nothing(dialer: House, what: str) -> None:
    attempt_id, form = await dialed(dialer)
    form["AnsweredBy"] = "machine_start"
    before = everything(dialer)
    async with server(dialer) as outside:
        url: str = getattr(outside.urls, what)(attempt_id)
        own = await outside.post(url, form, token="another token")
        none = await outside.http.post(url.removeprefix(PUBLIC), data=form)
        changed = await outside.post(
            url, {**form, "CallStatus": "completed"}, signature=_signature(url, form)
        )
        answers = [own, none, changed]
    assert [answer.status_code for answer in answers] == [403] * 3
    assert everything(dialer) == before
    assert dialer.carrier.ended == []


def _signature(url: str, form: Mapping[str, str]) -> str:
    return str(RequestValidator(TOKEN).compute_signature(url, dict(form)))


@pytest.mark.parametrize("what", ["voice", "status", "detection"])
async def test_a_good_signature_for_one_attempt_is_no_use_for_another(
    dialer: House, what: str
) -> None:
    dialer.office.leads(2)
    dialer.office.campaign(pacing={"calls_per_second": 100})
    first, second = [one[0].attempt_id for one in await dialer.claim()]
    form = {"CallSid": new_sid(), "CallStatus": "completed", "SequenceNumber": "3"}
    before = everything(dialer)
    async with server(dialer) as outside:
        path = f"{PUBLIC}/twilio/{what}"
        stolen = f"{path}/{first}?t={outside.urls.token(second)}"
        without, empty = f"{path}/{first}", f"{path}/{first}?t="
        answers = [await outside.post(url, form) for url in (stolen, without, empty)]
    assert [answer.status_code for answer in answers] == [403] * 3
    assert everything(dialer) == before


async def test_the_address_is_the_public_one_whatever_the_request_says(dialer: House) -> None:
    attempt_id, form = await dialed(dialer)
    async with server(dialer) as outside:
        url = outside.urls.status(attempt_id)
        as_seen = url.replace(PUBLIC, "http://10.0.0.7:3000")
        answer = await outside.post(url, form, signature=_signature(as_seen, form))
        assert answer.status_code == 403
        answer = await outside.http.post(
            url.removeprefix(PUBLIC),
            data=form,
            headers={
                "X-Twilio-Signature": _signature("https://evil.example" + url[len(PUBLIC) :], form),
                "X-Forwarded-Host": "evil.example",
                "Host": "evil.example",
            },
        )
        assert answer.status_code == 403


async def test_an_attempt_that_was_never_made_is_not_found(dialer: House) -> None:
    form = {"CallSid": new_sid(), "CallStatus": "ringing", "SequenceNumber": "1"}
    async with server(dialer) as outside:
        nobody = AttemptId(uuid4())
        urls = (outside.urls.voice, outside.urls.status, outside.urls.detection)
        answers = [await outside.post(url(nobody), form) for url in urls]
        assert [answer.status_code for answer in answers] == [404] * 3
        odd = await outside.post(f"{PUBLIC}/twilio/status/not-an-id", form)
        assert odd.status_code == 422


async def test_an_answered_call_is_connected_to_its_own_stream(dialer: House) -> None:
    attempt_id, form = await dialed(dialer)
    async with server(dialer) as outside:
        answer = await outside.post(
            outside.urls.voice(attempt_id), {**form, "CallStatus": "in-progress"}
        )
        assert answer.headers["content-type"].startswith("text/xml")
        assert f'<Stream url="{outside.urls.media()}">' in answer.text
        assert f'value="{attempt_id}"' in answer.text
        assert f'value="{outside.urls.token(attempt_id)}"' in answer.text
    assert dialer.office.attempt(attempt_id)["state"] == "in_progress"


async def test_a_callback_proves_a_call_whose_request_had_no_answer(dialer: House) -> None:
    attempt_id, form = await dialed(dialer)
    dialer.office.db.execute("DELETE FROM calls")
    dialer.office.db.execute("UPDATE attempts SET state = 'unknown'")
    async with server(dialer) as outside:
        await outside.post(outside.urls.status(attempt_id), form)
    assert dialer.office.attempt(attempt_id)["state"] == "ringing"
    (call,) = dialer.office.rows("SELECT * FROM calls")
    assert call["carrier_sid"] == form["CallSid"]


async def test_a_machines_verdict_reaches_the_conversation_that_is_held(dialer: House) -> None:
    attempt_id, form = await dialed(dialer)
    live, control = LiveCalls(), SessionControl()
    heard: list[object] = []
    control.attach(heard.append)
    live.open(attempt_id, control)
    async with server(dialer, live) as outside:
        verdict = {"CallSid": form["CallSid"], "AnsweredBy": "machine_end_beep"}
        await outside.post(outside.urls.detection(attempt_id), verdict)
    assert [getattr(event, "kind", None) for event in heard] == ["machine_end_beep"]
    assert dialer.carrier.ended == []


@pytest.mark.parametrize(("policy", "ended"), [("hang_up", 1), ("leave_message", 0)])
async def test_without_a_conversation_here_only_who_leaves_no_message_ends_the_call(
    dialer: House, policy: str, ended: int
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign(answering={"machine": policy})
    attempt_id, sid = await dialer.dial()
    async with server(dialer) as outside:
        verdict = {"CallSid": sid, "AnsweredBy": "machine_start"}
        await outside.post(outside.urls.detection(attempt_id), verdict)
    assert len(dialer.carrier.ended) == ended


async def test_the_last_words_of_a_conversation_come_before_the_end(dialer: House) -> None:
    """The terminal callback waits until the conversation has written what it arrived at."""
    attempt_id, form = await dialed(dialer)
    live = LiveCalls()
    live.open(attempt_id, SessionControl())
    over = {**form, "CallStatus": "completed", "SequenceNumber": "3"}
    async with server(dialer, live) as outside:
        told = asyncio.create_task(outside.post(outside.urls.status(attempt_id), over))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not told.done()
        dialer.office.db.execute("UPDATE attempts SET outcome = 'goal'")
        live.close(attempt_id)
        assert (await told).status_code == 204
    assert dialer.office.attempt(attempt_id)["disposition"] == "goal"


async def test_who_said_no_while_it_rang_hears_nothing_but_the_end(dialer: House) -> None:
    attempt_id, form = await dialed(dialer)
    (row,) = dialer.office.rows("SELECT number_id FROM attempts")
    dialer.office.suppress(row["number_id"])
    async with server(dialer) as outside:
        answered = {**form, "CallStatus": "in-progress", "SequenceNumber": "2"}
        answer = await outside.post(outside.urls.voice(attempt_id), answered)
        assert "<Hangup" in answer.text
        assert "<Stream" not in answer.text
        over = {**form, "CallStatus": "completed", "SequenceNumber": "3"}
        await outside.post(outside.urls.status(attempt_id), over)
    attempt = dialer.office.attempt(attempt_id)
    assert (attempt["disposition"], attempt["end_reason"]) == ("canceled", "suppressed")

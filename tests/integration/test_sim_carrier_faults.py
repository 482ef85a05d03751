"""What goes wrong, what the referee sees of it, and that the same seed gives the same calls."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioException

from dialer.simulator.config import SimulatorConfig
from dialer.simulator.faults import FaultProfile
from tests.integration.sim_carrier import (
    ACCOUNT,
    FROM,
    PACING,
    QUESTION,
    QUICK,
    TO,
    TOKEN,
    Application,
    Phone,
    application,
    carrier,
    only_listen,
    people,
    said,
    speak,
    until,
)


@pytest.fixture
async def app() -> AsyncIterator[Application]:
    async with application() as running:
        yield running


async def test_a_lost_answer_leaves_a_call_behind(app: Application) -> None:
    faults = FaultProfile(name="none", lost_response=1.0)
    async with carrier(replace(people("neutral"), faults=faults)) as line:
        with pytest.raises((TwilioException, OSError)):
            await line.place(TO, **app.order())
        assert (await line.judge())["accepted"] == 1
        assert len(await line.ask(lambda c: c.calls.list(to=TO, from_=FROM))) == 1
        await app.expect("/voice")


async def test_a_server_error_may_follow_an_accepted_call_and_a_429_never_does(
    app: Application,
) -> None:
    for rates, status, accepted in (
        ({"error_after_accepting": 1.0}, 500, 1),
        ({"rate_limited": 1.0}, 429, 0),
    ):
        config = replace(people("neutral"), faults=FaultProfile(name="none", **rates))
        form = {"To": TO, "From": FROM, "Url": f"{app.url}/voice"}
        async with carrier(config) as line, httpx.AsyncClient(auth=(ACCOUNT, TOKEN)) as http:
            path = f"{line.url}/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
            assert (await http.post(path, data=form)).status_code == status
            assert (await line.judge())["accepted"] == accepted


async def sequence_of(app: Application, count: int, **rates: float) -> list[str]:
    app.webhooks.clear()
    app.twiml = "<Response><Hangup/></Response>"
    faults = FaultProfile(name="none", **rates)
    async with carrier(replace(people("neutral"), faults=faults)) as line:
        await line.place(TO, **app.order())
        await app.expect("/status", count)
        await line.ended(1)
    return [webhook.form["SequenceNumber"] for webhook in app.of("/status")]


async def test_callbacks_are_duplicated_reordered_lost_or_late_when_asked(
    app: Application,
) -> None:
    assert await sequence_of(app, 8, duplicate_callback=1.0) == list("00112233")
    duplicates = [w.headers["i-twilio-idempotency-token"] for w in app.of("/status")]
    assert len(set(duplicates)) == 4
    assert await sequence_of(app, 4, reordered_callback=1.0) == list("1032")
    assert await sequence_of(app, 0, lost_callback=1.0) == []
    assert sorted(await sequence_of(app, 4, late_callback=1.0)) == list("0123")


async def test_a_dropped_socket_ends_the_call_with_an_error(app: Application) -> None:
    faults = FaultProfile(name="none", media_drop=1.0)
    async with carrier(replace(people("neutral"), faults=faults)) as line:
        await line.place(TO, **app.order())
        final = (await app.expect("/status", 4))[-1].form
        stream = (await app.expect("/stream", 2))[-1].form
    assert (final["CallStatus"], final["ErrorCode"]) == ("completed", "31921")
    assert stream["StreamEvent"] == "stream-error"
    assert app.phones[0].of("stop") == []


async def test_a_refused_socket_is_reported(app: Application) -> None:
    app.twiml = app.stream_twiml.replace("/media", "/nowhere")
    async with carrier(people("neutral")) as line:
        await line.place(TO, **app.order())
        final = (await app.expect("/status", 4))[-1].form
    assert (final["CallStatus"], final["ErrorCode"]) == ("completed", "31920")
    assert app.of("/stream")[0].form["StreamEvent"] == "stream-error"


async def test_the_judge_knows_numbers_called_twice_without_naming_them(app: Application) -> None:
    app.twiml = "<Response><Hangup/></Response>"
    async with carrier(people("neutral")) as line:
        for to in (TO, "+14155550112", TO):
            await line.place(to, **app.order())
        verdict = await line.ended(3)
    assert (verdict["numbers_called"], verdict["numbers_called_more_than_once"]) == (2, 1)
    assert verdict["max_live_per_number"] <= 2
    assert verdict["max_accepted_per_second"] >= 1
    assert len({case["number_hash"] for case in verdict["calls"]}) == 2
    assert "4155550111" not in str(verdict)


async def test_a_reset_forgets_everything(app: Application) -> None:
    async with carrier(people("neutral")) as line:
        await line.place(TO, **app.order())
        await app.expect("/voice")
        async with httpx.AsyncClient() as http:
            await http.post(f"{line.url}/simulator/reset")
        verdict = await line.judge()
        assert (verdict["accepted"], verdict["calls"]) == (0, [])
        assert await line.ask(lambda c: c.calls.list()) == []


async def outcomes(app: Application, seed: int, numbers: list[str]) -> list[tuple[Any, ...]]:
    """What became of a call to each number, all at once, and what its callee said."""

    async def talk(phone: Phone) -> None:
        await phone.read_until("start")
        await phone.play(question)
        await phone.read_until("stop")

    app.talk = talk
    config = SimulatorConfig(port=0, seed=seed, speed=16, pacing=replace(PACING, gives_up=12))
    async with carrier(config) as line:
        question = await speak(line, QUESTION)
        order = app.order(timeout=10, time_limit=25)
        sids = await asyncio.gather(*(line.place(number, **order) for number in numbers))
        verdict = await line.ended(len(numbers))
        cases = {case["sid"]: case for case in verdict["calls"]}
        told = {sid: await said(line, sid) for sid in sids}
    keys = ("status", "outcome", "persona", "ended_by")
    return [(*(cases[sid][key] for key in keys), told[sid]) for sid in sids]


async def test_the_same_seed_gives_the_same_people_in_any_order(app: Application) -> None:
    numbers = [f"+1415555{n:04}" for n in range(2000, 2012)]
    first = await outcomes(app, 7, numbers)
    again = await outcomes(app, 7, numbers[::-1])
    assert first == again[::-1]
    assert len({case[0] for case in first}) > 1
    assert await outcomes(app, 8, numbers) != first


async def test_a_webhook_is_tried_again_when_the_connection_breaks() -> None:
    requests: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        if len(requests) > 1:
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, carrier(replace(QUICK, answer_mix={"failed": 1.0})) as line:
        address = f"http://127.0.0.1:{port}/status"
        await line.place(TO, twiml="<Response/>", status_callback=address)
        verdict = await line.ended(1)

        async def twice() -> bool | None:
            return len(requests) == 2 or None

        await until(twice)
    tokens = {line for request in requests for line in request.split(b"\r\n") if b"Token" in line}
    assert len(tokens) == 1
    assert verdict["callbacks"]["failed"] == 0


async def test_silence_from_the_application_does_not_keep_a_call_alive(app: Application) -> None:
    app.talk = only_listen
    config = replace(people("mute"), pacing=replace(PACING, gives_up=4.0))
    async with carrier(config) as line:
        sid = await line.place(TO, **app.order())

        async def over() -> bool | None:
            return await line.status_of(sid) == "completed" or None

        await until(over)
        verdict = await line.judge()
    assert verdict["ended_by"] == {"callee: quiet": 1}
    assert app.phones[0].of("stop")

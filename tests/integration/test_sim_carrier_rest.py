"""The vendor's own SDK, unmodified, against the carrier's REST interface."""

from collections.abc import AsyncIterator

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from dialer.simulator.config import SimulatorConfig
from tests.contract.twilio_oracle import check_response, unknown_fields
from tests.integration.sim_carrier import ACCOUNT, FROM, PACING, TO, TOKEN, Carrier, carrier, until

TWIML = "<Response><Pause length='60'/></Response>"
BASE = f"/2010-04-01/Accounts/{ACCOUNT}"


@pytest.fixture
async def line() -> AsyncIterator[Carrier]:
    config = SimulatorConfig(
        port=0, speed=10, pacing=PACING, answer_mix={"human": 1}, personas={"mute": 1}
    )
    async with carrier(config) as running:
        yield running


async def in_progress(line: Carrier, sid: str) -> bool | None:
    return await line.status_of(sid) == "in-progress" or None


async def code_of(line: Carrier, **order: str) -> tuple[int, int]:
    def refused(client: Client) -> tuple[int, int]:
        with pytest.raises(TwilioRestException) as caught:
            client.calls.create(**order)
        return caught.value.status, caught.value.code

    return await line.ask(refused)


async def test_a_created_call_is_fetched_listed_and_hung_up(line: Carrier) -> None:
    sid = await line.place(TO, twiml=TWIML)
    await until(lambda: in_progress(line, sid))
    listed = await line.ask(lambda c: c.calls.list(to=TO, from_=FROM, status="in-progress"))
    assert [call.sid for call in listed] == [sid]
    assert await line.ask(lambda c: c.calls.list(to="+14155550112")) == []
    await line.ask(lambda c: c.calls(sid).update(status="completed"))

    async def over() -> bool | None:
        return await line.status_of(sid) == "completed" or None

    await until(over)
    call = await line.ask(lambda c: c.calls(sid).fetch())
    assert (call.direction, call.price_unit) == ("outbound-api", "USD")
    assert int(call.duration) >= 1
    assert float(call.price) < 0
    assert call.start_time is not None
    assert call.start_time <= call.end_time


async def test_a_call_is_canceled_before_it_is_answered() -> None:
    config = SimulatorConfig(port=0, answer_mix={"no_answer": 1})
    async with carrier(config) as line:
        sid = await line.place(TO, twiml=TWIML)
        await line.ask(lambda c: c.calls(sid).update(status="canceled"))
        verdict = await line.ended(1)
        assert verdict["by_status"] == {"canceled": 1}
        assert verdict["ended_by"] == {"api": 1}


async def test_a_running_call_follows_new_instructions(line: Carrier) -> None:
    sid = await line.place(TO, twiml=TWIML)
    await until(lambda: in_progress(line, sid))
    await line.ask(lambda c: c.calls(sid).update(twiml="<Response><Hangup/></Response>"))
    verdict = await line.ended(1)
    assert verdict["ended_by"] == {"application": 1}


async def test_an_ended_call_cannot_be_changed(line: Carrier) -> None:
    sid = await line.place(TO, twiml="<Response><Hangup/></Response>")
    await line.ended(1)

    def refused(client: Client, **change: str) -> int:
        with pytest.raises(TwilioRestException) as caught:
            client.calls(sid).update(**change)
        return int(caught.value.code)

    assert await line.ask(lambda c: refused(c, twiml=TWIML)) == 21220
    assert await line.ask(lambda c: refused(c, status="completed")) == 20404


async def test_lists_come_in_pages_newest_first(line: Carrier) -> None:
    sids = [await line.place(f"+1415555{n:04}", twiml=TWIML) for n in range(1000, 1005)]
    listed = await line.ask(lambda c: c.calls.list(page_size=2))
    assert [call.sid for call in listed] == sids[::-1]


async def test_bad_orders_are_refused_with_the_vendors_codes(line: Carrier) -> None:
    good = {"to": TO, "from_": FROM, "twiml": TWIML}
    assert await code_of(line, **good | {"to": "5551234"}) == (400, 21211)
    assert await code_of(line, **good | {"to": FROM}) == (400, 21211)
    assert await code_of(line, **good | {"to": ""}) == (400, 21201)
    assert await code_of(line, **good | {"from_": ""}) == (400, 21213)
    assert await code_of(line, **good | {"from_": "nobody"}) == (400, 21212)
    assert await code_of(line, **good | {"to": "+15005550003"}) == (400, 21215)
    assert await code_of(line, to=TO, from_=FROM) == (400, 21205)
    assert await code_of(line, to=TO, from_=FROM, url="ftp://example.com") == (400, 21205)
    assert await code_of(line, **good | {"method": "PUT"}) == (400, 20001)
    verdict = await line.judge()
    assert verdict["accepted"] == 0
    assert sum(verdict["refused"].values()) == 9


async def test_wrong_credentials_and_unknown_things_are_refused(line: Carrier) -> None:
    async with httpx.AsyncClient(base_url=line.url) as http:
        nobody = await http.get(f"{BASE}/Calls.json")
        other = await http.get(f"{BASE}/Calls.json", auth=("AC" + "6" * 32, TOKEN))
        missing = await http.get(f"{BASE}/Calls/CA{'0' * 32}.json", auth=(ACCOUNT, TOKEN))
        nowhere = await http.get("/2010-04-01/Nowhere.json", auth=(ACCOUNT, TOKEN))
    assert [(r.status_code, r.json()["code"]) for r in (nobody, other, missing, nowhere)] == [
        (401, 20003),
        (401, 20003),
        (404, 20404),
        (404, 20404),
    ]


async def test_a_fixed_token_is_the_only_password() -> None:
    config = SimulatorConfig(port=0, auth_token="right")
    async with carrier(config) as line, httpx.AsyncClient(base_url=line.url) as http:
        wrong = await http.get(f"{BASE}/Balance.json", auth=(ACCOUNT, "wrong"))
        right = await http.get(f"{BASE}/Balance.json", auth=(ACCOUNT, "right"))
    assert (wrong.status_code, right.status_code) == (401, 200)


async def test_excess_calls_wait_in_the_queue() -> None:
    config = SimulatorConfig(port=0, cps=2, answer_mix={"busy": 1})
    async with carrier(config) as line:

        def place_three(client: Client) -> list[str]:
            return [
                client.calls.create(to=f"+1415555{n}", from_=FROM, twiml=TWIML).queue_time
                for n in (1001, 1002, 1003)
            ]

        waits = [int(wait) for wait in await line.ask(place_three)]
        assert waits[0] == 0
        assert 0 < waits[1] <= 500
        assert 500 < waits[2] <= 1000


async def test_a_call_over_the_concurrency_limit_is_refused() -> None:
    config = SimulatorConfig(port=0, concurrency=1, answer_mix={"no_answer": 1})
    async with carrier(config) as line:
        await line.place(TO, twiml=TWIML)
        assert await code_of(line, to="+14155550112", from_=FROM, twiml=TWIML) == (429, 10004)
        assert (await line.judge())["max_open"] == 1


async def test_a_fresh_call_is_not_listed_before_the_lag_is_over() -> None:
    config = SimulatorConfig(port=0, speed=10, listing_lag=5, answer_mix={"no_answer": 1})
    async with carrier(config) as line:
        sid = await line.place(TO, twiml=TWIML)
        assert await line.ask(lambda c: c.calls.list(to=TO)) == []

        async def listed() -> list[str] | None:
            return [call.sid for call in await line.ask(lambda c: c.calls.list(to=TO))] or None

        assert await until(listed) == [sid]


async def test_the_smaller_resources_answer_the_sdk(line: Carrier) -> None:
    def ask(client: Client) -> tuple[str, str, str, str, bool, str, int]:
        message = client.messages.create(to=TO, from_=FROM, body="Your visit is on Monday.")
        lookup = client.lookups.v2.phone_numbers("+14155552671")
        found = lookup.fetch(fields="line_type_intelligence,reassigned_number")
        return (
            client.balance.fetch().currency,
            client.api.v2010.account.fetch().status,
            message.status,
            client.messages(message.sid).fetch().sid[:2],
            found.valid,
            found.line_type_intelligence["type"],
            len(client.incoming_phone_numbers.list()),
        )

    currency, account, message, prefix, valid, line_type, numbers = await line.ask(ask)
    assert (currency, account, message, prefix, valid) == ("USD", "active", "queued", "SM", True)
    assert line_type in {"mobile", "landline", "fixedVoip", "nonFixedVoip"}
    assert numbers == 1


async def test_answers_keep_to_the_published_description(line: Carrier) -> None:
    order = {"To": TO, "From": FROM, "Twiml": TWIML}
    async with httpx.AsyncClient(base_url=line.url, auth=(ACCOUNT, TOKEN)) as http:
        created = await http.post(f"{BASE}/Calls.json", data=order)
        sid = created.json()["sid"]
        await until(lambda: in_progress(line, sid))
        form = {"RecordingChannels": "dual"}
        recording = await http.post(f"{BASE}/Calls/{sid}/Recordings.json", data=form)
        text = {"To": TO, "From": FROM, "Body": "Hello"}
        answers = [
            created,
            recording,
            await http.post(f"{BASE}/Messages.json", data=text),
            await http.get(f"{BASE}/Calls.json?PageSize=1"),
            await http.get(f"{BASE}/Recordings.json"),
            await http.get(f"{BASE}/Recordings/{recording.json()['sid']}.json"),
            await http.get(f"{BASE}/Calls/{sid}/Recordings.json"),
            await http.get(f"{BASE}/Balance.json"),
            await http.get(f"{BASE}/IncomingPhoneNumbers.json"),
            await http.get(f"{BASE}.json"),
            await http.get(f"/v2/PhoneNumbers/{TO}?Fields=line_type_intelligence"),
            await http.post(f"{BASE}/Calls/{sid}.json", data={"Status": "completed"}),
            await http.post(f"{BASE}/Calls.json", data=order | {"To": "no"}),
        ]
        await line.ended(1)
        answers.append(await http.get(f"{BASE}/Calls/{sid}.json"))
    for answer in answers:
        request = answer.request
        path = request.url.path
        assert check_response(request.method, path, answer.status_code, answer.json()) == []
    assert unknown_fields("api.v2010.account.call", answers[-1].json()) == []
    assert answers[-1].json()["status"] == "completed"

"""Messages and calls to our numbers: answered always, an opt-out never lost, each counted once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from twilio.request_validator import RequestValidator

from dialer.adapters.twilio import TwilioSignatures
from dialer.callbacks import CallbackUrls
from dialer.inbound import Inbound, routes
from dialer.metrics import ServerMetrics
from dialer.opt_outs import drain_spool
from dialer.simulator.config import SimulatorConfig
from dialer.spool import OptOutSpool
from tests.factories import NOW, phone_number
from tests.integration.dialer_parts import House, serving
from tests.integration.sim_carrier import carrier
from tests.integration.test_dialer_opt_outs import NOWHERE
from voice_ai.db.connect import Pool, open_pool

pytest_plugins = ("tests.integration.dialer_fixtures",)

TOKEN = "the-auth-token-of-the-account"
PUBLIC = "https://calls.example"
STRANGE = "+14155550100"


class Outside:
    def __init__(self, http: httpx.AsyncClient, spool: OptOutSpool) -> None:
        self.http, self.spool = http, spool

    async def post(self, path: str, form: Mapping[str, str], token: str = TOKEN) -> httpx.Response:
        signature = RequestValidator(token).compute_signature(PUBLIC + path, dict(form))
        return await self.http.post(
            path, data=dict(form), headers={"X-Twilio-Signature": signature}
        )

    async def text(self, sender: str, to: str, body: str, sid: str | None = None) -> str:
        form = {"MessageSid": sid or f"SM{uuid4().hex}", "From": sender, "To": to, "Body": body}
        answer = await self.post("/twilio/sms", form)
        assert answer.status_code == 200
        return answer.text


def inbound(dialer: House, public: str, home: Path, pool: Pool | None = None) -> Inbound:
    return Inbound(
        pool or dialer.pool,
        dialer.keyring,
        dialer.clock,
        CallbackUrls(public, dialer.keyring),
        TwilioSignatures(TOKEN),
        OptOutSpool(home),
        ServerMetrics(),
    )


@asynccontextmanager
async def server(dialer: House, home: Path, pool: Pool | None = None) -> AsyncIterator[Outside]:
    app = FastAPI()
    app.include_router(routes(inbound(dialer, PUBLIC, home, pool)))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7:3000") as http:
        yield Outside(http, OptOutSpool(home))


def prepared(dialer: House) -> tuple[str, str]:
    """The number of a lead, and the number that its campaign calls from."""
    (lead,) = dialer.office.leads(1)
    dialer.office.campaign()
    row = dialer.office.row(
        "SELECT n.number_sealed FROM caller_ids c JOIN numbers n ON n.id = c.number_id LIMIT 1"
    )
    return lead.number, dialer.keyring.decrypt(row["number_sealed"]).decode()


def suppressions(dialer: House) -> list[tuple[str, str]]:
    found = dialer.office.rows("SELECT scope, source FROM suppressions ORDER BY id")
    return [(row["scope"], row["source"]) for row in found]


def contacts(dialer: House) -> list[dict[str, Any]]:
    return dialer.office.rows("SELECT * FROM inbound_contacts ORDER BY received_at")


async def test_a_stop_by_text_is_in_force_and_confirmed_and_counts_once(
    dialer: House, tmp_path: Path
) -> None:
    number, ours = prepared(dialer)
    dialer.office.db.execute(
        "INSERT INTO consents (number_id, seller_id, kind, purpose, channel, obtained_at)"
        " SELECT l.number_id, s.id, 'written', 'telemarketing', 'web', %s FROM leads l, sellers s",
        (NOW,),
    )
    claimed = await dialer.claim_one()
    async with server(dialer, tmp_path) as outside:
        answers = [await outside.text(number, ours, "Stop calling me", sid="SM1")]
        assert await dialer.send(claimed) is None
        answers += await asyncio.gather(
            *(outside.text(number, ours, "Stop calling me", sid="SM1") for _ in range(3))
        )
    assert all("<Message>Acme Ltd will not call this number again.</Message>" in a for a in answers)
    assert suppressions(dialer) == [("seller", "sms")]
    (contact,) = contacts(dialer)
    assert (contact["heard"], contact["suppressed"], contact["kind"]) == ("stop", True, "sms")
    assert dialer.keyring.decrypt(contact["text_sealed"]) == b"Stop calling me"
    assert dialer.office.row("SELECT revoked_through FROM consents")["revoked_through"] == "sms"


async def test_a_stop_to_a_number_of_nobody_holds_for_everybody(
    dialer: House, tmp_path: Path
) -> None:
    number, _ = prepared(dialer)
    async with server(dialer, tmp_path) as outside:
        answer = await outside.text(number, STRANGE, "STOP")
    assert "We will not call this number again." in answer
    assert suppressions(dialer) == [("all", "sms")]
    assert await dialer.claim() == []


async def test_help_identifies_start_lifts_nothing_and_small_talk_gets_no_answer(
    dialer: House, tmp_path: Path
) -> None:
    number, ours = prepared(dialer)
    async with server(dialer, tmp_path) as outside:
        assert "Acme Ltd" in (told := await outside.text(number, ours, "HELP"))
        assert "STOP" in told
        await outside.text(number, ours, "stop")
        assert "does not lift" in await outside.text(number, ours, "START")
        assert "<Message>" not in await outside.text(number, ours, "Who is this?")
    assert suppressions(dialer) == [("seller", "sms")]
    assert await dialer.claim() == []


@pytest.mark.parametrize("path", ["/twilio/sms", "/twilio/inbound", "/twilio/inbound/choice"])
async def test_what_the_carrier_did_not_sign_changes_nothing(
    dialer: House, tmp_path: Path, path: str
) -> None:
    number, ours = prepared(dialer)
    form = {"MessageSid": "SM1", "CallSid": "CA1", "From": number, "To": ours, "Body": "STOP"}
    async with server(dialer, tmp_path) as outside:
        forged = await outside.post(path, {**form, "Digits": "9"}, token="another")
        unsigned = await outside.http.post(path, data=form)
    assert (forged.status_code, unsigned.status_code) == (403, 403)
    assert (suppressions(dialer), contacts(dialer)) == ([], [])


async def test_a_form_without_an_id_and_a_step_that_is_none_are_refused(
    dialer: House, tmp_path: Path
) -> None:
    prepared(dialer)
    async with server(dialer, tmp_path) as outside:
        assert (await outside.post("/twilio/sms", {"Body": "STOP"})).status_code == 400
        form = {"CallSid": "CA1", "From": STRANGE, "To": STRANGE}
        assert (await outside.post("/twilio/inbound/nowhere", form)).status_code == 404


async def test_a_withheld_number_is_asked_for_and_taken_by_keys(
    dialer: House, tmp_path: Path
) -> None:
    number, ours = prepared(dialer)
    form = {"CallSid": "CA1", "From": "+266696687", "To": ours}
    async with server(dialer, tmp_path) as outside:
        assert "Acme Ltd" in (await outside.post("/twilio/inbound", form)).text
        asked = await outside.post("/twilio/inbound/choice", {**form, "Digits": "9"})
        assert "inbound/number" in asked.text
        again = await outside.post("/twilio/inbound/number", {**form, "Digits": "55"})
        assert "number-again" in again.text
        done = await outside.post("/twilio/inbound/number-again", {**form, "Digits": number[2:]})
        assert "will not call" in done.text
        lost = await outside.post("/twilio/inbound/number-again", {**form, "Digits": "1"})
        assert "<Hangup" in lost.text
        assert "word stop" in lost.text
    assert suppressions(dialer) == [("seller", "inbound")]
    assert await dialer.claim() == []


async def test_without_postgres_the_caller_is_answered_and_the_stop_waits_in_the_spool(
    dialer: House, tmp_path: Path
) -> None:
    number, ours = prepared(dialer)
    form = {"CallSid": "CA1", "From": number, "To": ours}
    async with open_pool(NOWHERE, name="gone", most=1, least=0) as gone:
        await gone.close()
        async with server(dialer, tmp_path, gone) as outside:
            greeted = await outside.post("/twilio/inbound", form)
            assert "automated line" in greeted.text
            done = await outside.post("/twilio/inbound/choice", {**form, "Digits": "9"})
            assert "will not call" in done.text
            assert "will not call" in await outside.text(number, ours, "stop", sid="SM1")
            assert "will not call" in await outside.text(number, ours, "stop", sid="SM1")
    spool = OptOutSpool(tmp_path)
    assert (spool.count(), list(spool.waiting())) == (2, [])
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*.json"))
    assert number[2:].encode() not in held
    assert await drain_spool(dialer.pool, spool, NOW) == 2
    assert spool.is_empty()
    ((scope, source),) = suppressions(dialer)
    assert (scope, source in {"inbound", "sms"}) == ("seller", True)
    assert [row["suppressed"] for row in contacts(dialer)] == [True, True]
    assert await dialer.claim() == []


async def test_what_can_be_kept_nowhere_is_not_confirmed(dialer: House, tmp_path: Path) -> None:
    number, ours = prepared(dialer)
    (tmp_path / "spool").write_text("a file where the folder should be")
    async with open_pool(NOWHERE, name="gone", most=1, least=0) as gone:
        await gone.close()
        async with server(dialer, tmp_path, gone) as outside:
            form = {"MessageSid": "SM1", "From": number, "To": ours, "Body": "STOP"}
            assert (await outside.post("/twilio/sms", form)).status_code == 503


async def test_the_simulator_writes_and_calls_with_good_signatures(
    dialer: House, tmp_path: Path
) -> None:
    number, ours = prepared(dialer)
    other = phone_number()
    app = FastAPI()
    simulator = carrier(SimulatorConfig(port=0, auth_token=TOKEN))
    async with serving(app) as address, simulator as sim, httpx.AsyncClient() as http:
        app.include_router(routes(inbound(dialer, address, tmp_path)))

        async def say(path: str, **order: Any) -> dict[str, Any]:
            order = {"from": number, "to": ours, "url": f"{address}/twilio/{path}", **order}
            answer = await http.post(f"{sim.url}/simulator/inbound", json=order)
            assert answer.status_code == 200, answer.text
            told: dict[str, Any] = answer.json()
            return told

        silent = await say("inbound")
        assert (silent["status"], len(silent["heard"])) == (200, 3)
        assert suppressions(dialer) == []
        await say("inbound", answers=[{"speech": "who is this"}, {"speech": "stop calling me"}])
        assert suppressions(dialer) == [("seller", "inbound")]
        pressed = await say("inbound", **{"from": other, "answers": [{"digits": "9"}]})
        assert "Acme Ltd will not call this number again" in pressed["heard"][-1]
        withheld = await say(
            "inbound",
            **{"from": "anonymous", "answers": [{"digits": "9"}, {"digits": "2125550177#"}]},
        )
        assert "will not call" in withheld["heard"][-1]
        written = await say("sms", **{"from": phone_number(), "body": "STOP"})
        assert written["replies"] == ["Acme Ltd will not call this number again."]
        refused = await http.post(f"{sim.url}/simulator/inbound", json={"from": number})
        assert refused.status_code == 400
    assert suppressions(dialer) == [("seller", "inbound")] * 3 + [("seller", "sms")]
    reached = dialer.office.rows(
        "SELECT inbound_ok_at FROM caller_ids WHERE inbound_ok_at = %s", NOW
    )
    assert len(reached) == 1

"""Pre-flights as a worker runs them: at the simulator, through our own callbacks, on real rows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from dialer.adapters.elevenlabs import ElevenLabs, ElevenLabsOptions
from dialer.adapters.twilio import TwilioCarrier, TwilioSignatures
from dialer.callbacks import CallbackUrls
from dialer.carrier import CarrierSilent
from dialer.live_calls import LiveCalls
from dialer.metrics import ServerMetrics
from dialer.preflight import Preflights
from dialer.preflight_probes import OwnAddress, Speech, asked
from dialer.simulator.config import SimulatorConfig
from dialer.spool import OptOutSpool
from dialer.transfers import Transfers
from dialer.webhooks import Webhooks, routes
from tests.factories import NOW
from tests.integration.dialer_parts import ACCOUNT, House, serving, until
from tests.integration.sim_carrier import carrier
from tests.integration.test_dialer_worker import clock_at, worker
from voice_ai.ids import CampaignId
from voice_ai.preflight import Check, Light
from voice_ai.preflight.check import Failed
from voice_ai.store import preflights
from voice_ai.store.campaigns import ask

pytest_plugins = ("tests.integration.dialer_fixtures",)
# The vendor's client on the newest aiohttp that it can do with.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")

TOKEN = "a-token"
SPEED = 20.0


@dataclass
class Station:
    """One worker's pre-flights with everything that they look at."""

    preflights: Preflights
    twilio: TwilioCarrier
    metrics: ServerMetrics


@asynccontextmanager
async def station(dialer: House, home: Path, *, token: str = TOKEN) -> AsyncIterator[Station]:
    """`token`: what the server takes for the carrier's."""
    clock, metrics, app = clock_at(1), ServerMetrics(), FastAPI()
    config = SimulatorConfig(port=0, speed=SPEED, auth_token=TOKEN)
    async with carrier(config) as simulator, serving(app) as address:
        urls = CallbackUrls(address, dialer.keyring)
        twilio = TwilioCarrier(
            account_sid=ACCOUNT, auth_token=TOKEN, base_url=simulator.url, callbacks=urls
        )
        signatures = TwilioSignatures(token)
        transfers = Transfers(dialer.pool, dialer.keyring, clock, urls, twilio)
        hooks = Webhooks(
            dialer.pool, twilio, clock, urls, signatures, LiveCalls(), metrics, transfers
        )
        app.include_router(routes(hooks))
        options = ElevenLabsOptions(api_key="any", base_url=simulator.url)
        made = Preflights(
            pool=dialer.pool,
            carrier=twilio,
            account=ACCOUNT,
            open_speech=lambda: ElevenLabs.connect(options),
            own_address=OwnAddress(urls, TwilioSignatures(TOKEN), clock),
            spool=OptOutSpool(home),
            home=home,
            keyring=dialer.keyring,
            clock=clock,
            rehearsal=True,
        )
        try:
            yield Station(made, twilio, metrics)
        finally:
            await twilio.close()


def server_alive(dialer: House) -> None:
    dialer.office.db.execute(
        "INSERT INTO workers (kind, host, pid, lock_key, started_at, seen_at)"
        " VALUES ('server', 'test', 1, 1, now(), now())"
    )


async def checked(
    dialer: House, campaign_id: CampaignId, made: Preflights
) -> tuple[Light | None, dict[str, Check]]:
    db = dialer.office.db
    asked_for = preflights.ask(db, campaign_id, by="ana", now=made.clock.now())
    assert await made.run_once() == 1
    seen = preflights.look(db, asked_for)
    assert seen.finished_at is not None
    return seen.light, {one.id: one for one in seen.checks}


async def test_a_rehearsal_that_is_ready_may_start(dialer: House, tmp_path: Path) -> None:
    leads = dialer.office.leads(3)
    dialer.office.suppress(leads[0].number_id)
    dialer.office.leads(1, name="west", zones=["Pacific/Honolulu"])
    campaign_id = dialer.office.campaign(start=False)
    server_alive(dialer)
    async with station(dialer, tmp_path) as made:
        light, checks = await checked(dialer, campaign_id, made.preflights)
        assert await made.preflights.run_once() == 0
        assert made.metrics.bad_signatures._value.get() == 0
    assert light is Light.AMBER
    amber = {one.id for one in checks.values() if one.light is Light.AMBER}
    # Nobody calls back in a rehearsal, nothing is known of prices, no model was trained here.
    assert amber >= {"numbers.inbound", "money.balance", "models.serving", "list.suppressed"}
    assert "2 leads may be called now" in checks["window.callable"].seen
    assert "1 of 3 ready leads" in checks["list.suppressed"].seen
    assert "1,000.00 USD" in checks["money.balance"].seen
    assert checks["money.account"].seen == "full, active"
    assert checks["numbers.owned"].light is Light.GREEN
    assert checks["machines.webhook"].light is Light.GREEN
    assert checks["machines.signature"].light is Light.GREEN
    assert checks["machines.clocks"].light is Light.GREEN
    assert checks["voice.known"].light is checks["voice.sample"].light is Light.GREEN


async def test_what_is_wrong_is_red_with_its_reason(dialer: House, tmp_path: Path) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(
        start=False, voice={"voice_id": "nobody", "other_voice_id": "no_one"}
    )
    dialer.office.switch_off("global", "*")
    async with station(dialer, tmp_path, token="another") as made:
        light, checks = await checked(dialer, campaign_id, made.preflights)
    assert light is Light.RED
    red = {one.id for one in checks.values() if one.light is Light.RED}
    assert red >= {"machines.server", "machines.webhook", "stops.switches", "voice.known"}
    assert checks["voice.other"].light is Light.AMBER
    assert "auth token" in checks["machines.webhook"].seen
    assert "window.callable" not in red


async def test_vendors_that_do_not_answer_are_red_and_named(dialer: House, tmp_path: Path) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(start=False)
    async with station(dialer, tmp_path) as made:
        silent = replace(
            made.preflights,
            carrier=Silent(),
            open_speech=lambda: ElevenLabs.connect(
                ElevenLabsOptions(api_key="k", base_url="http://127.0.0.1:9")
            ),
            own_address=replace(
                made.preflights.own_address,
                urls=CallbackUrls("http://127.0.0.1:9", dialer.keyring),
            ),
        )
        light, checks = await checked(dialer, campaign_id, silent)
    assert light is Light.RED
    red = {one.id for one in checks.values() if one.light is Light.RED}
    assert red >= {"machines.webhook", "voice.sample"}
    assert "could not be checked: status 503" in checks["numbers.owned"].seen
    # A rehearsal may go on without what only live calls need.
    unasked = ("numbers.owned", "money.balance", "voice.known", "voice.quota")
    assert {checks[one].light for one in unasked} == {Light.AMBER}


async def test_a_preflight_that_breaks_is_red_and_its_worker_goes_on(
    dialer: House, tmp_path: Path
) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(start=False)

    def missing() -> Speech:
        raise ImportError("no such library")

    async with station(dialer, tmp_path) as made:
        broken = replace(made.preflights, open_speech=missing)
        light, checks = await checked(dialer, campaign_id, broken)
    assert light is Light.RED
    assert "broke with" in checks["machines.preflight"].seen


class Silent:
    async def balance(self) -> Any:
        raise CarrierSilent("status 503")

    async def standing(self) -> Any:
        raise CarrierSilent("status 503")

    async def may_show(self, number: str) -> bool:
        raise CarrierSilent("status 503")


async def test_a_preflight_that_its_worker_left_behind_is_taken_by_another(
    dialer: House, tmp_path: Path
) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(start=False)
    async with station(dialer, tmp_path) as made:
        now = made.preflights.clock.now()
        preflights.ask(dialer.office.db, campaign_id, by="ana", now=now)
        dialer.office.db.execute("UPDATE preflights SET started_at = %s", (now,))
        assert await made.preflights.run_once() == 0
        dialer.office.db.execute("UPDATE preflights SET started_at = %s - interval '1 min'", (now,))
        assert await made.preflights.run_once() == 1


async def test_a_start_is_checked_by_its_worker_and_a_stop_does_not_wait_for_that(
    dialer: House, tmp_path: Path
) -> None:
    """The speech vendor hangs; an emergency stop of another campaign is obeyed meanwhile."""
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(start=False)
    dialer.office.leads(1, name="autumn")
    other = dialer.office.campaign("Autumn", leads="autumn", start=False)
    server_alive(dialer)
    db = dialer.office.db

    def answered(command: int) -> Callable[[], Any]:
        async def look() -> str | None:
            row = dialer.office.row("SELECT outcome FROM commands WHERE id = %s", command)
            return None if row["outcome"] is None else str(row["outcome"])

        return look

    async with station(dialer, tmp_path) as made:
        gate, own = asyncio.Event(), made.preflights.own_address
        slow = replace(made.preflights, own_address=Held(own, gate))
        async with worker(dialer, made.twilio, slow.clock, tmp_path) as running:
            running.preflights = slow
            start = ask(db, "start", campaign_id, by="ana", now=NOW)

            async def taken() -> bool | None:
                rows = dialer.office.rows("SELECT FROM preflights WHERE started_at IS NOT NULL")
                return bool(rows) or None

            await until(taken)
            stop = ask(db, "emergency_stop", other, by="ben", now=NOW)
            assert await until(answered(stop)) == "emergency_stopped: Autumn"
            assert await answered(start)() is None
            gate.set()
            assert (await until(answered(start))).startswith("running: Spring; pre-flight is amber")


class Held(OwnAddress):
    """Answers only when it is let go."""

    def __init__(self, own: OwnAddress, gate: asyncio.Event) -> None:
        super().__init__(own.urls, own.signatures, own.clock)
        object.__setattr__(self, "gate", gate)

    async def round_trip(self, nonce: Any = None) -> Any:
        gate: asyncio.Event = getattr(self, "gate")  # noqa: B009
        await gate.wait()
        return await super().round_trip(nonce)


async def test_a_question_is_asked_again_and_its_last_failure_told() -> None:
    tries: list[int] = []

    async def lost() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise httpx.ConnectError("refused")
        return 7

    assert await asked(lost) == 7

    async def broken() -> int:
        raise RuntimeError("with something personal")

    assert await asked(broken) == Failed("RuntimeError")


async def test_the_account_is_told_by_the_carrier(dialer: House, tmp_path: Path) -> None:
    async with station(dialer, tmp_path) as made:
        assert (await made.twilio.balance()).currency == "USD"
        assert (await made.twilio.standing()).status == "active"
        assert await made.twilio.may_show("+12125550100")
        assert not await made.twilio.may_show("+1")


def test_the_speech_client_is_what_a_preflight_needs() -> None:
    made: Speech = ElevenLabs.connect(ElevenLabsOptions(api_key="k"))
    assert made is not None

"""Whole workers: at the simulator with faults on the wire, and when Postgres goes away."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from dialer.adapters.twilio import TwilioCarrier, TwilioSignatures
from dialer.callbacks import CallbackUrls
from dialer.carrier import Carrier
from dialer.gate import Gate
from dialer.live_calls import LiveCalls
from dialer.metrics import ServerMetrics
from dialer.reconcile import Reconciler
from dialer.simulator.config import Pacing, SimulatorConfig
from dialer.simulator.faults import FaultProfile
from dialer.spool import OptOutSpool
from dialer.transfers import Transfers
from dialer.webhooks import Webhooks, routes
from dialer.worker import Worker
from tests.factories import NOW
from tests.integration.dialer_parts import ACCOUNT, House, serving, until
from tests.integration.sim_carrier import carrier
from voice_ai.clock import Clock, RehearsalClock
from voice_ai.db.connect import open_pool
from voice_ai.store.campaigns import ask
from voice_ai.store.workers import Presence

pytest_plugins = ("tests.integration.dialer_fixtures",)
# The vendor's client on the newest aiohttp that it can do with.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")

TOKEN = "a-token"
SPEED = 10.0
FAULTS = FaultProfile(
    name="test",
    lost_response=0.1,
    error_after_accepting=0.1,
    rate_limited=0.1,
    duplicate_callback=0.3,
    lost_callback=0.3,
    reordered_callback=0.3,
    late_callback=0.2,
)


def clock_at(speed: float) -> RehearsalClock:
    return RehearsalClock(datetime.now(UTC), NOW, speed)


@asynccontextmanager
async def worker(dialer: House, at: Carrier, clock: Clock, home: Path) -> AsyncIterator[Worker]:
    """A worker that runs until the block ends, then drains."""
    presence = Presence(dialer.url, "dialer")
    await presence.enter()
    async with (
        open_pool(dialer.url, name="test worker", most=4) as pool,
        open_pool(dialer.url, name="test sends", most=8) as sends,
    ):
        made = Worker(
            pool=pool,
            carrier=at,
            gate=Gate(sends, at, clock, dialer.keyring),
            reconciler=Reconciler(pool, at, clock, dialer.keyring, rehearsal=True),
            spool=OptOutSpool(home),
            clock=clock,
            worker_id=presence.worker_id,
            rehearsal=True,
        )
        running = asyncio.create_task(made.run())
        try:
            yield made
        finally:
            made.drain()
            await running
            await presence.leave()


@asynccontextmanager
async def telephony(dialer: House, config: SimulatorConfig) -> AsyncIterator[Any]:
    """The simulator, our adapter for it, and our webhooks that it calls back."""
    clock = clock_at(config.speed)
    app = FastAPI()
    async with carrier(config) as simulator, serving(app) as address:
        urls = CallbackUrls(address, dialer.keyring)
        at = TwilioCarrier(
            account_sid=ACCOUNT, auth_token=TOKEN, base_url=simulator.url, callbacks=urls
        )
        hooks = Webhooks(
            dialer.pool,
            at,
            clock,
            urls,
            TwilioSignatures(TOKEN),
            LiveCalls(),
            ServerMetrics(),
            Transfers(dialer.pool, dialer.keyring, clock, urls, at),
        )
        app.include_router(routes(hooks))
        try:
            yield simulator, at, clock
        finally:
            await at.close()


async def state_of_campaign(dialer: House, state: str) -> bool | None:
    rows = await asyncio.to_thread(dialer.office.rows, "SELECT state FROM campaigns")
    return [row["state"] for row in rows] == [state] or None


# Calls whose answers and callbacks are both lost are found by the reconciler, in its own time.
@pytest.mark.timeout(200)
async def test_two_workers_call_everybody_once_whatever_goes_wrong_on_the_wire(
    dialer: House, tmp_path: Path
) -> None:
    leads = 30
    dialer.office.leads(leads)
    # One dial that reached the carrier is enough.
    dialer.office.campaign(
        pacing={"max_concurrent": 8, "calls_per_second": 5}, retries={"max_attempts": 1}
    )
    config = SimulatorConfig(
        port=0,
        speed=SPEED,
        seed=3,
        faults=FAULTS,
        answer_mix={"busy": 0.5, "no_answer": 0.5},
        pacing=Pacing(setup=(0.2, 0.5), ring=(0.5, 2.0)),
    )
    async with telephony(dialer, config) as (simulator, at, clock):
        async with (
            worker(dialer, at, clock, tmp_path),
            worker(dialer, at, clock, tmp_path),
        ):
            await until(lambda: state_of_campaign(dialer, "completed"), 150)
        verdict = await simulator.judge()
    attempts = dialer.office.rows("SELECT * FROM v_attempts")
    assert {row["terminal_events"] for row in attempts} == {1}
    assert {row["state"] for row in attempts} == {"ended"}
    # Every call that the carrier took is known here, and nobody was called twice.
    calls = dialer.office.rows("SELECT attempt_id, carrier_sid FROM calls")
    assert {row["carrier_sid"] for row in calls} == {call["sid"] for call in verdict["calls"]}
    assert max(Counter(row["attempt_id"] for row in calls).values()) == 1
    assert verdict["numbers_called"] == leads
    assert verdict["numbers_called_more_than_once"] == 0
    assert verdict["max_open"] <= 8
    assert verdict["max_live_per_number"] == 1
    assert verdict["faults"]
    assert verdict["callbacks"]["lost"] > 0


async def test_a_worker_that_drains_finishes_what_it_has_sent(
    dialer: House, tmp_path: Path
) -> None:
    dialer.office.leads(2)
    dialer.office.campaign(pacing={"calls_per_second": 100})
    dialer.carrier.held.clear()
    async with worker(dialer, dialer.carrier, clock_at(1), tmp_path) as running:

        async def both_sent() -> bool | None:
            return len(dialer.carrier.placed) == 2 or None

        await until(both_sent)
        running.drain()
        dialer.carrier.held.set()
    rows = dialer.office.rows("SELECT state FROM attempts")
    assert [row["state"] for row in rows] == ["placed", "placed"]
    alive = dialer.office.rows("SELECT FROM workers WHERE stopped_at IS NOT NULL")
    assert len(alive) == 1


async def test_a_worker_obeys_and_nothing_is_sent_from_then_on(
    dialer: House, tmp_path: Path
) -> None:
    dialer.office.leads(40)
    campaign_id = dialer.office.campaign(pacing={"calls_per_second": 20, "max_concurrent": 40})
    async with worker(dialer, dialer.carrier, clock_at(1), tmp_path):

        async def some_sent() -> bool | None:
            return len(dialer.carrier.placed) >= 3 or None

        await until(some_sent)
        command_id = ask(dialer.office.db, "emergency_stop", campaign_id, by="test", now=NOW)

        async def obeyed() -> int | None:
            row = dialer.office.row("SELECT obeyed_at FROM commands WHERE id = %s", command_id)
            return len(dialer.carrier.placed) if row["obeyed_at"] else None

        sent = await until(obeyed)
        # Whatever was claimed before has reached the gate by now.
        await until(lambda: none_intended(dialer))
    assert len(dialer.carrier.placed) == sent
    answered = dialer.office.rows("SELECT carrier_sid FROM calls")
    assert {row["carrier_sid"] for row in answered} == set(dialer.carrier.ended)


async def none_intended(dialer: House) -> bool | None:
    rows = dialer.office.rows("SELECT FROM attempts WHERE state = 'intended'")
    return not rows or None


async def test_nobody_is_called_while_an_opt_out_waits_in_the_spool(
    dialer: House, tmp_path: Path
) -> None:
    """The person on the next claim is the one who said no; Postgres has just come back."""
    (lead,) = dialer.office.leads(1)
    dialer.office.campaign()
    attempt_id, _ = await dialer.dial()
    dialer.office.db.execute("UPDATE attempts SET state = 'ended', disposition = 'busy'")
    dialer.office.db.execute("UPDATE campaign_leads SET state = 'ready', next_allowed_at = NULL")
    OptOutSpool(tmp_path).put(attempt_id, "asked")
    clock = RehearsalClock(datetime.now(UTC), NOW.replace(day=25), 1)
    async with worker(dialer, dialer.carrier, clock, tmp_path):
        await until(lambda: state_of_campaign(dialer, "completed"))
    assert len(dialer.carrier.placed) == 1
    assert dialer.office.lead(lead.id)["state"] == "done"
    assert len(dialer.office.rows("SELECT FROM suppressions")) == 1
    assert OptOutSpool(tmp_path).is_empty()


async def test_a_send_that_loses_the_database_is_asked_about_and_not_forgotten(
    dialer: House, tmp_path: Path
) -> None:
    """Its request may have arrived; its worker lives on and must not keep the number for ever."""
    dialer.office.leads(1)
    dialer.office.campaign()
    dialer.carrier.held.clear()
    async with worker(dialer, dialer.carrier, clock_at(SPEED), tmp_path):

        async def sent() -> bool | None:
            return bool(dialer.carrier.placed) or None

        await until(sent)
        killed = dialer.office.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'test sends' AND state = 'idle in transaction'"
        )
        assert len(killed) == 1
        dialer.office.db.execute("UPDATE campaigns SET state = 'paused'")
        dialer.carrier.held.set()

        # A busy machine may have held an intent before this one until it was too old to send.
        placed = dialer.carrier.placed[0].attempt_id

        async def ended() -> dict[str, Any] | None:
            row = dialer.office.attempt(placed)
            return row if row["state"] == "ended" else None

        attempt = await until(ended)
    assert attempt["end_reason"] == "never_placed"
    kinds = dialer.office.kinds(attempt["id"])
    assert kinds == ["dial_intended", "dial_unknown", "call_ended"]


async def test_workers_come_back_by_themselves_when_postgres_does(
    dialer: House, tmp_path: Path
) -> None:
    dialer.office.leads(30)
    dialer.office.campaign(pacing={"calls_per_second": 20, "max_concurrent": 30})
    async with worker(dialer, dialer.carrier, clock_at(1), tmp_path):

        async def sent(count: int) -> bool | None:
            return len(dialer.carrier.placed) >= count or None

        await until(lambda: sent(2))
        dialer.office.db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name IN ('test worker', 'test sends')"
        )
        before = len(dialer.carrier.placed)
        await until(lambda: sent(before + 5))
    numbers = Counter(request.to for request in dialer.carrier.placed)
    assert max(numbers.values()) == 1


async def test_a_carrier_that_answers_nonsense_does_not_end_the_worker(
    dialer: House, tmp_path: Path
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()

    def broken(request: object) -> Any:
        raise RuntimeError("not what anybody expected")

    dialer.carrier.answer = broken
    async with worker(dialer, dialer.carrier, clock_at(SPEED), tmp_path):

        async def ended() -> bool | None:
            rows = dialer.office.rows(
                "SELECT FROM attempts a JOIN call_events e ON e.attempt_id = a.id"
                " WHERE a.state = 'ended' AND e.kind = 'dial_unknown'"
            )
            return bool(rows) or None

        await until(ended)
    (event, *_) = dialer.office.rows("SELECT * FROM call_events WHERE kind = 'dial_unknown'")
    assert event["payload"] == {"reason": "RuntimeError"}

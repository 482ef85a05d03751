"""Stops and suppressions wait for requests that are on their way, and for nothing else."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from dialer.carrier import PlaceAnswer, Placed
from dialer.gate import wait_for_number
from dialer.obey import obey_commands
from tests.factories import NOW
from tests.integration.dialer_parts import Claimed, House, until
from voice_ai.ids import CampaignId
from voice_ai.store.campaigns import CommandKind, ask

pytest_plugins = ("tests.integration.dialer_fixtures",)


async def on_its_way(dialer: House, claimed: Claimed) -> "asyncio.Task[PlaceAnswer | None]":
    """A send whose request has reached the carrier, which holds its answer back."""
    dialer.carrier.held.clear()
    before = len(dialer.carrier.placed)
    task = asyncio.create_task(dialer.send(claimed))

    async def arrived() -> bool | None:
        return len(dialer.carrier.placed) > before or None

    await until(arrived)
    return task


async def waits(dialer: House, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    """`work` as a task that is now waiting for a lock of the gate."""
    task = asyncio.create_task(work)

    async def blocked() -> bool | None:
        assert not task.done()
        rows = dialer.office.rows(
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return bool(rows) or None

    await until(blocked)
    return task


async def obey(dialer: House, kind: CommandKind, campaign_id: CampaignId | None) -> None:
    ask(dialer.office.db, kind, campaign_id, by="test", now=NOW)
    async with dialer.pool.connection() as db:
        await obey_commands(db, dialer.carrier, dialer.clock.now())


async def suppress(dialer: House, number_id: int) -> None:
    dialer.office.suppress(number_id)
    async with dialer.pool.connection() as db:
        await wait_for_number(db, number_id)


async def two_claimed(dialer: House) -> tuple[CampaignId, Claimed, Claimed]:
    dialer.office.leads(2)
    campaign_id = dialer.office.campaign(pacing={"calls_per_second": 100})
    first, second = await dialer.claim()
    return campaign_id, first, second


@pytest.mark.parametrize("kind", ["pause", "drain", "stop", "emergency_stop"])
async def test_a_stop_returns_only_when_no_request_is_on_its_way(
    dialer: House, kind: CommandKind
) -> None:
    campaign_id, first, second = await two_claimed(dialer)
    sending = await on_its_way(dialer, first)
    stopping = await waits(dialer, obey(dialer, kind, campaign_id))
    # Nothing new passes while the stop waits, and nobody has been told that it is done.
    assert await dialer.send(second) is None
    assert dialer.office.rows("SELECT FROM commands WHERE obeyed_at IS NOT NULL") == []
    dialer.carrier.held.set()
    assert isinstance(await sending, Placed)
    await stopping
    assert len(dialer.carrier.placed) == 1
    (command,) = dialer.office.rows("SELECT * FROM commands")
    assert command["obeyed_at"] is not None


async def test_a_suppression_returns_only_when_no_request_to_the_number_is_on_its_way(
    dialer: House,
) -> None:
    _, first, second = await two_claimed(dialer)
    sending = await on_its_way(dialer, first)
    suppressing = await waits(dialer, suppress(dialer, first[0].number_id))
    dialer.carrier.held.set()
    await sending
    await suppressing
    # The other number was never in its way.
    assert isinstance(await dialer.send(second), Placed)


async def test_a_request_that_meets_a_waiting_suppression_is_not_sent(dialer: House) -> None:
    (lead,) = dialer.office.leads(1)
    dialer.office.campaign()
    claimed = await dialer.claim_one()
    async with dialer.pool.connection() as db, db.transaction():
        await db.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('number:' || %s, 0))",
            (str(lead.number_id),),
        )
        assert await dialer.send(claimed) is None
    assert dialer.carrier.placed == []
    attempt = dialer.office.attempt(claimed[0].attempt_id)
    assert attempt["end_reason"] == "stop_or_suppression_under_way"


async def test_unrelated_stops_and_suppressions_do_not_wait(dialer: House) -> None:
    _, first, second = await two_claimed(dialer)
    dialer.office.leads(1, name="autumn")
    other = dialer.office.campaign("Autumn", leads="autumn")
    sending = await on_its_way(dialer, first)
    async with asyncio.timeout(20):
        await obey(dialer, "stop", other)
        await suppress(dialer, second[0].number_id)
    assert not sending.done()
    dialer.carrier.held.set()
    await sending


async def test_requests_of_one_campaign_do_not_wait_for_each_other(dialer: House) -> None:
    _, first, second = await two_claimed(dialer)
    sending = await on_its_way(dialer, first)
    also_sending = await on_its_way(dialer, second)
    assert len(dialer.carrier.placed) == 2
    dialer.carrier.held.set()
    await asyncio.gather(sending, also_sending)


async def test_an_emergency_stop_ends_the_call_that_was_on_its_way(dialer: House) -> None:
    campaign_id, first, _ = await two_claimed(dialer)
    sending = await on_its_way(dialer, first)
    stopping = await waits(dialer, obey(dialer, "emergency_stop", campaign_id))
    dialer.carrier.held.set()
    answer = await sending
    await stopping
    assert isinstance(answer, Placed)
    assert dialer.carrier.ended == [answer.sid]

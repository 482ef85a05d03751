"""Commands: which change of state each one makes, when it is answered, and what it ends."""

import asyncio

import pytest

from dialer.carrier import Placed
from dialer.obey import obey_commands, settle_campaigns
from tests.factories import NOW
from tests.integration.dialer_parts import House, until
from voice_ai.campaign_states import TRANSITIONS
from voice_ai.ids import CampaignId, CarrierSid
from voice_ai.store.campaigns import COMMAND_KINDS, CommandKind, ask

pytest_plugins = ("tests.integration.dialer_fixtures",)

STATES = (
    "draft",
    "running",
    "paused",
    "draining",
    "stopped",
    "emergency_stopped",
    "completed",
)
# Asked for again, a command is obeyed again: that is how a second press ends the stragglers.
ALLOWED: dict[CommandKind, dict[str, str]] = {
    "start": dict.fromkeys(("draft", "stopped", "completed", "running"), "running"),
    "pause": dict.fromkeys(("running", "paused"), "paused"),
    "resume": dict.fromkeys(("paused", "running"), "running"),
    "drain": dict.fromkeys(("running", "paused", "draining"), "draining"),
    "stop": dict.fromkeys(("draft", "running", "paused", "draining", "stopped"), "stopped"),
    "emergency_stop": dict.fromkeys(STATES, "emergency_stopped"),
    "clear": dict.fromkeys(("emergency_stopped", "stopped"), "stopped"),
}


async def obey(dialer: House) -> int:
    async with dialer.pool.connection() as db:
        return await obey_commands(db, dialer.carrier, dialer.clock.now())


def tell(dialer: House, kind: CommandKind, campaign_id: CampaignId | None) -> int:
    reason = "the script was mended" if kind == "clear" else None
    return ask(dialer.office.db, kind, campaign_id, by="test", now=NOW, reason=reason)


def outcome(dialer: House, command_id: int) -> str:
    row = dialer.office.row("SELECT * FROM commands WHERE id = %s", command_id)
    assert row["obeyed_at"] is not None
    return str(row["outcome"])


def state_of(dialer: House, campaign_id: CampaignId) -> str:
    return str(dialer.office.row("SELECT state FROM campaigns WHERE id = %s", campaign_id)["state"])


async def live(dialer: House, count: int) -> list[CarrierSid]:
    dialer.office.leads(count)
    dialer.office.campaign(pacing={"calls_per_second": 100, "max_concurrent": count})
    sids = []
    for claimed in await dialer.claim():
        answer = await dialer.send(claimed)
        assert isinstance(answer, Placed)
        sids.append(answer.sid)
    return sids


async def test_every_command_from_every_state(dialer: House) -> None:
    assert set(TRANSITIONS) == set(COMMAND_KINDS) == set(ALLOWED)
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign()
    for kind, allowed in ALLOWED.items():
        for state in STATES:
            dialer.office.set_state(campaign_id, state)
            command_id = tell(dialer, kind, campaign_id)
            assert await obey(dialer) == 1
            assert state_of(dialer, campaign_id) == allowed.get(state, state), (kind, state)
            refused = outcome(dialer, command_id).startswith("refused: only from")
            assert refused is (state not in allowed), (kind, state)


async def test_a_start_after_an_emergency_stop_is_refused_with_what_to_do(dialer: House) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign()
    dialer.office.set_state(campaign_id, "emergency_stopped")
    command_id = tell(dialer, "start", campaign_id)
    await obey(dialer)
    assert "stopped in an emergency" in outcome(dialer, command_id)
    assert "clears it by name" in outcome(dialer, command_id)


async def test_commands_are_obeyed_in_the_order_they_were_given(dialer: House) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(start=False)
    first, second = tell(dialer, "start", campaign_id), tell(dialer, "pause", campaign_id)
    assert await obey(dialer) == 2
    assert state_of(dialer, campaign_id) == "paused"
    assert outcome(dialer, first) == "running: Spring"
    assert outcome(dialer, second) == "paused: Spring"
    assert await obey(dialer) == 0


async def test_a_command_without_a_campaign_is_for_all_of_them(dialer: House) -> None:
    dialer.office.leads(1)
    dialer.office.leads(1, name="autumn")
    first = dialer.office.campaign()
    second = dialer.office.campaign("Autumn", leads="autumn")
    command_id = tell(dialer, "emergency_stop", None)
    await obey(dialer)
    assert {state_of(dialer, first), state_of(dialer, second)} == {"emergency_stopped"}
    assert "Spring" in outcome(dialer, command_id)
    assert "Autumn" in outcome(dialer, command_id)


async def test_an_emergency_stop_ends_live_calls_and_names_those_it_could_not_end(
    dialer: House,
) -> None:
    sids = await live(dialer, 3)
    (row,) = dialer.office.rows("SELECT id FROM campaigns")
    dialer.carrier.cannot_end = {sids[1]}
    command_id = tell(dialer, "emergency_stop", row["id"])
    await obey(dialer)
    assert set(dialer.carrier.ended) == {sids[0], sids[2]}
    assert outcome(dialer, command_id) == f"emergency_stopped: Spring; still live: {sids[1]}"
    # Pressed again when the carrier answers again, it ends the rest.
    dialer.carrier.cannot_end = set()
    again = tell(dialer, "emergency_stop", row["id"])
    await obey(dialer)
    assert sids[1] in dialer.carrier.ended
    assert outcome(dialer, again) == "emergency_stopped: Spring"


async def test_an_attempt_that_nobody_knows_about_is_a_straggler(dialer: House) -> None:
    await live(dialer, 1)
    dialer.office.db.execute("DELETE FROM calls")
    dialer.office.db.execute("UPDATE attempts SET state = 'unknown'")
    (row,) = dialer.office.rows("SELECT id, campaign_id FROM attempts")
    command_id = tell(dialer, "emergency_stop", row["campaign_id"])
    await obey(dialer)
    assert outcome(dialer, command_id).endswith(f"still live: {row['id']}")


@pytest.mark.parametrize("kind", ["pause", "drain", "stop"])
async def test_other_stops_let_live_calls_finish(dialer: House, kind: CommandKind) -> None:
    await live(dialer, 2)
    (row,) = dialer.office.rows("SELECT id FROM campaigns")
    tell(dialer, kind, row["id"])
    await obey(dialer)
    assert dialer.carrier.ended == []
    states = dialer.office.rows("SELECT DISTINCT state FROM attempts")
    assert [row["state"] for row in states] == ["placed"]


async def test_of_two_workers_one_obeys_and_nobody_is_told_too_early(dialer: House) -> None:
    """While one waits for a request on its way, the other must not answer in its place."""
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign()
    dialer.carrier.held.clear()
    sending = asyncio.create_task(dialer.send(await dialer.claim_one()))

    async def arrived() -> bool | None:
        return bool(dialer.carrier.placed) or None

    await until(arrived)
    command_id = tell(dialer, "emergency_stop", campaign_id)
    first = asyncio.create_task(obey(dialer))

    async def waiting() -> bool | None:
        return state_of(dialer, campaign_id) == "emergency_stopped" or None

    await until(waiting)
    assert await obey(dialer) == 0
    row = dialer.office.row("SELECT obeyed_at FROM commands WHERE id = %s", command_id)
    assert row["obeyed_at"] is None
    dialer.carrier.held.set()
    await sending
    assert await first == 1
    assert outcome(dialer, command_id) == "emergency_stopped: Spring"
    assert len(dialer.carrier.ended) == 1


async def test_a_command_whose_worker_died_halfway_is_obeyed_to_its_end_by_another(
    dialer: House,
) -> None:
    (sid,) = await live(dialer, 1)
    (row,) = dialer.office.rows("SELECT id FROM campaigns")
    command_id = tell(dialer, "emergency_stop", row["id"])
    # The state was changed, and then the worker was gone.
    dialer.office.set_state(row["id"], "emergency_stopped")
    await obey(dialer)
    assert dialer.carrier.ended == [sid]
    assert outcome(dialer, command_id) == "emergency_stopped: Spring"


async def test_a_slow_stop_of_one_campaign_does_not_hold_up_the_stop_of_another(
    dialer: House,
) -> None:
    dialer.office.leads(1)
    dialer.office.leads(1, name="autumn")
    fast = {"calls_per_second": 100}
    first = dialer.office.campaign(pacing=fast)
    second = dialer.office.campaign("Autumn", leads="autumn", pacing=fast)
    dialer.carrier.held.clear()
    claimed = [one for one in await dialer.claim() if one[0].campaign_id == first]
    sending = asyncio.create_task(dialer.send(claimed[0]))

    async def arrived() -> bool | None:
        return bool(dialer.carrier.placed) or None

    await until(arrived)
    tell(dialer, "pause", first)
    tell(dialer, "emergency_stop", second)
    obeying = asyncio.create_task(obey(dialer))

    async def stopped() -> bool | None:
        return state_of(dialer, second) == "emergency_stopped" or None

    await until(stopped)
    assert not sending.done()
    dialer.carrier.held.set()
    await asyncio.gather(sending, obeying)


async def settle(dialer: House) -> None:
    async with dialer.pool.connection() as db:
        await settle_campaigns(db, dialer.carrier, rehearsal=True, now=NOW)


async def test_a_draining_campaign_stops_when_its_last_call_has_ended(dialer: House) -> None:
    await live(dialer, 1)
    (row,) = dialer.office.rows("SELECT id FROM campaigns")
    dialer.office.set_state(row["id"], "draining")
    await settle(dialer)
    assert state_of(dialer, row["id"]) == "draining"
    dialer.office.db.execute("UPDATE attempts SET state = 'ended', disposition = 'no_answer'")
    await settle(dialer)
    assert state_of(dialer, row["id"]) == "stopped"


async def test_a_campaign_is_complete_when_no_lead_can_be_called_any_more(dialer: House) -> None:
    await live(dialer, 2)
    (row,) = dialer.office.rows("SELECT id FROM campaigns")
    dialer.office.db.execute("UPDATE campaign_leads SET state = 'done'")
    await settle(dialer)
    assert state_of(dialer, row["id"]) == "running"
    dialer.office.db.execute("UPDATE attempts SET state = 'ended', disposition = 'goal'")
    dialer.office.db.execute("UPDATE campaign_leads SET state = 'ready' WHERE position = 1")
    await settle(dialer)
    assert state_of(dialer, row["id"]) == "running"
    dialer.office.db.execute("UPDATE campaign_leads SET state = 'done'")
    await settle(dialer)
    assert state_of(dialer, row["id"]) == "completed"


async def test_leads_beyond_the_limit_do_not_keep_a_campaign_from_completing(
    dialer: House,
) -> None:
    dialer.office.leads(5)
    campaign_id = dialer.office.campaign(max_leads=2, pacing={"calls_per_second": 100})
    assert len(await dialer.claim()) == 2
    dialer.office.db.execute("UPDATE attempts SET state = 'ended', disposition = 'goal'")
    dialer.office.db.execute("UPDATE campaign_leads SET state = 'done' WHERE state = 'calling'")
    await settle(dialer)
    assert state_of(dialer, campaign_id) == "completed"


@pytest.mark.parametrize(("by", "reason"), [("ana", None), ("ana", " "), (" ", "mended")])
async def test_a_clear_that_nobody_accounts_for_is_refused_also_when_it_is_obeyed(
    dialer: House, by: str, reason: str | None
) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign()
    dialer.office.set_state(campaign_id, "emergency_stopped")
    row = dialer.office.row(
        "INSERT INTO commands (campaign_id, kind, asked_by, reason, asked_at)"
        " VALUES (%s, 'clear', %s, %s, now()) RETURNING id",
        campaign_id,
        by,
        reason,
    )
    assert await obey(dialer) == 1
    assert "a named person who says why" in outcome(dialer, row["id"])
    assert state_of(dialer, campaign_id) == "emergency_stopped"

"""Caps over all workers and campaigns, the ramp, caller ids, and what the judge writes down."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from dialer.obey import obey_commands, settle_campaigns
from dialer.pace import judge_paces, wait_for_carrier
from tests.factories import NOW
from tests.integration.dialer_parts import ACCOUNT, House
from voice_ai.ids import CampaignId
from voice_ai.store import carrier as store
from voice_ai.store.campaigns import ask
from voice_ai.store.carrier import AccountLimits

pytest_plugins = ("tests.integration.dialer_fixtures",)

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
FAST = {"calls_per_second": 100, "max_concurrent": 100}
STRICT = {**FAST, "rehearse_limits": True}


def limit(dialer: House, **limits: Any) -> None:
    with dialer.office.db.transaction():
        store.set_limits(dialer.office.db, ACCOUNT, AccountLimits(**limits), by="ana", now=NOW)


def past(
    dialer: House, campaign_id: CampaignId, count: int, disposition: str, **columns: Any
) -> None:
    """Ended dials of an hour ago, of other leads, from the campaign's first caller id."""
    values = {
        "disposition": disposition,
        "end_reason": "test",
        "intended_at": NOW - HOUR,
        "answered_at": None,
        "caller": None,
        "campaign_id": campaign_id,
        "count": count,
        "run": uuid4().hex,
        **columns,
    }
    dialer.office.db.execute(
        "WITH n AS (INSERT INTO numbers (fingerprint, key_id, zones, states, country, created_at)"
        "  SELECT sha256((%(run)s || i)::bytea), 'test', '{}', '{}', 'US', now()"
        "  FROM generate_series(1, %(count)s) i RETURNING id)"
        " INSERT INTO attempts (id, month, campaign_id, lead_id, number_id, attempt_no,"
        "  caller_id_number, worker_id, state, event_seq, version, slot_at, intended_at,"
        "  answered_at, ended_at, disposition, end_reason, late, rehearsal)"
        " SELECT gen_random_uuid(), '2026-11-01', %(campaign_id)s, l.lead_id, n.id, 1,"
        "  coalesce(%(caller)s, v.caller_ids[1]), w.id, 'ended', 1, 1, %(intended_at)s,"
        "  %(intended_at)s, %(answered_at)s, %(intended_at)s, %(disposition)s, %(end_reason)s,"
        "  false, true"
        " FROM n, (SELECT min(lead_id) AS lead_id FROM campaign_leads"
        "          WHERE campaign_id = %(campaign_id)s) l,"
        "  (SELECT id FROM workers LIMIT 1) w,"
        "  (SELECT caller_ids FROM campaign_versions WHERE campaign_id = %(campaign_id)s) v",
        values,
    )


async def judged(dialer: House, after: timedelta = timedelta(0)) -> int:
    async with dialer.pool.connection() as db:
        return await judge_paces(db, account=ACCOUNT, rehearsal=True, now=NOW + after)


def pace(dialer: House, campaign_id: CampaignId) -> dict[str, Any]:
    return dialer.office.row("SELECT * FROM campaign_pace WHERE campaign_id = %s", campaign_id)


def changes(dialer: House) -> list[tuple[str, str]]:
    rows = dialer.office.rows("SELECT kind, reason FROM pace_changes ORDER BY id")
    return [(row["kind"], row["reason"]) for row in rows]


async def test_the_accounts_cap_holds_over_all_campaigns(dialer: House) -> None:
    dialer.office.leads(10)
    dialer.office.leads(10, name="autumn")
    first = dialer.office.campaign(pacing=FAST)
    second = dialer.office.campaign("Autumn", leads="autumn", pacing=FAST)
    limit(dialer, max_concurrent=4)
    taken = await dialer.claim()
    # They share it.
    assert sorted(campaign.id for _, campaign in taken) == sorted([first, first, second, second])
    assert await dialer.claim(NOW + SECOND) == []


async def test_the_accounts_rate_holds_over_all_campaigns(dialer: House) -> None:
    dialer.office.leads(10)
    dialer.office.campaign(pacing=FAST)
    limit(dialer, calls_per_second=4.0)
    slots = [intent.slot_at - NOW for intent, _ in await dialer.claim()]
    # A quarter further apart than the pace, so that it holds in any second.
    assert slots == [timedelta(0), 1.25 * SECOND / 4]


async def test_a_campaign_with_nothing_to_dial_keeps_no_slot_from_another(dialer: House) -> None:
    (lead,) = dialer.office.leads(1)
    dialer.office.leads(20, name="autumn")
    dialer.office.campaign(pacing={"max_concurrent": 9, "calls_per_second": 10})
    autumn = dialer.office.campaign(
        "Autumn", leads="autumn", pacing={"max_concurrent": 9, "calls_per_second": 10}
    )
    dialer.office.suppress(lead.number_id)
    taken = await dialer.claim()
    assert [campaign.id for _, campaign in taken] == [autumn] * 5


async def test_a_carrier_that_queues_is_given_time(dialer: House) -> None:
    dialer.office.leads(3)
    dialer.office.campaign(pacing={"max_concurrent": 3, "calls_per_second": 1})
    ((first, _),) = await dialer.claim()
    async with dialer.pool.connection() as db:
        await wait_for_carrier(db, ACCOUNT, NOW + 5 * SECOND)
    assert await dialer.claim(NOW + 2 * SECOND) == []
    ((second, _),) = await dialer.claim(NOW + 5 * SECOND)
    assert second.slot_at - first.slot_at == 5 * SECOND


async def test_a_new_campaign_begins_with_a_twentieth_and_earns_the_rest(dialer: House) -> None:
    dialer.office.leads(60)
    campaign_id = dialer.office.campaign(pacing={**STRICT, "caller_id_day": None})
    dialer.office.db.execute("UPDATE caller_ids SET standing = 'active'")
    assert len(await dialer.claim()) == 5
    past(dialer, campaign_id, 60, "conversed_no_goal", intended_at=NOW, answered_at=NOW)
    assert await judged(dialer, 10 * SECOND) == 1
    assert pace(dialer, campaign_id)["ramp_step"] == 1
    assert len(await dialer.claim(NOW + 10 * SECOND)) == 20
    past(dialer, campaign_id, 60, "conversed_no_goal", intended_at=NOW + 20 * SECOND)
    past(dialer, campaign_id, 9, "failed_transient", intended_at=NOW + 20 * SECOND)
    assert await judged(dialer, 30 * SECOND) == 1
    assert changes(dialer) == [("step_up", "STEP_HELD"), ("step_down", "FAILURE_RATE")]


async def test_a_rehearsal_goes_at_full_pace_unless_it_rehearses_the_limits(dialer: House) -> None:
    dialer.office.leads(30)
    dialer.office.campaign(pacing=FAST)
    assert len(await dialer.claim()) == 30


async def test_starting_again_begins_the_ramp_again(dialer: House) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(pacing=STRICT)
    await dialer.claim()
    dialer.office.db.execute("UPDATE campaign_pace SET ramp_step = 3, throttle = 'ABANDON_RATE'")
    dialer.office.set_state(campaign_id, "stopped")
    ask(dialer.office.db, "start", campaign_id, by="test", now=NOW)
    async with dialer.pool.connection() as db:
        await obey_commands(db, dialer.carrier, NOW + HOUR)
    stands = pace(dialer, campaign_id)
    assert (stands["ramp_step"], stands["ramp_since"]) == (0, NOW + HOUR)
    assert stands["throttle"] is None


async def test_too_many_abandoned_calls_pause_a_campaign_through_a_command(dialer: House) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(pacing=STRICT)
    await dialer.claim()
    past(dialer, campaign_id, 200, "conversed_no_goal", answered_at=NOW - HOUR)
    past(dialer, campaign_id, 4, "abandoned", answered_at=NOW - HOUR)
    await judged(dialer)
    assert pace(dialer, campaign_id)["throttle"] is None
    past(dialer, campaign_id, 1, "abandoned", answered_at=NOW - HOUR)
    await judged(dialer)
    assert pace(dialer, campaign_id)["throttle"] == "ABANDON_RATE"
    past(dialer, campaign_id, 1, "abandoned", answered_at=NOW - HOUR)
    await judged(dialer)
    command = dialer.office.row("SELECT * FROM commands")
    assert (command["kind"], command["asked_by"]) == ("pause", "voice-ai")
    assert command["reason"].startswith("ABANDON_RATE")
    async with dialer.pool.connection() as db:
        await obey_commands(db, dialer.carrier, NOW)
    assert dialer.office.row("SELECT state FROM campaigns")["state"] == "paused"


async def test_a_person_who_waited_too_long_counts_as_abandoned(dialer: House) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(pacing=STRICT)
    await dialer.claim()
    past(dialer, campaign_id, 5, "goal", answered_at=NOW - HOUR)
    dialer.office.db.execute("UPDATE attempts SET first_audio_ms = 2001 WHERE state = 'ended'")
    await judged(dialer)
    assert ("pause", "ABANDON_RATE") in changes(dialer)


async def test_failures_open_the_breaker_and_nothing_is_claimed_meanwhile(dialer: House) -> None:
    dialer.office.leads(5)
    campaign_id = dialer.office.campaign(pacing={"max_concurrent": 1, "calls_per_second": 1})
    await dialer.claim()
    dialer.office.db.execute("UPDATE attempts SET state = 'ended', disposition = 'no_answer'")
    failed = {"intended_at": NOW - 10 * SECOND, "end_reason": "carrier_app_error"}
    past(dialer, campaign_id, 30, "not_dialed", **failed)
    await judged(dialer)
    assert pace(dialer, campaign_id)["held_until"] == NOW + 15 * SECOND
    assert await dialer.claim(NOW + 14 * SECOND) == []
    assert len(await dialer.claim(NOW + 15 * SECOND)) == 1
    # What failed before the hold does not open it again.
    await judged(dialer, 16 * SECOND)
    assert [kind for kind, _ in changes(dialer)] == ["hold"]


async def test_our_own_refusals_do_not_open_the_breaker(dialer: House) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(pacing=FAST)
    await dialer.claim()
    past(dialer, campaign_id, 60, "not_dialed", end_reason="intent_too_old", intended_at=NOW)
    await judged(dialer)
    assert pace(dialer, campaign_id)["held_until"] is None


async def test_a_spent_budget_pauses_the_campaign(dialer: House) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(budget={"total": 0.10, "per_minute": 0.02})
    await dialer.claim()
    past(dialer, campaign_id, 1, "goal")
    dialer.office.db.execute(
        "INSERT INTO calls (carrier_sid, attempt_id, carrier, status, duration_s, created_at,"
        " updated_at) SELECT 'CA1', id, 'twilio', 'completed', 125, now(), now() FROM attempts"
        " WHERE state = 'ended'"
    )
    await judged(dialer)  # 3 started minutes and one live call, counted with 2: 0.10
    assert changes(dialer) == [("pause", "BUDGET_SPENT")]


async def test_the_accounts_daily_spend_pauses_every_campaign(dialer: House) -> None:
    dialer.office.leads(1)
    dialer.office.leads(1, name="autumn")
    dialer.office.campaign()
    dialer.office.campaign("Autumn", leads="autumn")
    await dialer.claim()
    limit(dialer, daily_spend=Decimal("0.01"), per_minute=Decimal("0.02"))
    await judged(dialer)
    assert changes(dialer) == [("pause", "DAILY_SPEND")] * 2


async def test_a_caller_id_has_its_day_and_then_the_lead_waits(dialer: House) -> None:
    leads = dialer.office.leads(3)
    campaign_id = dialer.office.campaign(pacing={**STRICT, "ramp": False, "caller_id_day": 1})
    dialer.office.db.execute("UPDATE caller_ids SET standing = 'active'")
    taken = await dialer.claim()
    assert len({intent.caller_id for intent, _ in taken}) == 2
    waiting = dialer.office.lead(leads[2].id)
    assert (waiting["state"], waiting["decision_key"]) == ("ready", "CALLER_ID_MISSING")
    assert campaign_id == waiting["campaign_id"]


async def test_a_warming_number_has_ten_dials_a_day(dialer: House) -> None:
    dialer.office.leads(40)
    dialer.office.campaign(pacing={**STRICT, "ramp": False})
    assert len(await dialer.claim()) == 20


async def test_a_number_that_is_switched_off_is_not_shown(dialer: House) -> None:
    dialer.office.leads(10)
    dialer.office.campaign(pacing=FAST)
    first, second = dialer.office.row("SELECT caller_ids FROM campaign_versions")["caller_ids"]
    dialer.office.switch_off("caller_id", str(first))
    assert {intent.caller_id for intent, _ in await dialer.claim()} == {second}


async def test_a_number_whose_answers_fell_away_rests(dialer: House) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(pacing=STRICT)
    dialer.office.db.execute("UPDATE caller_ids SET standing = 'active', standing_since = NULL")
    await dialer.claim()
    bad, good = dialer.office.row("SELECT caller_ids FROM campaign_versions")["caller_ids"]
    past(dialer, campaign_id, 100, "no_answer", caller=bad)
    past(dialer, campaign_id, 100, "goal", caller=good, answered_at=NOW - HOUR)
    await judged(dialer)
    row = dialer.office.row("SELECT * FROM caller_ids WHERE number_id = %s", bad)
    assert (row["standing"], row["cool_until"]) == ("cooling", NOW + 2 * DAY)
    assert ("cool", "ANSWER_RATE_DROP") in changes(dialer)


async def test_a_drain_that_takes_too_long_ends_what_is_live(dialer: House) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign()
    _, sid = await dialer.dial()
    ask(dialer.office.db, "drain", campaign_id, by="test", now=NOW, limit_s=60)
    async with dialer.pool.connection() as db:
        await obey_commands(db, dialer.carrier, NOW)
        await settle_campaigns(db, dialer.carrier, rehearsal=True, now=NOW + 59 * SECOND)
        assert dialer.carrier.ended == []
        await settle_campaigns(db, dialer.carrier, rehearsal=True, now=NOW + 60 * SECOND)
    assert dialer.carrier.ended == [sid]


async def test_a_call_that_turns_up_after_an_emergency_stop_is_ended(dialer: House) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign()
    _, sid = await dialer.dial()
    dialer.office.set_state(campaign_id, "emergency_stopped")
    async with dialer.pool.connection() as db:
        await settle_campaigns(db, dialer.carrier, rehearsal=True, now=NOW)
    assert dialer.carrier.ended == [sid]

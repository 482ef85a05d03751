"""What one claim takes, what it leaves, and what it writes down about either."""

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from dialer import claims
from tests.factories import NOW, Office
from tests.integration.dialer_parts import House

pytest_plugins = ("tests.integration.dialer_fixtures",)

FAST = {"calls_per_second": 100, "max_concurrent": 100}


def decisions(office: Office, lead_id: int) -> list[tuple[str, bool, list[str]]]:
    return [
        (row["stage"], row["allow"], row["reasons"])
        for row in office.rows("SELECT * FROM decisions WHERE lead_id = %s ORDER BY id", lead_id)
    ]


async def test_an_intent_is_an_attempt_an_event_and_a_decision_at_once(dialer: House) -> None:
    (lead,) = dialer.office.leads(1)
    campaign_id = dialer.office.campaign()
    ((intent, campaign),) = await dialer.claim()
    assert (intent.lead_id, intent.number_id) == (lead.id, lead.number_id)
    assert (campaign.id, intent.intended_at, intent.slot_at) == (campaign_id, NOW, NOW)
    attempt = dialer.office.attempt(intent.attempt_id)
    assert attempt["state"] == "intended"
    assert (attempt["attempt_no"], attempt["rehearsal"]) == (1, True)
    assert attempt["worker_id"] == dialer.worker_id
    (event,) = dialer.office.events(intent.attempt_id)
    assert (event["kind"], event["seq"]) == ("dial_intended", 1)
    assert event["payload"] == {"attempt_no": 1, "caller_id": intent.caller_id}
    assert decisions(dialer.office, lead.id) == [("claim", True, [])]
    assert dialer.office.lead(lead.id)["state"] == "calling"
    assert await dialer.claim() == []


async def test_no_more_calls_than_the_cap_are_live(dialer: House) -> None:
    dialer.office.leads(10)
    dialer.office.campaign(pacing={"max_concurrent": 3, "calls_per_second": 100})
    taken = await dialer.claim()
    assert len(taken) == 3
    assert await dialer.claim(NOW + timedelta(seconds=5)) == []
    dialer.office.db.execute(
        "UPDATE attempts SET state = 'ended' WHERE id = %s", (taken[0][0].attempt_id,)
    )
    assert len(await dialer.claim(NOW + timedelta(seconds=6))) == 1


async def test_slots_are_spaced_and_not_handed_out_beyond_the_horizon(dialer: House) -> None:
    dialer.office.leads(30)
    dialer.office.campaign(pacing={"max_concurrent": 30, "calls_per_second": 10})
    slots = [intent.slot_at for intent, _ in await dialer.claim()]
    # A quarter further apart than the pace: a turn may be taken late without a crowd behind it.
    assert slots == [NOW + timedelta(milliseconds=125 * n) for n in range(5)]
    assert await dialer.claim() == []
    later = NOW + timedelta(milliseconds=200)
    slots = [intent.slot_at for intent, _ in await dialer.claim(later)]
    assert slots == [NOW + timedelta(milliseconds=125 * 5)]


async def test_an_idle_account_does_not_save_slots_up(dialer: House) -> None:
    dialer.office.leads(30)
    dialer.office.campaign(pacing={"max_concurrent": 30, "calls_per_second": 5})
    await dialer.claim()
    later = NOW + timedelta(minutes=10)
    slots = [intent.slot_at for intent, _ in await dialer.claim(later)]
    assert slots == [
        later,
        later + timedelta(milliseconds=250),
        later + timedelta(milliseconds=500),
    ]


async def test_a_number_is_live_once_over_all_campaigns_and_sellers(dialer: House) -> None:
    (lead,) = dialer.office.leads(1)
    dialer.office.leads(1, seller="Other", name="theirs", numbers=[lead.number])
    dialer.office.campaign(pacing=FAST)
    dialer.office.campaign("Theirs", seller="Other", leads="theirs", pacing=FAST)
    ((intent, _),) = await dialer.claim()
    assert await dialer.claim(NOW + timedelta(seconds=2)) == []
    with pytest.raises(psycopg.errors.UniqueViolation, match="uq_attempts_live_number"):
        dialer.office.db.execute(
            "INSERT INTO attempts SELECT (jsonb_populate_record(a, jsonb_build_object("
            "'id', %s::text, 'attempt_no', 7))).* FROM attempts a WHERE id = %s",
            (uuid4(), intent.attempt_id),
        )


async def test_leads_come_by_priority_and_then_in_the_lists_order(dialer: House) -> None:
    first, second, third = dialer.office.leads(3)
    dialer.office.campaign(pacing=FAST)
    dialer.office.db.execute(
        "UPDATE campaign_leads SET priority = 7 WHERE lead_id = %s", (third.id,)
    )
    taken = [intent.lead_id for intent, _ in await dialer.claim()]
    assert taken == [third.id, first.id, second.id]


async def test_a_claim_that_looks_at_few_leads_looks_at_the_first_ones(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "SPARE", 0)
    *_, last = dialer.office.leads(6)
    dialer.office.campaign(pacing={"max_concurrent": 2, "calls_per_second": 100})
    dialer.office.db.execute(
        "UPDATE campaign_leads SET priority = 7 WHERE lead_id = %s", (last.id,)
    )
    taken = [intent.lead_id for intent, _ in await dialer.claim()]
    assert (taken[0], len(taken)) == (last.id, 2)


async def test_a_claim_looks_further_when_the_first_leads_are_refused(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "SPARE", 1)
    refused = dialer.office.leads(7)[:5]
    dialer.office.campaign(pacing={"max_concurrent": 2, "calls_per_second": 100})
    for lead in refused:
        dialer.office.suppress(lead.number_id)
    taken = [intent.lead_id for intent, _ in await dialer.claim()]
    assert len(taken) == 2
    assert {dialer.office.lead(lead.id)["state"] for lead in refused} == {"done"}
    assert not set(taken) & {lead.id for lead in refused}


async def test_max_leads_counts_leads_that_were_started_not_calls(dialer: House) -> None:
    leads = dialer.office.leads(5)
    dialer.office.campaign(pacing=FAST, max_leads=2)
    taken = [intent.lead_id for intent, _ in await dialer.claim()]
    assert taken == [leads[0].id, leads[1].id]
    # The first may be tried again, tomorrow; a third is not begun for it.
    tomorrow = NOW + timedelta(days=1)
    dialer.office.db.execute(
        "UPDATE attempts SET state = 'ended', disposition = 'no_answer' WHERE lead_id = %s",
        (leads[0].id,),
    )
    dialer.office.db.execute(
        "UPDATE campaign_leads SET state = 'ready', disposition = 'no_answer' WHERE lead_id = %s",
        (leads[0].id,),
    )
    ((intent, _),) = await dialer.claim(tomorrow)
    assert intent.lead_id == leads[0].id
    assert dialer.office.attempt(intent.attempt_id)["attempt_no"] == 2


async def test_a_refused_lead_is_put_off_and_written_down_when_it_is_news(
    dialer: House,
) -> None:
    (lead,) = dialer.office.leads(1)
    dialer.office.campaign(pacing=FAST)
    night = NOW + timedelta(hours=8)
    assert await dialer.claim(night) == []
    closed = ("claim", False, ["HOURS_CLOSED"])
    assert decisions(dialer.office, lead.id) == [closed]
    morning = NOW.replace(day=25, hour=15)  # ten o'clock in New York
    assert dialer.office.lead(lead.id)["next_allowed_at"] == morning
    # Until then nobody asks; asked again with the same answer, the ledger is silent.
    assert await dialer.claim(night + timedelta(minutes=1)) == []
    dialer.office.db.execute("UPDATE campaign_leads SET next_allowed_at = NULL")
    assert await dialer.claim(night + timedelta(minutes=2)) == []
    assert decisions(dialer.office, lead.id) == [closed]
    dialer.office.suppress(lead.number_id)
    assert await dialer.claim(morning) == []
    assert decisions(dialer.office, lead.id) == [closed, ("claim", False, ["DNC_INTERNAL"])]
    assert dialer.office.lead(lead.id)["state"] == "done"


async def test_refused_leads_do_not_keep_the_next_one_waiting(dialer: House) -> None:
    leads = dialer.office.leads(40)
    dialer.office.campaign(pacing={"max_concurrent": 1, "calls_per_second": 1})
    for lead in leads[:39]:
        dialer.office.suppress(lead.number_id)
    ((intent, _),) = await dialer.claim()
    assert intent.lead_id == leads[39].id
    done = dialer.office.row("SELECT count(*) FROM campaign_leads WHERE state = 'done'")
    assert done["count"] == 39


async def refusal_of(dialer: House, lead_id: int) -> list[str]:
    assert await dialer.claim() == []
    ((_, allow, reasons),) = decisions(dialer.office, lead_id)
    assert not allow
    return reasons


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"consent": None}, "CONSENT_MISSING"),
        ({"zones": []}, "TZ_UNKNOWN"),
        ({"country": "FR"}, "COUNTRY_NOT_ALLOWED"),
        ({"country": None}, "COUNTRY_NOT_ALLOWED"),
        ({"zones": ["America/New_York", "Asia/Tokyo"]}, "HOURS_CLOSED"),
    ],
)
async def test_a_lead_that_must_not_be_called_is_not(
    dialer: House, facts: dict[str, object], reason: str
) -> None:
    (lead,) = dialer.office.leads(1, **facts)  # type: ignore[arg-type]
    dialer.office.campaign()
    assert reason in await refusal_of(dialer, lead.id)


async def test_an_erased_person_and_a_suppression_for_all_sellers_are_final(dialer: House) -> None:
    erased, suppressed = dialer.office.leads(2)
    dialer.office.campaign()
    dialer.office.db.execute(
        "UPDATE numbers SET number_sealed = NULL, erased_at = now() WHERE id = %s",
        (erased.number_id,),
    )
    dialer.office.db.execute(
        "INSERT INTO suppressions (number_id, scope, source, reason, created_at)"
        " VALUES (%s, 'all', 'page', 'opt_out', now())",
        (suppressed.number_id,),
    )
    assert await dialer.claim() == []
    for lead in (erased, suppressed):
        assert decisions(dialer.office, lead.id) == [("claim", False, ["DNC_INTERNAL"])]
        assert dialer.office.lead(lead.id)["state"] == "done"


@pytest.mark.parametrize("kind", ["global", "campaign"])
async def test_a_kill_switch_stops_the_claim(dialer: House, kind: str) -> None:
    (lead,) = dialer.office.leads(1)
    campaign_id = dialer.office.campaign()
    dialer.office.switch_off(kind, "*" if kind == "global" else str(campaign_id))
    assert await refusal_of(dialer, lead.id) == ["SWITCHED_OFF"]


@pytest.mark.parametrize("state", ["draft", "paused", "draining", "stopped", "emergency_stopped"])
async def test_only_a_running_campaign_is_claimed_from(dialer: House, state: str) -> None:
    dialer.office.leads(1)
    dialer.office.set_state(dialer.office.campaign(), state)
    assert await dialer.claim() == []
    assert dialer.office.rows("SELECT FROM decisions") == []


async def test_a_live_campaign_is_never_claimed_in_a_rehearsal(dialer: House) -> None:
    dialer.office.leads(1, consent="written", rehearsal=False)
    dialer.office.campaign(rehearsal=False)
    assert await dialer.claim() == []


async def test_a_lead_sees_the_same_caller_id_at_every_attempt(dialer: House) -> None:
    dialer.office.leads(12)
    dialer.office.campaign(pacing=FAST)
    shown = {intent.lead_id: intent.caller_id for intent, _ in await dialer.claim()}
    assert len(set(shown.values())) == 2
    dialer.office.db.execute("UPDATE attempts SET state = 'ended', disposition = 'no_answer'")
    dialer.office.db.execute("UPDATE campaign_leads SET state = 'ready'")
    again = await dialer.claim(NOW + timedelta(days=1))
    assert {intent.lead_id: intent.caller_id for intent, _ in again} == shown


async def test_a_claim_in_another_month_has_its_own_partition(dialer: House) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    ((intent, _),) = await dialer.claim(NOW.replace(month=12, day=29))
    row = dialer.office.row(
        "SELECT tableoid::regclass::text AS part, month FROM call_events WHERE attempt_id = %s",
        intent.attempt_id,
    )
    assert (row["part"], row["month"].isoformat()) == ("call_events_2026_12", "2026-12-01")

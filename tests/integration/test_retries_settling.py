"""What an ended attempt leaves its lead with: next time, part of the day, what counts, callback."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from dialer import journal
from dialer.facts import read_facts
from dialer.journal import StatusNews
from tests.factories import LAW, NOW
from tests.integration.dialer_parts import House, new_sid
from voice_ai.ids import AttemptId, CarrierSid

pytest_plugins = ("tests.integration.dialer_fixtures",)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# NOW is 14:00 in New York on a Tuesday: midday.
ALL_WEEK = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}


async def dialed(dialer: House) -> tuple[AttemptId, CarrierSid]:
    claimed = await dialer.claim_one()
    return claimed[0].attempt_id, new_sid()


async def tell(dialer: House, attempt_id: AttemptId, sid: CarrierSid, *statuses: str) -> None:
    """News of a call in that order, at the dialer's time; the last of them may be an end."""
    for place, status in enumerate(statuses):
        news = StatusNews(sid, status, sequence=place)
        async with dialer.pool.connection() as db, db.transaction():
            attempt = await journal.lock_attempt(db, attempt_id)
            assert attempt is not None
            if status in {"failed", "no-answer", "busy", "completed"}:
                now = dialer.clock.now()
                await journal.finish_call(db, attempt, news, now, ended_by="callback")
            else:
                await journal.apply_status(db, attempt, news, dialer.clock.now())


def prepared(dialer: House, count: int = 1, **config: Any) -> list[int]:
    leads = [lead.id for lead in dialer.office.leads(count)]
    dialer.office.campaign(**LAW, schedule=ALL_WEEK, **config)
    return leads


async def refusal(dialer: House, lead_id: int) -> tuple[Sequence[str], datetime | None]:
    assert await dialer.claim() == []
    row = dialer.office.row(
        "SELECT reasons, next_allowed_at FROM decisions WHERE lead_id = %s"
        " ORDER BY id DESC LIMIT 1",
        lead_id,
    )
    return row["reasons"], row["next_allowed_at"]


async def counted(dialer: House, attempt_id: AttemptId) -> list[datetime]:
    """The dials to the attempt's number that count towards the caps of a day."""
    attempt = dialer.office.attempt(attempt_id)
    async with dialer.pool.connection() as db:
        (row,) = await read_facts(
            db, attempt["campaign_id"], [attempt["lead_id"]], dialer.clock.now()
        )
    dials: list[datetime] = row["recent_dials"]
    return dials


async def test_nobody_there_is_tried_at_another_part_of_the_day(dialer: House) -> None:
    (lead_id,) = prepared(dialer)
    await tell(dialer, *await dialed(dialer), "ringing", "no-answer")
    lead = dialer.office.lead(lead_id)
    assert (lead["state"], lead["attempts"], lead["rotate_from"]) == ("ready", 1, NOW)
    assert lead["next_allowed_at"] == NOW + 4 * HOUR  # 18:00, evening


async def test_a_lead_that_comes_up_late_is_not_called_in_the_part_it_was_called_in(
    dialer: House,
) -> None:
    (lead_id,) = prepared(dialer)
    await tell(dialer, *await dialed(dialer), "ringing", "no-answer")
    dialer.clock.at = NOW + DAY  # nobody had a place for it before: midday again
    reasons, again = await refusal(dialer, lead_id)
    assert reasons == ["RETRY_LATER"]
    assert again == NOW + DAY + HOUR  # 15:00, late afternoon
    dialer.clock.at = again
    assert (await dialer.claim_one())[0].lead_id == lead_id


async def test_a_carriers_failure_is_no_attempt_at_the_person(dialer: House) -> None:
    (lead_id,) = prepared(dialer)
    for count in range(1, 3):
        attempt_id, sid = await dialed(dialer)
        await tell(dialer, attempt_id, sid, "initiated", "failed")
        assert await counted(dialer, attempt_id) == []
        lead = dialer.office.lead(lead_id)
        assert (lead["state"], lead["attempts"]) == ("ready", 0)
        wait = (lead["next_allowed_at"] - dialer.clock.now()).total_seconds()
        assert 120 * count <= wait <= 150 * count
        dialer.clock.at = lead["next_allowed_at"]
    await tell(dialer, *await dialed(dialer), "initiated", "failed")
    lead = dialer.office.lead(lead_id)
    assert (lead["state"], lead["attempts"]) == ("ready", 0)
    # Three in a day are enough of that; the lead is not lost, it comes back the next day.
    assert lead["next_allowed_at"] - NOW > timedelta(hours=8)


@pytest.mark.parametrize(
    "order", [("initiated", "ringing", "failed"), ("failed", "ringing"), ("failed", "in-progress")]
)
async def test_a_failure_that_rang_is_an_attempt_in_whatever_order_it_is_told(
    dialer: House, order: tuple[str, ...]
) -> None:
    (lead_id,) = prepared(dialer)
    attempt_id, sid = await dialed(dialer)
    await tell(dialer, attempt_id, sid, *order)
    await tell(dialer, attempt_id, sid, "ringing")
    assert dialer.office.attempt(attempt_id)["rang_at"] == NOW
    lead = dialer.office.lead(lead_id)
    assert (lead["disposition"], lead["attempts"]) == ("failed_transient", 1)
    assert await counted(dialer, attempt_id) == [NOW]


async def test_the_last_attempt_may_ring_only_after_it_failed(dialer: House) -> None:
    (lead_id,) = prepared(dialer, retries={"max_attempts": 1})
    attempt_id, sid = await dialed(dialer)
    await tell(dialer, attempt_id, sid, "failed", "ringing")
    dialer.clock.at = NOW + 21 * HOUR
    reasons, _ = await refusal(dialer, lead_id)
    assert reasons == ["ATTEMPTS_EXHAUSTED"]
    assert dialer.office.lead(lead_id)["state"] == "done"


async def test_each_dial_makes_a_lead_a_little_less_urgent(dialer: House) -> None:
    (lead_id,) = prepared(dialer)
    before = dialer.office.lead(lead_id)["priority"]
    await tell(dialer, *await dialed(dialer), "no-answer")
    assert dialer.office.lead(lead_id)["priority"] == pytest.approx(before - 0.05)


def agreed(dialer: House, lead_id: int, at: datetime) -> None:
    dialer.office.db.execute(
        "UPDATE campaign_leads SET callback_at = %s, callback_by = 'ana', callback_noted_at = %s"
        " WHERE lead_id = %s",
        (at, NOW, lead_id),
    )


async def test_a_time_agreed_while_the_call_is_live_is_kept(dialer: House) -> None:
    (lead_id,) = prepared(dialer)
    attempt = await dialed(dialer)
    agreed(dialer, lead_id, NOW + DAY)
    await tell(dialer, *attempt, "no-answer")
    lead = dialer.office.lead(lead_id)
    assert (lead["next_allowed_at"], lead["callback_at"]) == (NOW + DAY, NOW + DAY)
    assert (lead["callback_by"], lead["rotate_from"]) == ("ana", None)


async def test_a_due_callback_is_called_before_more_important_leads(dialer: House) -> None:
    leads = prepared(dialer, 6, pacing={"max_concurrent": 1, "calls_per_second": 1})
    agreed(dialer, leads[4], NOW)
    dialer.office.db.execute(
        "UPDATE campaign_leads SET next_allowed_at = callback_at WHERE callback_at IS NOT NULL"
    )
    assert (await dialer.claim_one())[0].lead_id == leads[4]


async def test_a_due_callback_is_found_behind_many_leads_that_wait_longer(dialer: House) -> None:
    """A claim looks at two hundred of each kind."""
    leads = prepared(dialer, 260, pacing={"max_concurrent": 1, "calls_per_second": 1})
    dialer.office.db.execute("UPDATE campaign_leads SET next_allowed_at = %s", (NOW - HOUR,))
    dialer.office.db.execute(
        "UPDATE campaign_leads SET callback_at = %s, next_allowed_at = %s WHERE lead_id = %s",
        (NOW, NOW, leads[-1]),
    )
    assert (await dialer.claim_one())[0].lead_id == leads[-1]


async def test_the_dial_that_was_agreed_uses_the_time_up(dialer: House) -> None:
    (lead_id,) = prepared(dialer)
    agreed(dialer, lead_id, NOW)
    await tell(dialer, *await dialed(dialer), "no-answer")
    lead = dialer.office.lead(lead_id)
    names = ("callback_at", "callback_by", "callback_noted_at")
    assert [lead[name] for name in names] == [None, None, None]
    assert lead["next_allowed_at"] == NOW + 4 * HOUR


async def elsewhere(dialer: House, **config: Any) -> UUID:
    """A second campaign of the seller on the list of a first one, which has dialed its lead."""
    prepared(dialer)
    await tell(dialer, *await dialed(dialer), "no-answer")
    dialer.office.db.execute("UPDATE campaigns SET state = 'stopped'")
    return dialer.office.campaign("Again", **LAW, schedule=ALL_WEEK, **config)


async def test_a_number_rests_before_the_sellers_next_campaign(dialer: House) -> None:
    await elsewhere(dialer)
    dialer.clock.at = NOW + 29 * DAY
    assert await dialer.claim() == []
    dialer.clock.at = NOW + 34 * DAY  # the Monday after the holidays
    assert len(await dialer.claim()) == 1


async def test_the_rest_between_campaigns_is_the_campaigns_own(dialer: House) -> None:
    campaign = await elsewhere(dialer, retries={"cool_down_days": 6})
    dialer.clock.at = NOW + DAY
    assert await dialer.claim() == []
    dialer.clock.at = NOW + 6 * DAY
    ((intent, _),) = await dialer.claim()
    assert intent.campaign_id == campaign


async def test_the_imports_of_a_list_take_turns(dialer: House) -> None:
    big = dialer.office.leads(6)
    run = dialer.office.row(
        "INSERT INTO import_runs (list_id, file_name, file_sha256, mapping_sha256, rows_read,"
        " rows_accepted, rows_rejected, started_at, finished_at) SELECT list_id, 'b.csv', 'b',"
        " '0', 2, 2, 0, started_at, finished_at FROM import_runs RETURNING id"
    )["id"]
    small = [lead.id for lead in big[4:]]
    dialer.office.db.execute("UPDATE leads SET run_id = %s WHERE id = ANY(%s)", (run, small))
    dialer.office.campaign(
        **LAW, schedule=ALL_WEEK, pacing={"max_concurrent": 9, "calls_per_second": 100}
    )
    order = [intent.lead_id for intent, _ in await dialer.claim()]
    first = [lead.id for lead in big[:4]]
    assert order == [first[0], small[0], first[1], small[1], first[2], first[3]]


async def test_a_fresher_import_comes_first(dialer: House) -> None:
    leads = [lead.id for lead in dialer.office.leads(4)]
    dialer.office.db.execute(
        "UPDATE leads SET created_at = created_at - interval '40 days' WHERE id = ANY(%s)",
        (leads[:3],),
    )
    dialer.office.campaign(
        **LAW, schedule=ALL_WEEK, pacing={"max_concurrent": 9, "calls_per_second": 100}
    )
    assert [intent.lead_id for intent, _ in await dialer.claim()] == [leads[3], *leads[:3]]

"""What happens next and when, for a campaign and for one lead, also with 200,000 of them."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from dialer import journal
from dialer.journal import StatusNews
from tests.factories import LAW, NOW, Office
from tests.integration.dialer_parts import House, add_worker, new_sid
from voice_ai.db import queries
from voice_ai.errors import NotFound
from voice_ai.ids import CampaignId
from voice_ai.standing import CampaignNext, LeadNext
from voice_ai.store import standing

pytest_plugins = ("tests.integration.dialer_fixtures",)

HOUR = timedelta(hours=1)
# NOW is 14:00 in New York and 09:00 in Honolulu.
HONOLULU = ("Pacific/Honolulu",)
FAST = {"max_concurrent": 50, "calls_per_second": 100}


def seen(office: Office, campaign_id: CampaignId, now: datetime = NOW) -> CampaignNext:
    return standing.campaign_next(standing.fetching(office.db), campaign_id, now)


def one(office: Office, campaign_id: CampaignId, lead_id: int, now: datetime = NOW) -> LeadNext:
    return standing.lead_next(standing.fetching(office.db), campaign_id, lead_id, now)


async def ended(dialer: House, status: str, now: datetime = NOW) -> int:
    """One lead dialed, with that end; its id."""
    ((intent, _),) = await dialer.claim(now)
    async with dialer.pool.connection() as db, db.transaction():
        attempt = await journal.lock_attempt(db, intent.attempt_id)
        assert attempt is not None
        news = StatusNews(new_sid(), status, sequence=0)
        await journal.finish_call(db, attempt, news, now, ended_by="callback")
    return intent.lead_id


async def test_a_campaign_says_how_many_may_be_called_and_what_the_rest_waits_for(
    dialer: House,
) -> None:
    dialer.office.leads(3)
    dialer.office.leads(2, name="islands", zones=HONOLULU)
    dialer.office.db.execute(
        "UPDATE leads SET position = id, list_id = (SELECT min(list_id::text)::uuid FROM leads)"
    )
    name = dialer.office.row(
        "SELECT name FROM lead_lists WHERE id = (SELECT list_id FROM leads LIMIT 1)"
    )["name"]
    campaign_id = dialer.office.campaign(
        **LAW,
        leads=name,
        schedule={"start": "10:00", "end": "18:00"},
        pacing={"max_concurrent": 1, "calls_per_second": 1},
    )
    called = await ended(dialer, "no-answer")
    found = seen(dialer.office, campaign_id)
    assert (found.leads, found.ready, found.callable_now, found.closed_now) == (5, 5, 2, 2)
    assert found.resumes_at is None
    waits = {one.what: (one.leads, one.due, one.first_at) for one in found.waiting}
    again = dialer.office.lead(called)["next_allowed_at"]
    assert waits == {"NOT_ASKED_YET": (4, 4, None), "AFTER:no_answer": (1, 0, again)}
    words = " ".join(found.sentences)
    assert "2 leads may be called now, 0 are being called." in words
    assert "2 are due, but outside the campaign's hours" in words
    assert "No forecast: fewer than 10 dials" in words


def test_a_campaign_says_when_calling_goes_on(dialer: House) -> None:
    dialer.office.leads(2, zones=HONOLULU)
    campaign_id = dialer.office.campaign(**LAW, schedule={"start": "10:00", "end": "18:00"})
    found = seen(dialer.office, campaign_id)
    assert found.callable_now == 0
    assert found.resumes_at == NOW + HOUR
    assert "Calling goes on at Tue 24 Nov 20:00 UTC." in found.sentences
    late = seen(dialer.office, campaign_id, datetime(2026, 11, 28, 12, tzinfo=UTC))
    assert late.resumes_at == datetime(2026, 11, 30, 20, tzinfo=UTC)  # Monday morning there


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        ("UPDATE campaigns SET state = 'paused'", "Nothing is called: the campaign is paused."),
        ("UPDATE campaign_leads SET state = 'done'", "Every lead is done."),
        ("UPDATE workers SET stopped_at = now()", "No dialer runs"),
        (
            "INSERT INTO switches (kind, key, reason, set_by, set_at)"
            " VALUES ('global', '*', 'a storm', 'ana', now())",
            "A kill switch stops every call: a storm.",
        ),
    ],
)
def test_a_campaign_that_calls_nobody_says_why(dialer: House, prepare: str, sentence: str) -> None:
    dialer.office.leads(2)
    campaign_id = dialer.office.campaign(**LAW)
    add_worker(dialer.office)
    dialer.office.db.execute(prepare)
    assert sentence in " ".join(seen(dialer.office, campaign_id).sentences)


def dials(office: Office, campaign_id: CampaignId, count: int, every: timedelta) -> None:
    """So many leads that were dialed once, evenly up to NOW, and are done."""
    worker = add_worker(office)
    rows = office.rows(
        "SELECT lead_id, number_id FROM campaign_leads ORDER BY position LIMIT %s", count
    )
    for place, row in enumerate(rows):
        at = NOW - every * (count - place)
        office.db.execute(
            "INSERT INTO attempts (id, month, campaign_id, lead_id, number_id, attempt_no,"
            " caller_id_number, worker_id, state, event_seq, version, slot_at, intended_at, late,"
            " rehearsal, disposition) VALUES (%s, '2026-11-01', %s, %s, %s, 1, %s, %s, 'ended', 1,"
            " 1, %s, %s, false, true, 'goal')",
            (
                uuid4(),
                campaign_id,
                row["lead_id"],
                row["number_id"],
                row["number_id"],
                worker,
                at,
                at,
            ),
        )
        office.db.execute(
            "UPDATE campaign_leads SET state = 'done', attempts = 2, disposition = 'goal'"
            " WHERE lead_id = %s",
            (row["lead_id"],),
        )


def test_a_forecast_goes_by_the_pace_of_the_last_hour_and_by_open_hours(dialer: House) -> None:
    dialer.office.leads(90)
    campaign_id = dialer.office.campaign(**LAW, schedule={"start": "10:00", "end": "15:00"})
    dials(dialer.office, campaign_id, 30, timedelta(minutes=2))
    told = seen(dialer.office, campaign_id).forecast
    assert told.dials_an_hour == pytest.approx(30, rel=0.01)
    assert (told.dials_per_lead, told.dials_left) == (2.0, 120)
    # One hour today and three tomorrow, by the clock of New York.
    assert told.done_at is not None
    assert abs(told.done_at - datetime(2026, 11, 25, 18, 0, tzinfo=UTC)) < timedelta(minutes=15)


def test_a_young_campaign_promises_little(dialer: House) -> None:
    dialer.office.leads(60)
    campaign_id = dialer.office.campaign(**LAW)
    dials(dialer.office, campaign_id, 15, timedelta(minutes=1))
    found = seen(dialer.office, campaign_id)
    assert found.forecast.dials_an_hour == pytest.approx(60, rel=0.01)
    assert found.forecast.done_at is None
    assert "take about 45 minutes" in found.sentences[-1]
    assert "is not known before 20 are done" in found.sentences[-1]


async def test_a_lead_says_where_it_stands_and_what_comes_next(dialer: House) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(**LAW)
    lead_id = await ended(dialer, "no-answer")
    found = one(dialer.office, campaign_id, lead_id)
    assert found.sentences[0] == "It had 1 of 6 attempts."
    assert found.sentences[1].startswith("It is asked about again at Tue 24 Nov 18:00")
    assert found.sentences[1].endswith("tried again after no answer.")
    assert [(row["label"], row["counts"]) for row in found.dials] == [("No answer", True)]
    plans = {plan.outcome: plan for plan in found.outlook}
    assert plans["busy"].at is not None
    assert plans["busy"].at - NOW == 4 * HOUR + timedelta(minutes=10)
    assert plans["no_answer"].stop is None
    dialer.office.suppress(dialer.office.lead(lead_id)["number_id"])
    assert "never called again" in one(dialer.office, campaign_id, lead_id).sentences[0]
    with pytest.raises(NotFound):
        one(dialer.office, campaign_id, lead_id + 999)


async def test_a_lead_that_was_refused_says_why_in_words(dialer: House) -> None:
    (lead,) = dialer.office.leads(1, zones=HONOLULU)
    campaign_id = dialer.office.campaign(**LAW, schedule={"start": "10:00", "end": "18:00"})
    assert await dialer.claim() == []
    found = one(dialer.office, campaign_id, lead.id)
    assert found.decision is not None
    assert "outside calling hours" in found.sentences[-1]
    assert "Tue 24 Nov 10:00 (Pacific/Honolulu)" in found.sentences[-1]
    await_done = [row["reasons"] for row in standing.ledger(dialer.office.db, campaign_id)]
    assert await_done == [["HOURS_CLOSED"]]


async def test_the_ledger_is_asked_by_reason_lead_and_time(dialer: House) -> None:
    leads = dialer.office.leads(3)
    campaign_id = dialer.office.campaign(**LAW, pacing=FAST)
    dialer.office.suppress(leads[1].number_id)
    assert len(await dialer.claim()) == 2

    def asked(**values: Any) -> list[int]:
        return sorted(
            row["lead_id"] for row in standing.ledger(dialer.office.db, campaign_id, **values)
        )

    assert asked() == [lead.id for lead in leads]
    assert asked(reason="DNC_INTERNAL") == [leads[1].id]
    assert asked(reason="ALLOW") == [leads[0].id, leads[2].id]
    assert asked(lead_id=leads[2].id) == [leads[2].id]
    assert asked(since=NOW + HOUR) == []
    assert len(asked(limit=2)) == 2


_MANY = """
WITH n AS (INSERT INTO numbers (fingerprint, key_id, zones, states, created_at)
  SELECT int8send(i), 'test', '{America/New_York}', '{}', now() FROM generate_series(1, 200000) i
  RETURNING id),
l AS (INSERT INTO leads (list_id, number_id, run_id, line, position, zones, states, created_at)
  SELECT r.list_id, n.id, r.id, n.id, n.id, CASE WHEN n.id % 2 = 0 THEN '{America/New_York}'
         ELSE '{America/Chicago,America/New_York}' END::text[], '{}', now()
  FROM n, import_runs r RETURNING id, number_id, list_id),
cl AS (INSERT INTO campaign_leads (campaign_id, lead_id, number_id, state, priority, position,
  attempts, next_allowed_at, disposition, decision_key, updated_at)
  SELECT %(campaign)s, l.id, l.number_id, CASE WHEN l.id % 5 = 0 THEN 'done' ELSE 'ready' END, 0,
         l.id, l.id % 3, CASE WHEN l.id % 3 > 0 THEN %(now)s + l.id % 90 * interval '1 hour' END,
         CASE WHEN l.id % 3 > 0 THEN 'no_answer' END,
         CASE WHEN l.id % 7 = 0 THEN 'HOURS_CLOSED' END, now()
  FROM l)
INSERT INTO decisions (campaign_id, lead_id, number_id, stage, allow, reasons, policy_hash,
  decided_at, rehearsal)
SELECT %(campaign)s, l.id, l.number_id, 'claim', false,
       CASE WHEN l.id % 50000 = 0 THEN '{FREQ_24H}' ELSE '{HOURS_CLOSED}' END::text[], 'p',
       %(now)s - l.id * interval '1 second', true
FROM l
"""


def test_two_hundred_thousand_leads_are_shown_at_once(dialer: House) -> None:
    """Wall time with room for a busy machine; the plans say that nothing is read lead by lead."""
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(**LAW)
    db = dialer.office.db
    db.execute("SET session_replication_role = replica")  # loads without checking references
    db.execute(_MANY.replace("% ", "%% "), {"campaign": campaign_id, "now": NOW})
    db.execute("ANALYZE campaign_leads; ANALYZE leads; ANALYZE decisions")
    began = time.monotonic()
    found = seen(dialer.office, campaign_id)
    took = time.monotonic() - began
    assert found.leads == 200_001
    assert took < 3
    lead_id = dialer.office.row("SELECT max(lead_id) AS id FROM campaign_leads")["id"]
    for query, values in (
        ("leads_by_wait", {"now": NOW}),
        ("ready_by_zones", {"now": NOW}),
        ("ledger", {"reason": None, "lead_id": None, "since": None, "limit": 50}),
        ("ledger", {"reason": None, "lead_id": lead_id, "since": None, "limit": 50}),
        ("lead_in_campaign", {"lead_id": lead_id}),
        ("last_decision", {"lead_id": lead_id}),
    ):
        plan = db.execute(
            "EXPLAIN (COSTS OFF) " + getattr(queries("standing"), query),
            {"campaign_id": campaign_id, **values},
        ).fetchall()
        text = "\n".join(row["QUERY PLAN"] for row in plan)
        # One pass over the campaign where it is counted; an index where few rows are wanted.
        assert text.count("Seq Scan on campaign_leads") <= 1
        if query not in ("leads_by_wait", "ready_by_zones"):
            assert "Seq Scan on decisions" not in text
            assert "Seq Scan on campaign_leads" not in text
        assert "SubPlan" not in text or query == "lead_in_campaign"
    print(f"campaign_next over 200,000 leads: {took:.2f} s")

"""The send gate: what is checked last, what is sent, and what its answer makes of an attempt."""

from datetime import timedelta

import pytest

from dialer import journal
from dialer.carrier import DialRequest, FailureKind, PlaceAnswer, Placed, Rejected, Unanswered
from dialer.journal import StatusNews
from tests.factories import NOW
from tests.integration.dialer_parts import House, new_sid
from voice_ai.ids import AttemptId, CarrierSid

pytest_plugins = ("tests.integration.dialer_fixtures",)


async def callback(dialer: House, attempt_id: AttemptId, sid: CarrierSid, status: str) -> None:
    async with dialer.pool.connection() as db, db.transaction():
        attempt = await journal.lock_attempt(db, attempt_id)
        assert attempt is not None
        await journal.apply_status(db, attempt, StatusNews(sid, status, 1), dialer.clock.now())


async def test_the_carrier_is_asked_once_for_the_right_call(dialer: House) -> None:
    (lead,) = dialer.office.leads(1)
    dialer.office.campaign(
        pacing={"ring_timeout_s": 33, "max_call_s": 120}, caller_ids=["+12125550900"]
    )
    attempt_id, sid = await dialer.dial()
    assert dialer.carrier.placed == [
        DialRequest(attempt_id, lead.number, "+12125550900", 33, 120, detect_machines=True)
    ]
    attempt = dialer.office.attempt(attempt_id)
    assert (attempt["state"], attempt["sent_at"], attempt["placed_at"]) == ("placed", NOW, NOW)
    assert dialer.office.kinds(attempt_id) == ["dial_intended", "call_placed"]
    call = dialer.office.row("SELECT * FROM calls WHERE attempt_id = %s", attempt_id)
    assert (call["carrier_sid"], call["status"]) == (sid, "queued")


async def test_the_carrier_listens_for_the_end_of_a_greeting_where_a_message_is_left(
    dialer: House,
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign(answering={"machine": "leave_message"})
    await dialer.dial()
    (request,) = dialer.carrier.placed
    assert request.await_greeting_end


async def test_a_request_waits_for_its_turn(dialer: House) -> None:
    dialer.office.leads(2)
    dialer.office.campaign(pacing={"calls_per_second": 4, "max_concurrent": 10})
    claimed = await dialer.claim()
    for one in claimed:
        await dialer.send(one)
    sent = dialer.office.rows("SELECT sent_at FROM attempts ORDER BY slot_at")
    assert [row["sent_at"] - NOW for row in sent] == [
        timedelta(milliseconds=312.5 * n) for n in range(2)
    ]


async def test_a_number_suppressed_after_the_claim_is_not_called(dialer: House) -> None:
    (lead,) = dialer.office.leads(1)
    dialer.office.campaign()
    claimed = await dialer.claim_one()
    dialer.office.suppress(lead.number_id)
    assert await dialer.send(claimed) is None
    assert dialer.carrier.placed == []
    attempt = dialer.office.attempt(claimed[0].attempt_id)
    assert (attempt["state"], attempt["disposition"]) == ("ended", "not_dialed")
    assert attempt["end_reason"] == "refused_dnc_internal"
    (decision,) = dialer.office.rows("SELECT * FROM decisions WHERE stage = 'send'")
    assert (decision["allow"], decision["reasons"]) == (False, ["DNC_INTERNAL"])
    # The lead goes back, and the next claim takes it out for good.
    dialer.clock.advance(10)
    assert await dialer.claim() == []
    assert dialer.office.lead(lead.id)["state"] == "done"


@pytest.mark.parametrize("state", ["paused", "draining", "stopped", "emergency_stopped"])
async def test_a_campaign_stopped_after_the_claim_is_not_called(dialer: House, state: str) -> None:
    (lead,) = dialer.office.leads(1)
    campaign_id = dialer.office.campaign()
    claimed = await dialer.claim_one()
    dialer.office.set_state(campaign_id, state)
    assert await dialer.send(claimed) is None
    assert dialer.carrier.placed == []
    attempt = dialer.office.attempt(claimed[0].attempt_id)
    assert attempt["end_reason"] == "refused_campaign_not_running"
    standing = dialer.office.lead(lead.id)
    assert (standing["state"], standing["attempts"]) == ("ready", 0)


@pytest.mark.parametrize("kind", ["global", "campaign", "caller_id"])
async def test_a_kill_switch_set_after_the_claim_stops_the_request(
    dialer: House, kind: str
) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign()
    claimed = await dialer.claim_one()
    keys = {"global": "*", "campaign": campaign_id, "caller_id": claimed[0].caller_id}
    dialer.office.switch_off(kind, str(keys[kind]))
    assert await dialer.send(claimed) is None
    assert dialer.carrier.placed == []
    assert dialer.office.attempt(claimed[0].attempt_id)["end_reason"] == "refused_switched_off"


async def test_a_send_that_missed_its_turn_is_put_off(dialer: House) -> None:
    """Otherwise those that are late and those that are not would crowd at the carrier."""
    dialer.office.leads(2)
    dialer.office.campaign()
    first, second = [await dialer.claim_one(), (await dialer.claim(NOW + timedelta(seconds=2)))[0]]
    dialer.clock.advance(0.201)
    assert await dialer.send(first) is None
    assert dialer.office.attempt(first[0].attempt_id)["end_reason"] == "turn_missed"
    dialer.clock.advance(1.999)
    assert await dialer.send(second) is not None


@pytest.mark.parametrize(("late_s", "sent"), [(0.2, True), (1.001, False)])
async def test_an_intent_older_than_the_fence_is_not_sent(
    dialer: House, late_s: float, sent: bool
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    claimed = await dialer.claim_one()
    dialer.clock.advance(late_s)
    assert (await dialer.send(claimed) is not None) is sent
    assert len(dialer.carrier.placed) == sent
    if not sent:
        attempt = dialer.office.attempt(claimed[0].attempt_id)
        assert attempt["end_reason"] == "intent_too_old"


async def test_the_window_that_closes_before_the_turn_comes_is_closed(dialer: House) -> None:
    dialer.office.leads(2)
    dialer.office.campaign(pacing={"calls_per_second": 4, "max_concurrent": 2})
    # A minute before six in New York nothing is begun any more.
    dialer.clock.at = NOW.replace(hour=22, minute=58, second=59, microsecond=900_000)
    first, second = await dialer.claim()
    assert await dialer.send(first) is not None
    assert await dialer.send(second) is None
    assert len(dialer.carrier.placed) == 1
    attempt = dialer.office.attempt(second[0].attempt_id)
    assert attempt["end_reason"] == "refused_hours_closed"


async def test_an_intent_whose_lead_is_gone_is_not_sent(dialer: House) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    claimed = await dialer.claim_one()
    dialer.office.db.execute("DELETE FROM campaign_leads")
    assert await dialer.send(claimed) is None
    assert dialer.office.attempt(claimed[0].attempt_id)["end_reason"] == "lead_gone"


async def answered_with(dialer: House, answer: PlaceAnswer) -> AttemptId:
    dialer.carrier.answer = lambda request: answer
    dialer.office.leads(1)
    dialer.office.campaign()
    claimed = await dialer.claim_one()
    assert await dialer.send(claimed) == answer
    return claimed[0].attempt_id


@pytest.mark.parametrize(
    "kind", [FailureKind.RATE_LIMITED, FailureKind.AUTH, FailureKind.APP_ERROR]
)
async def test_a_request_that_the_carrier_turned_away_is_no_dial(
    dialer: House, kind: FailureKind
) -> None:
    attempt_id = await answered_with(dialer, Rejected(kind, 20429))
    attempt = dialer.office.attempt(attempt_id)
    assert (attempt["state"], attempt["disposition"]) == ("ended", "not_dialed")
    assert (attempt["end_reason"], attempt["ended_by"]) == (f"carrier_{kind}", "dialer")
    assert dialer.office.kinds(attempt_id) == ["dial_intended", "call_ended"]
    lead = dialer.office.lead(attempt["lead_id"])
    assert (lead["state"], lead["attempts"]) == ("ready", 0)
    assert lead["next_allowed_at"] == NOW + timedelta(seconds=5)
    dialer.clock.advance(6)
    assert len(await dialer.claim()) == 1


@pytest.mark.parametrize("kind", [FailureKind.INVALID_NUMBER, FailureKind.NOT_PERMITTED])
async def test_a_number_that_cannot_be_called_is_finished(dialer: House, kind: FailureKind) -> None:
    attempt_id = await answered_with(dialer, Rejected(kind, 21211))
    attempt = dialer.office.attempt(attempt_id)
    assert attempt["disposition"] == "failed_permanent"
    assert dialer.office.lead(attempt["lead_id"])["state"] == "done"


async def test_a_request_without_an_answer_is_unknown_and_keeps_the_number(
    dialer: House,
) -> None:
    attempt_id = await answered_with(dialer, Unanswered("TimeoutError"))
    attempt = dialer.office.attempt(attempt_id)
    assert attempt["state"] == "unknown"
    assert dialer.office.kinds(attempt_id) == ["dial_intended", "dial_unknown"]
    assert dialer.office.lead(attempt["lead_id"])["state"] == "calling"
    assert await dialer.claim(NOW + timedelta(hours=1)) == []


async def test_a_callback_that_overtakes_the_answer_is_not_taken_back(dialer: House) -> None:
    sid = new_sid()
    dialer.office.leads(1)
    dialer.office.campaign()
    claimed = await dialer.claim_one()
    attempt_id = claimed[0].attempt_id
    await callback(dialer, attempt_id, sid, "ringing")
    dialer.carrier.answer = lambda request: Placed(sid, 12.0)
    await dialer.send(claimed)
    assert dialer.office.attempt(attempt_id)["state"] == "ringing"
    assert dialer.office.kinds(attempt_id) == ["dial_intended", "call_placed", "carrier_status"]
    (call,) = dialer.office.rows("SELECT * FROM calls")
    assert (call["status"], call["queue_time_ms"]) == ("ringing", 12.0)


async def test_a_lost_answer_does_not_hide_a_call_that_has_called_back(dialer: House) -> None:
    sid = new_sid()
    dialer.office.leads(1)
    dialer.office.campaign()
    claimed = await dialer.claim_one()
    await callback(dialer, claimed[0].attempt_id, sid, "in-progress")
    dialer.carrier.answer = lambda request: Unanswered("TimeoutError")
    await dialer.send(claimed)
    assert dialer.office.attempt(claimed[0].attempt_id)["state"] == "in_progress"


async def test_a_call_accepted_after_its_attempt_was_given_up_is_ended_and_counted_apart(
    dialer: House,
) -> None:
    """The worker was stopped so long between check and request that it was taken for dead."""
    dialer.office.leads(1)
    dialer.office.campaign()
    claimed = await dialer.claim_one()
    attempt_id = claimed[0].attempt_id

    def too_late(request: DialRequest) -> PlaceAnswer:
        dialer.office.db.execute(
            "UPDATE attempts SET state = 'ended', disposition = 'not_dialed' WHERE id = %s",
            (attempt_id,),
        )
        return Placed(sid, None)

    sid, dialer.carrier.answer = new_sid(), too_late
    await dialer.send(claimed)
    assert dialer.carrier.ended == [sid]
    assert dialer.office.attempt(attempt_id)["late"] is True
    assert dialer.office.kinds(attempt_id) == ["dial_intended", "late_call_cancelled"]

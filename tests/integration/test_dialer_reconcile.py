"""What went quiet is asked about; only the carrier's word ends it or sets its lead free."""

from datetime import UTC, datetime, timedelta

import pytest

from dialer.carrier import CarrierCall, Unanswered
from dialer.reconcile import match
from tests.factories import NOW
from tests.integration.dialer_parts import House, add_worker, new_sid
from voice_ai.ids import AttemptId, CarrierSid
from voice_ai.store.workers import Presence

pytest_plugins = ("tests.integration.dialer_fixtures",)

QUIET_S = 13.0


def carrier_call(
    sid: CarrierSid, status: str, created_at: datetime | None = None, **facts: float | str | None
) -> CarrierCall:
    answered_by, duration_s = facts.get("answered_by"), facts.get("duration_s")
    return CarrierCall(
        sid,
        status,
        str(answered_by) if answered_by else None,
        float(duration_s) if duration_s is not None else None,
        created_at or datetime.now(UTC),
    )


async def placed(dialer: House) -> tuple[AttemptId, CarrierSid]:
    dialer.office.leads(1)
    dialer.office.campaign()
    attempt_id, sid = await dialer.dial()
    dialer.clock.advance(QUIET_S)
    return attempt_id, sid


async def unknown(dialer: House) -> AttemptId:
    dialer.office.leads(1)
    dialer.office.campaign()
    dialer.carrier.answer = lambda request: Unanswered("TimeoutError")
    claimed = await dialer.claim_one()
    await dialer.send(claimed)
    dialer.clock.advance(QUIET_S)
    return claimed[0].attempt_id


async def test_a_call_whose_callbacks_were_lost_is_brought_to_its_end(dialer: House) -> None:
    attempt_id, sid = await placed(dialer)
    dialer.carrier.known[sid] = carrier_call(sid, "no-answer", duration_s=0)
    assert await dialer.reconciler.run_once() == 1
    attempt = dialer.office.attempt(attempt_id)
    assert (attempt["state"], attempt["disposition"]) == ("ended", "no_answer")
    assert (attempt["ended_by"], attempt["end_reason"]) == ("reconciler", "carrier_no-answer")
    assert dialer.office.kinds(attempt_id) == ["dial_intended", "call_placed", "call_ended"]
    assert dialer.office.lead(attempt["lead_id"])["state"] == "ready"
    assert await dialer.reconciler.run_once() == 0


async def test_the_carriers_last_word_is_kept_when_only_the_end_was_lost(dialer: House) -> None:
    attempt_id, sid = await placed(dialer)
    dialer.office.db.execute("UPDATE calls SET status = 'in-progress', last_sequence = 2")
    dialer.carrier.known[sid] = carrier_call(
        sid, "completed", duration_s=21, answered_by="machine_start"
    )
    assert await dialer.reconciler.run_once() == 1
    (call,) = dialer.office.rows("SELECT * FROM calls")
    assert (call["status"], call["duration_s"]) == ("completed", 21.0)
    assert dialer.office.attempt(attempt_id)["disposition"] == "machine"


async def test_a_call_that_is_still_ringing_stays_live_and_is_asked_about_again(
    dialer: House,
) -> None:
    attempt_id, sid = await placed(dialer)
    dialer.carrier.known[sid] = carrier_call(sid, "ringing")
    assert await dialer.reconciler.run_once() == 0
    assert dialer.office.attempt(attempt_id)["state"] == "ringing"
    assert await dialer.reconciler.run_once() == 0
    assert len(dialer.carrier.asked) == 1
    dialer.clock.advance(QUIET_S)
    dialer.carrier.known[sid] = carrier_call(sid, "busy")
    assert await dialer.reconciler.run_once() == 1


async def test_a_call_that_was_heard_of_lately_is_not_asked_about(dialer: House) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    await dialer.dial()
    dialer.clock.advance(11)
    assert await dialer.reconciler.run_once() == 0
    assert dialer.carrier.asked == []


async def test_a_call_that_the_carrier_forgot_ends_once(dialer: House) -> None:
    attempt_id, _ = await placed(dialer)
    assert await dialer.reconciler.run_once() == 1
    attempt = dialer.office.attempt(attempt_id)
    assert attempt["end_reason"] == "carrier_forgot_the_call"
    assert dialer.office.kinds(attempt_id).count("call_ended") == 1


async def test_while_the_carrier_is_silent_nothing_is_decided(dialer: House) -> None:
    attempt_id, sid = await placed(dialer)
    dialer.carrier.silent = True
    assert await dialer.reconciler.run_once() == 0
    assert dialer.office.attempt(attempt_id)["state"] == "placed"
    dialer.carrier.silent = False
    dialer.carrier.known[sid] = carrier_call(sid, "completed")
    dialer.clock.advance(QUIET_S)
    assert await dialer.reconciler.run_once() == 1


async def test_silence_about_one_call_does_not_stop_the_others(dialer: House) -> None:
    dialer.office.leads(3)
    dialer.office.campaign(pacing={"calls_per_second": 100})
    claimed = await dialer.claim()
    for one in claimed:
        await dialer.send(one)
    dialer.clock.advance(QUIET_S)
    sids = [row["carrier_sid"] for row in dialer.office.rows("SELECT carrier_sid FROM calls")]
    dialer.carrier.known = {sid: carrier_call(sid, "completed") for sid in sids}
    dialer.carrier.silent_about = {sids[1]}
    assert await dialer.reconciler.run_once() == 2


async def test_an_unanswered_request_is_found_in_the_carriers_list(dialer: House) -> None:
    attempt_id = await unknown(dialer)
    sid = new_sid()
    dialer.carrier.listed = [carrier_call(sid, "in-progress")]
    assert await dialer.reconciler.run_once() == 0
    attempt = dialer.office.attempt(attempt_id)
    assert attempt["state"] == "in_progress"
    assert dialer.office.kinds(attempt_id) == ["dial_intended", "dial_unknown", "call_placed"]
    (call,) = dialer.office.rows("SELECT * FROM calls")
    assert (call["carrier_sid"], call["attempt_id"]) == (sid, attempt_id)
    dialer.clock.advance(QUIET_S)
    dialer.carrier.known[sid] = carrier_call(sid, "completed")
    assert await dialer.reconciler.run_once() == 1


async def test_an_unanswered_request_that_the_carrier_never_got_sets_its_lead_free(
    dialer: House,
) -> None:
    attempt_id = await unknown(dialer)
    assert await dialer.reconciler.run_once() == 1
    attempt = dialer.office.attempt(attempt_id)
    assert (attempt["disposition"], attempt["end_reason"]) == ("not_dialed", "never_placed")
    assert dialer.office.lead(attempt["lead_id"])["attempts"] == 0
    dialer.clock.advance(10)
    assert len(await dialer.claim()) == 1


async def test_the_carriers_list_may_lag_behind(dialer: House) -> None:
    attempt_id = await unknown(dialer)
    patient = dialer.reconciler.patience
    dialer.office.db.execute(
        "UPDATE attempts SET intended_at = %s, checked_at = %s",
        (dialer.clock.now() - patient.list_lag, NOW - timedelta(minutes=5)),
    )
    dialer.office.db.execute("UPDATE attempts SET heard_at = %s", (NOW - timedelta(minutes=5),))
    assert await dialer.reconciler.run_once() == 0
    assert dialer.office.attempt(attempt_id)["state"] == "unknown"
    dialer.clock.advance(QUIET_S)
    assert await dialer.reconciler.run_once() == 1


async def test_an_intent_of_a_living_worker_is_not_given_up(dialer: House) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    attempt_id = (await dialer.claim_one())[0].attempt_id
    dialer.clock.advance(3600)
    assert await dialer.reconciler.run_once() == 0
    assert dialer.office.attempt(attempt_id)["state"] == "intended"


@pytest.mark.parametrize(
    ("worker", "freed"),
    [
        ({"seen_s_ago": 13}, True),
        ({"stopped": True}, True),
        ({"seen_s_ago": 11}, False),
    ],
)
async def test_an_intent_is_given_up_when_its_worker_is_proved_dead(
    dialer: House, worker: dict[str, float], freed: bool
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    dialer.worker_id = add_worker(dialer.office, **worker)  # type: ignore[arg-type]
    attempt_id = (await dialer.claim_one())[0].attempt_id
    dialer.clock.advance(QUIET_S)
    assert await dialer.reconciler.run_once() == int(freed)
    assert (dialer.office.attempt(attempt_id)["state"] == "ended") is freed


async def test_a_worker_that_holds_its_lock_is_alive_however_old_its_heartbeat(
    dialer: House,
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    presence = Presence(dialer.url, "dialer")
    await presence.enter()
    dialer.worker_id = presence.worker_id
    await dialer.claim_one()
    dialer.office.db.execute("UPDATE workers SET seen_at = now() - interval '1 hour'")
    dialer.clock.advance(QUIET_S)
    assert await dialer.reconciler.run_once() == 0
    await presence.leave()
    dialer.clock.advance(QUIET_S)
    assert await dialer.reconciler.run_once() == 1


async def test_a_dead_workers_call_is_adopted_and_its_end_told_once(dialer: House) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    dialer.worker_id = add_worker(dialer.office, stopped=True)
    attempt_id = (await dialer.claim_one())[0].attempt_id
    dialer.clock.advance(QUIET_S)
    dialer.carrier.listed = [carrier_call(new_sid(), "completed", answered_by="human")]
    assert await dialer.reconciler.run_once() == 1
    kinds = dialer.office.kinds(attempt_id)
    assert kinds[:3] == ["dial_intended", "dial_unknown", "call_placed"]
    assert kinds.count("call_ended") == 1
    assert dialer.office.attempt(attempt_id)["disposition"] == "abandoned"


async def test_a_call_that_is_nobodys_does_not_keep_an_attempt_open(dialer: House) -> None:
    """Somebody else of the account called the number: the newest call counts as ours."""
    attempt_id = await unknown(dialer)
    dialer.carrier.listed = [carrier_call(new_sid(), "completed") for _ in range(2)]
    assert await dialer.reconciler.run_once() == 1
    assert dialer.office.attempt(attempt_id)["state"] == "ended"
    assert len(dialer.office.rows("SELECT FROM calls")) == 1
    assert dialer.carrier.ended == []


async def test_calls_of_other_attempts_are_not_adopted(dialer: House) -> None:
    """The number's call of yesterday, which is known, and one from before the intent."""
    attempt_id = await unknown(dialer)
    mine, known = new_sid(), new_sid()
    before = datetime.now(UTC) - timedelta(minutes=5)
    (lead,) = dialer.office.rows("SELECT lead_id, number_id FROM attempts")
    dialer.office.db.execute(
        "INSERT INTO attempts SELECT (jsonb_populate_record(a, jsonb_build_object('id',"
        " gen_random_uuid(), 'attempt_no', 9, 'state', 'ended'))).* FROM attempts a"
    )
    dialer.office.db.execute(
        "INSERT INTO calls (carrier_sid, attempt_id, carrier, status, created_at, updated_at)"
        " SELECT %s, id, 'twilio', 'completed', now(), now() FROM attempts WHERE attempt_no = 9",
        (known,),
    )
    dialer.carrier.listed = [
        carrier_call(known, "completed"),
        carrier_call(new_sid(), "completed", created_at=before),
        carrier_call(mine, "busy"),
    ]
    assert await dialer.reconciler.run_once() == 1
    assert dialer.office.attempt(attempt_id)["disposition"] == "busy"


async def test_only_one_reconciler_asks_at_a_time(dialer: House) -> None:
    await placed(dialer)
    async with dialer.pool.connection() as db:
        await db.execute("SELECT pg_advisory_xact_lock(hashtext('reconciler'))")
        assert await dialer.reconciler.run_once() == 0
    assert dialer.carrier.asked == []
    assert await dialer.reconciler.run_once() == 1


def test_a_match_is_unknown_to_us_and_not_from_before_the_intent() -> None:
    since = NOW - timedelta(seconds=60)
    fits = carrier_call(new_sid(), "queued", created_at=since)
    undated = CarrierCall(new_sid(), "queued", None, None, None)
    old = carrier_call(new_sid(), "queued", created_at=since - timedelta(seconds=1))
    known = carrier_call(new_sid(), "queued", created_at=NOW)
    found = [fits, undated, old, known]
    assert match(found, {known.sid}, NOW) == [fits, undated]
    assert match(found, set(), None) == found

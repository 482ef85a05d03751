"""Calls that nobody reckons with any more: sent late, found late, or one too many at a number."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from dialer import journal
from dialer.carrier import CarrierCall, DialRequest, PlaceAnswer, Placed, Unanswered
from tests.integration.dialer_parts import House, new_sid
from tests.integration.test_dialer_webhooks import server
from voice_ai.ids import AttemptId, CarrierSid

pytest_plugins = ("tests.integration.dialer_fixtures",)


def listed(sid: CarrierSid, status: str, seconds_ago: float = 0) -> CarrierCall:
    return CarrierCall(sid, status, None, None, datetime.now(UTC) - timedelta(seconds=seconds_ago))


async def intended(dialer: House) -> AttemptId:
    dialer.office.leads(1)
    dialer.office.campaign()
    return (await dialer.claim_one())[0].attempt_id


async def unknown(dialer: House) -> AttemptId:
    dialer.carrier.answer = lambda request: Unanswered("timeout")
    dialer.office.leads(1)
    dialer.office.campaign()
    claimed = await dialer.claim_one()
    await dialer.send(claimed)
    dialer.clock.advance(13)
    return claimed[0].attempt_id


async def test_a_first_callback_that_comes_too_late_cancels_the_call(dialer: House) -> None:
    """Its worker stood still between its last check and its request."""
    attempt_id, sid = await intended(dialer), new_sid()
    dialer.clock.advance(5)
    async with server(dialer) as outside:
        url = outside.urls.status(attempt_id)
        form = {"CallSid": sid, "CallStatus": "initiated", "SequenceNumber": "0"}
        assert (await outside.post(url, form)).status_code == 204
        assert dialer.carrier.ended == [sid]
        attempt = dialer.office.attempt(attempt_id)
        assert (attempt["late"], attempt["state"]) == (True, "placed")
        over = {**form, "CallStatus": "canceled", "SequenceNumber": "1"}
        assert (await outside.post(url, over)).status_code == 204
    attempt = dialer.office.attempt(attempt_id)
    assert (attempt["state"], attempt["disposition"]) == ("ended", "canceled")
    assert "late_call_cancelled" in dialer.office.kinds(attempt_id)
    assert dialer.carrier.ended == [sid]


async def test_a_late_call_that_is_picked_up_is_hung_up_on(dialer: House) -> None:
    attempt_id, sid = await intended(dialer), new_sid()
    dialer.clock.advance(5)
    async with server(dialer) as outside:
        form = {"CallSid": sid, "CallStatus": "in-progress"}
        answer = await outside.post(outside.urls.voice(attempt_id), form)
    assert "<Hangup" in answer.text
    assert dialer.office.attempt(attempt_id)["late"] is True


async def test_a_call_that_was_heard_of_in_time_may_be_silent_for_long(dialer: House) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    attempt_id, sid = await dialer.dial()
    dialer.clock.advance(60)
    async with server(dialer) as outside:
        form = {"CallSid": sid, "CallStatus": "ringing", "SequenceNumber": "1"}
        assert (await outside.post(outside.urls.status(attempt_id), form)).status_code == 204
    assert dialer.office.attempt(attempt_id)["late"] is False
    assert dialer.carrier.ended == []


async def test_an_answer_that_comes_too_late_ends_the_call(dialer: House) -> None:
    """The process stood still in the middle of its request; no callback has come yet."""
    dialer.office.leads(1)
    dialer.office.campaign()
    claimed, sid = await dialer.claim_one(), new_sid()

    def slowly(request: DialRequest) -> PlaceAnswer:
        dialer.clock.advance(5)
        return Placed(sid, None)

    dialer.carrier.answer = slowly
    await dialer.send(claimed)
    assert dialer.carrier.ended == [sid]
    assert dialer.office.attempt(claimed[0].attempt_id)["late"] is True


async def test_a_late_call_that_could_not_be_ended_is_ended_by_the_reconciler(
    dialer: House,
) -> None:
    attempt_id, sid = await intended(dialer), new_sid()
    dialer.clock.advance(5)
    dialer.carrier.cannot_end.add(sid)
    async with server(dialer) as outside:
        form = {"CallSid": sid, "CallStatus": "ringing", "SequenceNumber": "1"}
        await outside.post(outside.urls.status(attempt_id), form)
    assert dialer.carrier.ended == []
    dialer.carrier.cannot_end.clear()
    dialer.carrier.known[sid] = listed(sid, "ringing")
    dialer.clock.advance(13)
    await dialer.reconciler.run_once()
    assert dialer.carrier.ended == [sid]


async def test_of_several_calls_the_newest_is_adopted(dialer: House) -> None:
    """The older one belongs to an attempt at the number that was given up before."""
    first = await unknown(dialer)
    assert await dialer.reconciler.run_once() == 1
    dialer.clock.advance(10)
    claimed = await dialer.claim_one()
    await dialer.send(claimed)
    dialer.clock.advance(13)
    old, new = new_sid(), new_sid()
    dialer.carrier.listed = [listed(new, "busy"), listed(old, "ringing", seconds_ago=5)]
    assert await dialer.reconciler.run_once() == 1
    assert dialer.office.attempt(claimed[0].attempt_id)["disposition"] == "busy"
    assert dialer.office.attempt(first)["late"] is True
    assert dialer.carrier.ended == [old]


async def test_a_given_up_attempt_is_looked_for_once_more(dialer: House) -> None:
    """Its request was on its way for long, and no callback of its call arrives."""
    attempt_id = await unknown(dialer)
    assert await dialer.reconciler.run_once() == 1
    dialer.office.db.execute("UPDATE campaigns SET state = 'paused'")
    sid = new_sid()
    dialer.carrier.listed = [listed(sid, "ringing")]
    dialer.clock.advance(41)
    await dialer.reconciler.run_once()
    assert dialer.carrier.ended == [sid]
    assert dialer.office.attempt(attempt_id)["late"] is True
    asked = len(dialer.carrier.asked)
    await dialer.reconciler.run_once()
    assert len(dialer.carrier.asked) == asked


async def test_news_that_comes_while_the_carrier_is_asked_is_not_given_up_on(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call is known by then, so it is not among the unknown ones; it rings all the same."""
    attempt_id = await unknown(dialer)
    sid = new_sid()
    dialer.carrier.listed = [listed(sid, "ringing")]
    kept = dialer.carrier.find

    async def meanwhile(*, to: str, caller_id: str) -> Sequence[CarrierCall]:
        found = await kept(to=to, caller_id=caller_id)
        async with dialer.pool.connection() as db, db.transaction():
            attempt = await journal.lock_attempt(db, attempt_id)
            assert attempt is not None
            news = journal.StatusNews(sid, "ringing", sequence=1)
            await journal.apply_status(db, attempt, news, dialer.clock.now())
        return found

    monkeypatch.setattr(dialer.carrier, "find", meanwhile)
    assert await dialer.reconciler.run_once() == 0
    assert dialer.office.attempt(attempt_id)["state"] == "ringing"

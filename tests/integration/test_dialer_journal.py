"""However callbacks come, early, late, twice or in any order, an attempt ends once and the same."""

import asyncio
import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest

from dialer.adapters.twilio import TwilioSignatures
from dialer.callbacks import CallbackUrls
from dialer.live_calls import LiveCalls
from dialer.metrics import ServerMetrics
from dialer.transfers import Transfers
from dialer.webhooks import Webhooks
from tests.factories import NOW, Office
from tests.integration.dialer_parts import Claimed, House, new_sid
from voice_ai.ids import AttemptId, CarrierSid

pytest_plugins = ("tests.integration.dialer_fixtures",)

Callback = Mapping[str, str]
HUMAN: tuple[Callback, ...] = (
    {"CallStatus": "initiated", "SequenceNumber": "0"},
    {"CallStatus": "ringing", "SequenceNumber": "1"},
    {"CallStatus": "in-progress", "SequenceNumber": "2"},
    {
        "CallStatus": "completed",
        "SequenceNumber": "3",
        "CallDuration": "17",
        "SipResponseCode": "200",
        "AnsweredBy": "human",
    },
    {"AnsweredBy": "human", "MachineDetectionDuration": "2100"},
)
BUSY: tuple[Callback, ...] = (
    {"CallStatus": "initiated", "SequenceNumber": "0"},
    {"CallStatus": "ringing", "SequenceNumber": "1"},
    {"CallStatus": "busy", "SequenceNumber": "2", "SipResponseCode": "486", "CallDuration": "0"},
)


def hooks_of(dialer: House) -> Webhooks:
    urls = CallbackUrls("https://calls.example", dialer.keyring)
    return Webhooks(
        dialer.pool,
        dialer.carrier,
        dialer.clock,
        urls,
        TwilioSignatures("token"),
        LiveCalls(),
        ServerMetrics(),
        Transfers(dialer.pool, dialer.keyring, dialer.clock, urls, dialer.carrier),
    )


async def deliver(
    hooks: Webhooks, attempt_id: AttemptId, sid: CarrierSid, callbacks: Sequence[Callback]
) -> None:
    for callback in callbacks:
        form = {**callback, "CallSid": sid}
        if "CallStatus" in callback:
            await hooks.status(attempt_id, form)
        else:
            await hooks.detection(attempt_id, form)


async def many_dialed(dialer: House, count: int) -> list[tuple[AttemptId, CarrierSid]]:
    dialer.office.leads(count)
    dialer.office.campaign(pacing={"max_concurrent": count, "calls_per_second": 200})
    claimed: list[Claimed] = []
    while len(claimed) < count:
        claimed += await dialer.claim()
        dialer.clock.advance(0.5)
    dialer.clock.at = NOW
    return [(intent.attempt_id, new_sid()) for intent, _ in claimed]


def what_is_left(office: Office, attempt_id: UUID) -> dict[str, Any]:
    """Everything that an attempt left behind, without ids, times and the order of its events."""
    attempt = office.attempt(attempt_id)
    events = office.events(attempt_id)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert attempt["event_seq"] == len(events)
    (call,) = office.rows("SELECT * FROM calls WHERE attempt_id = %s", attempt_id)
    lead = office.lead(attempt["lead_id"])
    outbox = office.rows(
        "SELECT topic FROM outbox WHERE payload ->> 'attempt_id' = %s", str(attempt_id)
    )
    names = ("state", "disposition", "end_reason", "ended_by", "carrier_status", "answer_class")
    facts = ("status", "last_sequence", "answered_by", "duration_s", "sip_code", "detection_ms")
    standing = ("state", "attempts", "disposition", "next_allowed_at")
    (end,) = [event["payload"] for event in events if event["kind"] == "call_ended"]
    return {
        "attempt": {name: attempt[name] for name in (*names, "late")},
        "call": {name: call[name] for name in facts},
        "lead": {name: lead[name] for name in standing},
        "events": sorted(event["key"].replace(call["carrier_sid"], "CA") for event in events),
        "end": end,
        "outbox": [row["topic"] for row in outbox],
    }


@pytest.mark.parametrize(
    ("story", "disposition"), [(HUMAN, "abandoned"), (BUSY, "busy")], ids=["human", "busy"]
)
async def test_every_order_of_callbacks_ends_in_the_same_rows(
    dialer: House, story: tuple[Callback, ...], disposition: str
) -> None:
    orders = list(itertools.permutations(story))
    dialed = await many_dialed(dialer, len(orders))
    hooks, draw = hooks_of(dialer), random.Random(7)
    told = []
    for (attempt_id, sid), order in zip(dialed, orders, strict=True):
        letters = list(order)
        # Twilio tells some of them twice.
        letters.insert(draw.randrange(len(letters) + 1), draw.choice(story))
        told.append(deliver(hooks, attempt_id, sid, letters))
    await asyncio.gather(*told)
    first = what_is_left(dialer.office, dialed[0][0])
    assert first["attempt"]["disposition"] == disposition
    for (attempt_id, _), order in zip(dialed[1:], orders[1:], strict=True):
        assert what_is_left(dialer.office, attempt_id) == first, order


async def test_callbacks_at_the_same_moment_end_in_the_same_rows(dialer: House) -> None:
    dialed = await many_dialed(dialer, 12)
    hooks = hooks_of(dialer)
    for attempt_id, sid in dialed:
        await asyncio.gather(
            *(deliver(hooks, attempt_id, sid, [callback]) for callback in (*HUMAN, *HUMAN)),
            hooks.answered(attempt_id, {"CallSid": sid, "CallStatus": "in-progress"}),
        )
    first = what_is_left(dialer.office, dialed[0][0])
    assert all(what_is_left(dialer.office, attempt_id) == first for attempt_id, _ in dialed)


async def test_the_end_is_told_before_the_answer(dialer: House) -> None:
    ((attempt_id, sid),) = await many_dialed(dialer, 1)
    await deliver(hooks_of(dialer), attempt_id, sid, [HUMAN[3], HUMAN[2], HUMAN[1]])
    attempt = dialer.office.attempt(attempt_id)
    assert (attempt["state"], attempt["carrier_status"]) == ("ended", "completed")
    assert attempt["ended_at"] == NOW
    assert dialer.office.kinds(attempt_id).count("call_ended") == 1
    (call,) = dialer.office.rows("SELECT * FROM calls")
    assert (call["status"], call["last_sequence"]) == ("completed", 3)


async def test_an_earlier_status_does_not_lead_a_live_call_back(dialer: House) -> None:
    ((attempt_id, sid),) = await many_dialed(dialer, 1)
    await deliver(hooks_of(dialer), attempt_id, sid, [HUMAN[2], HUMAN[0], HUMAN[1]])
    attempt = dialer.office.attempt(attempt_id)
    assert attempt["state"] == "in_progress"
    assert attempt["answered_at"] == NOW
    (call,) = dialer.office.rows("SELECT * FROM calls")
    assert call["status"] == "in-progress"


async def test_a_retry_is_settled_with_the_end(dialer: House) -> None:
    ((attempt_id, sid),) = await many_dialed(dialer, 1)
    await deliver(hooks_of(dialer), attempt_id, sid, BUSY)
    lead = dialer.office.lead(dialer.office.attempt(attempt_id)["lead_id"])
    assert (lead["state"], lead["attempts"], lead["disposition"]) == ("ready", 1, "busy")
    assert (lead["next_allowed_at"] - NOW).total_seconds() == 600


async def given_up(dialer: House) -> tuple[AttemptId, CarrierSid]:
    ((attempt_id, sid),) = await many_dialed(dialer, 1)
    dialer.clock.advance(60)
    dialer.office.db.execute("UPDATE attempts SET state = 'unknown'")
    assert await dialer.reconciler.run_once() == 1
    assert dialer.office.attempt(attempt_id)["end_reason"] == "never_placed"
    return attempt_id, sid


async def test_a_call_that_comes_after_it_was_given_up_is_cancelled_and_counted_apart(
    dialer: House,
) -> None:
    attempt_id, sid = await given_up(dialer)
    lead = dialer.office.lead(dialer.office.attempt(attempt_id)["lead_id"])
    await deliver(hooks_of(dialer), attempt_id, sid, [HUMAN[0], HUMAN[0]])
    assert set(dialer.carrier.ended) == {sid}
    attempt = dialer.office.attempt(attempt_id)
    assert (attempt["late"], attempt["disposition"]) == (True, "not_dialed")
    assert dialer.office.kinds(attempt_id)[-2:] == ["call_ended", "late_call_cancelled"]
    assert dialer.office.lead(attempt["lead_id"]) == lead


async def test_a_late_call_that_is_answered_is_hung_up_on(dialer: House) -> None:
    attempt_id, sid = await given_up(dialer)
    form = {"CallSid": sid, "CallStatus": "in-progress"}
    twiml = await hooks_of(dialer).answered(attempt_id, form)
    assert "<Hangup" in twiml
    assert "<Stream" not in twiml
    assert dialer.office.attempt(attempt_id)["late"] is True


async def test_a_late_call_of_which_only_the_verdict_is_told_is_cancelled(dialer: House) -> None:
    attempt_id, sid = await given_up(dialer)
    await deliver(hooks_of(dialer), attempt_id, sid, [HUMAN[4]])
    assert dialer.carrier.ended == [sid]
    assert dialer.office.attempt(attempt_id)["late"] is True


async def test_a_late_call_of_which_only_the_end_is_told_is_counted_too(dialer: House) -> None:
    attempt_id, sid = await given_up(dialer)
    await deliver(hooks_of(dialer), attempt_id, sid, [HUMAN[3]])
    assert dialer.office.attempt(attempt_id)["late"] is True
    assert dialer.office.kinds(attempt_id).count("call_ended") == 1
    assert dialer.carrier.ended == []
    (call,) = dialer.office.rows("SELECT * FROM calls")
    assert (call["status"], call["duration_s"]) == ("completed", 17.0)


async def test_what_the_conversation_arrived_at_is_the_outcome(dialer: House) -> None:
    ((attempt_id, sid),) = await many_dialed(dialer, 1)
    hooks = hooks_of(dialer)
    await deliver(hooks, attempt_id, sid, HUMAN[:3])
    dialer.office.db.execute("UPDATE attempts SET outcome = 'goal', end_reason = 'agent_goodbye'")
    await deliver(hooks, attempt_id, sid, HUMAN[3:])
    attempt = dialer.office.attempt(attempt_id)
    assert (attempt["disposition"], attempt["end_reason"]) == ("goal", "agent_goodbye")
    assert dialer.office.lead(attempt["lead_id"])["state"] == "done"


async def test_a_machine_without_a_conversation_is_hung_up_on(dialer: House) -> None:
    ((attempt_id, sid),) = await many_dialed(dialer, 1)
    verdict = {"AnsweredBy": "machine_start", "MachineDetectionDuration": "3300"}
    hooks = hooks_of(dialer)
    await deliver(hooks, attempt_id, sid, [HUMAN[2], verdict])
    assert dialer.carrier.ended == [sid]
    assert dialer.office.attempt(attempt_id)["answer_class"] == "machine"
    await deliver(hooks, attempt_id, sid, [{"CallStatus": "completed", "SequenceNumber": "3"}])
    assert dialer.office.attempt(attempt_id)["disposition"] == "machine"
    (call,) = dialer.office.rows("SELECT * FROM calls")
    assert (call["answered_by"], call["detection_ms"]) == ("machine_start", 3300.0)

"""Hand-overs in the database: who may begin one, what ends it, and what comes too late."""

from datetime import timedelta
from typing import Any

import pytest

from dialer.callbacks import CallbackUrls
from dialer.carrier import FailureKind, Rejected
from dialer.journal import StatusNews, apply_status, finish_call, lock_attempt
from dialer.obey import obey_commands
from dialer.transfer_start import begin
from dialer.transfer_sweep import sweep_transfers
from dialer.transfers import Transfers
from tests.integration.dialer_parts import House, until
from voice_ai.conversation.turns import State, Transfer
from voice_ai.ids import AttemptId, CarrierSid
from voice_ai.store.call_commands import ask_of_call
from voice_ai.store.campaign_versions import stored_version

pytest_plugins = ("tests.integration.dialer_fixtures",)

COLLEAGUES = ["+12125550777", "+12125550778"]
TOLD = Transfer("warm", "A call about rain.")
STATE = State("opening", ended="transfer")


async def talking(dialer: House, **transfer: Any) -> tuple[AttemptId, CarrierSid]:
    """One call that was answered; `transfer` None: its campaign names nobody."""
    dialer.office.leads(1)
    dialer.office.campaign(transfer={"to": COLLEAGUES, **transfer})
    attempt_id, sid = await dialer.dial()
    await tell(dialer, attempt_id, sid, "in-progress")
    return attempt_id, sid


async def tell(dialer: House, attempt_id: AttemptId, sid: CarrierSid, status: str) -> None:
    news = StatusNews(sid, status)
    async with dialer.pool.connection() as db, db.transaction():
        attempt = await lock_attempt(db, attempt_id)
        assert attempt is not None
        if status == "completed":
            await finish_call(db, attempt, news, dialer.clock.now(), ended_by="callback")
        else:
            await apply_status(db, attempt, news, dialer.clock.now())


def desk(dialer: House) -> Transfers:
    urls = CallbackUrls("https://calls.example", dialer.keyring)
    return Transfers(dialer.pool, dialer.keyring, dialer.clock, urls, dialer.carrier)


async def start(dialer: House, attempt_id: AttemptId, **more: Any) -> str | None:
    async with dialer.pool.connection() as db:
        now = dialer.clock.now()
        return await begin(db, dialer.carrier, attempt_id, now, **{"kind": "blind", **more})


def transfers(dialer: House) -> list[dict[str, Any]]:
    return dialer.office.rows("SELECT * FROM transfers ORDER BY nth")


async def test_numbers_of_colleagues_are_sealed_and_come_back(dialer: House) -> None:
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign(transfer={"to": COLLEAGUES, "ring_s": 30})
    row = dialer.office.row("SELECT config::text, transfer_to FROM campaign_versions")
    assert len(row["transfer_to"]) == 2
    assert not any(number[1:] in row["config"] for number in COLLEAGUES)
    data = stored_version(dialer.office.db, dialer.keyring, campaign_id).data
    assert (data["transfer"]["to"], data["transfer"]["ring_s"]) == (COLLEAGUES, 30)


async def test_who_may_not_hand_a_call_over_is_told_why(dialer: House) -> None:
    attempt_id, _ = await talking(
        dialer, hours={"zone": "America/New_York", "start": "09:00", "end": "12:00"}
    )
    assert await start(dialer, attempt_id) == "closed"
    assert dialer.carrier.redirected == []
    # An operator knows who is there.
    assert await start(dialer, attempt_id, asked_by="ana") is None
    assert await start(dialer, attempt_id, asked_by="ana") == "under_way"
    assert [row["status"] for row in transfers(dialer)] == ["open"]


async def test_a_stopped_campaign_hands_nothing_over(dialer: House) -> None:
    attempt_id, _ = await talking(dialer)
    dialer.office.db.execute("UPDATE campaigns SET state = 'emergency_stopped'")
    assert await start(dialer, attempt_id) == "stopped"
    assert transfers(dialer) == []


async def test_a_colleague_s_call_counts_under_the_account_s_cap(dialer: House) -> None:
    attempt_id, _ = await talking(dialer)
    account = dialer.carrier.account

    def cap(calls: int) -> None:
        dialer.office.db.execute("DELETE FROM carrier_limits")
        dialer.office.db.execute(
            "INSERT INTO carrier_limits (account, max_concurrent, set_by, set_at)"
            " VALUES (%s, %s, 'ana', now())",
            (account, calls),
        )

    cap(1)
    assert await start(dialer, attempt_id) == "full"
    cap(2)
    assert await start(dialer, attempt_id) is None
    dialer.office.leads(1, name="more")
    dialer.office.campaign("More", leads="more")
    dialer.clock.advance(5)
    assert await dialer.claim() == []
    await desk(dialer).person_gone(attempt_id)
    assert len(await dialer.claim()) == 1


async def test_a_call_that_is_over_or_a_silent_carrier_leave_it_where_it_was(
    dialer: House,
) -> None:
    attempt_id, sid = await talking(dialer)
    dialer.carrier.silent = True
    assert await start(dialer, attempt_id) == "failed"
    dialer.carrier.silent = False
    dialer.carrier.ended.append(sid)
    assert await start(dialer, attempt_id) == "gone"
    assert [(row["status"], row["reason"]) for row in transfers(dialer)] == [
        ("failed", "failed"),
        ("failed", "gone"),
    ]
    assert all(row["resumed_at"] is not None for row in transfers(dialer))


async def test_words_of_a_colleague_who_was_asked_before_change_nothing(dialer: House) -> None:
    attempt_id, _ = await talking(dialer)
    it = desk(dialer)
    assert await it.begin(attempt_id, TOLD, STATE) is None
    waiting = await it.connect(attempt_id)
    assert 'startConferenceOnEnter="false"' in waiting
    assert not any(number in waiting for number in COLLEAGUES)
    await it.close()
    (first,) = dialer.carrier.rung
    assert (first.to, first.turn) == (COLLEAGUES[0], "1.0")
    sid = transfers(dialer)[0]["agent_sid"]
    over = {"CallSid": sid, "CallStatus": "busy"}
    await it.leg(attempt_id, "1.0", over)
    await it.close()
    await it.leg(attempt_id, "1.0", over)
    assert [leg.to for leg in dialer.carrier.rung] == COLLEAGUES
    assert "Hangup" in await it.accept(attempt_id, "1.0", {"Digits": "1", "CallSid": sid})
    (row,) = transfers(dialer)
    assert (row["status"], row["position"]) == ("open", 1)
    # The last one, too: then the person goes back.
    await it.leg(attempt_id, "1.1", {"CallSid": row["agent_sid"], "CallStatus": "no-answer"})
    assert dialer.carrier.redirected[-1][1] == "resume"
    back = await it.go_back(attempt_id)
    assert 'name="transfer"' in back
    (row,) = transfers(dialer)
    resumed = await it.resumed(attempt_id, str(row["id"]))
    assert resumed is not None
    assert (resumed.state, resumed.reason) == (STATE, "no_answer")
    assert await it.resumed(attempt_id, str(row["id"])) is None


async def test_a_colleague_who_presses_one_too_late_is_let_go(dialer: House) -> None:
    attempt_id, sid = await talking(dialer)
    it = desk(dialer)
    assert await it.begin(attempt_id, TOLD, STATE) is None
    await it.connect(attempt_id)
    await it.close()
    await tell(dialer, attempt_id, sid, "completed")
    await it.person_gone(attempt_id)
    (row,) = transfers(dialer)
    assert (row["status"], row["reason"]) == ("failed", "person_hung_up")
    assert dialer.carrier.ended == [row["agent_sid"]]
    answer = await it.accept(attempt_id, "1.0", {"Digits": "1", "CallSid": row["agent_sid"]})
    assert "Conference" not in answer


async def test_a_colleague_whose_number_the_carrier_refuses_is_passed_over(dialer: House) -> None:
    attempt_id, _ = await talking(dialer, to=COLLEAGUES[:1])
    dialer.carrier.answer_leg = lambda leg: Rejected(FailureKind.INVALID_NUMBER, 21211)
    it = desk(dialer)
    assert await it.begin(attempt_id, TOLD, STATE) is None
    await it.connect(attempt_id)
    await it.close()
    (row,) = transfers(dialer)
    assert (row["status"], row["reason"]) == ("failed", "failed")
    assert dialer.carrier.redirected[-1][1] == "resume"


async def test_where_the_conversation_is_lost_the_person_is_called_again(dialer: House) -> None:
    attempt_id, sid = await talking(dialer, to=COLLEAGUES[:1])
    assert await start(dialer, attempt_id, asked_by="ana") is None
    it = desk(dialer)
    rings = await it.connect(attempt_id)
    assert "One moment please, I am connecting you with a colleague." in rings
    said = await it.done(attempt_id, "1.0", {"DialCallStatus": "no-answer"})
    assert "We will call you again. Goodbye." in said
    await tell(dialer, attempt_id, sid, "completed")
    attempt = dialer.office.attempt(attempt_id)
    assert (attempt["disposition"], attempt["end_reason"]) == (
        "callback_requested",
        "transfer_failed",
    )


async def test_what_nobody_told_the_end_of_is_seen_to(dialer: House) -> None:
    attempt_id, sid = await talking(dialer)
    it = desk(dialer)
    assert await it.begin(attempt_id, TOLD, STATE) is None
    await it.connect(attempt_id)
    await it.close()
    later = dialer.clock.now() + timedelta(minutes=5)

    async def sweep() -> int:
        async with dialer.pool.connection() as db:
            return await sweep_transfers(db, dialer.carrier, later, rehearsal=True)

    assert await sweep() == 1
    (row,) = transfers(dialer)
    assert (row["status"], row["reason"]) == ("failed", "no_answer")
    assert dialer.carrier.redirected[-1] == (sid, "resume")
    assert dialer.carrier.ended == [row["agent_sid"]]
    assert await sweep() == 0


async def test_an_emergency_stop_ends_the_colleague_s_call_too(dialer: House) -> None:
    attempt_id, sid = await talking(dialer)
    it = desk(dialer)
    assert await it.begin(attempt_id, TOLD, STATE) is None
    await it.connect(attempt_id)
    await it.close()
    dialer.office.db.execute(
        "INSERT INTO commands (campaign_id, kind, asked_by, asked_at)"
        " SELECT id, 'emergency_stop', 'ana', now() FROM campaigns"
    )
    async with dialer.pool.connection() as db:
        assert await obey_commands(db, dialer.carrier, dialer.clock.now()) == 1
    assert set(dialer.carrier.ended) == {sid, transfers(dialer)[0]["agent_sid"]}


@pytest.mark.parametrize("named", [True, False])
async def test_a_command_stays_open_until_it_is_known_what_came_of_it(
    dialer: House, named: bool
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign(transfer={"to": COLLEAGUES} if named else None)
    attempt_id, sid = await dialer.dial()
    await tell(dialer, attempt_id, sid, "in-progress")
    now = dialer.clock.now()
    command = ask_of_call(dialer.office.db, "transfer_call", attempt_id, by="ana", now=now)

    async def obeyed() -> str | None:
        async with dialer.pool.connection() as db:
            await obey_commands(db, dialer.carrier, now)
        row = dialer.office.row("SELECT outcome FROM commands WHERE id = %s", command)
        outcome: str | None = row["outcome"]
        return outcome

    first = await obeyed()
    if not named:
        assert first is not None
        assert first.startswith("refused: not transferred: the campaign names nobody")
        return
    assert first is None
    await desk(dialer).person_gone(attempt_id)
    assert await until(obeyed, 5) == "refused: not transferred: the person hung up first"

"""Calls handed to a colleague, whole: server, vendor's SDK, simulated carrier, both ends."""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.dialer_parts import House, until
from tests.integration.whole_calls import Stage, script_file, simulated, stage
from tests.transfer_scripts import clinic_help
from voice_ai.ids import AttemptId
from voice_ai.store.call_commands import ask_of_call

pytest_plugins = ("tests.integration.dialer_fixtures",)
# The vendor's client on the newest aiohttp that it can do with.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")

# People are drawn by their numbers: this one agrees to what is asked.
PERSON = "+12125550141"
COLLEAGUE, SECOND = "+12125550777", "+12125550778"


def campaign(dialer: House, folder: Path, kind: str = "blind", **transfer: Any) -> None:
    dialer.office.leads(1, numbers=[PERSON])
    dialer.office.campaign(
        script=script_file(folder, clinic_help(kind)),
        transfer={"to": [COLLEAGUE], "ring_s": 10, **transfer},
        purpose="informational",
    )


def row_of(running: Stage, attempt_id: AttemptId) -> dict[str, Any]:
    return running.house.office.row(
        "SELECT * FROM transfers WHERE attempt_id = %s ORDER BY nth DESC LIMIT 1", attempt_id
    )


async def no_lead_was_called_twice(running: Stage, calls: int) -> None:
    verdict = await running.simulator.judge()
    assert verdict["max_live_per_number"] == 1
    assert verdict["numbers_called_more_than_once"] == 0
    assert verdict["accepted"] == calls
    attempts = running.house.office.row("SELECT count(*) AS n FROM attempts")
    assert attempts["n"] == 1


async def test_a_colleague_takes_a_blind_transfer(
    dialer: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    campaign(dialer, tmp_path)
    people = simulated(colleagues={COLLEAGUE: "takes"})
    async with stage(dialer, monkeypatch, people) as running:
        attempt_id, _ = await running.dial()
        ended = await running.ended(attempt_id)
        calls = await running.all_ended(2)
        assert (ended["disposition"], ended["end_reason"]) == ("transferred", "transferred")
        kinds = dialer.office.kinds(attempt_id)
        assert kinds.count("transfer_started") == kinds.count("transfer_answered") == 1
        assert "transfer_failed" not in kinds
        assert kinds[-1] == "call_ended"
        assert running.said(attempt_id)[-1] == ("agent", "person", "I will connect you now.")
        assert {call["status"] for call in calls} == {"completed"}
        await no_lead_was_called_twice(running, 2)


async def test_nobody_picks_up_a_blind_transfer_and_the_conversation_goes_on(
    dialer: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    campaign(dialer, tmp_path)
    people = simulated(colleagues={COLLEAGUE: "no_answer"})
    async with stage(dialer, monkeypatch, people) as running:
        attempt_id, _ = await running.dial()
        ended = await running.ended(attempt_id)
        said = running.said(attempt_id)
        assert ("agent", "later", "I am sorry, nobody can take your call right now.") in said
        assert ("agent", "later", "Is it all right if somebody writes to you?") in said
        assert said[-1][1:] == ("bye", "Thank you. Goodbye.")
        assert (ended["disposition"], ended["end_reason"]) == ("conversed_no_goal", "script_end")
        failed = await running.told(attempt_id, "transfer_failed")
        assert failed["payload"] == {"nth": 1, "reason": "no_answer"}
        kinds = dialer.office.kinds(attempt_id)
        assert kinds.count("media_started") == kinds.count("media_stopped") == 2
        assert kinds.count("outcome_reached") == 1
        await no_lead_was_called_twice(running, 2)


async def test_the_next_colleague_is_asked_when_the_first_is_busy(
    dialer: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    campaign(dialer, tmp_path, to=[COLLEAGUE, SECOND])
    people = simulated(colleagues={COLLEAGUE: "busy", SECOND: "takes"})
    async with stage(dialer, monkeypatch, people) as running:
        attempt_id, _ = await running.dial()
        ended = await running.ended(attempt_id)
        assert ended["disposition"] == "transferred"
        assert row_of(running, attempt_id)["position"] == 1
        await running.all_ended(3)
        await no_lead_was_called_twice(running, 3)


async def test_a_colleague_takes_a_warm_transfer_after_hearing_what_it_is_about(
    dialer: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    campaign(dialer, tmp_path, "warm")
    people = simulated(colleagues={COLLEAGUE: "takes"})
    async with stage(dialer, monkeypatch, people) as running:
        attempt_id, sid = await running.dial()
        ended = await running.ended(attempt_id)
        _, colleague = await running.all_ended(2)
        assert (ended["disposition"], ended["end_reason"]) == ("transferred", "transferred")
        whispered = await running.simulator.get(f"/simulator/calls/{colleague['sid']}")
        told = " ".join(whispered["heard"])
        assert "A call about clinic help for Acme Ltd." in told
        assert "Press one to take the call" in told
        person = await running.simulator.get(f"/simulator/calls/{sid}")
        assert "You are through to Sam" in " ".join(person["heard"])
        await no_lead_was_called_twice(running, 2)


@pytest.mark.parametrize(
    ("does", "reason"),
    [("refuses", "refused"), ("no_answer", "no_answer"), ("voicemail", "refused")],
)
async def test_nobody_takes_a_warm_transfer_and_the_conversation_goes_on(
    dialer: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, does: str, reason: str
) -> None:
    campaign(dialer, tmp_path, "warm")
    people = simulated(colleagues={COLLEAGUE: does})
    async with stage(dialer, monkeypatch, people) as running:
        attempt_id, _ = await running.dial()
        ended = await running.ended(attempt_id)
        failed = await running.told(attempt_id, "transfer_failed")
        assert failed["payload"]["reason"] == reason
        assert (ended["disposition"], ended["end_reason"]) == ("conversed_no_goal", "script_end")
        assert running.said(attempt_id)[-1][1:] == ("bye", "Thank you. Goodbye.")
        await running.all_ended(2)
        await no_lead_was_called_twice(running, 2)


@pytest.mark.parametrize("kind", ["blind", "warm"])
async def test_the_person_hangs_up_while_the_colleague_rings(
    dialer: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    campaign(dialer, tmp_path, kind, ring_s=60)
    people = simulated(colleagues={COLLEAGUE: "no_answer"})
    async with stage(dialer, monkeypatch, people) as running:
        attempt_id, sid = await running.dial()
        await running.told(attempt_id, "transfer_started")

        async def both_ring() -> bool | None:
            verdict = await running.simulator.judge()
            return verdict["live_now"] == 2 or None

        await until(both_ring)
        await running.twilio.end(sid)  # as the carrier tells it, the same as a hang-up
        await running.ended(attempt_id)
        failed = await running.told(attempt_id, "transfer_failed")
        assert failed["payload"]["reason"] == "person_hung_up" or kind == "blind"
        _, colleague = await running.all_ended(2)
        assert colleague["status"] == "canceled"
        await no_lead_was_called_twice(running, 2)


@pytest.mark.parametrize(
    ("does", "outcome"),
    [
        ("takes", "transferred: a colleague took the call"),
        ("busy", "refused: not transferred: the line was busy; the conversation goes on"),
    ],
)
async def test_an_operator_hands_a_live_call_over(
    dialer: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, does: str, outcome: str
) -> None:
    dialer.office.leads(1, numbers=[PERSON])
    dialer.office.campaign(transfer={"to": [COLLEAGUE]})
    people = simulated(colleagues={COLLEAGUE: does})
    async with stage(dialer, monkeypatch, people) as running:
        attempt_id, _ = await running.dial()
        await running.told(attempt_id, "turn_taken")
        command = ask_of_call(
            dialer.office.db, "transfer_call", attempt_id, by="ana", now=running.parts.clock.now()
        )

        async def answered() -> str | None:
            await running.obey()
            found = dialer.office.row("SELECT outcome FROM commands WHERE id = %s", command)
            outcome: str | None = found["outcome"]
            return outcome

        assert await until(answered, 30) == outcome
        ended = await running.ended(attempt_id)
        said = [words for _, _, words in running.said(attempt_id)]
        if does == "takes":
            assert ended["disposition"] == "transferred"
        else:
            assert "I am sorry, nobody can take your call right now." in said
            assert said[-1].endswith("Goodbye.")
            assert ended["end_reason"] == "script_end"
        await running.all_ended(2)
        await no_lead_was_called_twice(running, 2)

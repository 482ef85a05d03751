"""`end_call`: who ends which call, what its books say, and what the command is answered."""

from datetime import timedelta
from uuid import uuid4

import pytest

from dialer.end_orders import END_REASON, end_calls
from tests.integration.dialer_parts import House, until
from tests.integration.media_stream import let_time_go_by, talking
from tests.integration.test_dialer_server import dialed, server
from voice_ai.errors import BadInput
from voice_ai.ids import AttemptId
from voice_ai.store.call_commands import ask_of_call

pytest_plugins = ("tests.integration.dialer_fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")


def asked(dialer: House, attempt_id: AttemptId) -> int:
    now = dialer.clock.now()
    return ask_of_call(
        dialer.office.db, "end_call", attempt_id, by="ana", reason="wrong script", now=now
    )


def outcome(dialer: House, command: int) -> str | None:
    row = dialer.office.row("SELECT outcome FROM commands WHERE id = %s", command)
    return None if row["outcome"] is None else str(row["outcome"])


async def end(dialer: House) -> int:
    return await end_calls(dialer.pool, dialer.carrier, dialer.clock)


async def test_a_call_that_rings_is_ended_at_the_carrier(dialer: House) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    attempt_id, sid = await dialer.dial()
    command = asked(dialer, attempt_id)
    assert await end(dialer) == 1
    assert dialer.carrier.ended == [sid]
    assert outcome(dialer, command) == "ended: the carrier was told"
    assert dialer.office.attempt(attempt_id)["end_reason"] == END_REASON
    assert await end(dialer) == 0


async def test_a_conversation_is_left_to_its_server_for_a_moment(dialer: House) -> None:
    attempt_id = await dialed(dialer)
    dialer.office.db.execute("UPDATE attempts SET state = 'in_progress'")
    command = asked(dialer, attempt_id)
    assert await end(dialer) == 0
    assert outcome(dialer, command) is None
    dialer.clock.at += timedelta(seconds=4)
    assert await end(dialer) == 1
    assert len(dialer.carrier.ended) == 1


async def test_a_carrier_that_is_silent_is_asked_again(dialer: House) -> None:
    attempt_id = await dialed(dialer)
    command = asked(dialer, attempt_id)
    dialer.carrier.silent = True
    assert await end(dialer) == 0
    dialer.carrier.silent = False
    assert await end(dialer) == 1
    assert str(outcome(dialer, command)).startswith("ended")


async def test_only_a_live_call_can_be_ended_and_only_with_a_reason(dialer: House) -> None:
    attempt_id = await dialed(dialer)
    with pytest.raises(BadInput, match="say why"):
        ask_of_call(
            dialer.office.db,
            "end_call",
            attempt_id,
            by="ana",
            reason=" ",
            now=dialer.clock.now(),
        )
    unknown, over = asked(dialer, AttemptId(uuid4())), asked(dialer, attempt_id)
    dialer.office.db.execute("UPDATE attempts SET state = 'ended'")
    assert await end(dialer) == 2
    for command in (unknown, over):
        assert outcome(dialer, command) == "refused: there is no such live call"


async def test_the_server_stops_the_conversation_and_its_books_say_who_did(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_time_go_by(monkeypatch)
    async with server(dialer, monkeypatch) as running:
        attempt_id = await dialed(dialer)
        async with talking(running, attempt_id) as call:
            await call.hear_the_agent()
            command = asked(dialer, attempt_id)
            await call.closed()

        async def obeyed() -> str | None:
            return outcome(dialer, command)

        assert await until(obeyed) == "ended: the conversation was stopped"
    attempt = dialer.office.attempt(attempt_id)
    assert attempt["end_reason"] == END_REASON
    kinds = dialer.office.kinds(attempt_id)
    assert kinds[-1] == "media_stopped"

"""Whole calls over real sockets: simulated carrier, media session, the vendor's SDK for speech."""

import pytest

from dialer.simulator.config import SimulatorConfig
from tests.integration.media_calls import Held, desk
from tests.integration.sim_carrier import PACING

NUMBER = "+14155550123"
SPEED = 16.0


def config(*personas: str, **more: object) -> SimulatorConfig:
    options: dict[str, object] = {
        "port": 0,
        "speed": SPEED,
        "pacing": PACING,
        "answer_mix": {"human": 1.0},
        "personas": dict.fromkeys(personas or ("pleased",), 1.0),
        "word_error_rate": 0.0,
    }
    return SimulatorConfig(**(options | more))  # type: ignore[arg-type]


async def held(*personas: str) -> Held:
    async with desk(config(*personas)) as it:
        return await it.call(NUMBER)


def facts(call: Held) -> tuple[object, ...]:
    said = [(turn.speaker, turn.node, turn.text) for turn in call.log.turns]
    return (call.result.end_reason, call.result.disposition, said)


async def test_a_pleased_person_is_surveyed() -> None:
    call = await held("pleased")
    assert call.result.end_reason == "script_end"
    assert call.log.said_by("agent")[-1] == "Thank you for your time. Goodbye."
    assert len(call.log.said_by("caller")) >= 3
    assert all(t.heard_fraction == 1.0 for t in call.log.turns if t.speaker == "agent")
    measured = [turn for turn in call.log.turns if turn.response_ms is not None]
    assert len(measured) >= 3


async def test_an_opt_out_is_recorded_and_confirmed_and_the_same_seed_says_the_same() -> None:
    call, again = await held("opts_out"), await held("opts_out")
    assert facts(call) == facts(again)
    assert (call.result.end_reason, call.result.disposition) == ("opt_out", "opt_out")
    kinds = [kind for kind, _ in call.log.entries]
    confirmation = next(
        number
        for number, (kind, what) in enumerate(call.log.entries)
        if kind == "turn" and "will not call you again" in what.text
    )
    assert kinds.index("opt_out") < confirmation


async def test_somebody_who_says_nothing_is_left_in_peace() -> None:
    call = await held("mute")
    assert call.result.end_reason == "silence"
    assert call.log.said_by("caller") == []


async def test_somebody_who_hangs_up_is_recorded_as_such() -> None:
    call = await held("hangs_up")
    assert (call.result.end_reason, call.result.disposition) == ("human_hangup", "human_hangup")
    assert call.log.entries[-1] == ("media_stopped", "human_hangup")


async def test_long_speech_over_the_agent_stops_it() -> None:
    call = await held("barges_in")
    assert call.result.barge_ins == 1
    ((index, fraction),) = call.log.of("barge_in")
    cut = call.log.turns[index]
    assert cut.interrupted
    assert cut.heard_fraction == pytest.approx(fraction)
    assert 0.0 < fraction < 1.0


async def test_a_stop_order_ends_a_live_call() -> None:
    async with desk(config("pleased")) as it:
        sid = await it.place(NUMBER)
        await it.application.expect("/voice")
        while sid not in it.clerk.controls:
            await it.application.expect("/status", 1)
            await it.carrier.status_of(sid)
        it.clerk.controls[sid].stop("emergency_stop")
        call = await it.clerk.ended(sid)
        assert call.result.end_reason == "emergency_stop"
        await it.carrier.ended(1)
        assert await it.carrier.status_of(sid) == "completed"


async def test_many_calls_at_once_keep_to_themselves() -> None:
    async with desk(config("pleased", "annoyed", "opts_out", "asks_robot", speed=8.0)) as it:
        sids = [await it.place(f"+1415555{1000 + number}") for number in range(8)]
        calls = [await it.clerk.ended(sid) for sid in sids]
    assert {call.result.end_reason for call in calls} <= {"script_end", "opt_out"}
    for call in calls:
        assert [turn.index for turn in call.log.turns] == list(range(call.result.turns))
        assert call.log.of("media_stopped") == [call.result.end_reason]
        assert len(call.log.of("outcome")) == 1

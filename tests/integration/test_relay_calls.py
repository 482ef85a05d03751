"""Whole calls over real sockets by text, and the same calls over audio beside them."""

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from dialer.simulator.config import SimulatorConfig
from dialer.simulator.faults import FaultProfile
from tests.integration.media_calls import desk, survey
from tests.integration.relay_calls import HeldByText, text_desk
from tests.integration.sim_carrier import Phone, until
from tests.integration.test_media_calls import NUMBER, config
from tests.unit.media_fakes import KeptLog
from voice_ai.conversation import load_script
from voice_ai.transports import CONVERSATION_RELAY, for_transport

QUIET = config("mute")
# One for each way a call can go; more people take minutes and tell nothing else.
PEOPLE = ("pleased", "opts_out", "calls_back", "hangs_up")
KEYS = load_script(
    """
script: keys
purpose: informational
recorded: no
start: opening
slots:
  seller: {required: true}
  callback_number: {required: true, speak: phone}
  rating: {scope: call}
nodes:
  opening:
    identify: Hello, this is {seller}.
    disclose: I am an automated A I assistant.
    opt_out: Say stop or press nine to end these calls.
    say: You can reach us at {callback_number}.
    ask: For your rating, press one, press two or press three?
    expects: rating
    scale: [1, 3]
    capture: rating
    next: thanks
  thanks:
    goal: true
    say: Thank you for your time. Goodbye.
    end: true
""",
    source="keys",
)


async def held(*personas: str) -> tuple[HeldByText, dict[str, str]]:
    async with text_desk(config(*personas)) as it:
        return await it.call(NUMBER), await it.action()


async def test_a_pleased_person_is_surveyed_by_text() -> None:
    call, over = await held("pleased")
    assert (call.result.end_reason, call.result.disposition) == ("script_end", "goal")
    assert call.log.said_by("agent")[-1] == "Thank you for your time. Goodbye."
    assert len(call.log.said_by("caller")) >= 3
    assert all(t.heard_fraction == 1.0 for t in call.log.turns if t.speaker == "agent")
    assert over["SessionStatus"] == "ended"
    assert orjson.loads(over["HandoffData"]) == {"reason": "script_end"}


async def test_an_opt_out_is_recorded_before_it_is_confirmed_and_the_goodbye_is_heard() -> None:
    async with text_desk(config("opts_out")) as it:
        sid = await it.place(NUMBER)
        call = await it.ended(sid)
        heard = (await it.carrier.get(f"/simulator/calls/{sid}"))["heard"]
    assert (call.result.end_reason, call.result.disposition) == ("opt_out", "opt_out")
    kinds = [kind for kind, _ in call.log.entries]
    confirmed = next(
        number
        for number, (kind, what) in enumerate(call.log.entries)
        if kind == "turn" and "will not call you again" in what.text
    )
    assert kinds.index("opt_out") < confirmed
    assert "will not call you again, goodbye." in heard[-1]


async def test_somebody_who_says_nothing_is_left_in_peace() -> None:
    call, _ = await held("mute")
    assert (call.result.end_reason, call.result.disposition) == ("silence", "dead_air")
    assert call.log.said_by("caller") == []


async def test_somebody_who_hangs_up_is_recorded_as_such() -> None:
    call, over = await held("hangs_up")
    assert (call.result.end_reason, call.result.disposition) == ("human_hangup", "human_hangup")
    assert (over["SessionStatus"], over["CallStatus"]) == ("completed", "in-progress")


async def test_speech_over_the_agent_stops_it_where_the_carrier_says() -> None:
    call, _ = await held("barges_in")
    assert call.result.barge_ins == 1
    ((index, fraction),) = call.log.of("barge_in")
    cut = call.log.turns[index]
    assert cut.interrupted
    assert cut.heard_fraction == pytest.approx(fraction)
    assert 0.0 < fraction < 1.0


async def test_a_key_answers_a_question() -> None:
    async with text_desk(config("pleased"), KEYS) as it:
        call = await it.call(NUMBER)
    assert call.result.disposition == "goal"
    assert call.result.slots["rating"] in {"1", "2", "3"}
    assert any(said.startswith("pressed") for said in call.log.said_by("caller"))


async def test_a_socket_that_breaks_is_told_from_a_hang_up() -> None:
    faults = FaultProfile(name="drops", media_drop=1.0)
    async with text_desk(config("mute", faults=faults)) as it:
        call, over = await it.call(NUMBER), await it.action()
    assert (call.result.end_reason, call.result.disposition) == ("media_lost", "failed_transient")
    assert (over["SessionStatus"], over["ErrorCode"]) == ("failed", "64105")


async def test_an_invalid_message_is_told_and_the_session_goes_on() -> None:
    told: list[dict[str, object]] = []

    async def blunder(phone: Phone) -> None:
        await phone.socket.receive_text()
        for message in ("{", '{"type":"sing"}', '{"type":"text","token":5}', '{"type":"play"}',
                        '{"type":"text","token":"Hello.","loud":true}'):  # fmt: skip
            await phone.socket.send_text(message)
            told.append(orjson.loads(await phone.socket.receive_text()))
        await phone.socket.send_text('{"type":"end","handoffData":"{}"}')

    async with text_desk(QUIET) as it:
        it.application.talk = blunder
        await it.place(NUMBER)
        over = await it.action()
    assert [message["type"] for message in told] == ["error"] * 5
    assert all(str(message["description"]).startswith("64107") for message in told)
    assert over["SessionStatus"] == "ended"


async def test_a_talk_cycle_is_replaced_by_the_next_only_if_it_allows_it() -> None:
    async def speak(phone: Phone) -> None:
        await phone.socket.receive_text()
        for token, last, preemptible in (
            ("This must ", False, False),
            ("be heard.", True, False),
            ("This is forgotten.", True, True),
            ("This takes its place.", True, False),
        ):
            message = {"type": "text", "token": token, "last": last, "preemptible": preemptible}
            await phone.socket.send_text(orjson.dumps(message).decode())
        await only_listen_to_text(phone)

    async with text_desk(QUIET) as it:
        it.application.talk = speak
        sid = await it.place(NUMBER)

        async def heard() -> list[str] | None:
            words: list[str] = (await it.carrier.get(f"/simulator/calls/{sid}"))["heard"]
            return words if len(words) == 2 else None

        assert await until(heard) == ["This must be heard.", "This takes its place."]


async def only_listen_to_text(phone: Phone) -> None:
    while True:
        await phone.socket.receive_text()


def story(log: KeptLog) -> dict[str, list[Any]]:
    """What both transports must agree on: what was said and done, not when.

    Who answered is judged by ear, so a transport without sound has no verdict of ours.
    """
    turns = [
        (t.speaker, t.node, t.text, t.prompt_key, t.interrupted)
        for t in sorted(log.turns, key=lambda t: t.started_at)
    ]
    kinds = [kind for kind, _ in log.entries if kind not in ("turn", "answered")]
    return {
        "agent": [turn for turn in turns if turn[0] == "agent"],
        "person": [turn for turn in turns if turn[0] == "caller"],
        "events": kinds,
        "outcome": log.of("outcome"),
    }


@pytest.mark.parametrize("persona", PEOPLE)
async def test_the_same_script_comes_to_the_same_on_both_transports(persona: str) -> None:
    script = for_transport(survey(), CONVERSATION_RELAY)
    world: SimulatorConfig = replace(config(persona), speed=12.0)
    async with desk(world, script) as audio, text_desk(world, script) as text:
        heard, read = await asyncio.gather(audio.call(NUMBER), text.call(NUMBER))
    by_text, by_audio = story(read.log), story(heard.log)
    if persona == "hangs_up":  # how far the agent came by then is a matter of moments
        said = [told.pop("agent") for told in (by_text, by_audio)]
        shorter, longer = sorted(said, key=len)
        assert longer[: len(shorter)] == shorter != []
    assert by_text == by_audio

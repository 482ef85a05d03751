"""What is done about mailboxes, screeners, menus and faxes, over real sockets at the simulator."""

from dialer.simulator.config import SimulatorConfig
from tests.integration.media_calls import Held, desk
from tests.integration.sim_carrier import PACING
from voice_ai.answering import Answering

NUMBER = "+14155550123"


def config(outcome: str) -> SimulatorConfig:
    return SimulatorConfig(
        port=0,
        speed=16.0,
        pacing=PACING,
        answer_mix={outcome: 1.0},
        personas={"pleased": 1.0},
        word_error_rate=0.0,
        amd_error_rate=0.0,
    )


async def held(outcome: str, policy: Answering | None = None, **order: object) -> Held:
    async with desk(config(outcome), answering=policy) as it:
        sid = await it.place(NUMBER, **order)
        return await it.clerk.ended(sid)


async def test_a_mailbox_is_hung_up_on_by_our_own_ears_before_its_greeting_ends() -> None:
    call = await held("voicemail")
    assert (call.result.end_reason, call.result.disposition) == ("machine", "machine")
    assert call.log.of("answered")[-1].label == "machine"
    assert call.result.audio_s < 8.0


async def test_a_message_is_left_after_the_beep() -> None:
    call = await held("voicemail", Answering(machine="leave_message"))
    assert (call.result.end_reason, call.result.disposition) == ("message_left", "machine")
    message = [turn for turn in call.log.turns if "message from an automated" in turn.text]
    assert len(message) == 1
    greeting_ends = max(turn.ended_at for turn in call.log.turns if turn.speaker == "caller")
    assert message[0].started_at > greeting_ends
    assert call.log.said_by("agent")[-1].startswith("To stop these calls, call eight zero zero")
    assert call.log.turns[-1].heard_fraction == 1.0


async def test_a_screener_is_answered_once_and_its_owner_surveyed() -> None:
    call = await held("screening")
    assert call.log.of("answered")[-1].label == "screening"
    agent = call.log.said_by("agent")
    assert agent.count("I have two short questions for your team.") >= 1
    assert (call.result.end_reason, call.result.disposition) == ("script_end", "goal")


async def test_a_menu_and_a_fax_are_hung_up_on() -> None:
    menu = await held("ivr")
    assert (menu.result.end_reason, menu.result.disposition) == ("ivr", "machine")
    fax = await held("fax")
    assert (fax.result.end_reason, fax.result.disposition) == ("fax", "machine")

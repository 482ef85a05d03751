"""What is done about mailboxes, screeners and menus, in whole calls in virtual time."""

import numpy as np
import pytest

from dialer.media.session import SessionResult
from tests.unit.media_fakes import FRAME, LOUD, Call
from voice_ai.answering import Answering
from voice_ai.conversation import builtin_scripts, load_script
from voice_ai.mulaw import encode

SURVEY = builtin_scripts()["satisfaction_survey"]
MESSAGE = "Hello, this is Acme Health with a message from an automated A I assistant."
HOW_TO_STOP = (
    "To stop these calls, call eight zero zero, five five five, zero one zero zero. Goodbye."
)
SCRIPT = load_script(SURVEY, source="survey")
PURPOSE = "I have two short questions for your team."
OPENING_QUESTION = "May I ask them now?"
GREETING = "Hi, you have reached Jan, please leave a message after the tone."
SCREENER = "Please say your name and why you are calling."
LEAVE = Answering(machine="leave_message")


def tone(hertz: float, seconds: float) -> list[bytes]:
    at = np.arange(round(seconds * 50) * FRAME) / 8000
    audio = encode((7000 * np.sin(2 * np.pi * hertz * at)).astype(np.int16))
    return [audio[first : first + FRAME] for first in range(0, len(audio), FRAME)]


def picked_up(policy: Answering | None = None) -> Call:
    return Call(SCRIPT, answering=policy).pick_up()


async def sound(call: Call, frames: list[bytes]) -> None:
    for frame in frames:
        await call.pass_time(0.02, frame)


async def greet(call: Call, text: str = GREETING, seconds: float = 3.0) -> None:
    """The words come while they are spoken, as a recogniser tells them."""
    await call.pass_time(0.4)
    await call.pass_time(seconds - 0.5, LOUD)
    call.ears.now.partial(text)
    await call.pass_time(0.5, LOUD)
    call.ears.now.listen_to(text)


async def talk(call: Call, seconds: float) -> None:
    """As people speak, with stops in which only the line is heard."""
    for _ in range(round(seconds / 0.5)):
        await call.pass_time(0.42, LOUD)
        await call.pass_time(0.08)


def ended(result: SessionResult) -> tuple[str, str | None]:
    return result.end_reason, result.disposition


async def test_a_mailbox_is_hung_up_on_at_its_words() -> None:
    call = picked_up()
    await greet(call)
    assert ended(await call.result()) == ("machine", "machine")
    (verdict,) = call.log.of("answered")
    assert (verdict.label, verdict.why) == ("machine", "words")
    assert verdict.confidence >= 0.9
    assert 2.0 < verdict.at_s < 3.5


async def test_the_message_is_left_after_the_beep_and_once() -> None:
    call = picked_up(LEAVE)
    await greet(call)
    assert not call.over
    assert "clear" in call.line.events()
    await call.pass_time(0.8)
    spoken = call.line.played
    await sound(call, tone(1000, 0.4))
    assert call.line.played == spoken, "nothing is said before the beep is over"
    result = await call.until_over(30)
    assert ended(result) == ("message_left", "machine")
    agent = call.log.said_by("agent")
    assert (agent[-3], agent[-1]) == (MESSAGE, HOW_TO_STOP)
    assert agent.count(MESSAGE) == 1
    assert [turn.heard_fraction for turn in call.log.turns if turn.text == HOW_TO_STOP] == [1.0]


async def test_without_a_beep_the_message_is_left_after_a_long_silence() -> None:
    call = picked_up(LEAVE)
    await greet(call)
    await call.pass_time(3.0)
    assert MESSAGE not in call.voice.asked
    await call.pass_time(2.5)
    assert MESSAGE in call.voice.asked
    assert ended(await call.until_over(30)) == ("message_left", "machine")


async def test_the_carriers_word_that_the_greeting_is_over_is_a_beep() -> None:
    call = picked_up(LEAVE)
    await call.pass_time(2.0)
    call.control.machine_detected("machine_end_beep")
    assert ended(await call.until_over(30)) == ("message_left", "machine")
    assert call.log.said_by("agent")[-1] == HOW_TO_STOP


async def test_both_verdicts_leave_one_message() -> None:
    call = picked_up(LEAVE)
    await greet(call)
    await sound(call, tone(800, 0.4))
    await call.pass_time(0.3)
    call.control.machine_detected("machine_end_beep")
    await call.until_over(30)
    assert call.voice.asked.count(MESSAGE) == 1


async def test_a_mailbox_that_hangs_up_first_has_no_message() -> None:
    call = picked_up(LEAVE)
    await greet(call)
    await sound(call, tone(800, 0.4))
    await call.pass_time(1.0)
    call.line.hang_up()
    await call.settle()
    assert ended(await call.result()) == ("message_cut", "machine")


async def test_a_mailbox_that_hangs_up_before_its_beep_is_a_machine() -> None:
    call = picked_up(LEAVE)
    await greet(call)
    call.line.hang_up()
    await call.settle()
    assert ended(await call.result()) == ("machine", "machine")


async def test_a_greeting_without_end_is_left_in_the_end() -> None:
    call = picked_up(LEAVE)
    await greet(call)
    for _ in range(20):
        if call.over:
            break
        await call.say("All of our agents are busy.", 3.0, quiet_after=0.7)
    assert ended(await call.result()) == ("machine", "machine")
    assert MESSAGE not in call.voice.asked


async def test_the_carriers_machine_waits_for_our_ears_while_somebody_speaks() -> None:
    call = picked_up()
    await call.pass_time(0.4)
    await talk(call, 1.5)
    call.control.machine_detected("machine_start")
    await call.settle()
    assert not call.over, "it may be a screener"
    call.ears.now.partial(SCREENER)
    call.ears.now.listen_to(SCREENER)
    await talk(call, 0.5)
    await call.until_asked(PURPOSE)


async def test_a_script_without_a_message_leaves_none() -> None:
    call = Call(SCRIPT.model_copy(update={"voicemail": ()}), answering=LEAVE).pick_up()
    await greet(call)
    await sound(call, tone(800, 0.4))
    await call.pass_time(0.2)
    assert ended(await call.result()) == ("machine", "machine")


async def test_an_opt_out_holds_also_while_the_beep_is_waited_for() -> None:
    call = picked_up(LEAVE)
    await call.pass_time(2.0)
    call.control.machine_detected("machine_start")
    await call.say("Stop calling me.")
    assert call.log.of("opt_out") == ["speech"]
    assert ended(await call.until_over()) == ("opt_out", "opt_out")


async def test_somebody_who_picks_up_before_the_beep_is_talked_to() -> None:
    call = picked_up(LEAVE)
    await call.pass_time(2.0)
    call.control.machine_detected("machine_start")
    await call.pass_time(0.5)
    await call.say("Hello?", 0.5)
    await call.until_asked(OPENING_QUESTION)
    assert MESSAGE not in call.voice.asked


async def test_a_screener_is_told_once_and_then_the_person_is_talked_to() -> None:
    call = picked_up()
    await greet(call, SCREENER)
    assert not call.over
    await call.pass_time(1.5)
    await call.until_asked(PURPOSE)
    assert not call.was_heard(OPENING_QUESTION)
    await call.say("Thanks, please hold on.")
    await call.pass_time(5.0)
    await call.say("Hello?", 0.5)
    await call.until_asked(OPENING_QUESTION)
    agent = call.log.said_by("agent")
    assert agent.count(PURPOSE) == 2, "for the screener, and for who came on"
    await call.say("Yes, sure.")
    await call.until_asked("On a scale from one to five")
    assert [verdict.label for verdict in call.log.of("answered")] == ["screening"]


async def test_a_second_prompt_of_a_screener_ends_the_call() -> None:
    call = picked_up()
    await greet(call, SCREENER)
    await call.until_asked(PURPOSE)
    await call.say("Sorry, please state your name and the reason for your call.", 2.0)
    assert ended(await call.result()) == ("screening", "machine")


async def test_a_screener_that_brings_nobody_is_left_in_the_end() -> None:
    call = picked_up()
    await greet(call, SCREENER)
    await call.until_asked(PURPOSE)
    assert ended(await call.until_over(40)) == ("screening", "machine")


async def test_a_screener_that_goes_over_to_a_mailbox_is_a_mailbox() -> None:
    call = picked_up(LEAVE)
    await greet(call, SCREENER)
    await call.until_asked(PURPOSE)
    await call.say("They are not available. Please leave a message after the tone.", 2.0)
    await sound(call, tone(600, 0.3))
    assert ended(await call.until_over(30)) == ("message_left", "machine")


@pytest.mark.parametrize(
    ("policy", "text", "reason"),
    [
        (Answering(screening="hang_up"), SCREENER, "screening"),
        (Answering(), "For sales, press one. For service, press two.", "ivr"),
    ],
)
async def test_what_is_to_be_hung_up_on_is(policy: Answering, text: str, reason: str) -> None:
    call = picked_up(policy)
    await greet(call, text)
    assert ended(await call.result()) == (reason, "machine")


async def test_a_menu_may_be_talked_to() -> None:
    call = picked_up(Answering(ivr="talk"))
    await greet(call, "For sales, press one. For service, press two.")
    await call.pass_time(1.0)
    assert not call.over


async def test_a_fax_is_hung_up_on_without_a_word_from_anybody() -> None:
    call = picked_up()
    await call.pass_time(0.5)
    await sound(call, tone(2100, 1.0))
    assert ended(await call.result()) == ("fax", "machine")


async def test_who_talks_long_is_not_hung_up_on_for_that_alone() -> None:
    call = picked_up()
    await call.pass_time(0.3)
    await talk(call, 6.0)
    (verdict,) = call.log.of("answered")
    assert verdict.label == "machine"
    assert verdict.confidence < 0.8
    assert not call.over


async def test_a_clear_hello_outweighs_the_carriers_machine() -> None:
    call = picked_up()
    await call.pass_time(0.4)
    await call.say("Hello?", 0.5)
    await call.pass_time(1.0)
    call.control.machine_detected("machine_start")
    await call.until_asked(OPENING_QUESTION)
    assert not call.over


async def test_a_long_greeting_and_the_carrier_together_are_enough() -> None:
    call = picked_up()
    await call.pass_time(0.3)
    await talk(call, 5.5)
    call.control.machine_detected("human")
    await call.settle()
    assert not call.over, "the carrier says that it is somebody"
    call.control.machine_detected("machine_start")
    await call.settle()
    assert ended(await call.result()) == ("machine", "machine")


async def test_whoever_answered_a_question_is_a_person_whatever_they_say() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    await call.say("Yes, sure.")
    await call.until_asked("On a scale from one to five")
    known = call.log.of("answered")[-1]
    await call.say("You can leave a message after the tone.", 1.5)
    call.control.machine_detected("machine_start")
    await call.pass_time(0.5)
    assert not call.over
    assert call.log.of("answered")[-1] == known


async def test_nothing_heard_is_unknown_and_talked_to() -> None:
    call = picked_up()
    await call.pass_time(6.0)
    (verdict,) = call.log.of("answered")
    assert (verdict.label, verdict.why) == ("unknown", "silence")
    assert not call.over

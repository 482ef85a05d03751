"""Calls that end before their time: orders, hang-ups, and lost sockets, ears and voices."""

import asyncio

import pytest

from dialer.media.session import SessionLimits, converse
from dialer.ports import SocketClosed
from tests.unit.media_fakes import LOUD, SLOTS, START, Call
from voice_ai.conversation import begin, builtin_scripts, load_script, step
from voice_ai.conversation.turns import Ask, Say, Speech
from voice_ai.errors import BadInput

SCRIPT = load_script(builtin_scripts()["satisfaction_survey"], source="survey")
FIRST_LINE = "Hello, this is Acme Health."
OPT_OUT_LINE = "Say stop or press nine to end these calls."
OPENING_QUESTION = "May I ask them now?"
RATING_QUESTION = "On a scale from one to five"
LAST_LINE = "I have to end the call here. Thank you. Goodbye."


def picked_up(**options: object) -> Call:
    return Call(SCRIPT, **options).pick_up()  # type: ignore[arg-type]


async def test_a_stop_order_ends_the_call_with_its_reason() -> None:
    call = picked_up()
    await call.pass_time(1.0)
    call.control.stop("emergency_stop")
    result = await call.result()
    assert (result.end_reason, result.disposition) == ("emergency_stop", None)
    assert call.line.closed
    assert call.log.turns[0].interrupted is False
    call.control.stop("too late to matter")


async def test_a_hang_up_in_mid_sentence_is_recorded_as_far_as_it_was_heard() -> None:
    call = picked_up()
    await call.pass_time(1.0)
    call.line.hang_up()
    result = await call.result()
    assert (result.end_reason, result.disposition) == ("human_hangup", "human_hangup")
    (turn,) = call.log.turns
    assert turn.heard_fraction == pytest.approx(0.5, abs=0.1)
    assert turn.interrupted is False


async def test_a_socket_that_dies_ends_the_session_and_not_the_server() -> None:
    call = picked_up()
    await call.pass_time(1.0)
    call.line.break_down()
    result = await call.result()
    assert (result.end_reason, result.disposition) == ("media_lost", "failed_transient")
    assert call.log.of("media_stopped") == ["media_lost"]


async def test_a_call_that_no_longer_takes_its_events_is_ended_and_says_why() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    await call.say("Yes.")
    call.line.hangs_on_clear = True
    call.line.bring({"event": "dtmf", "dtmf": {"digit": "1"}})
    call.line.bring({"event": "dtmf", "dtmf": {"digit": "2"}})
    result = await call.until_over(40.0)
    assert result.end_reason == "stuck"
    assert call.log.of("media_stopped") == ["stuck"]


async def test_a_flood_of_events_ends_the_call_and_takes_no_memory() -> None:
    call = picked_up()
    await call.until(lambda: call.was_heard(FIRST_LINE))
    for _ in range(2_000):
        call.line.bring({"event": "dtmf", "dtmf": {"digit": "1"}})
    result = await call.until_over(10.0)
    assert result.end_reason == "stuck"


async def test_ears_that_die_once_are_opened_again() -> None:
    call = picked_up(ears=2)
    await call.pass_time(1.0)
    call.ears.now.die()
    await call.until_asked(OPENING_QUESTION)
    await call.say("Yes.")
    await call.until_asked(RATING_QUESTION)
    assert [ears.closed for ears in call.ears.opened] == [True, False]


async def test_ears_that_stay_dead_end_the_call_politely() -> None:
    call = picked_up(ears=1)
    await call.until(lambda: call.was_heard(FIRST_LINE))
    call.ears.now.die()
    result = await call.until_over()
    assert (result.end_reason, result.disposition) == ("ears_lost", "failed_transient")
    assert call.log.said_by("agent")[-1] == LAST_LINE


async def test_a_transcript_that_never_comes_is_replaced_by_its_partial_text() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    call.ears.now.answers = False
    await call.pass_time(0.4, LOUD)
    call.ears.now.partial("yes sure")
    await call.pass_time(0.4, LOUD)
    await call.until_asked(RATING_QUESTION)
    turn = next(turn for turn in call.log.turns if turn.speaker == "caller")
    assert turn.text == "yes sure"
    assert turn.stt_tail_ms is None


async def test_a_sentence_that_cannot_be_spoken_ends_the_call_with_a_cached_line() -> None:
    call = picked_up()
    call.voice.broken = lambda text: RATING_QUESTION in text
    await call.until_asked(OPENING_QUESTION)
    await call.say("Yes.")
    result = await call.until_over()
    assert (result.end_reason, result.disposition) == ("voice_lost", "conversed_no_goal")
    assert call.log.said_by("agent")[-1] == LAST_LINE


async def test_without_any_voice_the_call_ends_instead_of_staying_silent() -> None:
    call = picked_up()
    call.voice.broken = lambda text: True
    await call.pass_time(0.2)
    result = await call.result()
    assert (result.end_reason, result.disposition) == ("voice_lost", "failed_transient")
    assert call.log.turns == []


async def test_a_barge_in_stops_a_synthesis_that_is_still_going_on() -> None:
    call = picked_up()
    stuck = "I have two short questions for your team."
    call.voice.stuck[stuck] = asyncio.Event()
    await call.until(lambda: call.was_heard(OPT_OUT_LINE))
    await call.say("Sorry, who is calling?", 1.2)
    await call.until_asked(OPENING_QUESTION)
    assert call.log.of("barge_in")


async def test_lost_marks_do_not_stop_the_conversation() -> None:
    call = picked_up()
    call.line.returns_marks = False
    await call.until_asked(OPENING_QUESTION, 90)
    await call.say("No.")
    assert (await call.until_over()).end_reason == "script_end"


async def test_a_call_that_is_too_long_is_ended_politely() -> None:
    call = picked_up(limits=SessionLimits(max_call_s=12.0))
    result = await call.until_over()
    assert result.end_reason == "time_up"
    assert call.log.said_by("agent")[-1] == LAST_LINE


async def test_a_line_without_frames_is_given_up_by_the_clock() -> None:
    call = picked_up()
    await call.pass_time(1.0)
    for _ in range(10):
        call.clock.advance(2.0)
        await call.settle()
    result = await call.result()
    assert (result.end_reason, result.disposition) == ("no_media", "failed_transient")


async def test_a_quick_rehearsal_does_not_hurry_the_machines() -> None:
    call = picked_up(speed=20.0)
    await call.pass_time(1.0)
    for _ in range(15):
        call.clock.advance(10.0)
        await call.settle()
    assert not call.over, "150 clock seconds are 7.5 real ones"
    call.line.hang_up()
    assert (await call.result()).end_reason == "human_hangup"


async def test_when_the_server_stops_the_log_still_gets_its_last_words() -> None:
    call = picked_up()
    await call.pass_time(1.0)
    assert call.task is not None
    call.task.cancel()
    await asyncio.gather(call.task, return_exceptions=True)
    assert call.task.cancelled()
    assert call.log.of("outcome") == [(None, "server_stopped", {})]
    assert call.log.entries[-1] == ("media_stopped", "server_stopped")
    assert len(asyncio.all_tasks()) == 1, "no task is left behind"


async def test_a_failing_log_loses_entries_but_not_the_call() -> None:
    call = picked_up()
    call.log.refuses.add("turn")
    await call.until(lambda: call.voice.asked[-1:] == [OPENING_QUESTION])
    await call.pass_time(14.0)
    call.line.hang_up()
    assert (await call.result()).end_reason == "human_hangup"
    assert call.log.of("media_stopped") == ["human_hangup"]


async def test_a_mistake_in_a_part_ends_the_call_and_is_no_exception_of_it() -> None:
    call = picked_up()
    call.voice.broken = lambda text: bool(1 / 0)
    await call.pass_time(0.2)
    result = await call.result()
    assert (result.end_reason, result.disposition) == ("error", "failed_transient")


async def test_messages_that_cannot_be_read_are_skipped() -> None:
    call = picked_up()
    call.line.bring({"event": "media", "media": {"payload": "!!!"}})
    call.line.bring({"no": "event"})
    call.line.bring({"event": "weather"})
    await call.until_asked(OPENING_QUESTION)


async def test_a_missing_slot_is_refused_before_anything_is_said() -> None:
    call = Call(SCRIPT)
    with pytest.raises(BadInput, match="seller"):
        await converse(
            socket=call.line,
            start=START,
            script=SCRIPT,
            slots={**SLOTS, "seller": None},
            ears=call.ears,
            voice=call.voice,
            mind=call.mind,
            log=call.log,
            clock=call.clock,
            limits=SessionLimits(),
            control=call.control,
        )
    assert call.line.sent == []
    assert call.log.entries == []


async def test_closing_a_socket_that_is_closed_already_is_fine() -> None:
    call = picked_up()

    async def closed() -> None:
        raise SocketClosed

    call.line.close = closed  # type: ignore[method-assign]
    await call.pass_time(0.5)
    call.control.stop("operator")
    assert (await call.result()).end_reason == "operator"


async def test_a_sentence_that_is_long_in_coming_is_not_waited_for_in_silence() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    call.voice.known = {"One moment, please."}
    late = first_words_after_yes()[0]
    call.voice.late[late] = asyncio.Event()
    await call.say("Yes.")
    await call.until(lambda: call.was_heard("One moment, please."))
    call.voice.late[late].set()
    await call.until_asked(RATING_QUESTION)
    said = call.log.said_by("agent")
    assert said.index("One moment, please.") + 1 == said.index(late)
    assert said.count("One moment, please.") == 1


def first_words_after_yes() -> list[str]:
    state, _ = begin(SCRIPT, SLOTS)
    _, actions = step(SCRIPT, state, Speech("Yes.", intent="yes"))
    return [action.text for action in actions if isinstance(action, Say | Ask)]


class Carrier:
    """Says what it is told to, and takes the call away as a carrier does."""

    def __init__(self, call: Call) -> None:
        self.said: list[tuple[str, str]] = []
        self._call = call

    async def say_and_end(self, text: str, language: str) -> bool:
        self.said.append((text, language))
        self._call.line.hang_up()
        return True


async def test_where_no_voice_of_ours_is_left_the_carrier_says_the_last_words() -> None:
    call = Call(SCRIPT)
    call.last_resort = carrier = Carrier(call)
    call.pick_up()
    call.voice.broken = lambda text: True
    result = await call.until_over()
    assert carrier.said == [(LAST_LINE, "en-US")]
    assert (result.end_reason, result.disposition) == ("voice_lost", "failed_transient")
    assert call.log.said_by("agent") == [LAST_LINE]

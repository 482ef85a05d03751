"""Whole calls over text in virtual time, through the public entry point."""

import asyncio

import pytest

from dialer.media.session import SessionLimits
from tests.unit.relay_fakes import TextCall
from voice_ai.conversation import builtin_scripts, load_script

SCRIPT = load_script(builtin_scripts()["satisfaction_survey"], source="survey")
FIRST_LINE = "Hello, this is Acme Health."
OPENING_QUESTION = "May I ask them now?"
RATING_QUESTION = "On a scale from one to five"
LIKED_QUESTION = "What did you like the most?"
GOODBYE = "Thank you for your time. Goodbye."
REFUSAL = "All right, Acme Health will not call you again, goodbye."


def picked_up(**options: object) -> TextCall:
    return TextCall(SCRIPT, **options).pick_up()  # type: ignore[arg-type]


def texts(call: TextCall) -> list[str]:
    return [message["token"].strip() for message in call.relay.sent if message["type"] == "text"]


@pytest.mark.parametrize("words_per_s", [2.1, 2.5, 3.2])
async def test_a_survey_is_held_whether_the_voice_is_quick_or_slow(words_per_s: float) -> None:
    call = picked_up(words_per_s=words_per_s)
    await call.pass_time(0.3)
    await call.say("Hello?", 0.4)
    await call.until_asked(OPENING_QUESTION)
    await call.say("Yes, sure.")
    await call.until_asked(RATING_QUESTION)
    await call.say("Five.", 0.3)
    await call.until_asked(LIKED_QUESTION)
    await call.say("It was great.", 1.2)
    result = await call.until_over()

    assert (result.end_reason, result.disposition) == ("script_end", "goal")
    assert dict(result.slots) == {"rating": "5", "comment": "It was great."}
    assert call.log.said_by("caller") == ["Hello?", "Yes, sure.", "Five.", "It was great."]
    assert call.log.said_by("agent")[-1] == GOODBYE
    assert (result.barge_ins, call.log.of("barge_in")) == (0, [])
    assert [turn.index for turn in call.log.turns] == list(range(result.turns))
    assert all(t.heard_fraction == 1.0 for t in call.log.turns if t.speaker == "agent")
    assert call.log.entries[0] == ("media_started", "VX" + "a" * 32)
    assert [kind for kind, _ in call.log.entries][-2:] == ["outcome", "media_stopped"]
    assert call.relay.ended == "script_end"
    assert call.relay.closed


async def test_the_goodbye_is_spoken_to_its_end_by_a_voice_as_slow_as_thought() -> None:
    call = picked_up(words_per_s=2.4)
    await call.until_asked(OPENING_QUESTION)
    await call.say("No, thanks.")
    await call.until(lambda: call.relay.ended is not None)
    assert call.relay.spoken[-1] == GOODBYE


async def test_what_must_be_heard_cannot_be_stopped_by_words_or_by_what_comes_next() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    flags = [
        (message["token"].strip(), message["interruptible"], message["preemptible"])
        for message in call.relay.sent
    ]
    assert flags[0] == (FIRST_LINE, False, False)
    assert "automated" in flags[1][0]
    assert flags[1][1:] == (False, False)
    assert {flag[1:] for flag in flags[2:]} == {(True, True)}
    lasts = [message["last"] for message in call.relay.sent]
    assert lasts == [False, True, False, False, True]


async def test_nothing_is_measured_that_cannot_be() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    await call.say("Yes.")
    await call.until_asked(RATING_QUESTION)
    await call.pass_time(3)
    answer = next(turn for turn in call.log.turns if turn.text == "Yes.")
    reply = next(turn for turn in call.log.turns if RATING_QUESTION in turn.text)
    assert answer.mind_ms is not None
    assert (answer.endpoint_ms, answer.stt_tail_ms) == (None, None)
    assert (reply.tts_first_byte_ms, reply.response_ms) == (None, None)
    assert (answer.ended_at - answer.started_at).total_seconds() == pytest.approx(0.8, abs=0.1)


async def test_an_interruption_tells_what_was_heard() -> None:
    call = picked_up()
    await call.until(lambda: call.relay.speaking is not None and "two short" in texts(call)[-2])
    await call.until(lambda: "short" in (getattr(call.relay.speaking, "text", "")))
    await call.pass_time(1.0)
    await call.say("Sorry, who is calling?", 1.2)
    await call.until_asked(OPENING_QUESTION)
    cut = next(turn for turn in call.log.turns if turn.interrupted)
    assert cut.text == "I have two short questions for your team."
    assert cut.heard_fraction is not None
    assert 0.1 < cut.heard_fraction < 0.5
    assert call.log.of("barge_in") == [(cut.index, cut.heard_fraction)]
    assert texts(call).count(FIRST_LINE) == 2, "who is calling is answered"


async def test_a_cough_stops_the_agent_and_the_question_is_asked_again() -> None:
    call = picked_up()
    await call.until(lambda: "short" in (getattr(call.relay.speaking, "text", "")))
    call.relay.person_speaks()
    await call.pass_time(8)
    assert texts(call).count(OPENING_QUESTION) == 2


async def test_hello_over_the_opening_derails_nothing() -> None:
    call = picked_up()
    await call.pass_time(0.6)
    await call.say("Hello? Hello?", 0.9)
    await call.until_asked(OPENING_QUESTION)
    assert texts(call).count(FIRST_LINE) == 1
    assert not any(turn.interrupted for turn in call.log.turns)


async def test_an_opt_out_is_on_record_before_the_goodbye_is_sent() -> None:
    call = picked_up()
    sent_before: list[str] = []
    record = call.log.opt_out

    async def recording(evidence: str) -> None:
        await asyncio.sleep(0)
        sent_before.extend(texts(call))
        await record(evidence)

    call.log.opt_out = recording  # type: ignore[method-assign]
    await call.until_asked(OPENING_QUESTION)
    await call.say("Please take me off your list.", 1.2)
    result = await call.until_over()
    assert result.opted_out
    assert (result.end_reason, result.disposition) == ("opt_out", "opt_out")
    assert call.log.of("opt_out") == ["speech"]
    assert texts(call)[-1] == REFUSAL
    assert REFUSAL not in sent_before


async def test_nothing_is_promised_when_the_opt_out_cannot_be_recorded() -> None:
    call = picked_up()
    call.log.refuses.add("opt_out")
    await call.until_asked(OPENING_QUESTION)
    await call.say("Stop calling me.")
    result = await call.until_over()
    assert (result.end_reason, result.disposition) == ("opt_out", "opt_out")
    assert REFUSAL not in texts(call)


async def test_an_opt_out_over_the_opening_counts_at_once() -> None:
    call = picked_up()
    await call.pass_time(0.6)
    await call.say("Stop calling me.", 0.8)
    assert call.log.of("opt_out") == ["speech"]
    result = await call.until_over()
    assert result.opted_out
    assert OPENING_QUESTION not in call.relay.spoken
    assert call.relay.spoken[-1] == REFUSAL


async def test_key_nine_opts_out_at_any_moment() -> None:
    call = picked_up()
    await call.pass_time(0.5)
    await call.press("9")
    result = await call.until_over()
    assert result.end_reason == "opt_out"
    assert call.log.of("opt_out") == ["digit"]
    assert "pressed 9" in call.log.said_by("caller")


async def test_a_key_answers_a_question() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    await call.say("Yes.")
    await call.until_asked(RATING_QUESTION)
    await call.press("4")
    await call.until_asked(LIKED_QUESTION)
    await call.say("The view.")
    result = await call.until_over()
    assert result.slots["rating"] == "4"


async def test_silence_is_asked_about_once_and_then_ends_the_call() -> None:
    call = picked_up()
    result = await call.until_over(90)
    assert (result.end_reason, result.disposition) == ("silence", "dead_air")
    assert "I did not hear you." in texts(call)
    assert call.relay.ended == "silence"


async def test_who_is_still_speaking_is_not_silent() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    for word in ("well", "well let", "well let me", "well let me see"):
        call.relay.prompt(word, last=False)
        await call.pass_time(3)
    assert "I did not hear you." not in texts(call)


async def test_words_that_never_become_final_count_as_they_are() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    call.relay.prompt("Yes", last=False)
    await call.until_asked(RATING_QUESTION)
    call.relay.prompt("Yes.")
    await call.settle()
    assert call.log.said_by("caller") == ["Yes"]


async def test_a_hang_up_and_a_lost_socket_are_told_apart() -> None:
    left, lost = picked_up(), picked_up()
    for call in (left, lost):
        await call.until_asked(OPENING_QUESTION)
    left.relay.hang_up()
    lost.relay.break_down()
    gone, cut = await left.until_over(), await lost.until_over()
    assert (gone.end_reason, gone.disposition) == ("human_hangup", "human_hangup")
    assert (cut.end_reason, cut.disposition) == ("media_lost", "failed_transient")
    assert left.relay.ended is None, "nobody is left to be told"


async def test_last_words_before_a_hang_up_may_ask_for_no_more_calls() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    call.relay.prompt("Stop calling me", last=False)
    call.relay.hang_up()
    result = await call.until_over()
    assert result.opted_out
    assert call.log.of("opt_out") == ["speech"]


async def test_the_longest_call_ends_with_a_polite_word() -> None:
    call = picked_up(limits=SessionLimits(max_call_s=20.0))
    await call.until_asked(OPENING_QUESTION)
    result = await call.until_over()
    assert result.end_reason == "time_up"
    assert call.log.said_by("agent")[-1].startswith("I have to end the call here.")


async def test_a_machine_and_a_stop_order_end_the_call_at_once() -> None:
    machine, stopped = picked_up(), picked_up()
    for call in (machine, stopped):
        await call.pass_time(1)
    machine.control.machine_detected("machine_start")
    stopped.control.stop("emergency_stop")
    found, ordered = await machine.until_over(2), await stopped.until_over(2)
    assert (found.end_reason, found.disposition) == ("machine", "machine")
    assert ordered.end_reason == "emergency_stop"
    assert machine.relay.ended == "machine"


async def test_messages_that_are_none_are_passed_over() -> None:
    call = picked_up()
    for message in ("{", "[]", '{"type":"news"}', '{"type":"prompt","voicePrompt":5}', ""):
        call.relay.bring(message)
    call.relay.bring({"type": "error", "description": "Invalid message received: 64107"})
    await call.until_asked(OPENING_QUESTION)
    await call.say("No.")
    result = await call.until_over()
    assert result.disposition == "not_interested"


async def test_a_call_that_nothing_moves_any_more_is_ended() -> None:
    call = picked_up()
    call.relay.takes_nothing = True
    await call.pass_time(60)
    # The farewell of a socket that takes nothing is waited for in real time.
    assert call.task is not None
    result = await asyncio.wait_for(call.task, 10)
    assert result.end_reason == "no_media"
    assert call.log.of("media_stopped") == ["no_media"]


async def test_a_fault_of_one_call_leaves_no_task_and_no_other_call_behind() -> None:
    broken, well = picked_up(), picked_up()

    def fails(text: str) -> object:
        raise ZeroDivisionError(text)

    broken.mind.understand = fails  # type: ignore[method-assign,assignment]
    for call in (broken, well):
        await call.until_asked(OPENING_QUESTION)
        await call.say("Yes.")
    result = await broken.until_over()
    assert result.end_reason == "error"
    assert broken.log.of("media_stopped") == ["error"]
    assert not well.over
    well.control.stop("stopped")
    await well.until_over()
    assert len(asyncio.all_tasks()) == 1


async def test_a_server_that_stops_closes_the_books() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    assert call.task is not None
    call.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.task
    assert call.log.of("media_stopped") == ["server_stopped"]

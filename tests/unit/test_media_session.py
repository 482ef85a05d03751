"""Whole calls in virtual time, through the public entry point."""

import asyncio

import pytest

from dialer.media.session import SessionLimits
from tests.unit.media_fakes import LOUD, SILENT, Call
from voice_ai.conversation import builtin_scripts, load_script

SCRIPT = load_script(builtin_scripts()["satisfaction_survey"], source="survey")
FIRST_LINE = "Hello, this is Acme Health."
OPT_OUT_LINE = "Say stop or press nine to end these calls."
OPENING_QUESTION = "May I ask them now?"
RATING_QUESTION = "On a scale from one to five"
LIKED_QUESTION = "What did you like the most?"
GOODBYE = "Thank you for your time. Goodbye."


def picked_up(**options: object) -> Call:
    return Call(SCRIPT, **options).pick_up()  # type: ignore[arg-type]


async def test_a_survey_is_held_from_hello_to_goodbye() -> None:
    call = picked_up()
    call.mind.emotions["It was great."] = "joy"
    await call.pass_time(0.3)
    await call.say("Hello?", 0.5)
    await call.until_asked(OPENING_QUESTION)
    await call.say("Yes, sure.")
    await call.until_asked(RATING_QUESTION)
    await call.say("Five.")
    await call.until_asked(LIKED_QUESTION)
    await call.say("It was great.", 1.2)
    result = await call.until_over()

    assert (result.end_reason, result.disposition) == ("script_end", "goal")
    assert dict(result.slots) == {"rating": "5", "comment": "It was great."}
    assert call.log.said_by("caller") == ["Hello?", "Yes, sure.", "Five.", "It was great."]
    assert call.log.said_by("agent")[-1] == GOODBYE
    assert [turn.index for turn in call.log.turns] == list(range(result.turns))
    assert [turn.started_at for turn in call.log.turns] == sorted(
        turn.started_at for turn in call.log.turns
    )
    assert all(t.heard_fraction == 1.0 for t in call.log.turns if t.speaker == "agent")
    assert call.line.closed
    kinds = [kind for kind, _ in call.log.entries]
    assert kinds[0] == "media_started"
    assert kinds[-2:] == ["outcome", "media_stopped"]
    assert call.ears.languages == ["en-US"]
    assert call.ears.now.closed


async def test_each_stage_of_a_turn_is_measured_where_it_happens() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    await call.say("Yes.")
    await call.until_asked(RATING_QUESTION)

    answer = next(turn for turn in call.log.turns if turn.text == "Yes.")
    reply = next(turn for turn in call.log.turns if RATING_QUESTION in turn.text)
    assert answer.endpoint_ms == pytest.approx(400, abs=25)  # a yes/no question
    assert answer.stt_tail_ms is not None
    assert answer.mind_ms is not None
    assert (answer.ended_at - answer.started_at).total_seconds() == pytest.approx(0.8, abs=0.05)
    assert reply.response_ms == pytest.approx(400, abs=50)
    assert reply.tts_first_byte_ms is None, "a fixed prompt comes from the cache"
    assert reply.node == "rate"
    unasked = next(turn for turn in call.log.turns if turn.text == FIRST_LINE)
    assert unasked.response_ms is None


async def test_predictions_are_stored_with_the_turn_and_decide() -> None:
    call = picked_up()
    call.mind.intents["Go right ahead then."] = "yes"
    call.mind.emotions["Go right ahead then."] = "anger"
    await call.until_asked(OPENING_QUESTION)
    await call.say("Go right ahead then.")
    await call.until_asked(RATING_QUESTION)
    turn = next(turn for turn in call.log.turns if turn.speaker == "caller")
    assert turn.intent is not None
    assert turn.emotion is not None
    assert (turn.intent.label, turn.emotion.label) == ("yes", "anger")
    assert call.was_heard("I am sorry for the trouble.")


async def test_a_wish_that_only_the_second_ear_hears_ends_the_calls() -> None:
    call = picked_up()
    said = "We would sooner be spared this."
    call.mind.opt_outs[said] = 0.9
    await call.until_asked(OPENING_QUESTION)
    await call.say(said)
    result = await call.until_over()
    assert result.disposition == "opt_out"
    turn = next(turn for turn in call.log.turns if turn.speaker == "caller")
    assert [one.task for one in turn.predictions] == ["opt_out"]


async def test_a_greeting_that_only_a_model_knows_is_a_machines() -> None:
    call = picked_up()
    said = "The Coopers are out sailing and the dog never picks up."
    call.mind.answerers[said] = {"machine": 0.95, "human": 0.01}
    await call.pass_time(0.3)
    await call.say(said, 3.0)
    result = await call.until_over()
    assert (result.end_reason, result.disposition) == ("machine", "machine")


async def test_a_barge_in_clears_and_tells_what_was_heard() -> None:
    call = picked_up()
    await call.until(lambda: call.was_heard(OPT_OUT_LINE))
    await call.pass_time(0.5)
    await call.say("Sorry, who is calling?", 1.2)
    await call.until_asked(OPENING_QUESTION)

    assert call.line.events().count("clear") == 1
    cut = next(turn for turn in call.log.turns if turn.interrupted)
    assert cut.text == "I have two short questions for your team."
    assert cut.heard_fraction is not None
    assert 0.1 < cut.heard_fraction < 0.7
    assert call.log.of("barge_in") == [(cut.index, cut.heard_fraction)]
    assert call.was_heard(FIRST_LINE), "who is calling is answered"


async def test_marks_that_a_clear_brings_back_count_for_nothing() -> None:
    call = picked_up()
    await call.until(lambda: call.was_heard(OPT_OUT_LINE))
    await call.say("Sorry, who is calling?", 1.2)
    await call.settle()
    told = [text for text in call.log.said_by("agent") if text == OPENING_QUESTION]
    assert told == [], "the question lay in the buffer and was never played"


async def test_sounds_of_listening_do_not_stop_the_agent() -> None:
    call = picked_up()
    await call.until(lambda: call.was_heard(OPT_OUT_LINE))
    await call.say("Mhm, okay.", 0.4)
    await call.until_asked(OPENING_QUESTION)
    assert "clear" not in call.line.events()
    assert call.log.said_by("caller") == ["Mhm, okay."]
    assert not any(turn.interrupted for turn in call.log.turns)


async def test_hello_over_the_opening_derails_nothing() -> None:
    call = picked_up()
    await call.pass_time(0.2)
    await call.say("Hello? Hello?", 0.9)
    await call.until_asked(OPENING_QUESTION)
    assert "clear" not in call.line.events()
    assert call.log.said_by("agent").count(FIRST_LINE) == 1


@pytest.mark.parametrize("words", ["Who is this?", "Am I talking to a robot?", "Sorry, what?"])
async def test_words_over_the_opening_that_it_answers_itself_repeat_nothing(words: str) -> None:
    call = picked_up()
    await call.pass_time(0.3)
    await call.say(words, 0.9)
    await call.until_asked(OPENING_QUESTION)
    assert "clear" not in call.line.events()
    agent = call.log.said_by("agent")
    assert (agent.count(FIRST_LINE), agent.count(OPT_OUT_LINE)) == (1, 1)
    assert call.log.said_by("caller") == [words]


async def test_a_wrong_number_over_protected_words_is_answered_after_them() -> None:
    call = picked_up()
    await call.pass_time(2.2)
    await call.say("I think you have the wrong number.", 1.2)
    result = await call.until_over()
    assert (result.end_reason, result.disposition) == ("wrong_person", "wrong_number")
    protected = next(turn for turn in call.log.turns if "automated" in turn.text)
    assert protected.heard_fraction == 1.0
    assert not call.was_heard(OPENING_QUESTION)


async def test_an_opt_out_is_on_record_before_the_goodbye_is_spoken() -> None:
    call = picked_up()
    heard_before: list[str] = []
    record = call.log.opt_out

    async def recording(evidence: str) -> None:
        await asyncio.sleep(0)
        heard_before.extend(call.voice.asked)
        await record(evidence)

    call.log.opt_out = recording  # type: ignore[method-assign]
    await call.until_asked(OPENING_QUESTION)
    await call.say("Please take me off your list.", 1.2)
    result = await call.until_over()

    assert result.opted_out
    assert (result.end_reason, result.disposition) == ("opt_out", "opt_out")
    assert call.log.of("opt_out") == ["speech"]
    assert call.voice.asked[-1] == "All right, Acme Health will not call you again, goodbye."
    assert call.voice.asked[-1] not in heard_before


async def test_an_opt_out_stops_even_words_that_are_protected() -> None:
    call = picked_up()
    await call.pass_time(0.3)
    await call.say("Stop calling me.", 0.8)
    result = await call.until_over()
    assert result.opted_out
    assert not call.was_heard(OPT_OUT_LINE)
    first = call.log.turns[0]
    assert first.text == FIRST_LINE
    assert first.interrupted


async def test_nothing_is_promised_when_the_opt_out_cannot_be_recorded() -> None:
    call = picked_up()
    call.log.refuses.add("opt_out")
    await call.until_asked(OPENING_QUESTION)
    await call.say("Stop calling me.", 0.8)
    result = await call.until_over()
    assert (result.end_reason, result.disposition) == ("opt_out", "opt_out")
    assert not any("will not call you again" in text for text in call.voice.asked)


async def test_key_nine_opts_out_at_any_moment() -> None:
    call = picked_up()
    await call.pass_time(0.5)
    call.line.bring({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": "9"}})
    result = await call.until_over()
    assert result.opted_out
    assert call.log.of("opt_out") == ["digit"]
    assert call.log.said_by("caller") == ["pressed 9"]


async def test_keys_answer_a_question() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    call.line.bring({"event": "dtmf", "dtmf": {"digit": "1"}})
    await call.until_asked(RATING_QUESTION)
    call.line.bring({"event": "dtmf", "dtmf": {"digit": "4"}})
    await call.until_asked(LIKED_QUESTION)
    assert [turn.node for turn in call.log.turns if turn.speaker == "caller"] == ["opening", "rate"]


async def test_an_opt_out_is_heard_although_they_hang_up_at_once() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    call.ears.now.listen_to("Never call me again.")
    await call.pass_time(1.0, LOUD)
    call.line.hang_up()
    result = await call.result()
    assert (result.end_reason, result.disposition) == ("human_hangup", "opt_out")
    assert call.log.of("opt_out") == ["speech"]


async def test_what_was_understood_of_last_words_counts_when_the_rest_never_comes() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    call.ears.now.answers = False
    await call.pass_time(0.5, LOUD)
    call.ears.now.partial("stop calling me")
    await call.pass_time(0.5, LOUD)
    call.line.hang_up()
    await call.settle()
    assert not call.over, "the transcript may still come"
    call.clock.advance(SessionLimits().last_words_s)
    result = await call.result()
    assert (result.end_reason, result.disposition) == ("human_hangup", "opt_out")


async def test_an_answer_before_the_hang_up_counts() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    await call.say("Yes.")
    await call.until_asked(RATING_QUESTION)
    call.ears.now.listen_to("Five.")
    await call.pass_time(0.5, LOUD)
    call.line.hang_up()
    result = await call.result()
    assert (result.end_reason, result.disposition) == ("human_hangup", "goal")
    assert dict(result.slots) == {"rating": "5"}


async def test_an_opt_out_over_the_goodbye_still_counts() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    await call.say("No.")
    await call.until(lambda: call.was_heard("That is quite all right."))
    await call.until(lambda: call.was_heard("You can reach us"))
    await call.pass_time(1.9)
    await call.say("And take me off your list.", 1.2)
    result = await call.until_over()
    assert result.opted_out
    assert (result.end_reason, result.disposition) == ("opt_out", "opt_out")


async def test_a_transcript_that_comes_with_the_last_mark_is_not_lost() -> None:
    call = picked_up()
    await call.until_asked(OPENING_QUESTION)
    await call.say("No.")
    await call.until(lambda: call.was_heard("You can reach us"))
    call.ears.now.answers = False
    await call.pass_time(0.8, LOUD)
    while call.line.seconds_left > 0.02:
        await call.pass_time(0.02)
    call.line.frame(SILENT)
    call.ears.now.answer("Take me off your list.")
    result = await call.until_over()
    assert result.opted_out


async def test_silence_is_asked_about_once_and_then_ends_the_call() -> None:
    call = picked_up()
    result = await call.until_over(90)
    assert result.end_reason == "silence"
    agent = call.log.said_by("agent")
    assert agent.count(OPENING_QUESTION) == 2
    assert agent[-1].startswith("I cannot hear you")
    asked = [turn for turn in call.log.turns if turn.text == OPENING_QUESTION]
    again = next(turn for turn in call.log.turns if turn.text == "I did not hear you.")
    waited = (again.started_at - asked[0].ended_at).total_seconds()
    assert waited == pytest.approx(SCRIPT.silence_s, abs=0.2)


async def test_a_noise_that_stopped_the_agent_brings_the_question_back_soon() -> None:
    call = picked_up()
    await call.until(lambda: call.was_heard(OPT_OUT_LINE))
    await call.pass_time(1.0, LOUD)
    await call.until_asked(OPENING_QUESTION, 8)
    assert call.log.of("barge_in")
    assert call.log.said_by("caller") == []


async def test_a_machine_is_hung_up_on_at_once() -> None:
    call = picked_up()
    await call.pass_time(2.0)
    call.control.machine_detected("machine_start")
    result = await call.result()
    assert (result.end_reason, result.disposition) == ("machine", "machine")
    assert "clear" in call.line.events()
    assert call.line.closed


async def test_a_verdict_before_the_media_is_not_lost() -> None:
    call = Call(SCRIPT)
    call.control.machine_detected("machine_end_beep")
    call.pick_up()
    await call.pass_time(0.1)
    assert (await call.result()).end_reason == "machine"
    assert call.log.turns == []


async def test_a_human_verdict_changes_nothing() -> None:
    call = picked_up()
    await call.pass_time(2.0)
    call.control.machine_detected("human")
    await call.until_asked(OPENING_QUESTION)
    assert "clear" not in call.line.events()

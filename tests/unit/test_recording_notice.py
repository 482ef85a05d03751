"""Nothing is kept before the notice, nothing at all of whoever objects; and the call goes on."""

import pytest

from dialer.media.recorder import Tape
from tests.unit.media_fakes import LOUD, SILENT, Call
from voice_ai.conversation import builtin_scripts, load_script
from voice_ai.conversation.keywords import declines_recording, is_opt_out
from voice_ai.conversation.notice import notice_of
from voice_ai.conversation.turns import Speech
from voice_ai.conversation.understanding import opt_out_evidence

SCRIPT = load_script(builtin_scripts()["satisfaction_survey"], source="survey")
PROMISE = "All right, nothing of this call is recorded."

DECLINES = (
    "I do not want to be recorded",
    "I don't want to be recorded.",
    "Please don't record me",
    "Stop recording.",
    "Stop the recording please",
    "Can you stop recording this call?",
    "Turn off the recording",
    "Turn that recording off",
    "I do not consent to being recorded",
    "I don't agree to this call being recorded",
    "I'd rather not be recorded",
    "I would prefer not to be recorded",
    "I'd prefer you didn't record this",
    "No recording please",
    "I do not want this call recorded",
    "I don't give permission to record this",
    "You do not have my permission to record me",
    "Delete the recording",
    "Can we talk without being recorded?",
    "I refuse to be recorded",
    "I object to this being recorded",
    "I'm not comfortable being recorded",
    "You're not allowed to record me",
    "No quiero que me graben",
    "Por favor no me grabe",
    "Deje de grabar esta llamada",
    "I will not be recorded, no, I want this not to be recorded",
)
NOT_DECLINES = (
    "Is this call recorded?",
    "Am I not being recorded?",
    "Yes, you may record it",
    "I don't mind being recorded",
    "I do not have a record of that",
    "There is no record of the visit",
    "We do not keep records here",
    "Yes, that is right",
    "I don't want to go",
    "Stop calling me",
    "¿Esta llamada se graba?",
)


@pytest.mark.parametrize("said", DECLINES)
def test_a_refusal_is_heard_and_is_no_opt_out(said: str) -> None:
    assert declines_recording(said)
    assert not is_opt_out(said)
    # A model that takes one for the other is not believed.
    assert opt_out_evidence(Speech(said, intent="opt_out", intent_score=0.9)) is None


@pytest.mark.parametrize("said", NOT_DECLINES)
def test_talk_about_records_is_not_a_refusal(said: str) -> None:
    assert not declines_recording(said)


@pytest.mark.parametrize(
    "said",
    [
        "Stop recording this call and stop calling me",
        "Don't record me, take me off your list",
        "I do not want to be recorded and I do not want you to call again",
    ],
)
def test_who_says_both_means_both(said: str) -> None:
    assert declines_recording(said)
    assert is_opt_out(said)


def test_the_notice_is_the_part_that_speaks_of_it() -> None:
    assert notice_of(SCRIPT) == "disclose"
    start = SCRIPT.nodes[SCRIPT.start].model_copy(update={"recording": "This call is recorded."})
    own = SCRIPT.model_copy(update={"nodes": {**SCRIPT.nodes, SCRIPT.start: start}})
    assert notice_of(own) == "recording"
    assert notice_of(SCRIPT.model_copy(update={"recorded": False})) is None
    strange = start.model_copy(update={"recording": None, "disclose": "Soy una I A."})
    other = SCRIPT.model_copy(update={"nodes": {**SCRIPT.nodes, SCRIPT.start: strange}})
    assert notice_of(other) == "opt_out"


def test_a_tape_keeps_what_comes_after_the_notice() -> None:
    tape = Tape(10, after_notice=True)
    tape.heard(LOUD, 0)
    tape.begin()
    tape.heard(SILENT, 20)
    tape.begin()
    tape.heard(SILENT, 40)
    tracks = tape.take()
    assert tracks.caller == SILENT + SILENT
    assert len(tracks.agent) == len(tracks.caller)


def test_without_a_notice_nothing_is_kept() -> None:
    tape = Tape(10, after_notice=True)
    tape.heard(LOUD, 0)
    assert tape.take().seconds == 0


def test_what_was_taken_is_thrown_away_and_nothing_more_is_taken() -> None:
    tape = Tape(10)
    tape.heard(LOUD, 0)
    tape.sent("0.1", LOUD)
    tape.discard()
    tape.begin()
    tape.heard(LOUD, 20)
    tape.sent("0.2", LOUD)
    tape.played("0.2")
    assert tape.take() == (b"", b"")


async def recorded() -> Call:
    call = Call(SCRIPT)
    call.tape = Tape(300, after_notice=True)
    return call.pick_up()


async def test_a_call_is_kept_from_the_end_of_its_notice() -> None:
    call = await recorded()
    await call.pass_time(0.5, LOUD)
    await call.until_asked("May I ask them now?")
    assert call.tape is not None
    kept = call.tape.take()
    played = call.line.played / 8000
    before = len("Hello, this is Acme Health.") + len(
        "I am an automated A I assistant on a recorded line."
    )
    assert kept.seconds == pytest.approx(played - before / 14.0, abs=0.4)
    assert LOUD not in kept.caller


async def test_who_objects_is_not_recorded_and_the_call_goes_on() -> None:
    call = await recorded()
    await call.until_asked("May I ask them now?")
    await call.say("I do not want to be recorded.")
    assert call.tape is not None
    assert call.tape.take().seconds == 0
    await call.until(lambda: call.was_heard(PROMISE))
    await call.until(lambda: call.log.said_by("agent").count("May I ask them now?") == 2)
    await call.say("Yes.")
    await call.until_asked("how satisfied are you")
    await call.say("Please don't record me.")
    await call.say("Four.")
    assert call.log.of("recording_declined") == [None]
    assert call.log.of("opt_out") == []
    assert call.tape.take().seconds == 0
    call.line.hang_up()
    result = await call.until_over()
    assert result.disposition == "goal"


async def test_an_objection_over_the_notice_itself_counts() -> None:
    call = await recorded()
    await call.pass_time(2.5)
    await call.say("Do not record me please.", seconds=1.2)
    await call.until(lambda: call.was_heard(PROMISE))
    assert call.tape is not None
    assert call.tape.take().seconds == 0
    assert call.log.of("recording_declined") == [None]
    call.line.hang_up()
    await call.until_over()


async def test_an_opt_out_that_also_objects_leaves_no_recording() -> None:
    call = await recorded()
    await call.until_asked("May I ask them now?")
    await call.say("Don't record me and take me off your list.")
    await call.until_over()
    assert call.tape is not None
    assert call.tape.take().seconds == 0
    assert call.log.of("opt_out") == ["speech"]
    assert call.log.of("recording_declined") == [None]

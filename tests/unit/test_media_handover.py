"""A call on its way to a colleague, as its media session sees it."""

from dataclasses import dataclass, field

from dialer.media.handover import Resumed
from tests.transfer_scripts import clinic_help
from tests.unit.media_fakes import SLOTS, Call
from voice_ai.conversation import begin, load_script, step
from voice_ai.conversation.turns import Speech, State, Transfer

SCRIPT = load_script(clinic_help("warm"), source="clinic")
QUESTION = "Would you like to talk to one of my colleagues?"
CONNECTS = "I will connect you now."
SORRY = "I am sorry, nobody can take your call right now."


@dataclass
class Desk:
    """Answers as told; `kept` is what it was given for the way back."""

    refuses: str | None = None
    is_taken_over: bool = False
    begun: list[Transfer] = field(default_factory=list)
    kept: list[State] = field(default_factory=list)

    async def begin(self, transfer: Transfer, state: State) -> str | None:
        self.begun.append(transfer)
        self.kept.append(state)
        return self.refuses

    async def taken_over(self, state: State) -> bool:
        if self.is_taken_over:
            self.kept.append(state)
        return self.is_taken_over


async def asked(desk: Desk) -> Call:
    """A call in which the person has agreed to talk to a colleague."""
    call = Call(SCRIPT)
    call.handover = desk
    call.pick_up()
    await call.until_asked(QUESTION)
    await call.say("Yes.")
    return call


async def test_the_carrier_takes_the_call_after_the_last_word_and_no_outcome_is_written() -> None:
    desk = Desk()
    call = await asked(desk)
    assert not desk.begun
    await call.until_asked(CONNECTS)
    await call.until(lambda: bool(desk.begun))
    call.line.hang_up()
    result = await call.until_over()
    assert (result.end_reason, desk.kept[0].ended) == ("transfer", "transfer")
    assert call.log.of("outcome") == []
    assert call.log.of("media_stopped") == ["transfer"]


async def test_a_carrier_that_does_not_come_for_it_is_not_waited_for_for_ever() -> None:
    call = await asked(Desk())
    await call.until_asked(CONNECTS)
    result = await call.until_over(20)
    assert result.end_reason == "transfer"


async def test_where_nobody_can_be_asked_the_conversation_goes_on_at_once() -> None:
    call = await asked(Desk(refuses="closed"))
    await call.until_asked("Is it all right if somebody writes to you?")
    assert SORRY in call.log.said_by("agent")
    await call.say("Yes.")
    result = await call.until_over()
    assert (result.end_reason, result.disposition) == ("script_end", "conversed_no_goal")


async def test_words_over_the_last_sentence_do_not_keep_the_call() -> None:
    desk = Desk()
    call = await asked(desk)
    await call.pass_time(0.3)
    await call.say("Wait a moment please.")
    await call.until(lambda: bool(desk.begun))
    assert call.log.said_by("agent").count(CONNECTS) == 1


async def test_an_opt_out_over_the_last_sentence_ends_the_call_instead() -> None:
    desk = Desk()
    call = await asked(desk)
    await call.pass_time(0.3)
    await call.say("Stop calling me.")
    result = await call.until_over()
    assert result.end_reason == "opt_out"
    assert call.log.of("opt_out") == ["speech"]
    assert desk.begun == []


async def test_a_person_who_hangs_up_before_is_no_transfer() -> None:
    call = await asked(Desk())
    call.line.hang_up()
    result = await call.until_over()
    assert (result.end_reason, result.disposition) == ("human_hangup", "conversed_no_goal")


async def test_a_line_that_an_operator_took_is_no_hang_up() -> None:
    desk = Desk(is_taken_over=True)
    call = Call(SCRIPT)
    call.handover = desk
    call.pick_up()
    await call.until_asked(QUESTION)
    call.line.hang_up()
    result = await call.until_over()
    assert (result.end_reason, call.log.of("outcome")) == ("transfer", [])
    assert [state.node for state in desk.kept] == ["opening"]


async def test_a_call_that_comes_back_goes_on_at_else_with_the_next_turn() -> None:
    state, _ = begin(SCRIPT, SLOTS)
    state, _ = step(SCRIPT, state, Speech("yes"))
    call = Call(SCRIPT)
    call.resumed = Resumed(state, "no_answer", turns=7)
    call.pick_up()
    await call.until_asked("Is it all right if somebody writes to you?")
    await call.say("No.")
    result = await call.until_over()
    assert call.log.said_by("agent")[0] == SORRY
    assert call.log.turns[0].index == 7
    assert result.end_reason == "script_end"

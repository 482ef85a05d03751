"""Free-form answers in whole calls in virtual time: said, late, stopped by who speaks meanwhile."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dialer.ports import AnswerFailed, Question
from tests.unit.media_fakes import Call
from voice_ai.conversation import load_script

FILE = Path(__file__).parents[1] / "scenarios" / "clinic.script.yaml"
SCRIPT = load_script(FILE.read_text(encoding="utf-8"), source=FILE.name)
QUESTION = "Can you come to your visit?"
FILLER = "One moment, please."
FALLBACK = "I am sorry, I cannot answer that."
HOURS = "The clinic is open from nine to five, Monday to Friday."


@dataclass
class Pen:
    """Answers after so many seconds of the call's clock, once it is let go."""

    call: Call
    text: str = HOURS
    seconds: float = 0.3
    fails: Exception | None = None
    asked: list[Question] = field(default_factory=list)
    stopped: int = 0

    async def answer(self, question: Question) -> str:
        self.asked.append(question)
        try:
            await self.call.clock.sleep(self.seconds)
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        if self.fails is not None:
            raise self.fails
        return self.text


async def asked(**pen: object) -> tuple[Call, Pen]:
    call = Call(SCRIPT)
    call.answerer = written = Pen(call, **pen)  # type: ignore[arg-type]
    call.pick_up()
    await call.until_asked(QUESTION)
    await call.say("When are you open?")
    return call, written


def agents_after_question(call: Call) -> list[str]:
    said = call.log.said_by("agent")
    return said[said.index(QUESTION) + 1 :]


async def test_an_answer_is_spoken_and_the_question_asked_again() -> None:
    call, pen = await asked()
    await call.until(lambda: call.log.said_by("agent").count(QUESTION) == 2)
    assert agents_after_question(call) == [HOURS, QUESTION]
    assert call.log.of("answered_freely") == ["spoken"]
    assert (pen.asked[0].text, pen.asked[0].asked_before) == ("When are you open?", QUESTION)
    turn = next(turn for turn in call.log.turns if turn.text == HOURS)
    assert turn.mind_ms == pytest.approx(300, abs=30)
    assert turn.response_ms == pytest.approx(400 + 300, abs=60)
    assert turn.prompt_key is None


async def test_who_waits_hears_a_word_and_then_the_whole_answer() -> None:
    call, _ = await asked(seconds=1.3)
    await call.until(lambda: call.log.said_by("agent").count(QUESTION) == 2)
    assert agents_after_question(call) == [FILLER, HOURS, QUESTION]
    assert "clear" not in call.line.events(), "the filler is not cut off"
    filler = next(turn for turn in call.log.turns if turn.text == FILLER)
    answer = next(turn for turn in call.log.turns if turn.text == HOURS)
    assert filler.heard_fraction == 1.0
    assert filler.response_ms == pytest.approx(400 + 1000, abs=60)
    assert answer.response_ms is None
    assert answer.mind_ms == pytest.approx(1300, abs=30)


@pytest.mark.parametrize(
    ("pen", "why"),
    [
        ({"seconds": 60.0}, "late"),
        ({"fails": AnswerFailed("busy")}, "busy"),
        ({"fails": RuntimeError("boom")}, "failed"),
        ({"text": "We are open from eight to five, Monday to Friday."}, "number"),
    ],
)
async def test_the_scripts_own_line_is_said_for_what_does_not_come(
    pen: dict[str, object], why: str
) -> None:
    call, _ = await asked(**pen)
    await call.until(lambda: call.log.said_by("agent").count(QUESTION) == 2, 12)
    assert any(FALLBACK in said for said in call.log.said_by("agent"))
    assert call.log.of("answered_freely") == [why]
    assert not any(said.startswith("We are open") for said in call.log.said_by("agent"))


async def test_without_an_endpoint_the_line_is_said_at_once() -> None:
    call = Call(SCRIPT).pick_up()
    await call.until_asked(QUESTION)
    await call.say("When are you open?")
    await call.until(lambda: call.was_heard(FALLBACK))
    turn = next(turn for turn in call.log.turns if FALLBACK in turn.text)
    assert turn.response_ms == pytest.approx(400, abs=50)
    assert call.log.of("answered_freely") == ["off"]


async def test_an_opt_out_wins_while_it_thinks() -> None:
    call, pen = await asked(seconds=2.5)
    await call.say("Stop calling me.")
    result = await call.until_over()
    assert (result.disposition, result.opted_out) == ("opt_out", True)
    assert pen.stopped == 1
    assert not call.was_heard(HOURS)


async def test_impatience_does_not_stop_it_and_silence_asks_nothing() -> None:
    call, pen = await asked(seconds=2.5)
    await call.say("Okay.", 0.4)
    await call.until(lambda: call.was_heard(HOURS))
    assert pen.stopped == 0
    assert len(pen.asked) == 1


async def test_another_question_takes_the_place_of_the_first() -> None:
    call, pen = await asked(seconds=2.0)
    await call.say("Where do I park?")
    await call.until(lambda: call.log.said_by("agent").count(QUESTION) == 2)
    assert [question.text for question in pen.asked] == ["When are you open?", "Where do I park?"]
    assert pen.stopped == 1
    assert call.log.of("answered_freely") == ["spoken"]


async def test_who_hangs_up_while_it_thinks_stops_it() -> None:
    call, pen = await asked(seconds=2.5)
    call.line.hang_up()
    result = await call.until_over()
    assert result.end_reason == "human_hangup"
    assert pen.stopped == 1


async def test_a_model_has_its_real_seconds_on_a_faster_clock() -> None:
    call = Call(SCRIPT, speed=10.0)
    call.answerer = Pen(call, seconds=8.0)
    call.pick_up()
    await call.until_asked(QUESTION)
    await call.say("When are you open?")
    await call.until(lambda: call.was_heard(HOURS))

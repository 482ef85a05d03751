"""What the conversation answers, call by call."""

import pytest

from voice_ai.conversation.script import Script, builtin_scripts, load_script
from voice_ai.conversation.step import CALLBACK_NODE, begin, step
from voice_ai.conversation.turns import (
    Action,
    Ask,
    Callback,
    Digits,
    Disposition,
    HangUp,
    Heard,
    HungUp,
    MachineDetected,
    OptOut,
    Say,
    SetSlot,
    Silence,
    Speech,
    State,
    TimeUp,
)
from voice_ai.errors import BadInput

SLOTS = {"seller": "Lakeside Clinic", "callback_number": "+18005550100"}
NOISE = Speech("purple elephants dance")


@pytest.fixture(scope="module")
def survey() -> Script:
    return load_script(builtin_scripts()["satisfaction_survey"], source="survey")


@pytest.fixture(scope="module")
def reminder() -> Script:
    return load_script(builtin_scripts()["appointment_reminder"], source="reminder")


def call(script: Script, *heard: Heard | str) -> tuple[State, list[tuple[Action, ...]]]:
    """Play a call; plain text is something the person says. Answers follow the opening."""
    state, actions = begin(script, SLOTS)
    answers = [actions]
    for item in heard:
        state, actions = step(script, state, Speech(item) if isinstance(item, str) else item)
        answers.append(actions)
    return state, answers


def last(script: Script, *heard: Heard | str) -> tuple[Action, ...]:
    return call(script, *heard)[1][-1]


def kinds(actions: tuple[Action, ...]) -> list[str]:
    return [type(action).__name__ for action in actions]


def codes(answers: list[tuple[Action, ...]]) -> list[str]:
    return [a.code for actions in answers for a in actions if isinstance(a, Disposition)]


def reasons(answers: list[tuple[Action, ...]]) -> list[str]:
    return [a.reason for actions in answers for a in actions if isinstance(a, HangUp)]


def test_opening_identifies_discloses_and_offers_opt_out_before_the_question(
    survey: Script,
) -> None:
    _, actions = begin(survey, SLOTS)
    assert kinds(actions) == ["Say", "Say", "Say", "Say", "Ask"]
    identify, disclose, opt_out, _, ask = actions
    assert isinstance(identify, Say)
    assert identify.text == "Hello, this is Lakeside Clinic."
    assert not identify.interruptible
    assert isinstance(disclose, Say)
    assert "A I assistant" in disclose.text
    assert "record" in disclose.text
    assert isinstance(opt_out, Say)
    assert "nine" in opt_out.text
    assert isinstance(ask, Ask)
    assert ask.expects == "yes_no"


def test_call_cannot_begin_without_a_required_slot(survey: Script) -> None:
    with pytest.raises(BadInput, match="callback_number"):
        begin(survey, {"seller": "Lakeside Clinic"})


def test_survey_with_a_good_rating_reaches_its_goal(survey: Script) -> None:
    state, answers = call(survey, "Hello?", "yes sure", "I'd say a four", "the nurses were kind")
    assert answers[1] == ()
    assert codes(answers) == ["goal"]
    assert reasons(answers) == ["script_end"]
    assert state.slots["rating"] == "4"
    assert state.slots["comment"] == "the nurses were kind"
    assert kinds(answers[-1]) == ["SetSlot", "Disposition", "Say", "Say", "HangUp"]
    final = [action for action in answers[-1] if isinstance(action, Say)][-1]
    assert "Goodbye" in final.text
    assert not final.interruptible


@pytest.mark.parametrize(
    ("rating", "node"),
    [("one", "unhappy"), ("2", "unhappy"), ("three", "happy"), ("five", "happy")],
)
def test_rating_chooses_the_way(survey: Script, rating: str, node: str) -> None:
    assert call(survey, "yes", rating)[0].node == node


def test_reminder_hears_another_day(reminder: Script) -> None:
    state, answers = call(reminder, "no I can't", "Thursday afternoon would be better")
    assert state.slots["new_time"] == "thursday afternoon"
    assert codes(answers) == ["conversed_no_goal"]


OPT_OUTS = [
    Speech("Stop calling me."),
    Speech("hm", "opt_out", 0.31),
    Speech("hm", "opt_out"),
    Speech("take me off your list", "yes", 0.99),
    Digits("9"),
    Digits("#19"),
]


@pytest.mark.parametrize("heard", OPT_OUTS, ids=repr)
@pytest.mark.parametrize("before", [(), ("yes",), ("yes", "two"), ("call me back",), (NOISE,)])
def test_opt_out_wins_anywhere_and_is_written_before_it_is_confirmed(
    survey: Script, before: tuple[Heard | str, ...], heard: Heard
) -> None:
    state, answers = call(survey, *before, heard)
    assert kinds(answers[-1]) == ["OptOut", "Say", "Disposition", "HangUp"]
    evidence, confirmation, disposition, hang_up = answers[-1]
    assert evidence == OptOut("digit" if isinstance(heard, Digits) else "speech")
    assert isinstance(confirmation, Say)
    assert not confirmation.interruptible
    assert len(confirmation.text.split(". ")) == 1
    assert disposition == Disposition("opt_out")
    assert hang_up == HangUp("opt_out")
    assert state.opted_out


def test_opt_out_over_the_goodbye_is_still_written(survey: Script) -> None:
    state, answers = call(survey, "no", "and do not call me again")
    assert codes(answers) == ["not_interested", "opt_out"]
    assert isinstance(answers[-1][0], OptOut)
    assert step(survey, state, Speech("stop calling"))[1] == ()


def test_label_of_an_opt_out_that_the_model_hardly_believes_is_not_one(survey: Script) -> None:
    assert "OptOut" not in kinds(last(survey, Speech("well maybe", "opt_out", 0.1)))


def test_robot_question_is_answered_honestly_and_the_question_asked_again(survey: Script) -> None:
    for node in ((), ("yes",), ("yes", "five"), ("I'm busy right now",)):
        answer, question = last(survey, *node, "Are you a robot?")
        assert isinstance(answer, Say)
        assert answer.text.startswith("Yes, I am an automated A I assistant")
        assert isinstance(question, Ask)
        state, answers = call(survey, *node)
        assert question == answers[-1][-1]


def test_repeat_says_the_whole_node_again(survey: Script) -> None:
    _, answers = call(survey, "can you repeat that", "yes", "one", "sorry?")
    assert answers[1] == answers[0]
    assert kinds(answers[4]) == ["Say", "Ask"]
    assert answers[4] == answers[3][1:]


def test_wrong_person_ends_with_an_apology(survey: Script) -> None:
    disposition, apology, hang_up = last(survey, "you have the wrong number")
    assert disposition == Disposition("wrong_number")
    assert isinstance(apology, Say)
    assert "sorry" in apology.text
    assert hang_up == HangUp("wrong_person")


def test_busy_person_is_offered_a_callback(survey: Script) -> None:
    state, answers = call(survey, "I'm driving right now", "tomorrow after lunch")
    assert isinstance(answers[1][-1], Ask)
    assert answers[1][-1].expects == "when"
    assert answers[2][0] == Callback("tomorrow after lunch")
    assert codes(answers) == ["callback_requested"]
    assert reasons(answers) == ["callback"]
    assert state.node == CALLBACK_NODE


@pytest.mark.parametrize(
    ("heard", "code", "reason"),
    [
        (Speech("no, don't bother"), "opt_out", "opt_out"),
        (Speech("no thanks"), "not_interested", "declined"),
        (Speech("I do not know"), "not_interested", "declined"),
        (HungUp(), "callback_requested", "human_hangup"),
        (Speech("wrong number"), "wrong_number", "wrong_person"),
        (NOISE, "callback_requested", "callback"),
    ],
    ids=repr,
)
def test_offer_of_a_callback_takes_every_answer(
    survey: Script, heard: Heard, code: str, reason: str
) -> None:
    _, answers = call(survey, "I'm busy", heard)
    assert codes(answers) == [code]
    assert reasons(answers) == [reason]


def test_callback_with_its_time_needs_no_further_question(survey: Script) -> None:
    answer = last(survey, "Could you call me back tomorrow?")
    assert kinds(answer) == ["Callback", "Disposition", "Say", "HangUp"]
    assert answer[0] == Callback("tomorrow")


def test_goal_once_reached_is_kept(survey: Script) -> None:
    assert codes(call(survey, "yes", "five", HungUp())[1]) == ["goal"]
    assert codes(call(survey, "yes", "five", Silence(6), Silence(6))[1]) == ["goal"]
    assert codes(call(survey, "yes", "five", "call me back later")[1]) == ["goal"]


@pytest.mark.parametrize("kind", ["machine_start", "machine_end_beep", "machine_end_other", "fax"])
def test_machine_is_left_without_a_word(survey: Script, kind: str) -> None:
    _, answers = call(survey, MachineDetected(kind))
    assert answers[-1] == (Disposition("machine"), HangUp("machine"))


def test_voicemail_greeting_is_a_machine_before_the_carrier_says_so(survey: Script) -> None:
    greeting = "Hi, nobody can take your call, please leave a message after the tone."
    assert last(survey, greeting) == (Disposition("machine"), HangUp("machine"))


def test_machine_verdict_does_not_cut_off_somebody_who_has_answered(survey: Script) -> None:
    assert last(survey, "yes", MachineDetected("machine_start")) == ()
    assert last(survey, MachineDetected("human")) == ()


def test_silence_is_asked_about_once_and_then_ends_politely(survey: Script) -> None:
    _, answers = call(survey, Silence(6), Silence(6))
    assert kinds(answers[1]) == ["Say", "Ask"]
    assert kinds(answers[2]) == ["Disposition", "Say", "HangUp"]
    assert codes(answers) == ["dead_air"]
    assert codes(call(survey, "yes", Silence(6), Silence(6))[1]) == ["conversed_no_goal"]


def test_words_between_silences_start_the_count_again(survey: Script) -> None:
    _, answers = call(survey, Silence(6), "can you repeat that", Silence(6))
    assert isinstance(answers[-1][-1], Ask)


def test_what_is_not_understood_is_asked_in_other_words_and_then_left(reminder: Script) -> None:
    state, answers = call(reminder, NOISE, NOISE, NOISE)
    questions = [answer[-1].text for answer in answers[:3] if isinstance(answer[-1], Ask)]
    assert len(set(questions)) == 3
    assert codes(answers) == ["conversed_no_goal"]
    assert state.node == "goodbye"


def test_keys_answer_too(survey: Script) -> None:
    assert call(survey, Digits("1"))[0].node == "rate"
    assert call(survey, Digits("1"), Digits("4#"))[0].slots["rating"] == "4"
    assert isinstance(last(survey, Digits("1"), Digits("7" * 5000))[-1], Ask)


def test_question_about_the_caller_is_answered_with_its_name(survey: Script) -> None:
    said, question = last(survey, "Who is this?")
    assert isinstance(said, Say)
    assert said.text == "Hello, this is Lakeside Clinic."
    assert isinstance(question, Ask)
    said, question = last(survey, "How much does it cost?")
    assert isinstance(said, Say)
    assert said.text.startswith("I am sorry, I cannot answer")


@pytest.mark.parametrize("text", ["yes?", "okay", "hello", "mhm"])
def test_word_over_the_opening_is_not_an_answer(survey: Script, text: str) -> None:
    cut = Speech(text, heard_of_agent="Hello, this is Lakeside Clinic. I am an")
    state, answers = call(survey, cut)
    assert state.node == "opening"
    assert kinds(answers[-1]) == ["Ask"]
    state, answers = call(survey, Speech(text, over_agent=True))
    assert state.node == "opening"
    assert answers[-1] == ()


def test_way_of_picking_up_is_not_an_answer(survey: Script) -> None:
    state, answers = call(survey, "Yeah?")
    assert (state.node, answers[-1]) == ("opening", ())
    assert call(survey, "Yeah?", "yeah")[0].node == "rate"
    assert last(survey, Speech("who is this?", over_agent=True)) == ()
    assert kinds(last(survey, Speech("are you a robot?", over_agent=True))) == ["Say", "Ask"]


def test_answer_into_the_question_counts(survey: Script) -> None:
    cut = Speech("yes", heard_of_agent="for your team. May I ask")
    assert call(survey, cut)[0].node == "rate"


def test_anger_is_met_once(survey: Script) -> None:
    angry = Speech("yes but hurry", emotion="anger")
    _, answers = call(survey, angry, Speech("one", emotion="anger"))
    assert isinstance(answers[1][0], Say)
    assert answers[1][0].text == "I am sorry for the trouble."
    assert sum("trouble" in a.text for answer in answers for a in answer if isinstance(a, Say)) == 1


def test_believed_label_beats_words_and_a_weak_one_does_not(survey: Script) -> None:
    assert call(survey, Speech("by all accounts", "yes", 0.9))[0].node == "rate"
    assert call(survey, Speech("by all accounts", "yes", 0.2))[0].node == "opening"
    assert call(survey, Speech("yes", "thanks", 0.9))[0].node == "rate"


def test_free_answer_about_a_busy_ward_is_an_answer(survey: Script) -> None:
    heard = Speech("it was too crowded", "busy_now", 0.9)
    assert SetSlot("comment", "it was too crowded") in last(survey, "yes", "two", heard)


def test_time_up_ends_politely_and_hanging_up_needs_no_words(survey: Script) -> None:
    assert kinds(last(survey, TimeUp())) == ["Disposition", "Say", "HangUp"]
    _, answers = call(survey, HungUp())
    assert answers[-1] == (Disposition("human_hangup"), HangUp("human_hangup"))


def test_call_that_never_gets_on_ends_after_its_turns(survey: Script) -> None:
    _, answers = call(survey, *["are you a robot?"] * (survey.max_turns + 1))
    assert reasons(answers) == ["max_turns"]
    assert answers[-1][-1] == HangUp("max_turns")


def test_nothing_but_an_opt_out_is_answered_after_the_end(survey: Script) -> None:
    state, _ = call(survey, "wrong number")
    for heard in (Speech("hello?"), Silence(9), HungUp(), TimeUp(), Digits("1")):
        assert step(survey, state, heard) == (state, ())


def test_a_question_brings_the_pause_that_ends_its_answer(survey: Script) -> None:
    script = survey
    state, actions = begin(script, SLOTS)
    (first,) = (action for action in actions if isinstance(action, Ask))
    assert (first.expects, first.endpoint_s) == ("yes_no", 0.4)
    nodes = {**script.nodes, "rate": script.nodes["rate"].model_copy(update={"endpoint_s": 1.5})}
    _, actions = step(script.model_copy(update={"nodes": nodes}), state, Speech("yes"))
    (asked,) = (action for action in actions if isinstance(action, Ask))
    assert (asked.expects, asked.endpoint_s) == ("rating", 1.5)

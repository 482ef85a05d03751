"""Handing a call over, in the pure machine: what leads there, what is told, what comes after."""

import pytest

from voice_ai.conversation import begin, load_script, step
from voice_ai.conversation.draw import dot, mermaid
from voice_ai.conversation.handing_over import kept, restored, summary, taken_over
from voice_ai.conversation.script import check_script
from voice_ai.conversation.turns import (
    Ask,
    Disposition,
    HangUp,
    HungUp,
    OptOut,
    Say,
    Silence,
    Speech,
    State,
    Transfer,
    TransferFailed,
    Transferred,
)

SCRIPT = """
script: clinic_survey
purpose: informational
start: opening
slots:
  seller: {required: true}
  callback_number: {required: true, speak: phone}
  lead_name: {scope: lead, speak: name, default: your team}
  rating: {scope: call}
  phone: {scope: call}
nodes:
  opening:
    identify: Hello, this is {seller}.
    disclose: I am an automated A I assistant on a recorded line.
    opt_out: Say stop or press nine to end these calls.
    ask: On a scale from one to five, how satisfied are you?
    expects: rating
    capture: rating
    ratings: {1-2: number, 3-5: bye}
    on: {out_of_scope: person}
  number:
    ask: Which number may we call you at?
    expects: phone
    capture: phone
    next: person
  person:
    say: I will connect you with a colleague.
    transfer: warm
    goal: true
    else: sorry
  sorry:
    ask: Shall we call you tomorrow?
    on: {yes: bye, no: bye}
  bye:
    say: ["Our number is {callback_number}.", Thank you. Goodbye.]
    end: true
"""
CLINIC = load_script(SCRIPT, source="clinic")
SLOTS = {"seller": "Oak Street Clinic", "callback_number": "+12125550999", "lead_name": "Ann Lee"}


def asked() -> tuple[State, Transfer]:
    state, _ = begin(CLINIC, SLOTS)
    state, _ = step(CLINIC, state, Speech("two", intent="rating"))
    state, actions = step(CLINIC, state, Speech("212 555 0123"))
    return state, next(action for action in actions if isinstance(action, Transfer))


def said(actions: tuple[object, ...]) -> str:
    return " ".join(action.text for action in actions if isinstance(action, Say | Ask))


def test_a_node_hands_the_call_over_after_its_words_which_are_not_cut() -> None:
    state, _ = begin(CLINIC, SLOTS)
    state, actions = step(CLINIC, state, Speech("I want to talk to somebody", "out_of_scope"))
    spoken = [action for action in actions if isinstance(action, Say)]
    assert [say.text for say in spoken] == ["I will connect you with a colleague."]
    assert not any(say.interruptible for say in spoken)
    assert isinstance(actions[-1], Transfer)
    assert (actions[-1].kind, state.ended, state.disposition) == ("warm", "transfer", None)


def test_the_summary_says_who_and_what_and_no_number() -> None:
    _, transfer = asked()
    assert transfer.summary == (
        "A call about clinic survey for Oak Street Clinic. On the line: Ann Lee. Rating: 2."
    )


def test_the_summary_is_short_and_tells_the_last_intents() -> None:
    state = State("person", {"rating": " ".join(["word"] * 30)}, intents=("yes", "question"))
    told = summary(CLINIC, state)
    assert "They last said: yes, then a question." in told
    assert len(told.split()) < 40


def test_nobody_picks_up_and_the_conversation_goes_on_at_else() -> None:
    state, _ = asked()
    state, actions = step(CLINIC, state, TransferFailed("no_answer"))
    assert said(actions) == (
        "I am sorry, nobody can take your call right now. Shall we call you tomorrow?"
    )
    assert (state.node, state.ended, state.disposition) == ("sorry", None, None)
    state, _ = step(CLINIC, state, Speech("Yes please", intent="yes"))
    assert (state.ended, state.disposition) == ("script_end", "conversed_no_goal")


def test_a_colleague_takes_it_and_the_goal_of_the_node_is_reached() -> None:
    state, _ = asked()
    state, actions = step(CLINIC, state, Transferred())
    assert actions == (Disposition("goal"), HangUp("transferred"))
    assert (state.ended, state.disposition) == ("transferred", "goal")


def test_while_a_colleague_is_asked_only_an_opt_out_is_heard() -> None:
    state, _ = asked()
    for heard in (Silence(6.0), Speech("hello?"), HungUp()):
        assert step(CLINIC, state, heard) == (state, ())
    after, actions = step(CLINIC, state, Speech("stop calling me"))
    assert isinstance(actions[0], OptOut)
    assert step(CLINIC, after, TransferFailed("no_answer")) == (after, ())


def test_what_was_taken_over_in_mid_question_asks_it_again() -> None:
    state, _ = begin(CLINIC, SLOTS)
    state = taken_over(state)
    after, actions = step(CLINIC, state, TransferFailed("busy"))
    assert said(actions).endswith("how satisfied are you?")
    assert after.ended is None
    _, actions = step(CLINIC, state, Transferred())
    assert actions == (Disposition("transferred"), HangUp("transferred"))


def test_a_transfer_that_was_never_asked_for_changes_nothing() -> None:
    state, _ = begin(CLINIC, SLOTS)
    for heard in (Transferred(), TransferFailed("busy")):
        assert step(CLINIC, state, heard) == (state, ())


def test_a_state_is_kept_as_plain_data_and_comes_back_the_same() -> None:
    state, _ = asked()
    assert restored(kept(state)) == state


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("    else: sorry\n", "", 27, "say with `else`"),
        ("    say: I will connect you with a colleague.\n", "", 26, "tell the person"),
        ("    goal: true\n", "    next: bye\n", 28, "`next` has no place in it"),
        ("transfer: warm", "transfer: cold", 27, "`cold` is not known here"),
        ("    else: sorry\n", "    else: person\n", 29, "comes back to itself"),
        ("    else: sorry\n", "    else: nowhere\n", 29, "there is no node `nowhere`"),
    ],
)
def test_a_fault_names_its_line_and_what_to_do(old: str, new: str, line: int, words: str) -> None:
    _, faults = check_script(SCRIPT.replace(old, new).lstrip("\n"), source="clinic.yaml")
    found = [fault for fault in faults if words in fault.message]
    assert [fault.line for fault in found] == [line], [str(fault) for fault in faults]


def test_drawings_show_it() -> None:
    assert "warm transfer" in dot(CLINIC)
    assert "class n_person transfer" in mermaid(CLINIC)
    assert 'n_person -->|"else"| n_sorry' in mermaid(CLINIC)

"""A script tried by typing: what the machine of a call would answer, and nothing else happens."""

import pytest

from voice_ai.conversation.draw import dot, edges
from voice_ai.conversation.script import Script, builtin_scripts, load_script
from voice_ai.conversation.trial import Trial, begin_trial, hear
from voice_ai.errors import BadInput

SLOTS: dict[str, str | None] = {"seller": "The Clinic", "callback_number": "+18005550100"}


def script(name: str = "appointment_reminder") -> Script:
    return load_script(builtin_scripts()[name], source=name)


def told(*words: str) -> Trial:
    trial = begin_trial(script(), SLOTS)
    for typed in words:
        trial = hear(trial, typed)
    return trial


def test_the_opening_is_what_a_call_opens_with() -> None:
    (opening,) = told().exchanges
    assert (opening.heard, opening.intent, opening.node) == (None, None, "opening")
    assert opening.said[0] == "Hello, this is The Clinic."
    assert opening.effects == ()


def test_words_are_understood_and_lead_on() -> None:
    trial = told("yes", "I bring my card along and a letter of my own doctor too")
    assert [one.intent for one in trial.exchanges] == [None, "yes", None]
    assert [one.node for one in trial.exchanges] == ["opening", "confirmed", "goodbye"]
    assert trial.exchanges[-1].effects[-2:] == (
        "the call counts as goal",
        "the agent hangs up (script end)",
    )
    assert trial.over


@pytest.mark.parametrize("typed", ["stop calling me", "/9"])
def test_an_opt_out_is_told_and_ends_the_call(typed: str) -> None:
    trial = told(typed)
    last = trial.exchanges[-1]
    assert last.intent == "opt_out"
    assert "the number is suppressed for the whole seller" in last.effects
    assert trial.state.disposition == "opt_out"


@pytest.mark.parametrize(
    ("typed", "disposition"),
    [("/hangup", "human_hangup"), ("/machine", "machine")],
)
def test_gestures_stand_for_what_they_say(typed: str, disposition: str) -> None:
    assert told(typed).state.disposition == disposition


def test_silence_is_asked_after_and_then_ends_the_call() -> None:
    assert "I did not hear you." in told("/silence").exchanges[-1].said
    assert told("/silence", "").over


def test_the_callback_question_is_answered_like_any_other() -> None:
    trial = told("I am busy", "tomorrow at three")
    assert trial.exchanges[1].intent == "busy_now"
    assert "a callback is noted: tomorrow" in trial.exchanges[-1].effects[0]
    assert trial.over


def test_a_call_that_is_over_hears_nothing_more() -> None:
    with pytest.raises(BadInput, match="over"):
        hear(told("/hangup"), "hello")


def test_an_unknown_gesture_is_named_beside_those_that_there_are() -> None:
    with pytest.raises(BadInput, match="/silence"):
        told("/dance")


def test_a_campaign_slot_without_a_value_is_named() -> None:
    with pytest.raises(BadInput, match="seller"):
        begin_trial(script(), {})


@pytest.mark.parametrize("name", sorted(builtin_scripts()))
def test_the_drawing_has_every_node_and_every_way(name: str) -> None:
    drawn = script(name)
    text = dot(drawn, here=drawn.start)
    for node in drawn.nodes:
        assert f"n_{node} [" in text
    for edge in edges(drawn):
        assert f"n_{edge.source} -> n_{edge.target} [" in text
    assert text.count("penwidth=3") == 1

"""Which verdict on who answered is acted on, and what campaigns and scripts must say for it."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from voice_ai.answering import LABELS, SURE, Answering, AnswerVerdict, Label, both, who_answered
from voice_ai.campaigns import judge_campaign, parse_campaign
from voice_ai.conversation import builtin_scripts, load_script, prompts
from voice_ai.conversation.answerers import Told, only_asks_to_wait, told_by, told_by_words
from voice_ai.errors import BadInput

SURVEY = builtin_scripts()["satisfaction_survey"]
SILENT_SURVEY = re.sub(r"^voicemail:\n(?:  - .*\n)+", "", SURVEY, flags=re.MULTILINE)
CAMPAIGN = """
name: Messages
seller: {name: Acme, legal_name: Acme Health, callback_number: "+18005550100"}
list: patients
script: own
caller_ids: ["+12125550100"]
answering: {machine: leave_message}
"""


def own(label: Label, confidence: float) -> AnswerVerdict:
    return AnswerVerdict(label, confidence, 2.0, "words")


@pytest.mark.parametrize(
    ("ours", "carrier", "acted_on"),
    [
        (None, None, "human"),
        (None, "human", "human"),
        (None, "machine_start", "machine"),
        (None, "fax", "fax"),
        (None, "unknown", "human"),
        (own("unknown", 0.5), "machine_start", "machine"),
        (own("machine", 0.65), None, "human"),
        (own("machine", 0.65), "human", "human"),
        (own("machine", 0.65), "machine_start", "machine"),
        (own("machine", 0.97), "human", "machine"),
        (own("machine", 0.9), "human", "human"),
        (own("human", 0.8), "machine_start", "human"),
        (own("human", 0.8), "machine_end_beep", "machine"),
        (own("human", 0.97), "machine_end_beep", "human"),
        (own("screening", 0.93), None, "screening"),
        (own("screening", 0.93), "machine_start", "screening"),
        (own("ivr", 0.93), "machine_start", "ivr"),
        (own("fax", 0.95), "unknown", "fax"),
    ],
)
def test_both_verdicts_count(
    ours: AnswerVerdict | None, carrier: str | None, acted_on: str
) -> None:
    assert who_answered(ours, carrier) == acted_on


@given(
    st.sampled_from(LABELS),
    st.floats(0.5, SURE, exclude_max=True),
    st.sampled_from([None, "human", "unknown"]),
)
def test_nobody_is_hung_up_on_at_low_confidence(
    label: Label, confidence: float, carrier: str | None
) -> None:
    assert who_answered(own(label, confidence), carrier) in ("human",)


@given(st.floats(0.51, 0.98), st.floats(0.51, 0.98))
def test_two_witnesses_are_surer_than_one_and_opposed_ones_are_not(
    one: float, other: float
) -> None:
    assert both(one, other) >= max(one, other)
    assert both(one, 1 - other) <= one
    assert both() == 0.5


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Please leave your name and number after the tone.", "machine"),
        ("Leave your name and the reason for your call and I will get back to you.", "machine"),
        ("Please record your name and reason for calling.", "screening"),
        (
            "If you say your name and why you are calling, I see if she is in.",
            "screening",
        ),
        ("State your name after the tone.", "screening"),
        ("For billing, press two.", "ivr"),
        ("Please listen carefully, as our menu options have changed.", "ivr"),
        ("When you have finished recording, press one for more options.", "machine"),
        ("Deje su mensaje después del tono.", "machine"),
        ("Good morning, Sunrise Dental, how may I help you?", "human"),
        ("Who is calling please?", "human"),
    ],
)
def test_words_tell_who_speaks(text: str, label: str) -> None:
    told = told_by_words(text)
    assert told is not None
    assert told.label == label
    assert told.confidence >= SURE


@pytest.mark.parametrize("text", ["", "Yes.", "Five.", "I was there on Monday.", "Tell me more."])
def test_other_words_tell_nothing(text: str) -> None:
    assert told_by_words(text) is None


def test_a_model_is_heard_where_the_words_give_nobody_away() -> None:
    sure = {"machine": 0.9, "human": 0.02, "ivr": 0.08}
    assert told_by("We are out for a ride.", sure) == Told("machine", 0.9)
    assert told_by("We are out for a ride.", None) is None
    assert told_by("We are out for a ride.", {**sure, "human": 0.06}) is None
    assert told_by("We are out for a ride.", {"human": 0.99, "machine": 0.01}) is None


def test_a_model_does_not_talk_down_sure_words() -> None:
    text = "Please leave your name and number after the tone."
    assert told_by(text, {"ivr": 0.99}) == told_by_words(text)


def test_a_screener_that_asks_to_wait_does_not_ask_again() -> None:
    assert only_asks_to_wait("Thanks, please stay on the line.")
    assert not only_asks_to_wait("Hold on. Please say your name and why you are calling.")
    assert not only_asks_to_wait("Hello?")


def test_a_campaign_leaves_messages_only_with_a_script_that_has_one() -> None:
    def read(script: str) -> Answering:
        scripts = {"own": script}
        return parse_campaign(
            CAMPAIGN, source="c.yaml", folder=Path(), scripts=scripts
        ).config.answering

    with pytest.raises(BadInput) as caught:
        read(SILENT_SURVEY)
    assert (caught.value.line, caught.value.field) == (7, "answering.machine")
    assert "no `voicemail`" in caught.value.message
    assert read(SURVEY).machine == "leave_message"
    _, faults = judge_campaign(yaml.safe_load(CAMPAIGN), SILENT_SURVEY)
    assert set(faults) == {"answering.machine"}


def test_messages_are_left_over_media_streams_only() -> None:
    data = {**yaml.safe_load(CAMPAIGN), "transport": "conversation_relay"}
    _, faults = judge_campaign(data, SURVEY)
    assert "media_streams only" in faults["answering.machine"]


@pytest.mark.parametrize(
    ("lines", "place", "message"),
    [
        (["An automated A I assistant of {seller}.", "Goodbye."], "voicemail", "number"),
        (
            ["This is an A I. To stop calls, call {callback_number}."],
            "voicemail",
            "seller",
        ),
        (["This is {seller}.", "To stop calls, call {callback_number}."], "voicemail", "A I"),
        (["This is {seller}, an A I assistant.", "Call {callback_number}."], "voicemail", "for"),
        (["This is {seller}, an A I assistant.", "May I?"], "screener", "?"),
        (["I am an A I assistant."], "screener", "seller"),
    ],
)
def test_what_is_left_must_be_lawful(lines: list[str], place: str, message: str) -> None:
    text = SILENT_SURVEY + "\n" + yaml.safe_dump({place: lines})
    with pytest.raises(BadInput) as caught:
        load_script(text, source="survey.yaml")
    assert str(caught.value.field).startswith(place)
    assert caught.value.line is not None
    assert message in caught.value.message


def test_messages_are_rendered_ahead() -> None:
    script = load_script(SURVEY, source="survey")
    slots = {"seller": "Acme", "callback_number": "+18005550100"}
    assert "To stop these calls, call eight zero zero" in " ".join(
        prompt.text for prompt in prompts(script, slots)
    )

"""Which words of a language model are spoken, and how a script must be written to have any."""

from pathlib import Path

import pytest

from voice_ai.conversation.refusals import refused
from voice_ai.conversation.script import Script, check_script, load_script
from voice_ai.conversation.step import begin, step
from voice_ai.conversation.turns import Answered, Ask, FindAnswer, Judged, Say, Silence, Speech

TEXT = (Path(__file__).parents[1] / "scenarios" / "clinic.script.yaml").read_text(encoding="utf-8")
SLOTS = {"seller": "Lakeside Clinic", "callback_number": "+18005550100", "lead_name": "Jane Miller"}
FACTS = (
    "The clinic is open from nine to five, Monday to Friday.",
    "The clinic is at 12 Lake Street, next to the library.",
    "Parking behind the building is free for patients.",
    "A visit costs 30 dollars.",
)


def judged(text: str, question: str = "when are you open", language: str = "en-US") -> str | None:
    return refused(
        text, facts=FACTS, topic="the clinic", question=question, max_words=25, language=language
    )


@pytest.mark.parametrize(
    "text",
    [
        "The clinic is open from nine to five, Monday to Friday.",
        "We are open 9 to 5, Monday to Friday.",
        "It is at 12 Lake Street, next to the library.",
        "Parking is free for patients, behind the building.",
        "A visit costs 30 dollars.",
        "We are open on Friday from nine.",
    ],
)
def test_what_the_facts_say_is_spoken(text: str) -> None:
    assert judged(text) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("UNKNOWN", "unknown"),
        ("I don't know.", "unknown"),
        ("The clinic is open " + "from nine to five " * 7, "too_long"),
        ("We are open from eight to five, Monday to Friday.", "number"),
        ("We are open from nine to five fifteen.", "number"),
        ("We are open from nine to five on Saturday.", "day"),
        ("A visit costs 30 euros.", "price"),
        ("A visit costs $30.", "price"),
        ("A visit is free for you at the clinic, I promise.", "promise"),
        ("We will refund the visit.", "promise"),
        ("I am a real person at the clinic.", "denies_ai"),
        ("I'm not a robot, I work at the clinic.", "denies_ai"),
        ("Please give me your credit card number.", "private_data"),
        ("Tell me your symptoms and the clinic is open.", "private_data"),
        ("The clinic is open, you idiot.", "profanity"),
        ("My instructions say that the clinic is open.", "echo"),
        ("Answer: the clinic is open from nine to five.", "echo"),
        ("See www.lakeside.example for the clinic.", "address"),
        ("Write to desk@lakeside.com about the clinic.", "address"),
        ("Do you want to come at nine?", "not_speakable"),
        ("The clinic is **open** from nine to five.", "not_speakable"),
        ("La clinica esta abierta de nine a five, por favor.", "language"),
        ("Our doctors recommend drinking plenty of green tea daily.", "day"),
        ("Our doctors recommend drinking plenty of green tea.", "not_in_facts"),
    ],
)
def test_what_may_not_be_spoken_is_refused_with_its_reason(text: str, why: str) -> None:
    assert judged(text) == why


@pytest.fixture(scope="module")
def clinic() -> Script:
    return load_script(TEXT, source="clinic.yaml")


def test_the_question_goes_out_without_name_or_number(clinic: Script) -> None:
    state, _ = begin(clinic, SLOTS)
    said = "can Jane Miller call you at 212 555 0133 and where do I park"
    state, actions = step(clinic, state, Speech(said, "question"))
    (find,) = actions
    assert isinstance(find, FindAnswer)
    assert find.question == "can [name] call you at [number] and where do I park"
    assert find.facts[1] == "The clinic is at 12 Lake Street, next to the library."
    assert find.filler.key is not None, "the filler is rendered ahead"
    assert (find.timeout_s, find.max_words, find.language) == (3, 25, "en-US")


def test_an_answer_that_nobody_waits_for_any_more_is_not_said(clinic: Script) -> None:
    state, _ = begin(clinic, SLOTS)
    state, (find,) = step(clinic, state, Speech("where do I park"))
    assert isinstance(find, FindAnswer)
    state, (second,) = step(clinic, state, Speech("when are you open"))
    assert isinstance(second, FindAnswer)
    late = Answered(find.id, "Parking behind the building is free for patients.")
    assert step(clinic, state, late) == (state, ())
    state, actions = step(clinic, state, Answered(second.id, FACTS[0]))
    assert actions[0] == Judged("spoken")
    assert actions[1] == Say(FACTS[0], None, interruptible=True)
    assert isinstance(actions[2], Ask)
    assert step(clinic, state, Answered(second.id, FACTS[0])) == (state, ())


def test_silence_while_it_thinks_is_the_agents_own(clinic: Script) -> None:
    state, _ = begin(clinic, SLOTS)
    state, _ = step(clinic, state, Speech("where do I park"))
    assert step(clinic, state, Silence(6)) == (state, ())


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "12 {street}, next",
            "12 {road}, next",
            "clinic.yaml:19, field answer.facts.1: `{road}` is not declared under `slots`.",
        ),
        (
            "12 {street}, next",
            "12 {lead_name}, next",
            "clinic.yaml:19, field answer.facts.1: `{lead_name}` is the person's own; facts leave"
            " the house, so they hold slots of the campaign only.",
        ),
        (
            "fallback: I am sorry, I cannot answer that. Our desk can.",
            "fallback: Shall I ask our desk?",
            'clinic.yaml:24, field answer.fallback: only `ask` and `retry` may contain "?"; the'
            " answer to this would be lost.",
        ),
        (
            "max_words: 25",
            "max_words: 250",
            "clinic.yaml:22, field answer.max_words: `250` cannot stand here: it must be less than"
            " or equal to 40.",
        ),
        (
            "    say: You have a visit with us tomorrow.\n",
            "    say: You have a visit with us tomorrow.\n    answer: {topic: x, facts: y}\n",
            "clinic.yaml:32, field nodes.opening.answer.fallback: `fallback` is missing.",
        ),
    ],
)
def test_an_answer_that_is_written_wrong_is_told_with_its_line(
    old: str, new: str, fault: str
) -> None:
    assert TEXT.count(old) == 1
    faults = check_script(TEXT.replace(old, new), source="clinic.yaml")[1]
    assert fault in [one.message for one in faults]

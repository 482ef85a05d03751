"""The script language: what it accepts, and where it says a script is wrong."""

from pathlib import Path

import pytest

from voice_ai.conversation.prompts import prompts, sentences
from voice_ai.conversation.script import (
    Lines,
    Node,
    Script,
    Slot,
    builtin_scripts,
    check_script,
    load_script,
    resolve_slots,
)
from voice_ai.conversation.source import MAX_CHARACTERS
from voice_ai.errors import BadInput

GOOD = """\
script: small
purpose: informational
start: opening
slots:
  seller: {required: true}
  callback_number: {required: true, speak: phone}
  rating: {scope: call}
nodes:
  opening:
    identify: Hello, this is {seller}.
    disclose: I am an A I assistant on a recorded line.
    opt_out: Say stop or press nine to end these calls.
    ask: Do you have a minute?
    on:
      yes: rate
      no: bye
  rate:
    ask: How many points from one to five?
    expects: rating
    capture: rating
    ratings: {1-2: bye, 3-5: bye}
  bye:
    say: Our number is {callback_number}. Goodbye.
    end: true
"""


def script_with(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_good_script_loads_with_words_that_yaml_would_turn_into_booleans() -> None:
    script = load_script(GOOD, source="small.yaml")
    assert script.name == "small"
    assert script.nodes["opening"].on == {"yes": "rate", "no": "bye"}
    assert script.nodes["bye"].end is True
    assert script.nodes["rate"].target_of_rating(2) == "bye"


# One change to the good script, and the line and field where it must be reported.
FAULTS: dict[str, tuple[str, str, int, str | None, str]] = {
    "unknown node": ("yes: rate", "yes: rates", 15, "nodes.opening.on.yes", "no node `rates`"),
    "unknown start": ("start: opening", "start: openin", 3, "start", "no node `openin`"),
    "unknown intent": ("yes: rate", "yess: rate", 15, "nodes.opening.on.yess", "not known"),
    "intent answered everywhere": (
        "no: bye",
        "no: bye\n      opt_out: bye",
        17,
        "nodes.opening.on.opt_out",
        "understood everywhere",
    ),
    "unreachable node": ("yes: rate", "yes: bye", 17, "nodes.rate", "no way leads to"),
    "dead end": ("    end: true\n", "", 22, "nodes.bye", "dead end"),
    "yes/no question without no": ("      no: bye\n", "", 14, "nodes.opening.on", "`on: no`"),
    "missing identification": (
        "    identify: Hello, this is {seller}.\n",
        "",
        9,
        "nodes.opening",
        "no `identify`",
    ),
    "identification without the seller": (
        "this is {seller}",
        "this is us",
        10,
        "nodes.opening.identify",
        "{seller}",
    ),
    "missing disclosure": (
        "    disclose: I am an A I assistant on a recorded line.\n",
        "",
        9,
        "nodes.opening",
        "no `disclose`",
    ),
    "disclosure that hides the machine": (
        "an A I assistant on",
        "an assistant on",
        11,
        "nodes.opening.disclose",
        "A I assistant",
    ),
    "no recording notice": ("on a recorded line", "of the clinic", 9, "nodes.opening", "recorded"),
    "opt-out without its key": ("or press nine ", "", 12, "nodes.opening.opt_out", "key nine"),
    "opening part in another node": (
        "    expects: rating",
        "    identify: This is {seller}.\n    expects: rating",
        19,
        "nodes.rate.identify",
        "start node only",
    ),
    "no goodbye": (". Goodbye.", ".", 24, "nodes.bye.end", "Goodbye"),
    "call-back number never spoken": (
        "number is {callback_number}",
        "number is secret",
        23,
        "nodes.bye.say",
        "call-back number",
    ),
    "unknown slot": ("this is {seller}", "this is {seler} {seller}", 10, None, "`{seler}`"),
    "open brace": ("a minute?", "a {minute?", 13, "nodes.opening.ask", "brace"),
    "slot that may be empty": ("a minute?", "{rating}?", 13, "nodes.opening.ask", "default"),
    "question without question mark": ("minute?", "minute.", 13, "nodes.opening.ask", '"?"'),
    "question mark in a statement": ("recorded line.", "recorded line?", 11, None, "lost"),
    "duplicate key": ("      no: bye", "      yes: bye", 16, "nodes.opening.on.yes", "twice"),
    "wrong type": ("end: true", "end: perhaps", 24, "nodes.bye.end", "yes or no"),
    "list for a text": ("ask: Do you", "ask: [Do you", 13, None, "YAML"),
    "unknown word": ("end: true", "ends: true", 24, "nodes.bye.ends", "script language"),
    "empty value": ("script: small", "script:", 1, "script", "no value"),
    "unknown purpose": ("informational", "fun", 2, "purpose", "telemarketing"),
    "undeclared capture": ("capture: rating", "capture: points", 20, None, "scope: call"),
    "slot not declared": (
        "  callback_number: {required: true, speak: phone}\n",
        "",
        4,
        "slots.callback_number",
        "required slot",
    ),
    "ratings outside the scale": ("3-5: bye", "3-6: bye", 21, "nodes.rate.ratings.3-6", "scale"),
    "rating that leads nowhere": (", 3-5: bye", "", 21, "nodes.rate.ratings", "rating of 3"),
    "scale the wrong way round": (
        "    expects: rating",
        "    expects: rating\n    scale: [5, 1]",
        20,
        "nodes.rate.scale",
        "lower one first",
    ),
    "end that goes on": ("end: true", "end: true\n    next: rate", 24, "nodes.bye.end", "neither"),
    "foreign language without lines": (
        "purpose:",
        "language: de-DE\npurpose:",
        1,
        "lines",
        "own lines",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_reported_with_file_line_and_field(name: str) -> None:
    old, new, line, field, words = FAULTS[name]
    with pytest.raises(BadInput) as caught:
        load_script(script_with(old, new), source="small.yaml")
    fault = caught.value
    assert (fault.file, fault.line) == ("small.yaml", line)
    assert words in fault.message
    assert fault.message.startswith(f"small.yaml:{line}")
    if field is not None:
        assert fault.field == field


def test_every_fault_is_listed_in_the_order_of_the_lines() -> None:
    text = script_with("a minute?", "a minute").replace("end: true", "end: maybe")
    assert [fault.line for fault in check_script(text, source="s")[1]] == [24]
    text = script_with("a minute?", "a minute").replace("yes: rate", "yes: nowhere")
    script, faults = check_script(text, source="s")
    assert script is None
    assert [fault.line for fault in faults] == [13, 15]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("- a\n- b\n", 1),
        ("script: [", 1),
        ("a: 1\nb: *nothing\n", 2),
        ("a: &x 1\nb: *x\n", 2),
        ("a: " + "[" * 5000, 1),
        ("a: {b: {b: {b: {b: {b: {b: {b: {b: {b: {b: {b: {b: {b: 1}}}}}}}}}}}}}", 1),
        ("? [a, b]\n: 1\n", 1),
        ("a: \x00", 1),
        ("--- {a: 1}\n--- {b: 1}\n", 2),
        ("\ta: 1", 1),
    ],
)
def test_text_that_is_no_script_is_one_sentence_with_its_line(text: str, line: int) -> None:
    with pytest.raises(BadInput) as caught:
        load_script(text, source="odd.yaml")
    assert caught.value.line == line
    assert "\n" not in caught.value.message


def test_endless_script_is_refused_before_it_is_read() -> None:
    with pytest.raises(BadInput, match="longer than"):
        load_script("a" * (MAX_CHARACTERS + 1), source="long.yaml")


def test_loop_that_asks_nothing_is_refused() -> None:
    text = script_with("yes: rate", "yes: one").replace(
        "  bye:\n",
        "  one:\n    say: One.\n    next: two\n  two:\n    say: Two.\n    next: one\n  bye:\n",
    )
    messages = [fault.message for fault in check_script(text, source="s")[1]]
    assert any("comes back to itself" in message for message in messages)


def test_nodes_that_only_lead_to_each_other_are_refused() -> None:
    loop = "  ping:\n    ask: Ping?\n    next: pong\n  pong:\n    ask: Pong?\n    next: ping\n"
    text = script_with("yes: rate", "yes: rate\n      thanks: ping")
    faults = check_script(text.replace("  bye:\n", loop + "  bye:\n"), source="s")[1]
    assert [fault.field for fault in faults] == ["nodes.ping", "nodes.pong"]
    assert "one with `end: true`" in faults[0].message


def test_builtin_scripts_load_and_are_named_after_their_files() -> None:
    texts = builtin_scripts()
    assert set(texts) >= {"appointment_reminder", "satisfaction_survey"}
    for name, text in texts.items():
        assert load_script(text, source=f"{name}.yaml").name == name


def test_script_in_the_documentation_loads_and_every_word_of_the_language_is_named() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scripts.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    assert load_script(example, source="docs/scripts.md").name == "clinic_survey"
    for model in (Script, Slot, Node, Lines):
        for name, field in model.model_fields.items():
            word = field.alias or name
            assert f"`{word}`" in page or f"{word}:" in example, word


@pytest.fixture
def small() -> Script:
    return load_script(GOOD, source="small.yaml")


def test_missing_required_slot_names_the_slot_and_what_to_do(small: Script) -> None:
    with pytest.raises(BadInput, match="needs a value for `seller`; set it in the campaign") as e:
        resolve_slots(small, {"callback_number": "+18005550100", "seller": "  "})
    assert e.value.field == "seller"


def test_slots_are_one_line_of_speakable_words(small: Script) -> None:
    slots = resolve_slots(
        small,
        {"seller": " What's\nUp? {x} Inc. ", "callback_number": "+1 (800) 555-0100", "z": "1"},
    )
    assert slots == {
        "seller": "What's Up x Inc.",
        "callback_number": "eight zero zero, five five five, zero one zero zero",
    }


def test_of_a_personal_prompt_the_sentences_without_the_name_are_rendered_ahead() -> None:
    text = script_with("say: Our number is", "say: Thank you, {who}. Our number is")
    text = text.replace("  rating: {", "  who: {scope: lead, default: all}\n  rating: {")
    script = load_script(text, source="small.yaml")
    given = {"seller": "Acme", "callback_number": "1"}
    said = [prompt.text for prompt in prompts(script, given)]
    assert "Our number is one." in said
    assert "Goodbye." in said
    assert "Thank you, all. Our number is one. Goodbye." in said
    assert "Thank you, all." not in said


def test_sentences_end_where_a_voice_may_draw_breath() -> None:
    assert sentences(" Hello, Dr. Ada Ray. Is it 3.5 now?  Yes! ") == (
        "Hello, Dr. Ada Ray.",
        "Is it 3.5 now?",
        "Yes!",
    )

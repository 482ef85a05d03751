"""Written conversations: the suite of the product's scripts, and what a wrong one says."""

from pathlib import Path

import pytest

from dialer.virtual.timed import run_timed
from voice_ai.conversation.scenarios import Result, read_scenarios, run_scenarios
from voice_ai.conversation.script import builtin_scripts, load_script
from voice_ai.errors import BadInput

FOLDER = Path(__file__).parents[1] / "scenarios"
SUITE = sorted(set(FOLDER.glob("*.yaml")) - set(FOLDER.glob("*.script.yaml")))
HEAD = """script: satisfaction_survey
slots: {seller: Acme, callback_number: "+18005550100"}
scenarios:
  - name: one
    steps:
"""


def results(text: str, source: str = "one.yaml") -> list[Result]:
    file = read_scenarios(text, source=source)
    name = file.scenarios.script
    known = builtin_scripts().get(name) or (FOLDER / name).read_text(encoding="utf-8")
    return list(run_scenarios(file, load_script(known, source=name), run_timed))


def fault(steps: str) -> str:
    (result,) = results(HEAD + steps)
    (found,) = result.faults
    return found.message


def test_the_suite_is_of_some_size() -> None:
    assert sum(len(results(file.read_text(encoding="utf-8"))) for file in SUITE) >= 40


@pytest.mark.parametrize("file", SUITE, ids=lambda file: file.stem)
def test_every_conversation_of_the_suite_goes_as_it_is_written(file: Path) -> None:
    told = results(file.read_text(encoding="utf-8"), str(file))
    assert [fault.message for one in told for fault in one.faults] == []


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (
            '      - {heard: "yes", at: bye}\n',
            "one.yaml:6, field scenarios.0.steps.0.at: the conversation stands at `rate`.",
        ),
        (
            '      - {heard: "no", ends: goal}\n',
            "one.yaml:6, field scenarios.0.steps.0.ends: the call has ended as not_interested.",
        ),
        (
            '      - {heard: "yes", ends: goal}\n',
            "one.yaml:6, field scenarios.0.steps.0.ends: the call has ended not yet.",
        ),
        (
            '      - {heard: "stop", suppressed: false, ends: opt_out}\n',
            "one.yaml:6, field scenarios.0.steps.0.suppressed: the number is suppressed.",
        ),
        (
            '      - {heard: "yes"}\n      - {heard: "two", sets: {rating: "3"}}\n',
            "one.yaml:7, field scenarios.0.steps.1.sets.rating: `rating` is “2”.",
        ),
        (
            '      - {heard: "yes", understood: no}\n',
            "one.yaml:6, field scenarios.0.steps.0.understood: it was understood as yes.",
        ),
        (
            '      - {heard: "no"}\n',
            "one.yaml:6, field scenarios.0.steps.0: the call ended here; write"
            " `ends: not_interested`.",
        ),
        (
            '      - {heard: "no", ends: not_interested}\n      - {heard: "yes"}\n',
            "one.yaml:7, field scenarios.0.steps.1: the call was over before (script_end):"
            " nobody hears it.",
        ),
    ],
)
def test_what_goes_otherwise_is_told_with_file_line_and_field(steps: str, message: str) -> None:
    assert fault(steps) == message


def test_words_must_be_said_in_their_order() -> None:
    message = fault('      - {heard: "yes", says: [satisfied, On a scale]}\n')
    assert "“On a scale” was not said (or not in this order)" in message
    assert "“On a scale” was said." in fault('      - {heard: "yes", never_says: On a scale}\n')


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ('      - {heard: "yes", whispers: x}\n', "`whispers` is not a word here"),
        ('      - {heard: "yes", keys: "1"}\n', "one thing that the callee does"),
        ("      - {at: rate}\n", "one thing that the callee does"),
        ("      - {does: sings}\n", "a callee does one of: silence, hangs_up"),
    ],
)
def test_a_file_that_is_wrong_says_where(steps: str, message: str) -> None:
    with pytest.raises(BadInput, match="one.yaml:6") as raised:
        results(HEAD + steps)
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (
            '      - {heard: "yes", within_ms: 300}\n',
            "one.yaml:6, field scenarios.0.steps.0.within_ms: the agent answered after 400 ms.",
        ),
        (
            '      - {heard: "yes", not_before_ms: 500}\n',
            "one.yaml:6, field scenarios.0.steps.0.not_before_ms: the agent answered after 400 ms.",
        ),
        (
            "      - {does: silence, within_ms: 5000}\n",
            "one.yaml:6, field scenarios.0.steps.0.within_ms: the agent answered after 6000 ms.",
        ),
        (
            '      - {heard: "yes I can do that", pause_ms: 800}\n',
            "one.yaml:6, field scenarios.0.steps.0.pause_ms: the agent spoke in their pause.",
        ),
        (
            '      - {heard: "yes"}\n'
            '      - {heard: "wait a moment, who is this", after_ms: 500, stops_within_ms: 100}\n',
            "one.yaml:7, field scenarios.0.steps.1.stops_within_ms: the agent stopped after 220 ms"
            " of their voice.",
        ),
        (
            '      - {heard: "yes"}\n'
            '      - {heard: "wait a moment, who is this", after_ms: 500, keeps_talking: true}\n',
            "one.yaml:7, field scenarios.0.steps.1.keeps_talking: the agent stopped for it.",
        ),
        (
            '      - {heard: "no", within_ms: 600, ends: goal}\n',
            "one.yaml:6, field scenarios.0.steps.0.ends: the call has ended as not_interested.",
        ),
        (
            '      - {heard: "yes", within_ms: 600, sets: {rating: "3"}}\n',
            "one.yaml:6, field scenarios.0.steps.0.sets.rating: `rating` is “”.",
        ),
    ],
)
def test_what_takes_another_time_is_told_with_file_line_and_field(steps: str, message: str) -> None:
    assert fault(steps) == message


def test_a_word_that_only_the_machine_without_time_can_tell_is_refused() -> None:
    with pytest.raises(BadInput, match="`understood` .* is told by a conversation without time"):
        results(HEAD + '      - {heard: "yes", within_ms: 600, understood: yes}\n')

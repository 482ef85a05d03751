"""Ways by slot and by feeling: what is refused, what is drawn."""

from pathlib import Path

import pytest

from voice_ai.conversation.draw import Edge, dot, edges, everywhere, mermaid
from voice_ai.conversation.script import Script, check_script, load_script

TEXT = (Path(__file__).parents[1] / "scenarios" / "dinner.script.yaml").read_text(encoding="utf-8")


def faults_of(old: str, new: str) -> list[str]:
    assert TEXT.count(old) == 1
    return [fault.message for fault in check_script(TEXT.replace(old, new), source="d.yaml")[1]]


@pytest.fixture(scope="module")
def dinner() -> Script:
    return load_script(TEXT, source="d.yaml")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "{slot: guests, above: 8,",
            "{slot: gests, above: 8,",
            "d.yaml:31, field nodes.how_many.when.0.slot: `gests` is not declared under `slots`;"
            " there are: seller, callback_number, guests, outside.",
        ),
        (
            "{slot: guests, above: 8,",
            "{slot: seller, above: 8,",
            "d.yaml:31, field nodes.how_many.when.0.above: `seller` holds text, which is not above"
            " or below anything; use `equals`, or ask for it with `expects: number`.",
        ),
        (
            "{slot: guests, above: 8,",
            "{slot: guests, above: many,",
            "d.yaml:31, field nodes.how_many.when.0.above: `many` cannot stand here: it must be a"
            " whole number.",
        ),
        (
            "{slot: guests, above: 8,",
            "{slot: guests, above: 8, below: 3,",
            "d.yaml:31, field nodes.how_many.when.0: say one of `above`, `below`, `equals` and"
            " `missing`.",
        ),
        (
            'equals: "1", to: at_the_bar',
            "equals: lots, to: at_the_bar",
            "d.yaml:32, field nodes.how_many.when.1.equals: the answer that `guests` holds is never"
            " `lots`.",
        ),
        (
            'equals: "yes", to: terrace',
            "equals: sure, to: terrace",
            "d.yaml:45, field nodes.choose.when.0.equals: the answer to a yes/no question is never"
            " `sure`; it is no, yes.",
        ),
        (
            "{slot: outside, missing: true,",
            "{slot: seller, missing: true,",
            "d.yaml:46, field nodes.choose.when.1.missing: `seller` always has a value; take its"
            " default away, or this rule.",
        ),
        (
            "    next: inside\n",
            "    next: insid\n",
            "d.yaml:47, field nodes.choose.next: there is no node `insid`; the nodes are opening,"
            " how_many, outside, choose, terrace, inside, anywhere, lovely.",
        ),
        (
            "  anger: offer_human\n",
            "  anger: offer\n",
            "d.yaml:15, field on_emotion.anger: there is no node `offer`; the nodes are opening,"
            " how_many, outside, choose, terrace, inside, anywhere, lovely.",
        ),
    ],
)
def test_a_way_that_cannot_be_taken_is_told_with_its_line(old: str, new: str, fault: str) -> None:
    assert fault in faults_of(old, new)


def test_a_feeling_that_no_model_knows_is_refused() -> None:
    (fault,) = faults_of("  anger: offer_human\n", "  rage: offer_human\n")
    assert fault.startswith("d.yaml:15, field on_emotion.rage: `rage` is not known here; use 'joy'")


def test_a_node_that_only_a_feeling_reaches_is_reached() -> None:
    faults = faults_of("on_emotion:\n  anger: offer_human\n", "")
    assert [fault.split(": ", 1)[1] for fault in faults] == [
        "no way leads to the node `offer_human` from the start.",
        "no way leads to the node `person` from the start.",
    ]


def test_rules_need_a_way_for_when_none_holds() -> None:
    faults = faults_of(
        "    on: {yes: how_many, no: bye}\n    else: bye",
        "    on: {yes: how_many, no: bye}\n    when: [{slot: guests, missing: true, to: bye}]",
    )
    assert any("add `next` for when no rule holds" in fault for fault in faults)


def test_rules_that_go_round_without_a_question_are_refused() -> None:
    faults = faults_of(
        "    say: A table on the terrace is yours.\n    next: bye",
        "    say: A table on the terrace is yours.\n    next: choose",
    )
    assert any("comes back to itself without asking" in fault for fault in faults)


def test_ways_by_slot_and_feeling_are_drawn(dinner: Script) -> None:
    assert Edge("how_many", "guests above 8", "big_party") in edges(dinner)
    assert Edge("choose", "outside missing", "anywhere") in edges(dinner)
    assert Edge("outside", "joy", "lovely") in edges(dinner)
    assert everywhere(dinner) == (Edge("anger", "anger, anywhere", "offer_human"),)
    assert 'e_anger(("anger, anywhere")) -.-> n_offer_human' in mermaid(dinner)
    assert "e_anger -> n_offer_human [style=dashed]" in dot(dinner)

"""What a transcript keeps, and what it does not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_ai.conversation.redact import redact


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call me at 334-793-8701", "call me at [number]"),
        ("it is (334) 793 8701.", "it is [number]."),
        ("my number is +1 800.555.0100 okay", "my number is [number] okay"),
        ("five five five one two three four", "[number]"),
        ("five five, 5 one, oh two", "[number]"),
        ("double seven three one nine", "[number]"),
        ("nineteen eighty four twelve", "[number]"),
        ("room 12", "room 12"),
        ("I say four", "I say four"),
        ("one or two, maybe three", "one or two, maybe three"),
        ("at ten thirty", "at ten thirty"),
        ("room 120", "room [number]"),
        ("write to jo.smith@example.org please", "write to [email] please"),
        ("jo dot smith at example dot com", "[email]"),
        ("someone else", "someone else"),
        ("", ""),
    ],
)
def test_numbers_and_addresses_are_masked(text: str, masked: str) -> None:
    assert redact(text, []) == masked


@pytest.mark.parametrize(
    ("text", "known", "masked"),
    [
        ("this is Mary Jones speaking", ["Mary Jones"], "this is [name] speaking"),
        ("mary here", ["Mary Jones"], "[name] here"),
        ("MARY-JONES", ["Mary Jones"], "[name]"),
        ("O'Neil's office", ["O'Neil"], "[name]'s office"),
        ("the rosemary is fine", ["Mary"], "the rosemary is fine"),
        ("Southeast Health, hello", ["SOUTHEAST HEALTH"], "[name], hello"),
        ("my health is fine", ["SOUTHEAST HEALTH"], "my health is fine"),
        ("a.b (c) is here", ["a.b (c)"], "[name]) is here"),
        ("nothing", ["", "  ", "..."], "nothing"),
        ("Name Smith", ["Name Smith", "Smith"], "[name]"),
    ],
)
def test_known_values_are_masked_by_whole_words(text: str, known: list[str], masked: str) -> None:
    assert redact(text, known) == masked


@settings(deadline=None)
@given(st.lists(st.sampled_from("0123456789"), min_size=7, max_size=12), st.data())
def test_no_phone_number_survives_however_it_is_spaced(
    digits: list[str], data: st.DataObject
) -> None:
    spaced = "".join(
        digit + data.draw(st.sampled_from(["", " ", "-", ".", " - ", ", ", ") "]))
        for digit in digits
    )
    kept = redact(f"call {spaced} now", [])
    assert not any(character.isdigit() for character in kept)
    assert kept.startswith("call [number]")
    assert kept.endswith("now")


@settings(deadline=None)
@given(st.text(max_size=200), st.lists(st.text(min_size=1, max_size=12), max_size=3))
def test_masking_again_changes_nothing(text: str, known: list[str]) -> None:
    once = redact(text, known)
    assert redact(once, known) == once


@settings(deadline=None)
@given(st.sampled_from(["Mary Jones", "Zoë Åberg", "O'Neil", "Lee"]), st.text(max_size=20))
def test_known_name_standing_alone_never_survives(name: str, around: str) -> None:
    assert name.casefold() not in redact(f"{around} {name} {around}", [name]).casefold().replace(
        around.casefold(), ""
    )

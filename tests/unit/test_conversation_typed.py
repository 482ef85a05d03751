"""Numbers, telephone numbers and addresses as people say them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_ai.conversation.typed import find_email, find_number, find_phone

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
ONES = (_ONES + " fifteen sixteen seventeen eighteen nineteen").split()
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def in_words(number: int) -> str:
    """As people say it, up to a million."""
    if number < 20:
        return ONES[number]
    if number < 100:
        ten, one = divmod(number, 10)
        return TENS[ten - 2] + (f" {ONES[one]}" if one else "")
    size, word = (100, "hundred") if number < 1000 else (1000, "thousand")
    many, rest = divmod(number, size)
    return f"{in_words(many)} {word}" + (f" and {in_words(rest)}" if rest else "")


@given(st.integers(0, 999_999))
def test_a_number_in_words_is_the_number(number: int) -> None:
    assert find_number(in_words(number)) == number
    assert find_number(f"it is about {in_words(number)} I think") == number
    assert find_number(f"{number:,}") == number


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("a hundred and ten", 110),
        ("fifteen hundred", 1500),
        ("three million", 3_000_000),
        ("sixty-five", 65),
        ("a couple of times", 2),
        ("two dozen", 24),
        ("it's two, yes two", 2),
        ("one of them", None),
        ("no one", None),
        ("one moment please", None),
        ("five six", None),
        ("nineteen eighty four", None),
        ("two sites and three doctors", None),
        ("hundred", None),
        ("a lot", None),
        ("", None),
    ],
)
def test_numbers_that_are_and_that_are_none(said: str, number: int | None) -> None:
    assert find_number(said) == number


def test_a_number_out_of_its_bounds_is_none() -> None:
    assert find_number("forty", (1, 40)) == 40
    assert find_number("forty one", (1, 40)) is None


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("212 555 0100", "+12125550100"),
        ("(212) 555-0100", "+12125550100"),
        ("two one two five five five oh one double oh", "+12125550100"),
        ("it's area code 415 then 267 1234", "+14152671234"),
        ("eight hundred five five five oh one double oh", "+18005550100"),
        ("+44 20 7946 0958", "+442079460958"),
        ("five five five oh one double oh", None),
        ("nine one one", None),
        ("I do not have one", None),
    ],
)
def test_telephone_numbers(said: str, number: str | None) -> None:
    assert find_phone(said) == number


def test_a_number_without_its_prefix_is_one_of_the_scripts_country() -> None:
    assert find_phone("020 7946 0958", "GB") == "+442079460958"
    assert find_phone("020 7946 0958", "US") is None


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("jane dot doe at example dot com", "jane.doe@example.com"),
        ("it's Jane@Example.com, thanks", "jane@example.com"),
        ("my email is j a n e at gmail dot com", "jane@gmail.com"),
        ("j dot smith 2 at example dot com", "j.smith2@example.com"),
        (
            "yes it's bob underscore smith at my dash company dot co dot uk",
            "bob_smith@my-company.co.uk",
        ),
        ("info at example dot org please", "info@example.org"),
        ("at the office", None),
        ("you can reach me at work", None),
        ("a@example.com or b@example.com", None),
        ("", None),
    ],
)
def test_addresses(said: str, address: str | None) -> None:
    assert find_email(said) == address


@given(st.text(max_size=200))
def test_whatever_is_said_has_an_answer(said: str) -> None:
    find_number(said)
    find_phone(said)
    find_email(said)

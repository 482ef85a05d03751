"""What people write and say to our numbers: every stop, and what only looks like one."""

import pytest

from voice_ai import inbound


@pytest.mark.parametrize(
    "body",
    [
        "STOP",
        "stop",
        " Stop. ",
        "STOP!!!",
        "S T O P",
        "StopAll",
        "STOP ALL",
        "unsubscribe",
        "CANCEL",
        "End",
        "quit",
        "REVOKE",
        "OptOut",
        "opt out",
        "opt-out",
        "I want to opt out of this",
        "Stop please",
        "please stop",
        "stop calling me",
        "Don't ever call me again",
        "don\u2019t call me any more",
        "take me off your list",
        "Remove my number from your list.",
        "I withdraw my consent",
        "leave me alone",
        "ARRÊT",
        "stop\n",
    ],
)
def test_a_stop_in_any_wording_is_heard(body: str) -> None:
    assert inbound.read_message(body) == "stop"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "👍",
        "don't stop",
        "Don't stop calling, I like it",
        "cancel my appointment on Friday",
        "stop by tomorrow",
        "In the end I said yes",
        "Who is this?",
        "call me tomorrow at nine",
        "I never quit",
    ],
)
def test_what_only_looks_like_a_stop_is_not_one(body: str) -> None:
    assert inbound.read_message(body) == "other"


def test_help_and_start_are_their_own_words() -> None:
    assert [inbound.read_message(word) for word in ("HELP", "info")] == ["help", "help"]
    assert [inbound.read_message(word) for word in ("START", "unstop")] == ["start", "start"]
    assert inbound.read_message("I need help with my bill") == "other"


def test_a_caller_presses_nine_or_says_so() -> None:
    for digits, speech in (("9", ""), ("", "nine"), ("", "Stop calling me."), ("", "Stop.")):
        assert inbound.read_choice(digits, speech) == "stop"
    for digits, speech in (("1", ""), ("", ""), ("", "Hello, who is there?"), ("5", "hello")):
        assert inbound.read_choice(digits, speech) == "other"


def test_a_withheld_number_is_no_number() -> None:
    assert inbound.shown_number("+12125550123") == "+12125550123"
    for sender in ("", "anonymous", "+266696687", "+7378742833", "40404", "Acme", "+0123456789"):
        assert inbound.shown_number(sender) is None


def test_typed_digits_become_a_number_that_a_parser_takes() -> None:
    assert inbound.typed_number("2125550123") == "2125550123"
    assert inbound.typed_number("01141446681800") == "+41446681800"
    assert inbound.typed_number("0041446681800") == "+41446681800"


def test_every_answer_names_the_business_when_it_is_known() -> None:
    for answer in (inbound.greeting, inbound.never_again, inbound.help_text, inbound.start_text):
        assert "Acme Ltd" in answer("Acme Ltd")
        assert answer(None)
    assert "does not lift" in inbound.start_text(None)

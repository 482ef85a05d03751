"""Signatures, webhook overrides, forms of orders, the referee's windows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from dialer.simulator.draws import Draws
from dialer.simulator.faults import MILD, NONE, PROFILES, ROUGH, Fault
from dialer.simulator.judge import Window
from dialer.simulator.orders import parse_call, parse_form
from dialer.simulator.refusals import RestError
from dialer.simulator.rendering import formatted, render_page
from dialer.simulator.webhooks import Patience, sign

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
ORDER = "To=%2B14155550100&From=%2B14155550101&Url=https%3A%2F%2Fexample.com%2Fv"


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=8))
def test_the_vendors_validator_accepts_every_signature(form: dict[str, str]) -> None:
    url = "https://example.com/voice?attempt=1&t=a%2Fb"
    assert RequestValidator("secret").validate(url, form, sign("secret", url, form))
    assert not RequestValidator("other").validate(url, form, sign("secret", url, form))


def test_the_socket_signature_is_of_the_wss_form() -> None:
    validator = RequestValidator("secret")
    signature = sign("secret", "wss://example.com/media", {})
    assert validator.validate("wss://example.com/media", {}, signature)
    assert not validator.validate("https://example.com/media", {}, signature)


def test_the_fragment_of_a_webhook_sets_its_patience() -> None:
    assert Patience.of_fragment("") == Patience(connect=5, total=15, retries=1)
    assert Patience.of_fragment("ct=2000&rt=3000&rc=3") == Patience(2.0, 3.0, 3)
    assert Patience.of_fragment("tt=90000&rc=99&ct=x") == Patience(5.0, 15.0, 5)


def test_events_may_come_as_repeated_keys_or_as_words() -> None:
    callback = "&StatusCallback=https%3A%2F%2Fexample.com%2Fs"
    repeated = "&StatusCallbackEvent=initiated&StatusCallbackEvent=completed"
    for events in (repeated, "&StatusCallbackEvent=initiated+completed"):
        order = parse_call(parse_form((ORDER + callback + events).encode()))
        assert order.status is not None
        assert order.status.events == {"initiated", "completed"}
    default = parse_call(parse_form((ORDER + callback).encode()))
    assert default.status is not None
    assert default.status.events == {"completed"}


def test_a_url_wins_over_a_document_and_send_digits_over_detection() -> None:
    more = "&Twiml=%3CResponse%2F%3E&MachineDetection=Enable"
    order = parse_call(parse_form((ORDER + more).encode()))
    assert order.instructions.twiml is None
    assert order.detection is not None
    digits = parse_call(parse_form((ORDER + more + "&SendDigits=1").encode()))
    assert digits.detection is None


@pytest.mark.parametrize(
    "bad",
    ["Timeout=0", "Timeout=601", "Timeout=x", "Record=maybe", "MachineDetection=Maybe",
     "StatusCallback=nowhere", "StatusCallback=https%3A%2F%2Fa.b&StatusCallbackEvent=born"],
)  # fmt: skip
def test_bad_parameters_are_refused(bad: str) -> None:
    with pytest.raises(RestError) as caught:
        parse_call(parse_form(f"{ORDER}&{bad}".encode()))
    assert caught.value.refusal.code == 20001
    assert bad.split("=")[0] in caught.value.refusal.message


def test_the_window_finds_the_busiest_second() -> None:
    window = Window()
    for at in (0.0, 0.9, 1.0, 1.1, 1.2, 1.95, 5.0):
        window.add(at)
    assert window.most == 4


def test_pages_link_to_each_other() -> None:
    page = render_page(
        "/x.json", {"PageSize": "2", "Page": "1", "To": "+1"}, "rows", [{}], more=True
    )
    assert page["next_page_uri"] == "/x.json?To=%2B1&PageSize=2&Page=2"
    assert page["previous_page_uri"] == "/x.json?To=%2B1&PageSize=2&Page=0"
    assert (page["start"], page["end"], page["page_size"]) == (2, 2, 2)


def test_north_american_numbers_are_formatted_and_others_left_alone() -> None:
    assert formatted("+14155550100") == "(415) 555-0100"
    assert formatted("+442079460000") == "+442079460000"


# Some strike only where a run of `make chaos` asks for them.
ON_DEMAND = {Fault.SERVER_ERROR, Fault.LATE_ANSWER, Fault.SLOW_ACCEPT, Fault.FORGED_CALLBACK}


def test_faults_strike_as_often_as_the_profile_says_and_never_in_none() -> None:
    def share(profile_name: str, fault: Fault) -> float:
        profile = PROFILES[profile_name]
        subjects = (Draws.about(1, number) for number in range(5000))
        return sum(profile.strikes(fault, draws, "completed") for draws in subjects) / 5000

    for fault in Fault:
        assert share("none", fault) == 0
        assert share("rough", fault) == pytest.approx(ROUGH.rate(fault), abs=0.02)
        assert MILD.rate(fault) <= ROUGH.rate(fault)
        assert MILD.rate(fault) > 0 or fault in ON_DEMAND
    assert NONE.rate(Fault.LOST_CALLBACK) == 0

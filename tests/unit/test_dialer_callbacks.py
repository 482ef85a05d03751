"""Addresses that we give out, and what is read from the forms that come back to them."""

from uuid import uuid4

import pytest

from dialer.adapters.twilio import TwilioSignatures, hang_up_twiml, stream_twiml
from dialer.callbacks import CallbackUrls
from dialer.webhooks import news_of, number
from voice_ai.ids import AttemptId
from voice_ai.vault import Keyring

URLS = CallbackUrls("https://calls.example/", Keyring(b"a secret of the tests, 32 bytes."))
ATTEMPT = AttemptId(uuid4())


def test_a_token_admits_its_own_attempt_only() -> None:
    assert URLS.admits(ATTEMPT, URLS.token(ATTEMPT))
    assert not URLS.admits(uuid4(), URLS.token(ATTEMPT))
    assert not URLS.admits(ATTEMPT, "")
    other = CallbackUrls("https://calls.example", Keyring(b"another secret of tests 32 bytes"))
    assert not URLS.admits(ATTEMPT, other.token(ATTEMPT))


def test_a_token_that_is_not_ascii_is_not_admitted() -> None:
    assert not URLS.admits(ATTEMPT, "ünsigned")


def test_every_address_is_bound_to_its_attempt() -> None:
    for what, address in (
        ("voice", URLS.voice(ATTEMPT)),
        ("status", URLS.status(ATTEMPT)),
        ("detection", URLS.detection(ATTEMPT)),
    ):
        token = URLS.token(ATTEMPT)
        assert address == f"https://calls.example/twilio/{what}/{ATTEMPT}?t={token}"
        assert URLS.full(f"/twilio/{what}/{ATTEMPT}", f"t={token}") == address


def test_audio_goes_over_the_socket_that_fits_the_web_address(keyring: Keyring) -> None:
    assert URLS.media() == "wss://calls.example/twilio/media"
    assert CallbackUrls("http://127.0.0.1:3000", keyring).media() == (
        "ws://127.0.0.1:3000/twilio/media"
    )


def test_twiml_connects_the_audio_both_ways_and_names_the_attempt() -> None:
    twiml = stream_twiml("wss://calls.example/twilio/media", {"attempt_id": "1", "token": "<&>"})
    assert '<Connect><Stream url="wss://calls.example/twilio/media">' in twiml
    assert '<Parameter name="attempt_id" value="1" />' in twiml
    assert 'value="&lt;&amp;&gt;"' in twiml
    assert "<Hangup" in hang_up_twiml()


def test_the_vendors_own_example_of_a_signature_is_valid() -> None:
    """From the vendor's page on request validation."""
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    signatures = TwilioSignatures("12345")
    given = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert signatures.valid(url, form, given)
    assert not signatures.valid(url, {**form, "Digits": "1235"}, given)
    assert not signatures.valid(url + "3", form, given)
    assert not signatures.valid(url, form, None)
    assert not signatures.valid(url, form, "")


def test_news_are_read_from_the_last_callback_of_a_call() -> None:
    news = news_of(
        {
            "CallSid": "CA1",
            "CallStatus": "busy",
            "SequenceNumber": "2",
            "CallDuration": "0",
            "SipResponseCode": "486",
            "AnsweredBy": "",
        }
    )
    assert (news.sid, news.status, news.sequence) == ("CA1", "busy", 2)
    assert (news.duration_s, news.sip_code) == (0.0, 486)
    assert (news.answered_by, news.detection_ms, news.error_code) == (None, None, None)


@pytest.mark.parametrize("text", ["", "nan", "inf", "many", "1,5"])
def test_what_is_no_number_is_unknown(text: str) -> None:
    assert number({"CallDuration": text}, "CallDuration") is None
    assert news_of({"CallSid": "CA1", "SequenceNumber": text}).sequence is None

"""The messages of ConversationRelay: read strictly, written as documented."""

import orjson
import pytest

from dialer.relay import wire
from dialer.relay.pace import Place, place_of, speaking_s
from dialer.relay.wire import BadMessage, Complaint, Interrupt, Key, Prompt, Setup, read

SETUP = {
    "type": "setup",
    "sessionId": "VX1",
    "accountSid": "AC1",
    "parentCallSid": "",
    "callSid": "CA1",
    "from": "+15550100001",
    "to": "+15550100002",
    "callType": "PSTN",
    "direction": "outbound-api",
    "callStatus": "IN-PROGRESS",
    "customParameters": {"attempt_id": "1", "token": "t"},
}
LINES = ("Hello, this is Acme.", "I have two questions.", "May I ask them now?")


def test_the_setup_says_which_call_it_is() -> None:
    assert read(orjson.dumps(SETUP)) == Setup(
        "VX1", "CA1", "AC1", {"attempt_id": "1", "token": "t"}
    )


@pytest.mark.parametrize(
    ("message", "is_read"),
    [
        ('{"type":"prompt","voicePrompt":"Hi!","lang":"en-US","last":true}', Prompt("Hi!", True)),
        ('{"type":"prompt","voicePrompt":"H","last":false,"new":1}', Prompt("H", False)),
        ('{"type":"prompt","voicePrompt":"Hi!"}', Prompt("Hi!", True)),
        ('{"type":"dtmf","digit":"#"}', Key("#")),
        ('{"type":"error","description":"64107: Invalid"}', Complaint("64107")),
        ('{"type":"error","description":"Invalid message received"}', Complaint(None)),
    ],
)
def test_messages_are_read(message: str, is_read: object) -> None:
    assert read(message) == is_read


@pytest.mark.parametrize(
    ("duration", "after_ms"),
    [("460", 460.0), ('"460"', 460.0), ("460.5", 460.5), ("null", None), ("0", 0.0)],
)
def test_the_vendor_writes_a_duration_as_a_number_or_as_a_text(
    duration: str, after_ms: float | None
) -> None:
    message = (
        '{"type":"interrupt","utteranceUntilInterrupt":"Life is a",'
        f'"durationUntilInterruptMs":{duration}}}'
    )
    assert read(message) == Interrupt("Life is a", after_ms)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "[]",
        "null",
        b"\xff\x00",
        "{}",
        '{"type":5}',
        '{"type":"info","name":"tokensPlayed","value":"Hi"}',
        '{"type":"prompt"}',
        '{"type":"prompt","voicePrompt":5}',
        '{"type":"prompt","voicePrompt":"x","last":"yes"}',
        '{"type":"dtmf","digit":"12"}',
        '{"type":"dtmf","digit":1}',
        '{"type":"interrupt"}',
        '{"type":"interrupt","utteranceUntilInterrupt":"x","durationUntilInterruptMs":"soon"}',
        '{"type":"interrupt","utteranceUntilInterrupt":"x","durationUntilInterruptMs":true}',
        '{"type":"interrupt","utteranceUntilInterrupt":"x","durationUntilInterruptMs":-1}',
        '{"type":"interrupt","utteranceUntilInterrupt":"x","durationUntilInterruptMs":"nan"}',
        '{"type":"interrupt","utteranceUntilInterrupt":"x","durationUntilInterruptMs":[]}',
        '{"type":"setup","sessionId":"VX1"}',
        '{"type":"setup","sessionId":"V","callSid":"C","accountSid":"A","customParameters":[]}',
    ],
)
def test_anything_else_is_refused_without_quoting_it(message: str | bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        read(message)
    assert str(message) not in str(caught.value) or not message


def test_what_is_sent_is_what_is_documented() -> None:
    sent = wire.text("Hi ", last=False, interruptible=True, preemptible=False, language="en-US")
    assert orjson.loads(sent) == {
        "type": "text",
        "token": "Hi ",
        "last": False,
        "lang": "en-US",
        "interruptible": True,
        "preemptible": False,
    }
    end = orjson.loads(wire.end({"reason": "opt_out"}))
    assert end["type"] == "end"
    assert wire.read_handoff(end["handoffData"]) == {"reason": "opt_out"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"reason":5}'])
def test_handoff_data_of_anybody_else_says_nothing(text: str) -> None:
    assert wire.read_handoff(text) == {}


@pytest.mark.parametrize(
    ("heard", "place"),
    [
        ("hello this", Place(0, 11.5 / 20)),
        ("Hello, this is Acme.", Place(0, 1.0)),
        ("Hello, this is Acme. I have", Place(1, 6.5 / 21)),
        ("I have two questions. May I", Place(2, 5.5 / 19)),
        ("May", Place(2, 3.5 / 19)),
        ("", None),
        ("have two", None),
        ("Hello there", None),
    ],
)
def test_what_was_heard_is_found_in_what_was_said(heard: str, place: Place | None) -> None:
    assert place_of(heard, LINES) == place


def test_a_text_is_longer_by_its_words_and_a_number_by_its_digits() -> None:
    assert speaking_s("One two three four five.") == pytest.approx(2.3)
    assert speaking_s("Call 555 0100.") == pytest.approx(8 / 2.5 + 0.3)
    assert speaking_s("It's o'clock.") == pytest.approx(1.1)

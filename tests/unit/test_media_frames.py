"""The carrier's messages as documented, and ours as the carrier reads them."""

from base64 import b64decode
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.media.frames import (
    Audio,
    BadFrame,
    Connected,
    Digit,
    Ignored,
    Mark,
    Started,
    Stopped,
    Writer,
    read,
)
from dialer.ports import StreamStart

SID = "MZ" + "0" * 32


def test_the_messages_of_the_protocol_are_read() -> None:
    assert read('{"event":"connected","protocol":"Call","version":"1.0.0"}') == Connected("Call")
    start = (
        b'{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ1",'
        b'"callSid":"CA1","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw",'
        b'"sampleRate":8000,"channels":1},"customParameters":{"attempt_id":"42"}},'
        b'"streamSid":"MZ1"}'
    )
    assert read(start) == Started(
        StreamStart(
            stream_sid="MZ1", call_sid="CA1", account_sid="AC1", parameters={"attempt_id": "42"}
        )
    )
    media = (
        '{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1",'
        '"timestamp":"0","payload":"//8="},"streamSid":"MZ1"}'
    )
    assert read(media) == Audio(b"\xff\xff", at_ms=0)
    digit = '{"event":"dtmf","streamSid":"MZ1","dtmf":{"track":"inbound_track","digit":"1"}}'
    assert read(digit) == Digit("1")
    assert read('{"event":"mark","streamSid":"MZ1","mark":{"name":"utt-7"}}') == Mark("utt-7")
    assert read('{"event":"stop","stop":{"accountSid":"AC1","callSid":"CA1"}}') == Stopped()


def test_what_a_later_version_may_bring_is_ignored() -> None:
    assert read('{"event":"weather","weather":{}}') == Ignored("weather")
    outbound = '{"event":"media","media":{"track":"outbound","payload":"AA=="}}'
    assert read(outbound) == Ignored("media")


@pytest.mark.parametrize(
    "message",
    [
        "",
        "not json",
        "[]",
        "7",
        '"media"',
        "{}",
        '{"event":"media"}',
        '{"event":"media","media":{}}',
        '{"event":"media","media":"loud"}',
        '{"event":"media","media":{"payload":7}}',
        '{"event":"media","media":{"payload":"***"}}',
        '{"event":"mark","mark":null}',
        '{"event":"dtmf"}',
        '{"event":"start","start":{"streamSid":"MZ1"}}',
        '{"event":"start","start":{"streamSid":"MZ1","callSid":"CA1","accountSid":"AC1",'
        '"mediaFormat":{"sampleRate":"fast"}}}',
        b"\xff\xfe",
    ],
)
def test_anything_else_is_a_bad_frame(message: str | bytes) -> None:
    with pytest.raises(BadFrame):
        read(message)


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_no_message_raises_anything_but_bad_frame(message: str | bytes) -> None:
    with suppress(BadFrame):
        read(message)


@given(st.binary(max_size=2000))
def test_audio_reaches_the_carrier_as_it_was(audio: bytes) -> None:
    message = orjson.loads(Writer(SID).media(audio))
    assert message["event"] == "media"
    assert message["streamSid"] == SID
    assert b64decode(message["media"]["payload"]) == audio


@given(st.text(max_size=30), st.text(max_size=30))
def test_names_are_escaped(sid: str, name: str) -> None:
    try:
        name.encode()
        sid.encode()
    except UnicodeEncodeError:
        return
    writer = Writer(sid)
    mark = orjson.loads(writer.mark(name))
    assert mark == {"event": "mark", "streamSid": sid, "mark": {"name": name}}
    assert orjson.loads(writer.clear) == {"event": "clear", "streamSid": sid}

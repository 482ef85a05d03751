"""TwiML: what this carrier runs, and what it refuses loudly."""

import pytest
from twilio.twiml.voice_response import Connect, VoiceResponse

from dialer.adapters.twilio import relay_twiml
from dialer.adapters.twilio_transfer import dial_twiml, join_twiml, wait_twiml
from dialer.simulator.twiml import (
    ConnectRelay,
    ConnectStream,
    DialConference,
    DialNumber,
    Gather,
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
    TwimlError,
    parse_twiml,
)


def test_the_sdk_builds_what_the_carrier_reads() -> None:
    response = VoiceResponse()
    connect = Connect(action="/after")
    stream = connect.stream(
        url="wss://example.com/media?secret=1#x", name="call", status_callback="/stream"
    )
    stream.parameter(name="attempt_id", value="42")
    response.append(connect)
    assert parse_twiml(str(response)) == (
        ConnectStream(
            url="wss://example.com/media",
            name="call",
            parameters={"attempt_id": "42"},
            status_callback="/stream",
            status_method="POST",
            action="/after",
            action_method="POST",
        ),
    )


def test_a_relay_is_read_with_what_the_sdk_writes() -> None:
    document = relay_twiml(
        "wss://a.example/relay?kept=yes",
        "https://a.example/over?t=1",
        language="en-US",
        voice="v1",
        parameters={"attempt_id": "42"},
    )
    assert parse_twiml(document) == (
        ConnectRelay(
            url="wss://a.example/relay?kept=yes",
            parameters={"attempt_id": "42"},
            voice="v1",
            language="en-US",
            welcome_greeting="",
            interrupted_by=frozenset({"speech", "dtmf"}),
            reports_over_agent=True,
            ignores_backchannel=True,
            partial_prompts=True,
            dtmf=True,
            action="https://a.example/over?t=1",
            action_method="POST",
        ),
    )


def test_a_bare_relay_has_the_service_s_defaults() -> None:
    (relay,) = parse_twiml(
        "<Response><Connect><ConversationRelay url='wss://a.example/r'/></Connect></Response>"
    )
    assert isinstance(relay, ConnectRelay)
    assert relay.interrupted_by == {"speech", "dtmf"}
    assert (relay.partial_prompts, relay.dtmf, relay.reports_over_agent) == (False, False, False)


def test_the_sdk_dials_a_number_or_a_conference() -> None:
    ring = dial_twiml(
        "+12125550123",
        caller_id="+12125550100",
        ring_s=20,
        max_talk_s=60,
        action="/done",
        leg="/leg",
        language="en-US",
        first="One moment.",
    )
    assert parse_twiml(ring) == (
        Say("One moment.", "woman", 1),
        DialNumber(
            number="+12125550123",
            caller_id="+12125550100",
            timeout=20.0,
            time_limit=60.0,
            action="/done",
            method="POST",
            status_callback="/leg",
            status_events=frozenset({"answered", "completed"}),
            status_method="POST",
        ),
    )
    wait = wait_twiml("room", max_talk_s=60, action="/done", language="en-US", first=None)
    (waits,) = parse_twiml(wait)
    assert waits == DialConference("room", False, True, 60.0, "/done", "POST")
    joins, hangs_up = parse_twiml(join_twiml("room"))
    assert (joins, hangs_up) == (
        DialConference("room", True, True, 14400.0, None, "POST"),
        Hangup(),
    )


def test_the_plain_verbs_are_read_in_order() -> None:
    document = """<?xml version="1.0" encoding="UTF-8"?>
    <Response>
      <!-- a comment -->
      <Say voice="alice" loop="2">Good  day to
        you.</Say>
      <Play>https://example.com/a.wav</Play>
      <Pause length="3"/>
      <Redirect method="GET">/next</Redirect>
      <Reject reason="busy"/>
      <Hangup/>
    </Response>"""
    assert parse_twiml(document) == (
        Say("Good day to you.", "alice", 2),
        Play("https://example.com/a.wav", 1),
        Pause(3.0),
        Redirect("/next", "GET"),
        Reject("busy"),
        Hangup(),
    )


def test_a_gather_keeps_its_prompts() -> None:
    document = '<Response><Gather numDigits="1" timeout="4"><Say>Press 1.</Say></Gather></Response>'
    (gather,) = parse_twiml(document)
    assert isinstance(gather, Gather)
    assert (gather.num_digits, gather.timeout, gather.action) == (1, 4.0, None)
    assert gather.prompts == (Say("Press 1.", "woman", 1),)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("", 12100),
        ("<Response>", 12100),
        ("<Answer/>", 12100),
        ('<!DOCTYPE r [<!ENTITY a "b">]><Response>&a;</Response>', 12100),
        ("<Response><Record/></Response>", 12200),
        ("<Response><Start/></Response>", 12200),
        ("<Response><Connect/></Response>", 12200),
        ("<Response><Dial/></Response>", 12200),
        ("<Response><Dial><Sip>a@b</Sip></Dial></Response>", 12200),
        ("<Response><Dial><Number url='/w'>+12125550123</Number></Dial></Response>", 12200),
        (
            "<Response><Dial><Conference endConferenceOnExit='yes'>r</Conference></Dial>"
            "</Response>",
            12200,
        ),
        ("<Response><Pause length='long'/></Response>", 12200),
        ("<Response><Pause length='-1'/></Response>", 12200),
        ("<Response><Redirect method='PUT'>/x</Redirect></Response>", 12200),
        ("<Response><Gather input='speech'/></Response>", 12200),
        ("<Response><Gather><Hangup/></Gather></Response>", 12200),
        ("<Response><Connect><Stream url='https://a.example'/></Connect></Response>", 11100),
        ("<Response><Connect><ConversationRelay url='/relay'/></Connect></Response>", 11100),
        (
            "<Response><Connect><ConversationRelay url='wss://a.example/r' interruptible='loud'/>"
            "</Connect></Response>",
            64101,
        ),
        (
            "<Response><Connect><ConversationRelay url='wss://a.example/r' ttsProvider='Me'/>"
            "</Connect></Response>",
            64101,
        ),
        ("<Response>" + "<Hangup/>" * 10000 + "</Response>", 11750),
    ],
)
def test_what_cannot_be_run_is_refused_with_its_code(document: str, code: int) -> None:
    with pytest.raises(TwimlError) as caught:
        parse_twiml(document)
    assert caught.value.code == code

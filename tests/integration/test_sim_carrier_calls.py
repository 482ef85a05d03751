"""Whole calls over real sockets: callbacks, media, detection, recordings, instructions."""

import io
import wave
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from dialer.simulator.speech import Final, Speech
from tests.integration.sim_carrier import (
    ACCOUNT,
    QUESTION,
    QUICK,
    TO,
    TOKEN,
    Application,
    Phone,
    application,
    carrier,
    people,
    said,
    speak,
)

GOODBYE = "Thank you for your time. Goodbye."


@pytest.fixture
async def app() -> AsyncIterator[Application]:
    async with application() as running:
        yield running


async def test_a_conversation_completes_with_signed_callbacks_in_order(app: Application) -> None:
    async with carrier(people("pleased")) as line:
        question, goodbye = await speak(line, QUESTION), await speak(line, GOODBYE)

        async def talk(phone: Phone) -> None:
            await phone.read_until("start")
            await phone.play(question)
            await phone.mark("question")
            await phone.read_until("mark")
            while len(phone.heard) < 8000 * 12:
                await phone.read()
            await phone.play(goodbye)
            await phone.mark("goodbye")
            await phone.read_until("mark")

        app.talk = talk
        sid = await line.place(TO, **app.order())
        verdict = await line.ended(1)
        forms = [webhook.form for webhook in await app.expect("/status", 4)]
        spoken = await said(line, sid)
    assert [(f["CallStatus"], f["SequenceNumber"]) for f in forms] == [
        ("initiated", "0"),
        ("ringing", "1"),
        ("in-progress", "2"),
        ("completed", "3"),
    ]
    assert {f["CallSid"] for f in forms} == {sid}
    assert int(forms[-1]["CallDuration"]) >= 12
    assert forms[-1]["SipResponseCode"] == "200"
    assert all(webhook.signed for webhook in app.webhooks)
    assert [w.form["StreamEvent"] for w in app.of("/stream")] == [
        "stream-started",
        "stream-stopped",
    ]
    assert app.phones[0].signed
    assert len(spoken) == 2  # the greeting, and the answer
    assert verdict["ended_by"] == {"application": 1}
    assert verdict["max_live_per_number"] == 1


async def test_the_stream_speaks_the_published_protocol(app: Application) -> None:
    async with carrier(people("neutral")) as line:

        async def talk(phone: Phone) -> None:
            while len(phone.of("media")) < 100:
                await phone.read()

        app.talk = talk
        sid = await line.place(TO, **app.order())
        await line.ended(1)
    messages = app.phones[0].messages
    assert messages[0] == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    start, stream = messages[1], app.phones[0].sid
    assert start["start"] == {
        "accountSid": ACCOUNT,
        "streamSid": stream,
        "callSid": sid,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"attempt_id": "42"},
    }
    media = app.phones[0].of("media")
    assert [m["sequenceNumber"] for m in messages[1:]] == [
        str(number) for number in range(1, len(messages))
    ]
    assert [m["media"]["chunk"] for m in media[:3]] == ["1", "2", "3"]
    assert [m["media"]["timestamp"] for m in media[:3]] == ["0", "20", "40"]
    assert {m["media"]["track"] for m in media} == {"inbound"}
    assert len(app.phones[0].heard) == 160 * len(media)
    assert {m["streamSid"] for m in messages[1:]} == {stream}


async def test_clear_flushes_and_returns_every_mark_at_once(app: Application) -> None:
    order: list[str] = []
    async with carrier(people("neutral")) as line:
        long_text = await speak(line, "This sentence goes on for a good while. " * 8)

        async def talk(phone: Phone) -> None:
            await phone.read_until("start")
            await phone.mark("at once")
            order.append((await phone.read_until("mark"))["mark"]["name"])
            await phone.play(long_text, chunk=len(long_text))
            await phone.mark("one")
            await phone.mark("two")
            before = len(phone.of("media"))
            await phone.send("clear")
            order.append((await phone.read_until("mark"))["mark"]["name"])
            order.append((await phone.read_until("mark"))["mark"]["name"])
            played = (len(phone.of("media")) - before) * 160
            assert played < len(long_text)

        app.talk = talk
        await line.place(TO, **app.order())
        await line.ended(1)
    assert order == ["at once", "one", "two"]


async def test_an_invalid_message_is_reported_and_the_stream_goes_on(app: Application) -> None:
    async with carrier(people("neutral")) as line:

        async def talk(phone: Phone) -> None:
            await phone.read_until("start")
            await phone.socket.send_text("not json")
            await phone.send("media", media={"payload": 5})
            await phone.mark("alive")
            await phone.read_until("mark")

        app.talk = talk
        await line.place(TO, **app.order())
        stopped = (await app.expect("/stream", 2))[-1].form
    assert stopped["StreamEvent"] == "stream-stopped"
    assert stopped["StreamError"].startswith("31951")


async def test_a_voicemail_is_detected_and_beeps(app: Application) -> None:
    config = replace(QUICK, answer_mix={"voicemail": 1.0}, amd_error_rate=0.0)
    async with carrier(config) as line:
        sid = await line.place(
            TO,
            **app.order(
                machine_detection="DetectMessageEnd",
                async_amd="true",
                async_amd_status_callback=f"{app.url}/amd",
            ),
        )
        verdict = (await app.expect("/amd"))[0].form
        await line.ask(lambda c: c.calls(sid).update(status="completed"))
        final = (await app.expect("/status", 4))[-1].form
    assert verdict["AnsweredBy"] == final["AnsweredBy"] == "machine_end_beep"
    assert int(verdict["MachineDetectionDuration"]) > 6000
    assert set(verdict) == {"CallSid", "AccountSid", "AnsweredBy", "MachineDetectionDuration"}
    assert app.phones[0].of("stop")


async def test_synchronous_detection_comes_with_the_request_for_instructions(
    app: Application,
) -> None:
    app.twiml = "<Response><Hangup/></Response>"
    async with carrier(people("neutral", amd_error_rate=0.0)) as line:
        await line.place(TO, **app.order(machine_detection="Enable"))
        await line.ended(1)
    voice = app.of("/voice")[0].form
    assert voice["AnsweredBy"] == "human"
    assert voice["CallStatus"] == "in-progress"
    assert "SequenceNumber" not in voice


async def test_a_recording_has_both_sides(app: Application) -> None:
    app.twiml = "<Response><Say>Good morning to you.</Say><Pause length='2'/></Response>"
    async with carrier(people("pleased")) as line:
        callback = f"{app.url}/recording"
        await line.place(
            TO,
            **app.order(record=True, recording_channels="dual", recording_status_callback=callback),
        )
        form = (await app.expect("/recording"))[0].form
        async with httpx.AsyncClient(auth=(ACCOUNT, TOKEN)) as http:
            sound = await http.get(form["RecordingUrl"] + ".wav")
    assert (form["RecordingStatus"], form["RecordingChannels"]) == ("completed", "2")
    with wave.open(io.BytesIO(sound.content)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        assert round(file.getnframes() / 8000) == int(form["RecordingDuration"])
        frames = file.readframes(file.getnframes())
    left, right = frames[0::4] + frames[1::4], frames[2::4] + frames[3::4]
    assert any(left)
    assert any(right)


@pytest.mark.parametrize(
    ("twiml", "status", "code"),
    [
        ("<Response><Dial>+14155550100</Dial></Response>", "failed", "12200"),
        ("<Response><Connect><Room>a</Room></Connect></Response>", "failed", "12200"),
        ("<Response><Connect><ConversationRelay/></Connect></Response>", "failed", "11100"),
        ("no xml at all", "failed", "12100"),
        ("<!DOCTYPE x><Response/>", "failed", "12100"),
        ("<Response/>", "completed", None),
    ],
)
async def test_instructions_that_cannot_be_run_fail_the_call(
    app: Application, twiml: str, status: str, code: str | None
) -> None:
    app.twiml = twiml
    async with carrier(people("neutral")) as line:
        await line.place(TO, **app.order())
        final = (await app.expect("/status", 4))[-1].form
    assert (final["CallStatus"], final.get("ErrorCode")) == (status, code)


async def test_instructions_that_cannot_be_fetched_end_the_call(app: Application) -> None:
    app.voice_status = 500
    async with carrier(people("neutral")) as line:
        await line.place(TO, **app.order())
        final = (await app.expect("/status", 4))[-1].form
    assert (final["CallStatus"], final["ErrorCode"]) == ("completed", "11200")


async def test_keys_pressed_come_to_the_gather_action(app: Application) -> None:
    app.twiml = (
        '<Response><Gather numDigits="1" action="/keys"><Say>Please press 4 now.</Say></Gather>'
        "</Response>"
    )
    async with carrier(people("neutral")) as line:
        await line.place(TO, **app.order())
        await line.ended(1)
    assert [webhook.form["Digits"] for webhook in app.of("/keys")] == ["4"]


async def test_unanswered_calls_end_as_the_plan_says(app: Application) -> None:
    for outcome, status, sip in (
        ("busy", "busy", "486"),
        ("no_answer", "no-answer", None),
        ("failed", "failed", None),
    ):
        app.webhooks.clear()
        async with carrier(replace(QUICK, answer_mix={outcome: 1.0})) as line:
            await line.place(TO, **app.order(timeout=5))
            last = (await app.expect("/status", 2 if outcome == "failed" else 3))[-1].form
        assert last["CallStatus"] == status
        assert last["CallDuration"] == "0"
        assert sip in {None, last.get("SipResponseCode")}
        assert app.of("/voice") == []


async def test_what_the_callee_says_reaches_the_application_as_it_was_said(
    app: Application,
) -> None:
    async with carrier(people("opts_out")) as line:
        question = await speak(line, QUESTION)

        async def talk(phone: Phone) -> None:
            await phone.read_until("start")
            await phone.play(question)
            while len(phone.heard) < 8000 * 12:
                await phone.read()

        app.talk = talk
        sid = await line.place(TO, **app.order())
        await line.ended(1)
        case = await line.get(f"/simulator/calls/{sid}")
    speech = Speech(seed=QUICK.seed)
    ear = speech.listen()
    for voice in range(12):
        for each in case["said"]:
            speech.speak(each["text"], voice=f"callee-{voice}", style=each["style"])
    heard = [h for h in ear.feed(bytes(app.phones[0].heard)) if isinstance(h, Final)]
    assert [h.text for h in heard] == [each["text"] for each in case["said"]]
    assert case["heard"] == [QUESTION]

"""Scribe realtime and streamed text input, with the vendor's unmodified SDK over real sockets."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from elevenlabs import AsyncElevenLabs, AudioFormat, CommitStrategy, ElevenLabs, RealtimeEvents
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from dialer.simulator.elevenlabs import ElevenLabsConfig, SpeechFaults
from dialer.simulator.speech import Final, Speech
from dialer.simulator.speech.standalone import serve_speech
from dialer.simulator.speech.voices import CATALOGUE
from voice_ai.mulaw import SILENCE

VOICE = CATALOGUE[0].id
QUICK = ElevenLabsConfig(speed=100.0)
OPT_OUT = "Please take me off your list."
QUESTION = "Can you call me back tomorrow?"


@dataclass(frozen=True)
class Vendor:
    url: str
    speech: Speech

    @property
    def sockets(self) -> str:
        return self.url.replace("http", "ws")


@asynccontextmanager
async def serve(config: ElevenLabsConfig, word_error_rate: float = 0.0) -> AsyncIterator[Vendor]:
    speech = Speech(seed=7, word_error_rate=word_error_rate)
    async with serve_speech(speech, config) as url:
        yield Vendor(url, speech)


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with serve(QUICK) as running:
        yield running


class Session:
    """A realtime connection whose events are kept and can be waited for."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for event in RealtimeEvents:
            if event not in (RealtimeEvents.OPEN, RealtimeEvents.CLOSE):
                connection.on(event, self._events.put_nowait)
        connection.on(RealtimeEvents.CLOSE, self._closed)

    def _closed(self, info: dict[str, Any]) -> None:
        self._events.put_nowait({"message_type": "close", **info})

    async def send(self, audio: bytes, chunk: int = 800) -> None:
        for at in range(0, len(audio), chunk):
            piece = base64.b64encode(audio[at : at + chunk]).decode()
            await self._connection.send({"audio_base_64": piece})

    async def commit(self) -> None:
        await self._connection.commit()

    async def until(self, message_type: str) -> list[dict[str, Any]]:
        """Everything up to and with the first message of that type."""
        seen: list[dict[str, Any]] = []
        async with asyncio.timeout(20):
            while not seen or seen[-1].get("message_type") != message_type:
                seen.append(await self._events.get())
        return seen


@asynccontextmanager
async def scribe(vendor: Vendor, **options: Any) -> AsyncIterator[Session]:
    asked = {
        "model_id": "scribe_v2_realtime",
        "audio_format": AudioFormat.ULAW_8000,
        "sample_rate": 8000,
        "commit_strategy": CommitStrategy.VAD,
        "vad_silence_threshold_secs": 0.5,
        **options,
    }
    async with httpx.AsyncClient() as http:
        client = AsyncElevenLabs(api_key="k", base_url=vendor.url, httpx_client=http)
        connection = await client.speech_to_text.realtime.connect(asked)  # type: ignore[call-overload]
        try:
            yield Session(connection)
        finally:
            await connection.close()


async def test_vad_commits_after_the_silence_asked_for(vendor: Vendor) -> None:
    said = vendor.speech.speak(OPT_OUT, voice="callee")
    async with scribe(vendor, include_timestamps=True) as session:
        await session.send(SILENCE * 1237 + said.audio + Speech.silence(0.6))
        seen = await session.until("committed_transcript_with_timestamps")
    assert seen[0]["message_type"] == "session_started"
    assert seen[0]["config"]["vad_silence_threshold_secs"] == 0.5
    partials = [each["text"] for each in seen if each["message_type"] == "partial_transcript"]
    assert partials[0] == "Please"
    assert partials[-1] == OPT_OUT
    assert seen[-2]["text"] == seen[-1]["text"] == OPT_OUT
    words = [word for word in seen[-1]["words"] if word["type"] == "word"]
    assert [word["text"] for word in words] == OPT_OUT.split()
    assert words[0]["start"] == pytest.approx(said.words[0].start + 1237 / 8000, abs=0.001)


async def test_vad_keeps_what_follows_at_once_in_one_transcript(vendor: Vendor) -> None:
    first, second = (vendor.speech.speak(text, voice="callee") for text in (OPT_OUT, QUESTION))
    async with scribe(vendor) as session:
        await session.send(first.audio + Speech.silence(0.2) + second.audio + Speech.silence(0.6))
        seen = await session.until("committed_transcript")
    assert seen[-1]["text"] == f"{OPT_OUT} {QUESTION}"


@pytest.mark.parametrize("chunk", [160, 800, 1_000_000])
async def test_vad_splits_at_silence_whatever_the_chunks(vendor: Vendor, chunk: int) -> None:
    first, second = (vendor.speech.speak(text, voice="callee") for text in (OPT_OUT, QUESTION))
    async with scribe(vendor) as session:
        stream = first.audio + Speech.silence(0.8) + second.audio + Speech.silence(0.6)
        await session.send(stream, chunk)
        assert (await session.until("committed_transcript"))[-1]["text"] == OPT_OUT
        assert (await session.until("committed_transcript"))[-1]["text"] == QUESTION


async def test_manual_commits_only_when_told(vendor: Vendor) -> None:
    said = vendor.speech.speak(QUESTION, voice="callee")
    async with scribe(vendor, commit_strategy=CommitStrategy.MANUAL) as session:
        await session.send(said.audio + Speech.silence(3.0))
        await session.commit()
        seen = await session.until("committed_transcript")
        assert [each["text"] for each in seen if "committed" in each["message_type"]] == [QUESTION]
        await session.send(Speech.silence(0.5))
        await session.commit()
        assert (await session.until("committed_transcript"))[-1]["text"] == ""


async def test_a_commit_of_too_little_audio_is_throttled_and_the_session_goes_on(
    vendor: Vendor,
) -> None:
    said = vendor.speech.speak(QUESTION, voice="callee")
    async with scribe(vendor, commit_strategy=CommitStrategy.MANUAL) as session:
        await session.commit()
        throttled = (await session.until("commit_throttled"))[-1]
        assert "0.3s of uncommitted audio" in throttled["error"]
        await session.send(said.audio)
        await session.commit()
        assert (await session.until("committed_transcript"))[-1]["text"] == QUESTION


async def test_hears_16_khz_samples_of_what_was_spoken_at_16_khz(vendor: Vendor) -> None:
    async with httpx.AsyncClient(base_url=vendor.url, headers={"xi-api-key": "k"}) as http:
        path = f"/v1/text-to-speech/{VOICE}?output_format=pcm_16000"
        audio = (await http.post(path, json={"text": OPT_OUT})).content
    options = {"audio_format": AudioFormat.PCM_16000, "sample_rate": 16000}
    async with scribe(vendor, **options) as session:
        await session.send(audio + bytes(32_000), chunk=3201)
        assert (await session.until("committed_transcript"))[-1]["text"] == OPT_OUT


async def test_mishears_words_the_same_way_in_every_session() -> None:
    async with serve(QUICK, word_error_rate=0.5) as vendor:
        said = vendor.speech.speak(OPT_OUT, voice="callee").audio
        heard = set()
        for chunk in (160, 1111):
            async with scribe(vendor) as session:
                await session.send(said + Speech.silence(1), chunk)
                heard.add((await session.until("committed_transcript"))[-1]["text"])
    assert len(heard) == 1
    assert heard != {OPT_OUT}


async def test_a_hundred_sessions_at_once_hear_their_own(vendor: Vendor) -> None:
    async def one(number: int) -> str:
        text = f"My number is {number}, thank you."
        said = vendor.speech.speak(text, voice=f"callee-{number % 7}")
        async with scribe(vendor) as session:
            await session.send(said.audio + Speech.silence(0.6))
            transcript: str = (await session.until("committed_transcript"))[-1]["text"]
        return transcript

    heard = await asyncio.gather(*(one(number) for number in range(100)))
    assert heard == [f"My number is {number}, thank you." for number in range(100)]


@pytest.mark.parametrize(
    ("fault", "last"), [("stt_drop", "close"), ("stt_error", "transcriber_error")]
)
async def test_faults_end_a_session(fault: str, last: str) -> None:
    config = ElevenLabsConfig(speed=100.0, faults=SpeechFaults(**{fault: 1.0}))
    async with serve(config) as vendor, scribe(vendor) as session:
        said = vendor.speech.speak(OPT_OUT, voice="callee")
        await session.send(said.audio + Speech.silence(1), chunk=100_000)
        seen = await session.until(last)
        ended = seen[-1] if last == "close" else (await session.until("close"))[-1]
        assert ended["code"] == 1011
        assert "committed_transcript" not in {each.get("message_type") for each in seen}


def realtime_url(vendor: Vendor, query: str) -> str:
    return f"{vendor.sockets}/v1/speech-to-text/realtime?model_id=scribe_v2_realtime&{query}"


async def say(socket: ClientConnection, message: object) -> dict[str, Any]:
    await socket.send(json.dumps(message))
    answer: dict[str, Any] = json.loads(await socket.recv())
    return answer


@pytest.mark.parametrize(
    ("headers", "query", "error"),
    [
        ({}, "audio_format=ulaw_8000", "auth_error"),
        ({"xi-api-key": "k"}, "audio_format=mp3", "invalid_request"),
        ({"xi-api-key": "k"}, "vad_silence_threshold_secs=9", "invalid_request"),
        ({"xi-api-key": "k"}, "commit_strategy=sometimes", "invalid_request"),
    ],
)
async def test_a_session_that_cannot_be_had_is_closed_with_the_reason(
    vendor: Vendor, headers: dict[str, str], query: str, error: str
) -> None:
    async with connect(realtime_url(vendor, query), additional_headers=headers) as socket:
        assert json.loads(await socket.recv())["message_type"] == error
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_a_bad_message_is_an_error_and_the_session_goes_on(vendor: Vendor) -> None:
    address = realtime_url(vendor, "audio_format=ulaw_8000&token=single-use")
    async with connect(address) as socket:
        assert json.loads(await socket.recv())["message_type"] == "session_started"
        bad: list[object] = [[], "text", {"message_type": "hello"}, {"audio_base_64": "§"}]
        for message in bad:
            assert (await say(socket, message))["message_type"] == "input_error"
        large = base64.b64encode(bytes(1_000_002)).decode()
        chunk = {"message_type": "input_audio_chunk", "audio_base_64": large}
        assert (await say(socket, chunk))["message_type"] == "chunk_size_exceeded"


def stream_input_url(vendor: Vendor, voice: str = VOICE, more: str = "") -> str:
    return f"{vendor.sockets}/v1/text-to-speech/{voice}/stream-input?output_format=ulaw_8000{more}"


@pytest.mark.filterwarnings("ignore:ConnectionClosed.code is deprecated")  # in the SDK
async def test_the_sdk_streams_text_in_and_speech_out(vendor: Vendor) -> None:
    def pieces() -> Iterator[str]:
        yield from ("Hello there. ", "How are ", "you today? ", "I hope well")

    def convert() -> bytes:
        client = ElevenLabs(api_key="k", base_url=vendor.url)
        # The SDK would insist on TLS here; nothing else of it is changed.
        client.text_to_speech._ws_base_url = vendor.sockets
        return b"".join(
            client.text_to_speech.convert_realtime(
                VOICE, text=pieces(), model_id="eleven_flash_v2_5", output_format="ulaw_8000"
            )
        )

    audio = await asyncio.to_thread(convert)
    heard = vendor.speech.listen().feed(audio + Speech.silence(1))
    assert [each.text for each in heard if isinstance(each, Final)] == [
        "Hello there.",
        "How are you today?",
        "I hope well",
    ]


async def test_a_flush_speaks_at_once_and_characters_are_aligned(vendor: Vendor) -> None:
    async with connect(stream_input_url(vendor), additional_headers={"xi-api-key": "k"}) as socket:
        await socket.send(json.dumps({"text": " "}))
        answer = await say(socket, {"text": "One moment", "flush": True})
        assert "".join(answer["alignment"]["chars"]) == "One moment"
        assert answer["alignment"]["charStartTimesMs"] == sorted(
            answer["alignment"]["charStartTimesMs"]
        )
        assert await say(socket, {"text": ""}) == {"audio": None, "isFinal": True}
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000


@pytest.mark.parametrize(
    ("voice", "first", "error"),
    [
        (VOICE, {"text": " "}, "needs_authorization"),
        ("nobody", {"text": " ", "xi_api_key": "k"}, "voice_not_found"),
        (VOICE, [], "invalid_message"),
    ],
)
async def test_streamed_input_that_cannot_be_spoken_is_closed_with_the_reason(
    vendor: Vendor, voice: str, first: object, error: str
) -> None:
    async with connect(stream_input_url(vendor, voice)) as socket:
        assert (await say(socket, first))["error"] == error
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_streamed_input_ends_when_nothing_comes(vendor: Vendor) -> None:
    address = stream_input_url(vendor, more="&inactivity_timeout=1")
    async with connect(address, additional_headers={"xi-api-key": "k"}) as socket:
        await socket.send(json.dumps({"text": " "}))
        assert json.loads(await socket.recv())["error"] == "input_timeout_exceeded"

"""The vendor's unmodified SDK over real sockets: voices, account, speech, recognition of files."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from elevenlabs import AsyncElevenLabs, ElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.types import SpeechToTextChunkResponseModel

from dialer.simulator.elevenlabs import ElevenLabsConfig, SpeechFaults
from dialer.simulator.speech import Final, Speech
from dialer.simulator.speech.standalone import serve_speech
from dialer.simulator.speech.voices import CATALOGUE
from voice_ai import mulaw

VOICE = CATALOGUE[0].id
NO_RETRY: Any = {"max_retries": 0}
QUICK = ElevenLabsConfig(speed=100.0)
TEXT = "Hello, this is a reminder of your appointment on Monday."


@dataclass(frozen=True)
class Vendor:
    url: str
    speech: Speech
    http: httpx.AsyncClient

    def client(self, key: str = "any-key") -> AsyncElevenLabs:
        return AsyncElevenLabs(api_key=key, base_url=self.url, httpx_client=self.http)


@asynccontextmanager
async def serve(config: ElevenLabsConfig) -> AsyncIterator[Vendor]:
    speech = Speech(seed=7, word_error_rate=0.0)
    async with serve_speech(speech, config) as url, httpx.AsyncClient(timeout=20) as http:
        yield Vendor(url, speech, http)


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with serve(QUICK) as running:
        yield running


async def speak(client: AsyncElevenLabs, text: str = TEXT, output: str = "ulaw_8000") -> bytes:
    stream = client.text_to_speech.stream(
        VOICE, text=text, model_id="eleven_flash_v2_5", output_format=output
    )
    return b"".join([chunk async for chunk in stream])


async def transcribe(vendor: Vendor, file: bytes) -> SpeechToTextChunkResponseModel:
    answer = await vendor.client().speech_to_text.convert(
        model_id="scribe_v2", file=file, request_options=NO_RETRY
    )
    assert isinstance(answer, SpeechToTextChunkResponseModel)
    return answer


def refusal(error: ApiError) -> tuple[int | None, str]:
    return error.status_code, error.body["detail"]["status"]


async def test_lists_models_and_voices_and_finds_one(vendor: Vendor) -> None:
    client = vendor.client()
    assert "eleven_flash_v2_5" in {model.model_id for model in await client.models.list()}
    assert VOICE in {voice.voice_id for voice in (await client.voices.get_all()).voices}
    found = await client.voices.search(search="geor", page_size=1)
    assert [voice.name for voice in found.voices] == ["George"]
    first = await client.voices.search(page_size=4)
    rest = await client.voices.search(page_size=4, next_page_token=first.next_page_token)
    assert (first.has_more, rest.has_more, len(rest.voices)) == (True, False, 2)
    assert (await client.voices.get(VOICE)).name == "Rachel"


async def test_streams_mulaw_that_is_recognised(vendor: Vendor) -> None:
    audio = await speak(vendor.client())
    heard = vendor.speech.listen().feed(audio + Speech.silence(1))[-1]
    assert isinstance(heard, Final)
    assert (heard.text, heard.complete) == (TEXT, True)


@pytest.mark.parametrize("output", ["ulaw_8000", "pcm_8000", "pcm_16000"])
async def test_converts_to_the_format_asked_for(vendor: Vendor, output: str) -> None:
    audio = await speak(vendor.client(), output=output)
    said = vendor.speech.speak(TEXT, voice=VOICE)
    assert len(audio) == len(said.audio) * {"ulaw_8000": 1, "pcm_8000": 2, "pcm_16000": 4}[output]
    if output == "pcm_8000":
        assert mulaw.encode(audio) == said.audio


async def test_the_blocking_client_converts_too(vendor: Vendor) -> None:
    def convert() -> bytes:
        with httpx.Client() as http:
            client = ElevenLabs(api_key="k", base_url=vendor.url, httpx_client=http)
            speech = client.text_to_speech.convert(VOICE, text=TEXT, output_format="ulaw_8000")
            return b"".join(speech)

    assert await asyncio.to_thread(convert) == vendor.speech.speak(TEXT, voice=VOICE).audio


async def test_timestamps_cover_the_text_in_order(vendor: Vendor) -> None:
    lines = [
        line
        async for line in vendor.client().text_to_speech.stream_with_timestamps(
            VOICE, text=TEXT, output_format="ulaw_8000"
        )
    ]
    alignments = [line.alignment for line in lines if line.alignment is not None]
    assert "".join(c for a in alignments for c in a.characters) == TEXT
    starts = [s for a in alignments for s in a.character_start_times_seconds]
    assert starts == sorted(starts)


async def test_counts_characters_and_tells_their_cost(vendor: Vendor) -> None:
    client = vendor.client()
    async with client.text_to_speech.with_raw_response.stream(
        VOICE, text=TEXT, model_id="eleven_flash_v2_5", output_format="ulaw_8000"
    ) as response:
        [_ async for _ in response.data]
        cost = int(response.headers["character-cost"])
        assert response.headers["current-concurrent-requests"] == "1"
        assert response.headers["maximum-concurrent-requests"] == str(QUICK.tts_concurrency)
        assert response.headers["request-id"]
    assert cost == len(TEXT) / 2
    assert (await client.user.subscription.get()).character_count == cost
    assert (await client.user.get()).subscription.character_count == cost
    stats = await client.usage.get(start_unix=0, end_unix=86_400_000)
    assert sum(stats.usage["All"]) == cost


async def test_refuses_a_request_without_a_key_or_with_a_wrong_one() -> None:
    async with serve(ElevenLabsConfig(speed=100.0, api_key="right")) as vendor:
        async with httpx.AsyncClient(base_url=vendor.url) as plain:
            for path in ("/v1/models", "/v2/voices", "/v1/user/subscription"):
                assert (await plain.get(path)).status_code == 401
            assert (await plain.post(f"/v1/text-to-speech/{VOICE}")).status_code == 401
        with pytest.raises(ApiError) as wrong:
            await vendor.client("wrong").models.list()
        assert refusal(wrong.value) == (401, "invalid_api_key")
        assert await vendor.client("right").models.list()


@pytest.mark.parametrize(
    ("voice", "arguments", "expected"),
    [
        ("nobody", {"output_format": "ulaw_8000"}, (400, "voice_not_found")),
        (VOICE, {"output_format": "mp3_44100_128"}, (400, "unsupported_output_format")),
        (VOICE, {}, (400, "unsupported_output_format")),
        (
            VOICE,
            {"output_format": "ulaw_8000", "model_id": "eleven_v9"},
            (400, "model_not_found"),
        ),
        (
            VOICE,
            {"output_format": "ulaw_8000", "model_id": "eleven_v3", "text": "x" * 5001},
            (400, "max_character_limit_exceeded"),
        ),
    ],
)
async def test_refuses_what_cannot_be_spoken(
    vendor: Vendor, voice: str, arguments: dict[str, Any], expected: tuple[int, str]
) -> None:
    with pytest.raises(ApiError) as error:
        async for _ in vendor.client().text_to_speech.stream(voice, **{"text": TEXT, **arguments}):
            pass
    assert refusal(error.value) == expected


async def test_a_body_that_does_not_validate_is_422(vendor: Vendor) -> None:
    async with httpx.AsyncClient(base_url=vendor.url, headers={"xi-api-key": "k"}) as plain:
        answer = await plain.post(f"/v1/text-to-speech/{VOICE}/stream", json={"words": TEXT})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "text"]


async def test_the_quota_ends_and_what_was_refused_is_not_counted() -> None:
    async with serve(ElevenLabsConfig(speed=100.0, character_limit=40)) as vendor:
        client = vendor.client()
        await speak(client)
        with pytest.raises(ApiError) as error:
            await speak(client)
        assert refusal(error.value) == (401, "quota_exceeded")
        assert (await client.user.subscription.get()).character_count == len(TEXT) / 2


async def test_no_place_within_the_plan_is_429() -> None:
    async with serve(ElevenLabsConfig(speed=100.0, tts_concurrency=0)) as vendor:
        with pytest.raises(ApiError) as error:
            await speak(vendor.client())
        assert refusal(error.value) == (429, "too_many_concurrent_requests")


async def test_faults_follow_the_text_and_its_nth_request() -> None:
    faults = SpeechFaults(tts_over_limit=0.3, tts_system_busy=0.3)
    config = ElevenLabsConfig(speed=1000.0, faults=faults)

    async def outcomes(order: list[int]) -> dict[int, str]:
        seen: dict[int, str] = {}
        async with serve(config) as vendor:
            client = vendor.client()
            for number in order:
                try:
                    await speak(client, f"Sentence {number}.")
                    seen[number] = "spoken"
                except ApiError as error:
                    seen[number] = refusal(error)[1]
        return seen

    forwards = await outcomes(list(range(20)))
    assert forwards == await outcomes(list(reversed(range(20))))
    assert set(forwards.values()) == {"spoken", "too_many_concurrent_requests", "system_busy"}


def wav(channels: list[bytes]) -> bytes:
    """16-bit WAV of mu-law channels of one length."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(len(channels))
        out.setsampwidth(2)
        out.setframerate(8000)
        columns = [mulaw.decode(channel) for channel in channels]
        rows = zip(*columns, strict=True)
        out.writeframes(
            b"".join(int(v).to_bytes(2, "little", signed=True) for r in rows for v in r)
        )
    return file.getvalue()


async def test_transcribes_raw_mulaw_and_wav(vendor: Vendor) -> None:
    audio = vendor.speech.speak(TEXT, voice="someone").audio
    for file in (audio, wav([audio])):
        answer = await transcribe(vendor, file)
        assert answer.text == TEXT
        spoken = [word.text for word in answer.words if word.type == "word"]
        assert spoken == TEXT.split()


async def test_transcribes_both_sides_of_a_recording_in_turn(vendor: Vendor) -> None:
    agent = vendor.speech.speak("Is this the Lakeside clinic?", voice=VOICE).audio
    callee = vendor.speech.speak("Yes, speaking.", voice="someone").audio
    left = agent + Speech.silence(len(callee) / 8000)
    right = Speech.silence(len(agent) / 8000) + callee
    answer = await transcribe(vendor, wav([left, right]))
    assert answer.text == "Is this the Lakeside clinic? Yes, speaking."
    speakers = [word.speaker_id for word in answer.words if word.type == "word"]
    assert speakers == ["speaker_0"] * 5 + ["speaker_1"] * 2


@pytest.mark.parametrize(
    ("model_id", "file", "status"),
    [("scribe_v9", b"\xff" * 800, "invalid_model_id"), ("scribe_v2", b"ID3...", "invalid_audio")],
)
async def test_refuses_what_it_cannot_transcribe(
    vendor: Vendor, model_id: str, file: bytes, status: str
) -> None:
    with pytest.raises(ApiError) as error:
        await vendor.client().speech_to_text.convert(
            model_id=model_id, file=file, request_options=NO_RETRY
        )
    assert refusal(error.value) == (400, status)


async def test_silence_and_strange_audio_have_no_words(vendor: Vendor) -> None:
    for file in (Speech.silence(2), Speech.beep()):
        answer = await transcribe(vendor, file)
        assert (answer.text, answer.words) == ("", [])

"""The ElevenLabs adapter: the vendor's SDK, unmodified, against the simulated vendor."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dialer.adapters.elevenlabs import DEFAULT_VOICE, ElevenLabs, ElevenLabsOptions, ScribeEars
from dialer.ports import EarEvent, EarsLost, FinalText, PartialText, Recording, SynthesisFailed
from dialer.simulator.elevenlabs import ElevenLabsConfig, SpeechFaults
from dialer.simulator.speech import Speech
from dialer.simulator.speech.standalone import serve_speech
from voice_ai.errors import NotAvailable
from voice_ai.mulaw import SILENCE

TEXT = "Please take me off your list."
SPEED = 50.0


@asynccontextmanager
async def vendor(
    config: ElevenLabsConfig | None = None, **options: float
) -> AsyncIterator[tuple[ElevenLabs, Speech]]:
    speech = Speech(seed=7, word_error_rate=0.0)
    async with serve_speech(speech, config or ElevenLabsConfig(speed=SPEED)) as url:
        adapter = ElevenLabs.connect(ElevenLabsOptions(api_key="k", base_url=url, **options))  # type: ignore[arg-type]
        try:
            yield adapter, speech
        finally:
            await adapter.close()


async def synthesised(adapter: ElevenLabs, text: str, voice: str = "default") -> list[Recording]:
    return [piece async for piece in adapter.voice(voice).synthesise(text)]


async def heard(ears: ScribeEars, kind: type[EarEvent]) -> EarEvent:
    async with asyncio.timeout(10):
        async for event in ears.hear():
            if isinstance(event, kind):
                return event
    raise AssertionError("the ears were closed")


async def test_speech_comes_in_pieces_of_untouched_mu_law_with_a_time_for_each_character() -> None:
    async with vendor() as (adapter, speech):
        pieces = await synthesised(adapter, TEXT)
        spoken = speech.speak(TEXT, voice=DEFAULT_VOICE)
        assert b"".join(piece.audio for piece in pieces) == spoken.audio
        assert len(pieces) > 1
        ends = [end for piece in pieces for end in piece.ends_ms]
        assert len(ends) == len(TEXT)
        for word in spoken.words:
            last = TEXT.index(word.text) + len(word.text) - 1
            assert ends[last] == pytest.approx(1000 * word.end, abs=1)


async def test_a_synthesis_that_is_left_early_frees_its_place() -> None:
    async with vendor(at_once=1) as (adapter, _):
        pieces = adapter.voice("default").synthesise(TEXT)
        assert await anext(pieces)
        await pieces.aclose()
        assert await synthesised(adapter, TEXT)


@pytest.mark.parametrize(
    ("config", "voice", "word", "worth_retrying"),
    [
        (ElevenLabsConfig(api_key="another"), "default", "401 invalid_api_key", False),
        (ElevenLabsConfig(character_limit=3), "default", "401 quota_exceeded", False),
        (ElevenLabsConfig(), "nobody", "400 voice_not_found", False),
        (
            ElevenLabsConfig(speed=SPEED, faults=SpeechFaults(tts_system_busy=1.0)),
            "default",
            "429 system_busy",
            True,
        ),
        (
            ElevenLabsConfig(speed=SPEED, faults=SpeechFaults(tts_over_limit=1.0)),
            "default",
            "429 too_many_concurrent_requests",
            True,
        ),
    ],
)
async def test_refusals_say_why_and_whether_another_attempt_may_help(
    config: ElevenLabsConfig, voice: str, word: str, worth_retrying: bool
) -> None:
    async with vendor(config) as (adapter, _):
        with pytest.raises(SynthesisFailed, match=word) as failed:
            await synthesised(adapter, TEXT, voice)
        assert failed.value.worth_retrying is worth_retrying
        assert TEXT not in str(failed.value)


async def test_a_slow_synthesis_is_given_up() -> None:
    slow = ElevenLabsConfig(faults=SpeechFaults(tts_slow=1.0, tts_slow_s=1.5))
    async with vendor(slow, first_piece_s=0.2) as (adapter, _):
        with pytest.raises(SynthesisFailed, match="Timeout") as failed:
            await synthesised(adapter, TEXT)
        assert failed.value.worth_retrying


async def test_what_is_said_is_heard_and_committed_when_asked_for() -> None:
    async with vendor() as (adapter, speech):
        ears = await adapter.open(language="en-US")
        audio = SILENCE * 4000 + speech.speak(TEXT, voice="Somebody").audio + SILENCE * 4000
        for at in range(0, len(audio), 800):
            await ears.send(audio[at : at + 800])
        assert isinstance(await heard(ears, PartialText), PartialText)
        await ears.commit()
        assert await heard(ears, FinalText) == FinalText(TEXT)
        await ears.close()


async def test_a_commit_of_nothing_is_answered_too() -> None:
    async with vendor() as (adapter, _):
        ears = await adapter.open(language="en-US")
        await ears.send(SILENCE * 800)
        await ears.commit()
        assert await heard(ears, FinalText) == FinalText(""), "too short to commit"
        await ears.send(SILENCE * 8000)
        await ears.commit()
        assert await heard(ears, FinalText) == FinalText(""), "nothing was said"
        await ears.close()


async def test_ears_are_lost_when_the_vendor_refuses_or_fails() -> None:
    async with vendor(ElevenLabsConfig(api_key="another")) as (adapter, _):
        ears = await adapter.open(language="en-US")
        with pytest.raises(EarsLost, match="auth_error"):
            await heard(ears, FinalText)
        await ears.close()
    failing = ElevenLabsConfig(speed=SPEED, faults=SpeechFaults(stt_error=1.0))
    async with vendor(failing) as (adapter, speech):
        ears = await adapter.open(language="en-US")
        await ears.send(speech.speak(TEXT, voice="Somebody").audio)
        await ears.commit()
        with pytest.raises(EarsLost, match="transcriber_error"):
            await heard(ears, FinalText)
        await ears.close()


async def test_ears_are_lost_when_the_socket_goes() -> None:
    dropping = ElevenLabsConfig(speed=SPEED, faults=SpeechFaults(stt_drop=1.0))
    async with vendor(dropping) as (adapter, speech):
        ears = await adapter.open(language="en-US")
        audio = speech.speak(TEXT, voice="Somebody").audio
        await ears.send(audio)
        with pytest.raises(EarsLost):
            await heard(ears, FinalText)
        with pytest.raises(EarsLost, match="takes no"):
            await ears.commit()
        await ears.close()


async def test_a_vendor_that_is_not_there_is_named_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    adapter = ElevenLabs.connect(ElevenLabsOptions(api_key="k", base_url=url))
    with pytest.raises(EarsLost, match="cannot be reached"):
        await adapter.open(language="en-US")
    with pytest.raises(SynthesisFailed, match="ConnectError"):
        await synthesised(adapter, TEXT)
    with pytest.raises(NotAvailable, match="ELEVENLABS_BASE_URL"):
        await adapter.characters_left()
    await adapter.close()


async def test_the_quota_is_what_the_plan_has_left() -> None:
    async with vendor(ElevenLabsConfig(speed=SPEED, character_limit=1000)) as (adapter, _):
        assert await adapter.characters_left() == 1000
        await synthesised(adapter, TEXT)
        assert 900 < await adapter.characters_left() < 1000

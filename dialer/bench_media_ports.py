"""What the media benches put at a session's ports: a script, a voice without delay, no log."""

from collections.abc import AsyncGenerator, Mapping
from importlib.resources import files

import numpy as np

from dialer.media.frames import FRAME_BYTES, SAMPLE_RATE
from dialer.media.prompts import CachedVoice, PromptCache
from dialer.ports import Recording, TurnRecord
from voice_ai import mulaw
from voice_ai.answering import AnswerVerdict
from voice_ai.conversation import load_script, prompts
from voice_ai.conversation.graph import Script

SLOTS = {"seller": "Acme Health", "callback_number": "+1 800 555 0100"}
_SCRIPT = "bench_media_script.yaml"
_SENTENCE_S = 0.8  # as the peer's


def vowel() -> bytes:
    """A frame of an "ah" at 100 Hz, two periods, so that frames join."""
    harmonics = np.arange(1, 10)[:, None]
    weights = np.array([1, 0.9, 0.8, 0.7, 0.5, 0.6, 0.8, 0.5, 0.3])[:, None]
    wave = weights * np.sin(2 * np.pi * harmonics * np.arange(FRAME_BYTES) / 80 + harmonics)
    return mulaw.encode((2000 * wave.sum(axis=0)).astype(np.int16))


def bench_script() -> Script:
    text = files("dialer").joinpath(_SCRIPT).read_text(encoding="utf-8")
    return load_script(text, source=_SCRIPT)


async def rendered_voice(script: Script) -> CachedVoice:
    """Every prompt of the script is in its cache."""
    voice = CachedVoice(_Tone(), cache=PromptCache())
    await voice.render_ahead(prompts(script, SLOTS))
    return voice


class _Tone:
    voice, model, output_format = "tone", "tone", "ulaw_8000"

    async def synthesise(self, text: str) -> AsyncGenerator[Recording, None]:
        yield Recording(b"\x20" * int(_SENTENCE_S * SAMPLE_RATE))


class NoLog:
    """A call log that keeps nothing."""

    async def media_started(self, stream_sid: str) -> None: ...

    async def turn(self, turn: TurnRecord) -> None: ...

    async def barge_in(self, index: int, heard_fraction: float) -> None: ...

    async def opt_out(self, evidence: str) -> None: ...

    async def recording_declined(self) -> None: ...

    async def answered(self, verdict: AnswerVerdict) -> None: ...

    async def answered_freely(self, why: str) -> None: ...

    async def outcome(
        self, disposition: str | None, end_reason: str, slots: Mapping[str, str]
    ) -> None: ...

    async def media_stopped(self, reason: str) -> None: ...

"""POST /v1/speech-to-text: a whole file, WAV or raw mu-law, one speaker per channel."""

import struct
from dataclasses import dataclass
from math import inf
from typing import Any, Final

import numpy as np
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dialer.simulator.speech import Final as Heard
from dialer.simulator.speech import Speech
from dialer.simulator.speech.account import Account, Refusal, over_limit
from dialer.simulator.speech.catalogue import STT_MODELS
from dialer.simulator.speech.formats import resample
from dialer.simulator.speech.text_to_speech import Invalid
from dialer.simulator.speech.transcripts import joined, words_of
from voice_ai.mulaw import SAMPLE_RATE, Pcm16

_WAV_PCM: Final = 1
_WAV_MULAW: Final = 7
_COMPRESSED: Final = (b"ID3", b"OggS", b"fLaC")


@dataclass(frozen=True)
class Recording:
    """One mu-law stream at 8 kHz per channel."""

    channels: tuple[bytes, ...]

    @property
    def seconds(self) -> float:
        return max((len(channel) for channel in self.channels), default=0) / SAMPLE_RATE


def read_recording(data: bytes, file_format: str | None) -> Recording:
    """Raises Refusal for a file that is neither WAV (PCM 16 or mu-law) nor raw audio."""
    if data[:4] == b"RIFF":
        return _read_wav(data)
    if not data or data.startswith(_COMPRESSED):
        raise _unreadable("send a WAV file or raw mu-law at 8 kHz")
    if file_format == "pcm_s16le_16":
        return Recording((resample(np.frombuffer(data[: len(data) // 2 * 2], "<i2"), 16000),))
    return Recording((data,))


def _unreadable(hint: str) -> Refusal:
    return Refusal(400, "invalid_audio", f"The simulator cannot read this audio; {hint}.")


def _read_wav(data: bytes) -> Recording:
    layout: tuple[int, int, int, int] | None = None
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt " and len(body) >= 16:
            kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
            layout = (kind, channels, rate, bits)
        elif name == b"data" and layout is not None:
            return _split(body, *layout)
        at += 8 + size + size % 2
    raise _unreadable("the WAV file has no format or no data")


def _split(body: bytes, kind: int, channels: int, rate: int, bits: int) -> Recording:
    if channels < 1 or rate < SAMPLE_RATE or (kind, bits) not in {(_WAV_PCM, 16), (_WAV_MULAW, 8)}:
        raise _unreadable("the WAV file must hold 16-bit PCM or mu-law, at 8 kHz or more")
    if kind == _WAV_MULAW:
        return Recording(tuple(body[each::channels] for each in range(channels)))
    width = 2 * channels
    samples: Pcm16 = np.frombuffer(body[: len(body) // width * width], "<i2").astype(np.int16)
    return Recording(tuple(resample(samples[each::channels], rate) for each in range(channels)))


class SpeechToText:
    def __init__(self, speech: Speech, account: Account) -> None:
        self._speech = speech
        self._account = account

    async def convert(self, request: Request) -> Response:
        account = self._account
        account.authorise(request.headers.get("xi-api-key"))
        if account.sessions_now >= account.config.stt_concurrency:
            raise over_limit(account.config.stt_concurrency)
        account.sessions_now += 1
        try:
            async with request.form() as form:
                return await self._answer(form)
        finally:
            account.sessions_now -= 1

    async def _answer(self, form: FormData) -> Response:
        model_id, upload = _field(form, "model_id"), form.get("file")
        if model_id is None:
            raise Invalid(("body", "model_id"), "Field required", "missing")
        if model_id not in STT_MODELS:
            raise Refusal(
                400, "invalid_model_id", f"{model_id!r} is not one of {', '.join(STT_MODELS)}."
            )
        if not isinstance(upload, UploadFile):
            raise Invalid(("body", "file"), "Field required", "missing")
        recording = read_recording(await upload.read(), _field(form, "file_format"))
        heard = [self._hear(channel) for channel in recording.channels]
        language = _field(form, "language_code") or "en"
        about = [final.utterance_id for finals in heard for final in finals]
        await self._account.wait(self._account.latency(self._account.config.commit_s, *about))
        transcript_id = self._account.next_id("transcription")
        if _field(form, "use_multi_channel") == "true":
            parts = [
                _chunk([finals], language, recording, transcript_id) | {"channel_index": number}
                for number, finals in enumerate(heard)
            ]
            return JSONResponse({"transcripts": parts, "transcription_id": transcript_id})
        return JSONResponse(_chunk(heard, language, recording, transcript_id))

    def _hear(self, channel: bytes) -> list[Heard]:
        ear = self._speech.listen(silence_commit_s=inf, mishearing=True)
        return [each for each in ear.feed(channel) + ear.commit() if isinstance(each, Heard)]


def _field(form: FormData, name: str) -> str | None:
    """A form field; the SDK spells fields that were not given as the word null."""
    value = form.get(name)
    return value if isinstance(value, str) and value not in {"", "null"} else None


def _chunk(
    heard: list[list[Heard]], language: str, recording: Recording, transcript_id: str
) -> dict[str, Any]:
    """One transcript of all channels, in the order in which the speakers began."""
    turns = sorted(
        ((final, f"speaker_{number}") for number, each in enumerate(heard) for final in each),
        key=lambda turn: turn[0].start_s,
    )
    words: list[dict[str, Any]] = []
    for final, speaker in turns:
        words += words_of([final], speaker)
    return {
        "language_code": language,
        "language_probability": 0.99,
        "text": joined(final for final, _ in turns),
        "words": words,
        "transcription_id": transcript_id,
        "audio_duration_secs": recording.seconds,
    }

"""POST /v1/text-to-speech/{voice_id} and its streaming forms."""

import asyncio
import math
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from dialer.simulator.speech import Speech, Utterance
from dialer.simulator.speech.account import Account, Refusal
from dialer.simulator.speech.catalogue import TTS_MODELS, TtsModel
from dialer.simulator.speech.formats import MEDIA_TYPES, SPOKEN, render
from dialer.simulator.speech.utterance import align_characters
from dialer.simulator.speech.voices import catalogued

DEFAULT_FORMAT = "mp3_44100_128"
DEFAULT_MODEL = "eleven_multilingual_v2"
_CHUNK = 8000


class Invalid(Exception):
    """A request body or query that does not validate, answered with 422."""

    def __init__(self, place: tuple[str, ...], problem: str, kind: str) -> None:
        super().__init__(problem)
        self.detail = [{"loc": list(place), "msg": problem, "type": kind}]

    def response(self) -> JSONResponse:
        return JSONResponse({"detail": self.detail}, 422)


@dataclass(frozen=True)
class Order:
    """A checked request to speak."""

    voice: str
    text: str
    model: TtsModel
    output_format: str

    @property
    def cost(self) -> int:
        return math.ceil(len(self.text) * self.model.cost)


def check_voice_and_format(voice_id: str, output_format: str) -> None:
    """Raises Refusal for a voice that is not there or a format that is not spoken."""
    if catalogued(voice_id) is None:
        raise Refusal(400, "voice_not_found", f"A voice with the voice_id {voice_id} was not found")
    if output_format not in SPOKEN:
        raise Refusal(
            400,
            "unsupported_output_format",
            f"The simulator does not speak {output_format}; ask for one of {', '.join(SPOKEN)}.",
        )


def find_model(model_id: str) -> TtsModel:
    model = TTS_MODELS.get(model_id)
    if model is None:
        raise Refusal(400, "model_not_found", f"A model with model ID {model_id} does not exist.")
    return model


def check_order(voice_id: str, output_format: str, body: object) -> Order:
    """Raises Invalid or Refusal."""
    if not isinstance(body, dict):
        raise Invalid(("body",), "Input should be a valid dictionary", "model_attributes_type")
    text = body.get("text")
    if not isinstance(text, str):
        raise Invalid(("body", "text"), "Field required", "missing")
    model = find_model(body.get("model_id") or DEFAULT_MODEL)
    check_voice_and_format(voice_id, output_format)
    if not text.strip():
        raise Refusal(400, "input_text_empty", "The text must contain something to say.")
    if len(text) > model.longest_text:
        raise Refusal(
            400,
            "max_character_limit_exceeded",
            f"This request's text has {len(text)} characters and exceeds the character limit of "
            f"{model.longest_text} characters for model {model.id}.",
        )
    return Order(voice_id, text, model, output_format)


async def speak(speech: Speech, voice: str, text: str) -> Utterance:
    """Synthesise, off the event loop where that takes long."""
    if speech.slow:
        return await asyncio.to_thread(speech.speak, text, voice=voice)
    return speech.speak(text, voice=voice)


class TextToSpeech:
    def __init__(self, speech: Speech, account: Account) -> None:
        self._speech = speech
        self._account = account

    async def convert(self, request: Request) -> Response:
        order, utterance, headers = await self._generate(request)
        media = MEDIA_TYPES.get(order.output_format, "audio/pcm")
        body = render(utterance.audio, order.output_format)
        return Response(body, headers=headers, media_type=media)

    async def stream(self, request: Request) -> Response:
        order, utterance, headers = await self._generate(request)
        media = MEDIA_TYPES.get(order.output_format, "audio/pcm")
        body = render(utterance.audio, order.output_format)
        pieces = iter([body[at : at + _CHUNK] for at in range(0, len(body), _CHUNK)])
        return StreamingResponse(pieces, headers=headers, media_type=media)

    async def convert_with_timestamps(self, request: Request) -> Response:
        order, utterance, headers = await self._generate(request)
        return JSONResponse(_timed(order, utterance, utterance.audio, 0.0), headers=headers)

    async def stream_with_timestamps(self, request: Request) -> Response:
        order, utterance, headers = await self._generate(request)
        lines = _timed_lines(order, utterance)
        return StreamingResponse(lines, headers=headers, media_type="application/json")

    async def _generate(self, request: Request) -> tuple[Order, Utterance, dict[str, str]]:
        account = self._account
        account.authorise(request.headers.get("xi-api-key"))
        try:
            body: Any = orjson.loads(await request.body())
        except orjson.JSONDecodeError as error:
            raise Invalid(("body",), f"JSON decode error: {error}", "json_invalid") from None
        output_format = request.query_params.get("output_format", DEFAULT_FORMAT)
        order = check_order(request.path_params["voice_id"], output_format, body)
        async with account.generating() as held:
            await account.first_byte(order.voice, order.text)
            account.charge(order.cost)
            utterance = await speak(self._speech, order.voice, order.text)
        headers = {
            "request-id": account.next_id("request"),
            "history-item-id": account.next_id("history"),
            "character-cost": str(order.cost),
            "current-concurrent-requests": str(held),
            "maximum-concurrent-requests": str(account.config.tts_concurrency),
        }
        return order, utterance, headers


def _timed_lines(order: Order, utterance: Utterance) -> Iterator[bytes]:
    """A JSON line per second of audio; times count from the start of the whole."""
    for at in range(0, len(utterance.audio), _CHUNK):
        piece = utterance.audio[at : at + _CHUNK]
        yield orjson.dumps(_timed(order, utterance, piece, at / _CHUNK)) + b"\n"


def _timed(order: Order, utterance: Utterance, piece: bytes, since: float) -> dict[str, Any]:
    whole = align_characters(utterance)
    until = since + len(piece) / _CHUNK
    rows = [
        row
        for row in zip(whole.characters, whole.starts, whole.ends, strict=True)
        if since <= row[1] < until
    ]
    alignment = {
        "characters": [row[0] for row in rows],
        "character_start_times_seconds": [round(row[1], 3) for row in rows],
        "character_end_times_seconds": [round(row[2], 3) for row in rows],
    }
    return {
        "audio_base64": b64encode(render(piece, order.output_format)).decode(),
        "alignment": alignment,
        "normalized_alignment": alignment,
    }

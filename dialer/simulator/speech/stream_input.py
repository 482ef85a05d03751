"""WS /v1/text-to-speech/{voice_id}/stream-input: text in as it comes, speech out by sentence."""

import asyncio
import math
import re
from base64 import b64encode
from typing import Any, Final

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from dialer.simulator.speech import Speech, Utterance
from dialer.simulator.speech.account import Account, Refusal
from dialer.simulator.speech.catalogue import TtsModel
from dialer.simulator.speech.formats import render
from dialer.simulator.speech.text_to_speech import (
    DEFAULT_FORMAT,
    DEFAULT_MODEL,
    check_voice_and_format,
    find_model,
    speak,
)
from dialer.simulator.speech.utterance import align_characters

_SENTENCE: Final = re.compile(r"[^.!?]*[.!?]+(?=\s)")
_POLICY_VIOLATION: Final = 1008


class StreamInput:
    """One socket; where the text is cut depends on the text alone, not on how it arrived."""

    def __init__(self, socket: WebSocket, speech: Speech, account: Account) -> None:
        self._socket = socket
        self._speech = speech
        self._account = account
        self._voice: str = socket.path_params["voice_id"]
        query = socket.query_params
        self._format = query.get("output_format", DEFAULT_FORMAT)
        self._model_id = query.get("model_id", DEFAULT_MODEL)
        self._patience = _seconds(query.get("inactivity_timeout"), default=20.0, most=180.0)
        self._key = socket.headers.get("xi-api-key")
        self._text = ""

    async def run(self) -> None:
        await self._socket.accept()
        try:
            await self._converse()
        except Refusal as refusal:
            await self._refuse(refusal.status, refusal.message)
        except TimeoutError:
            await self._refuse(
                "input_timeout_exceeded",
                "Have not received a new text input within the timeout of "
                f"{self._patience} seconds. Streaming input terminated.",
            )
        except WebSocketDisconnect:
            return

    async def _converse(self) -> None:
        message = await self._receive()
        self._account.authorise(self._key or message.get("xi_api_key") or message.get("xi-api-key"))
        check_voice_and_format(self._voice, self._format)
        model = find_model(self._model_id)
        while message.get("text") != "":
            self._text += str(message.get("text", ""))
            await self._say_sentences(model)
            if message.get("flush"):
                await self._say_rest(model)
            message = await self._receive()
        await self._say_rest(model)
        await self._send({"audio": None, "isFinal": True})
        await self._socket.close(1000)

    async def _receive(self) -> dict[str, Any]:
        patience = self._patience / self._account.config.speed
        text = await asyncio.wait_for(self._socket.receive_text(), patience)
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            message = None
        if not isinstance(message, dict):
            raise Refusal(400, "invalid_message", "Every message must be a JSON object.")
        return message

    async def _say_sentences(self, model: TtsModel) -> None:
        while (sentence := _SENTENCE.match(self._text)) is not None:
            self._text = self._text[sentence.end() :]
            await self._say(sentence.group(), model)

    async def _say_rest(self, model: TtsModel) -> None:
        rest, self._text = self._text, ""
        await self._say(rest, model)

    async def _say(self, text: str, model: TtsModel) -> None:
        text = text.strip()
        if not text:
            return
        async with self._account.generating():
            await self._account.first_byte(self._voice, text)
            self._account.charge(math.ceil(len(text) * model.cost))
            utterance = await speak(self._speech, self._voice, text)
        alignment = _milliseconds(utterance)
        await self._send(
            {
                "audio": b64encode(render(utterance.audio, self._format)).decode(),
                "isFinal": None,
                "alignment": alignment,
                "normalizedAlignment": alignment,
            }
        )

    async def _refuse(self, error: str, message: str) -> None:
        await self._send({"message": message, "error": error, "code": _POLICY_VIOLATION})
        await self._socket.close(_POLICY_VIOLATION, error)

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send_text(orjson.dumps(message).decode())


def _seconds(given: str | None, *, default: float, most: float) -> float:
    try:
        return min(most, max(1.0, float(given))) if given else default
    except ValueError:
        return default


def _milliseconds(utterance: Utterance) -> dict[str, Any]:
    whole = align_characters(utterance)
    starts = [round(1000 * start) for start in whole.starts]
    ends = [round(1000 * end) for end in whole.ends]
    return {
        "chars": list(whole.characters),
        "charStartTimesMs": starts,
        "charDurationsMs": [end - start for start, end in zip(starts, ends, strict=True)],
    }

"""ElevenLabs' HTTP and WebSocket endpoints, for the vendor's own unmodified SDK.

config = ElevenLabsConfig(seed=…, speed=…, faults=SPEECH_FAULTS["mild"])
app = Starlette(routes=routes(speech, config))
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from dialer.simulator.speech import Speech, catalogue
from dialer.simulator.speech.account import (
    SPEECH_FAULTS,
    Account,
    ElevenLabsConfig,
    Refusal,
    SpeechFaults,
)
from dialer.simulator.speech.realtime import ScribeSession
from dialer.simulator.speech.speech_to_text import SpeechToText
from dialer.simulator.speech.stream_input import StreamInput
from dialer.simulator.speech.text_to_speech import Invalid, TextToSpeech
from dialer.simulator.speech.voices import catalogued

__all__ = ["SPEECH_FAULTS", "ElevenLabsConfig", "SpeechFaults", "routes"]

Endpoint = Callable[[Request], Awaitable[Response]]

_PAGE_LIMIT = 100


def routes(speech: Speech, config: ElevenLabsConfig) -> list[BaseRoute]:
    """Routes that share one account; its usage starts at nothing."""
    account = Account(config)
    about, tts, stt = _About(account), TextToSpeech(speech, account), SpeechToText(speech, account)

    async def stream_input(socket: WebSocket) -> None:
        await StreamInput(socket, speech, account).run()

    async def realtime(socket: WebSocket) -> None:
        await ScribeSession(socket, speech, account).run()

    speak = "/v1/text-to-speech/{voice_id}"
    return [
        _get("/v1/models", about.models),
        _get("/v1/voices", about.voices),
        _get("/v1/voices/{voice_id}", about.voice),
        _get("/v2/voices", about.voices_page),
        _get("/v1/user", about.user),
        _get("/v1/user/subscription", about.subscription),
        _get("/v1/usage/character-stats", about.character_stats),
        _post(speak, tts.convert),
        _post(f"{speak}/with-timestamps", tts.convert_with_timestamps),
        _post(f"{speak}/stream", tts.stream),
        _post(f"{speak}/stream/with-timestamps", tts.stream_with_timestamps),
        WebSocketRoute(f"{speak}/stream-input", stream_input),
        _post("/v1/speech-to-text", stt.convert),
        WebSocketRoute("/v1/speech-to-text/realtime", realtime),
    ]


def _get(path: str, endpoint: Endpoint) -> Route:
    return Route(path, _answering(endpoint), methods=["GET"])


def _post(path: str, endpoint: Endpoint) -> Route:
    return Route(path, _answering(endpoint), methods=["POST"])


def _answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with what it refuses as the vendor's error answers."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (Refusal, Invalid) as no:
            return no.response()

    return answer


class _About:
    """The endpoints that only tell."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def _known(self, request: Request) -> None:
        self._account.authorise(request.headers.get("xi-api-key"))

    async def models(self, request: Request) -> Response:
        self._known(request)
        return JSONResponse(catalogue.models())

    async def voices(self, request: Request) -> Response:
        self._known(request)
        return JSONResponse(catalogue.voices())

    async def voice(self, request: Request) -> Response:
        self._known(request)
        voice_id = request.path_params["voice_id"]
        voice = catalogued(voice_id)
        if voice is None:
            message = f"A voice with the voice_id {voice_id} was not found"
            raise Refusal(400, "voice_not_found", message)
        return JSONResponse(catalogue.voice(voice))

    async def voices_page(self, request: Request) -> Response:
        self._known(request)
        query = request.query_params
        size = _whole(query.get("page_size"), default=10)
        if not 1 <= size <= _PAGE_LIMIT:
            place, problem = ("query", "page_size"), f"Input should be between 1 and {_PAGE_LIMIT}"
            raise Invalid(place, problem, "less_than_equal")
        page = catalogue.voices_page(query.get("search"), size, query.get("next_page_token"))
        return JSONResponse(page)

    async def user(self, request: Request) -> Response:
        self._known(request)
        return JSONResponse(catalogue.user(self._account))

    async def subscription(self, request: Request) -> Response:
        self._known(request)
        return JSONResponse(catalogue.subscription(self._account))

    async def character_stats(self, request: Request) -> Response:
        self._known(request)
        since = _whole(request.query_params.get("start_unix"), default=0)
        until = _whole(request.query_params.get("end_unix"), default=since)
        return JSONResponse(catalogue.character_stats(self._account, since, until))


def _whole(given: str | None, *, default: int) -> int:
    return int(given) if given and given.isdigit() else default

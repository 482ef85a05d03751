"""ElevenLabs through its own SDK: streaming synthesis and Scribe realtime, both in mu-law 8 kHz.

Traps of the SDK that shape this file: its default of two silent retries (switched off; a call
cannot wait for them); realtime handlers are synchronous, and what they raise is only printed; an
error arrives once under its own name and once as `error`; unknown messages vanish; closing waits
for the peer. Timeouts here are real seconds, whatever the clock: machines are not rehearsed.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from dialer.metrics import SpeechMetrics
from dialer.ports import EarEvent, EarsLost, FinalText, PartialText, Recording, SynthesisFailed
from voice_ai.errors import NotAvailable

if TYPE_CHECKING:
    from elevenlabs.client import AsyncElevenLabs

log = structlog.get_logger(__name__)

DEFAULT_VOICE = "21m00Tcm4TlvDq8ikWAM"
OUTPUT_FORMAT = "ulaw_8000"
_SAMPLE_RATE = 8000
_EVENTS = 200
_CLOSE_S = 1.0
# Refusals that concern one commit, not the session: there was nothing to transcribe.
_NOTHING_HEARD = frozenset({"commit_throttled", "insufficient_audio_activity"})
# The vendor answers 400 for an id that it does not know, its documentation says 404.
_NO_SUCH_VOICE = frozenset({400, 404, 422})
# Statuses of 4xx answers after which the same request may succeed.
_PASSING = frozenset({408, 409, 429})


@dataclass(frozen=True, kw_only=True)
class ElevenLabsOptions:
    """`base_url` None is the vendor itself; `at_once` is the plan's limit on synthesis requests."""

    api_key: str
    base_url: str | None = None
    model: str = "eleven_flash_v2_5"
    scribe_model: str = "scribe_v2_realtime"
    at_once: int = 20
    first_piece_s: float = 3.0
    next_piece_s: float = 3.0
    open_s: float = 5.0


class ElevenLabs:
    """One client per process: connections are kept and shared by all calls. Also an EarsFactory."""

    def __init__(
        self,
        options: ElevenLabsOptions,
        client: "AsyncElevenLabs",
        http: Any,
        metrics: SpeechMetrics,
    ) -> None:
        self._options = options
        self._client = client
        self._http = http
        self._metrics = metrics
        self._places = asyncio.Semaphore(options.at_once)

    @classmethod
    def connect(
        cls, options: ElevenLabsOptions, metrics: SpeechMetrics | None = None
    ) -> "ElevenLabs":
        """Imports the SDK (about a second) and opens nothing yet."""
        import httpx
        from elevenlabs.client import AsyncElevenLabs

        limits = httpx.Limits(max_connections=options.at_once + 4, max_keepalive_connections=20)
        http = httpx.AsyncClient(limits=limits, follow_redirects=True)
        client = AsyncElevenLabs(
            api_key=options.api_key,
            base_url=options.base_url,
            timeout=options.first_piece_s + options.next_piece_s,
            httpx_client=http,
        )
        return cls(options, client, http, metrics or SpeechMetrics())

    def voice(self, voice: str) -> "ElevenLabsSynthesis":
        """`default` or a voice id."""
        voice_id = DEFAULT_VOICE if voice == "default" else voice
        return ElevenLabsSynthesis(
            voice_id, self._options, self._client, self._places, self._metrics
        )

    async def open(self, *, language: str) -> "ScribeEars":
        """Raises EarsLost."""
        with self._metrics.watched("recognition") as request:
            connection = await self._open(language)
            request.answered()
        # Nothing was awaited since, so no message can have come before the handlers are there.
        return ScribeEars(connection)

    async def _open(self, language: str) -> Any:
        from elevenlabs.realtime import AudioFormat, CommitStrategy

        try:
            async with asyncio.timeout(self._options.open_s):
                return await self._client.speech_to_text.realtime.connect(
                    {
                        "model_id": self._options.scribe_model,
                        "audio_format": AudioFormat.ULAW_8000,
                        "sample_rate": _SAMPLE_RATE,
                        # The session decides when a turn is over; the vendor's own end of turn
                        # would come a second later.
                        "commit_strategy": CommitStrategy.MANUAL,
                        "language_code": language.partition("-")[0],
                    }
                )
        except Exception as error:
            raise EarsLost(f"Scribe cannot be reached: {_short(error)}") from error

    async def characters_left(self) -> int:
        """What the plan still synthesises in this period. Raises NotAvailable."""
        try:
            plan = await self._client.user.subscription.get(request_options={"max_retries": 0})
        except Exception as error:
            raise NotAvailable(
                f"ElevenLabs did not tell the quota ({_short(error)}); check ELEVENLABS_API_KEY "
                "and ELEVENLABS_BASE_URL"
            ) from error
        return int(plan.character_limit) - int(plan.character_count)

    async def knows_voice(self, voice: str) -> bool:
        """Raises NotAvailable when the vendor does not say."""
        voice_id = DEFAULT_VOICE if voice == "default" else voice
        try:
            await self._client.voices.get(voice_id, request_options={"max_retries": 0})
        except Exception as error:
            if getattr(error, "status_code", None) in _NO_SUCH_VOICE:
                return False
            raise NotAvailable(
                f"ElevenLabs did not tell about the voice ({_short(error)}); check "
                "ELEVENLABS_API_KEY and ELEVENLABS_BASE_URL"
            ) from error
        return True

    async def close(self) -> None:
        await self._http.aclose()


class ElevenLabsSynthesis:
    """One voice, as a `Synthesis`."""

    output_format = OUTPUT_FORMAT

    def __init__(
        self,
        voice: str,
        options: ElevenLabsOptions,
        client: "AsyncElevenLabs",
        places: asyncio.Semaphore,
        metrics: SpeechMetrics,
    ) -> None:
        self.voice = voice
        self.model = options.model
        self._options = options
        self._client = client
        self._places = places
        self._metrics = metrics

    async def synthesise(self, text: str) -> AsyncGenerator[Recording, None]:
        """Raises SynthesisFailed."""
        async with self._places, aclosing(self._stream(text)) as pieces:
            self._metrics.characters.inc(len(text))
            with self._metrics.watched("synthesis") as request:
                async with aclosing(self._in_time(pieces)) as timely:
                    async for piece in timely:
                        request.answered()
                        yield piece

    async def _in_time(self, pieces: AsyncGenerator[Any, None]) -> AsyncGenerator[Recording, None]:
        patience = self._options.first_piece_s
        while True:
            try:
                async with asyncio.timeout(patience):
                    piece = await anext(pieces, None)
            except Exception as error:
                raise _failed(error) from error
            if piece is None:
                return
            yield _recording(piece)
            patience = self._options.next_piece_s

    def _stream(self, text: str) -> AsyncGenerator[Any, None]:
        stream: Any = self._client.text_to_speech.stream_with_timestamps(
            self.voice,
            text=text,
            model_id=self.model,
            output_format=OUTPUT_FORMAT,
            request_options={"max_retries": 0},
        )
        pieces: AsyncGenerator[Any, None] = stream
        return pieces


class ScribeEars:
    """One realtime session: the SDK's callbacks as a stream of events."""

    def __init__(self, connection: Any) -> None:
        from elevenlabs.realtime import RealtimeEvents

        self._connection = connection
        self._events: asyncio.Queue[EarEvent | EarsLost] = asyncio.Queue(_EVENTS)
        connection.on(RealtimeEvents.PARTIAL_TRANSCRIPT, self._on_partial)
        connection.on(RealtimeEvents.COMMITTED_TRANSCRIPT, self._on_committed)
        connection.on(RealtimeEvents.ERROR, self._on_error)
        connection.on(RealtimeEvents.CLOSE, self._on_close)

    async def send(self, audio: bytes) -> None:
        try:
            await self._connection.send({"audio_base_64": b64encode(audio).decode("ascii")})
        except Exception as error:
            raise EarsLost(f"Scribe takes no audio: {_short(error)}") from error

    async def commit(self) -> None:
        try:
            await self._connection.commit()
        except Exception as error:
            raise EarsLost(f"Scribe takes no commit: {_short(error)}") from error

    async def hear(self) -> AsyncIterator[EarEvent]:
        while True:
            event = await self._events.get()
            if isinstance(event, EarsLost):
                raise event
            yield event

    async def close(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._connection.close()
        except Exception as error:
            log.debug("scribe_close", error=type(error).__name__)
            transport = getattr(self._connection.websocket, "transport", None)
            if transport is not None:
                transport.abort()

    def _on_partial(self, message: dict[str, Any]) -> None:
        self._put(PartialText(str(message.get("text") or "")))

    def _on_committed(self, message: dict[str, Any]) -> None:
        self._put(FinalText(str(message.get("text") or "")))

    def _on_error(self, message: dict[str, Any]) -> None:
        kind = str(message.get("message_type") or "connection_error")
        if kind in _NOTHING_HEARD:
            self._put(FinalText(""))
        else:
            self._put(EarsLost(f"Scribe reports {kind}"))

    def _on_close(self, close: dict[str, Any]) -> None:
        self._put(EarsLost(f"Scribe closed the session (code {close.get('code')})"))

    def _put(self, event: EarEvent | EarsLost) -> None:
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            # Nobody listens any more; the last place is for saying so.
            self._events.get_nowait()
            self._events.put_nowait(EarsLost("events of Scribe were not taken"))


def _recording(piece: Any) -> Recording:
    """The SDK does not check what the vendor sends: a piece may lack its alignment."""
    told = getattr(piece.alignment, "character_end_times_seconds", None) or ()
    return Recording(b64decode(piece.audio_base_64), tuple(round(1000 * end) for end in told))


def _failed(error: Exception) -> SynthesisFailed:
    status = getattr(error, "status_code", None)
    refused = isinstance(status, int) and status < 500 and status not in _PASSING
    return SynthesisFailed(f"ElevenLabs: {_short(error)}", worth_retrying=not refused)


def _short(error: Exception) -> str:
    """Type, status and the vendor's own word for it; never the body, which may quote the text."""
    status = getattr(error, "status_code", None)
    body = getattr(error, "body", None)
    detail = body.get("detail") if isinstance(body, dict) else None
    word = detail.get("status") if isinstance(detail, dict) else None
    parts = [type(error).__name__, *(str(part) for part in (status, word) if part is not None)]
    return " ".join(parts)

"""WS /v1/speech-to-text/realtime: the simulated Scribe, one session per socket.

The words come from the exact-bytes recogniser of `listener`; see there for what that proves.
"""

import asyncio
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf
from typing import Any, Final

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from dialer.simulator.speech import Final as Heard
from dialer.simulator.speech import Partial, Speech
from dialer.simulator.speech.account import Account, Refusal
from dialer.simulator.speech.catalogue import REALTIME_STT_MODELS
from dialer.simulator.speech.formats import HEARD, Intake
from dialer.simulator.speech.transcripts import joined, words_of
from voice_ai.mulaw import SAMPLE_RATE

_LEAST_COMMIT_S: Final = 0.3
_LARGEST_CHUNK: Final = 1_000_000
_POLICY_VIOLATION, _SERVER_ERROR = 1008, 1011
_RANGES: Final = {
    "vad_silence_threshold_secs": (0.3, 3.0, 1.5),
    "vad_threshold": (0.1, 0.9, 0.4),
    "min_speech_duration_ms": (50, 2000, 100),
    "min_silence_duration_ms": (50, 2000, 100),
}


@dataclass(frozen=True)
class SessionOptions:
    """What a session was asked for; spelled as `session_started` echoes it."""

    model_id: str
    audio_format: str
    sample_rate: int
    language_code: str
    commit_strategy: str
    include_timestamps: bool
    vad_silence_threshold_secs: float
    vad_threshold: float
    min_speech_duration_ms: float
    min_silence_duration_ms: float

    @property
    def silence_commit_s(self) -> float:
        return self.vad_silence_threshold_secs if self.commit_strategy == "vad" else inf


def read_options(query: Mapping[str, str]) -> SessionOptions:
    """Raises Refusal naming the parameter that is wrong."""
    audio_format = query.get("audio_format", "pcm_16000")
    strategy = query.get("commit_strategy", "manual")
    model_id = query.get("model_id", "")
    for name, given, allowed in (
        ("model_id", model_id, REALTIME_STT_MODELS),
        ("audio_format", audio_format, tuple(HEARD)),
        ("commit_strategy", strategy, ("manual", "vad")),
    ):
        if given not in allowed:
            raise _invalid(f"{name} must be one of {', '.join(allowed)}, not {given!r}.")
    numbers = {name: _number(query, name) for name in _RANGES}
    return SessionOptions(
        model_id=model_id,
        audio_format=audio_format,
        sample_rate=HEARD[audio_format],
        language_code=query.get("language_code", "en"),
        commit_strategy=strategy,
        include_timestamps=query.get("include_timestamps", "false").lower() == "true",
        **numbers,
    )


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid_request", message)


def _number(query: Mapping[str, str], name: str) -> float:
    least, most, default = _RANGES[name]
    try:
        value = float(query.get(name, default))
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise _invalid(f"{name} must be between {least} and {most}.")
    return value


class _Mail:
    """Messages to the client, each sent when its delay is over and never before an earlier one."""

    def __init__(self, socket: WebSocket, speed: float) -> None:
        self._socket = socket
        self._speed = speed
        self._queue: asyncio.Queue[tuple[float, dict[str, Any] | int]] = asyncio.Queue()
        self._last_due = 0.0

    def post(self, message: dict[str, Any], delay_s: float = 0.0) -> None:
        self._put(message, delay_s)

    def close(self, code: int, delay_s: float = 0.0) -> None:
        self._put(code, delay_s)

    def _put(self, what: dict[str, Any] | int, delay_s: float) -> None:
        due = asyncio.get_running_loop().time() + delay_s / self._speed
        self._last_due = max(due, self._last_due)
        self._queue.put_nowait((self._last_due, what))

    async def deliver(self) -> None:
        """Send until a close was sent."""
        loop = asyncio.get_running_loop()
        while True:
            due, what = await self._queue.get()
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            if isinstance(what, int):
                await self._socket.close(what)
                return
            await self._socket.send_text(orjson.dumps(what).decode())


class ScribeSession:
    def __init__(self, socket: WebSocket, speech: Speech, account: Account) -> None:
        self._socket = socket
        self._speech = speech
        self._account = account
        self._mail = _Mail(socket, account.config.speed)

    async def run(self) -> None:
        await self._socket.accept()
        delivery = asyncio.create_task(self._mail.deliver())
        self._account.sessions_now += 1
        try:
            transcript = self._open()
            if transcript is not None:
                await self._converse(transcript, delivery)
            else:
                await delivery
        except WebSocketDisconnect:
            pass
        finally:
            self._account.sessions_now -= 1
            delivery.cancel()
            await asyncio.gather(delivery, return_exceptions=True)

    def _open(self) -> "_Transcript | None":
        """Greet the client, or say why not and close."""
        account, query = self._account, self._socket.query_params
        try:
            if "token" not in query:
                account.authorise(self._socket.headers.get("xi-api-key"))
            options = read_options(query)
            if account.sessions_now > account.config.stt_concurrency:
                raise Refusal(429, "rate_limited", "Too many concurrent sessions.")
        except Refusal as refusal:
            kind = "auth_error" if refusal.status_code == 401 else refusal.status
            self._mail.post({"message_type": kind, "error": refusal.message})
            self._mail.close(_POLICY_VIOLATION)
            return None
        started = {
            "message_type": "session_started",
            "session_id": account.next_id("session"),
            "config": asdict(options),
        }
        self._mail.post(started)
        return _Transcript(options, self._speech, account, self._mail)

    async def _converse(self, transcript: "_Transcript", delivery: "asyncio.Task[None]") -> None:
        while not delivery.done():
            event = await self._socket.receive()
            if event["type"] == "websocket.disconnect":
                return
            text = event.get("text") or event.get("bytes") or b""
            problem = transcript.take(text)
            if problem is not None:
                kind, message = problem
                self._mail.post({"message_type": kind, "error": message})


class _Transcript:
    """What one session heard and has not committed yet."""

    def __init__(
        self, options: SessionOptions, speech: Speech, account: Account, mail: _Mail
    ) -> None:
        self._options = options
        self._account = account
        self._mail = mail
        self._intake = Intake(options.audio_format)
        self._patience = options.silence_commit_s
        self._ear = speech.listen(silence_commit_s=self._patience, mishearing=True)
        self._pending: list[Heard] = []
        self._history: tuple[int, ...] = ()
        self._committed_at = 0.0

    def take(self, message: str | bytes) -> tuple[str, str] | None:
        """One client message; gives an error's type and text when it cannot be used."""
        try:
            fields = orjson.loads(message)
            audio = b64decode(fields.get("audio_base_64") or "", validate=True)
        except (ValueError, AttributeError, TypeError):
            return "input_error", "Expected JSON with base64 audio in audio_base_64."
        if fields.get("message_type") != "input_audio_chunk":
            return "input_error", "message_type must be input_audio_chunk."
        if len(audio) > _LARGEST_CHUNK:
            return "chunk_size_exceeded", f"A chunk may have {_LARGEST_CHUNK} bytes at most."
        if audio:
            self._hear(self._intake.take(audio))
        return self._commit_now() if fields.get("commit") else None

    def _hear(self, audio: bytes) -> None:
        for hearing in self._ear.feed(audio):
            if isinstance(hearing, Partial):
                self._partial(hearing)
            else:
                self._final(hearing)
        # An ear that waits for silence lets go of an utterance only then, or for the next one.
        if self._pending and not self._ear.hearing:
            self._commit()

    def _partial(self, partial: Partial) -> None:
        if not partial.text:
            self._history = (*self._history, partial.utterance_id)
            return
        text = " ".join(part for part in (joined(self._pending), partial.text) if part)
        about = (partial.utterance_id, len(partial.text))
        delay = self._account.latency(self._account.config.partial_s, *about)
        self._mail.post({"message_type": "partial_transcript", "text": text}, delay)
        if self._account.strikes(self._account.config.faults.stt_drop, "drop", self._history):
            self._mail.close(_SERVER_ERROR, delay)

    def _final(self, final: Heard) -> None:
        if self._pending and self._ended_before(final):
            self._commit()
        self._pending.append(final)

    def _ended_before(self, final: Heard) -> bool:
        silence = final.start_s - self._pending[-1].end_s
        return silence > self._patience - 0.5 / SAMPLE_RATE

    def _commit_now(self) -> tuple[str, str] | None:
        uncommitted = self._ear.position_s - self._committed_at
        if uncommitted < _LEAST_COMMIT_S:
            return "commit_throttled", (
                f"Commit request ignored: only {uncommitted:.2f}s of uncommitted audio. "
                f"You need at least {_LEAST_COMMIT_S}s of uncommitted audio before committing."
            )
        for hearing in self._ear.commit():
            if isinstance(hearing, Heard):
                self._pending.append(hearing)
        self._commit()
        return None

    def _commit(self) -> None:
        finals, self._pending = self._pending, []
        self._committed_at = self._ear.position_s
        delay = self._account.latency(
            self._account.config.commit_s, *(final.utterance_id for final in finals)
        )
        if self._account.strikes(self._account.config.faults.stt_error, "error", self._history):
            message = "The transcriber failed."
            self._mail.post({"message_type": "transcriber_error", "error": message}, delay)
            self._mail.close(_SERVER_ERROR, delay)
            return
        text = joined(finals)
        self._mail.post({"message_type": "committed_transcript", "text": text}, delay)
        if self._options.include_timestamps:
            timed = {
                "message_type": "committed_transcript_with_timestamps",
                "text": text,
                "language_code": self._options.language_code,
                "words": words_of(finals, "speaker_0"),
            }
            self._mail.post(timed, delay)

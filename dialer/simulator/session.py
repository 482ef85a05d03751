"""What an answered call does: fetches its TwiML and runs the verbs on the line, one by one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin

import structlog

from dialer.simulator.call import Call, new_sid
from dialer.simulator.callbacks import Callbacks
from dialer.simulator.callee import Human
from dialer.simulator.callees import digit_for
from dialer.simulator.dialing import Dial, Dialing
from dialer.simulator.faults import Fault, FaultProfile
from dialer.simulator.forms import Form, relay_form, stream_form, voice_form
from dialer.simulator.line import Line
from dialer.simulator.media import HANDSHAKE_FAILED, MediaStream
from dialer.simulator.orders import Callback, Instructions
from dialer.simulator.relay import CONNECT_FAILED, SOCKET_ENDED, RelayStream
from dialer.simulator.rooms import Rooms
from dialer.simulator.socket_client import SocketFailed
from dialer.simulator.sounds import sound_of
from dialer.simulator.speech import Speech
from dialer.simulator.twiml import (
    SCHEMA_WARNING,
    ConnectRelay,
    ConnectStream,
    DialConference,
    DialNumber,
    Gather,
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
    TwimlError,
    Verb,
    parse_twiml,
)
from dialer.simulator.webhooks import Reply, Webhooks
from voice_ai.clock import Clock

log = structlog.get_logger(__name__)

FETCH_FAILED = 11200
BAD_CONTENT_TYPE = 12300
_MEDIA_DROPS_AFTER_S = (3.0, 12.0)
_PRESSES_AFTER_S = 1.5
_MOST_DOCUMENTS = 100
_DOCUMENT_TYPES = {"text/xml", "application/xml", "text/html", "application/octet-stream", ""}


@dataclass(frozen=True)
class Services:
    """What every call of one simulator shares."""

    speech: Speech
    webhooks: Webhooks
    clock: Clock
    faults: FaultProfile
    on_fault: Callable[[str], None]
    dial: Dial
    rooms: Rooms


class FetchFailed(Exception):
    """No TwiML could be had; an application error, after which the call just ends."""


class Session:
    """Runs one call's instructions until none is left; raises TwimlError for what it cannot run."""

    def __init__(self, call: Call, line: Line, callbacks: Callbacks, services: Services) -> None:
        self._call = call
        self._line = line
        self._callbacks = callbacks
        self._services = services
        self._base = ""
        self._extra: Form = {}

    async def run(self) -> None:
        following: Instructions | None = self._call.order.instructions
        for _ in range(_MOST_DOCUMENTS):
            if following is None:
                return
            following = await self._until_redirected(following)
        raise TwimlError(12100, "The documents go round in a circle")

    async def _until_redirected(self, instructions: Instructions) -> Instructions | None:
        """What comes next: by the document itself, or because the API redirected the call."""
        work = asyncio.create_task(self._execute(instructions))
        redirected = asyncio.create_task(self._call.redirect.wait())
        try:
            await asyncio.wait({work, redirected}, return_when=asyncio.FIRST_COMPLETED)
            if not redirected.done():
                return work.result()
            self._call.redirect.clear()
            return self._call.redirected_to
        finally:
            for task in (work, redirected):
                task.cancel()
            await asyncio.gather(work, redirected, return_exceptions=True)

    async def _execute(self, instructions: Instructions) -> Instructions | None:
        for verb in parse_twiml(await self._document(instructions)):
            if isinstance(verb, Hangup | Reject):
                return None
            following = await self._perform(verb)
            if following is not None:
                return following
        return None

    async def _document(self, instructions: Instructions) -> str:
        if instructions.twiml is not None:
            return instructions.twiml
        assert instructions.url is not None
        reply = await self._fetch(instructions.method, instructions.url)
        if not reply.ok and instructions.fallback_url is not None:
            reply = await self._fetch(
                instructions.fallback_method,
                instructions.fallback_url,
                {"ErrorCode": str(FETCH_FAILED), "ErrorUrl": instructions.url},
            )
        if not reply.ok:
            status = "no answer" if reply.status is None else f"status {reply.status}"
            raise FetchFailed(f"Got HTTP {status} from the TwiML address")
        if reply.content_type not in _DOCUMENT_TYPES:
            raise TwimlError(BAD_CONTENT_TYPE, f"Invalid Content-Type: {reply.content_type}")
        return reply.text or "<Response/>"

    async def _fetch(self, method: str, url: str, extra: Form | None = None) -> Reply:
        self._base = url
        form = voice_form(self._call) | self._extra | (extra or {})
        self._extra = {}
        return await self._services.webhooks.send(self._call.token, method, url, form)

    async def _perform(self, verb: Verb) -> Instructions | None:
        if isinstance(verb, ConnectStream):
            return await self._connect(verb)
        if isinstance(verb, ConnectRelay):
            return await self._relay(verb)
        if isinstance(verb, Redirect):
            return self._at(verb.url, verb.method)
        self._line.open()
        if isinstance(verb, DialNumber | DialConference):
            return await self._dial(verb)
        if isinstance(verb, Gather):
            return await self._gather(verb)
        if isinstance(verb, Say | Play | Pause):
            await self._sound(verb)
        return None

    def _at(self, url: str, method: str) -> Instructions:
        return Instructions(None, urljoin(self._base, url), method, None, "POST")

    async def _sound(self, verb: Say | Play | Pause) -> None:
        if isinstance(verb, Pause):
            await self._line.wait(verb.seconds)
            return
        audio = await self._audio(verb)
        try:
            for _ in range(max(1, verb.loop)):
                self._line.playout.write(audio)
                await self._line.played()
        finally:
            self._line.playout.clear()

    async def _audio(self, verb: Say | Play) -> bytes:
        if isinstance(verb, Say):
            if not verb.text:
                return b""
            return self._services.speech.speak(verb.text, voice=f"say-{verb.voice}").audio
        url = urljoin(self._base, verb.url)
        reply = await self._services.webhooks.send(self._call.token, "GET", url, {})
        return sound_of(reply)

    async def _gather(self, verb: Gather) -> Instructions | None:
        """Digits of the callee, if the prompt names keys and they are a person."""
        if verb.speech:
            raise TwimlError(SCHEMA_WARNING, "Schema validation warning: Gather input")
        for prompt in verb.prompts:
            await self._sound(prompt)
        said = " ".join(prompt.text for prompt in verb.prompts if isinstance(prompt, Say))
        person = isinstance(self._line.callee, Human)
        own = self._call.plan.persona.presses
        digit = (own or digit_for(self._call.plan, said)) if person else None
        await self._line.wait(verb.timeout if digit is None else _PRESSES_AFTER_S)
        if digit is None and not verb.action_on_empty:
            return None
        self._extra = {"Digits": digit or ""}
        return self._at(verb.action or "", verb.method)

    async def _dial(self, verb: DialNumber | DialConference) -> Instructions | None:
        services = self._services
        dialing = Dialing(self._call, self._line, services.dial, services.rooms, self._base)
        self._extra = await dialing.perform(verb)
        if verb.action is None:
            self._extra = {}
            return None
        return self._at(verb.action, verb.method)

    async def _connect(self, verb: ConnectStream) -> Instructions | None:
        try:
            stream = await MediaStream.open(self._call, self._line, verb)
        except SocketFailed as problem:
            log.warning("stream_failed", call_sid=self._call.sid, reason=str(problem))
            self._fail(HANDSHAKE_FAILED, "Stream - WebSocket - Handshake Error")
            self._report(verb, new_sid("MZ"), "stream-error", "31920 - Handshake Error")
            return self._after_connect(verb)
        self._report(verb, stream.sid, "stream-started")
        self._line.open()
        self._maybe_drop(stream)
        proper = True
        try:
            proper = await stream.ended()
        finally:
            stream.stop()
            if proper:
                self._report(verb, stream.sid, "stream-stopped", stream.error)
            else:
                self._fail(31921, "Stream - WebSocket - Close Error")
                self._report(verb, stream.sid, "stream-error", "31921 - Close Error")
        return self._after_connect(verb)

    async def _relay(self, verb: ConnectRelay) -> Instructions | None:
        services = self._services
        try:
            stream = await RelayStream.open(self._call, self._line, verb, services.speech)
        except SocketFailed as problem:
            log.warning("relay_failed", call_sid=self._call.sid, reason=str(problem))
            self._fail(CONNECT_FAILED, "ConversationRelay: Unable to connect to websocket")
            return self._after_relay(verb, None, "failed")
        self._line.open()
        self._maybe_drop(stream)
        try:
            properly = await stream.ended()
        except asyncio.CancelledError:
            # The call ended, and its session with it: the application is told all the same.
            if verb.action is not None:
                form = voice_form(self._call) | relay_form(stream, "completed")
                address = urljoin(self._base, verb.action)
                self._callbacks.post(Callback(address, verb.action_method), "relay", form)
            raise
        finally:
            stream.stop()
        if not properly:
            self._fail(SOCKET_ENDED, "ConversationRelay: Websocket ended")
        return self._after_relay(verb, stream, "ended" if properly else "failed")

    def _after_relay(
        self, verb: ConnectRelay, stream: RelayStream | None, status: str
    ) -> Instructions | None:
        if verb.action is None:
            return None
        self._extra = relay_form(stream, status)
        if status == "failed":
            self._extra["ErrorCode"] = str(self._call.error_code)
            self._extra["ErrorMessage"] = self._call.error_message or ""
        return self._at(verb.action, verb.action_method)

    def _after_connect(self, verb: ConnectStream) -> Instructions | None:
        return self._at(verb.action, verb.action_method) if verb.action else None

    def _maybe_drop(self, stream: MediaStream | RelayStream) -> None:
        draws = self._call.draws
        if self._services.faults.strikes(Fault.MEDIA_DROP, draws, "media"):
            after = draws.between(*_MEDIA_DROPS_AFTER_S, "media drop")
            self._line.after(after, lambda: self._drop(stream))

    def _drop(self, stream: MediaStream | RelayStream) -> None:
        self._services.on_fault(Fault.MEDIA_DROP.value)
        stream.drop()

    def _fail(self, code: int, message: str) -> None:
        self._call.error_code, self._call.error_message = code, message

    def _report(
        self, verb: ConnectStream, stream_sid: str, event: str, error: str | None = None
    ) -> None:
        if verb.status_callback is None:
            return
        callback = Callback(urljoin(self._base, verb.status_callback), verb.status_method)
        now = self._services.clock.now()
        form = stream_form(self._call, stream_sid, verb.name, event, error, now)
        self._callbacks.post(callback, event, form)

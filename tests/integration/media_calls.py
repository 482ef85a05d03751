"""Calls of the simulated carrier held by the real media session, through the vendor's own SDK."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.websockets import WebSocket

from dialer.adapters.elevenlabs import ElevenLabs, ElevenLabsOptions
from dialer.media.frames import Started, read
from dialer.media.prompts import CachedVoice, PromptCache
from dialer.media.recorder import Tape
from dialer.media.session import SessionControl, SessionLimits, SessionResult, converse
from dialer.media_socket import AsgiSocket
from dialer.onlooking import PublishingLog
from dialer.ports import Answerer, StreamStart, Understanding
from dialer.simulator.config import SimulatorConfig
from tests.integration.sim_carrier import Application, Carrier, Phone, application, carrier, until
from tests.unit.media_fakes import SLOTS, KeptLog
from voice_ai.answering import Answering
from voice_ai.clock import Clock
from voice_ai.conversation import builtin_scripts, load_script, prompts
from voice_ai.conversation.graph import Script


def survey() -> Script:
    return load_script(builtin_scripts()["satisfaction_survey"], source="survey")


def line_of(socket: WebSocket) -> AsgiSocket:
    """The product's socket on one that the test's application has accepted."""
    return AsgiSocket(socket.scope, socket._receive, socket._send)


class Unmodelled:
    """No model is loaded: the conversation goes by keywords."""

    def understand(self, text: str) -> Understanding:
        return Understanding(intent=None, emotion=None)

    def who_says(self, text: str) -> None:
        return None


@dataclass
class Held:
    """One call that was held."""

    log: KeptLog
    result: SessionResult
    tape: Tape


class Clerk:
    """Answers every stream with a conversation; `held` is what came of each, by call."""

    def __init__(
        self, speech: ElevenLabs, clock: Clock, script: Script, answering: Answering | None
    ) -> None:
        self._answering = answering
        self.voice = CachedVoice(speech.voice("default"), cache=PromptCache())
        self.held: dict[str, Held] = {}
        self.controls: dict[str, SessionControl] = {}
        # Makes of a call's log one that others look at; None: nobody looks on.
        self.watched: Callable[[KeptLog], PublishingLog] | None = None
        self._speech = speech
        self._clock = clock
        self.script = script
        self.answerer: Answerer | None = None

    async def talk(self, phone: Phone) -> None:
        start = await self._start(phone.socket)
        control = self.controls.setdefault(start.call_sid, SessionControl())
        log, tape = KeptLog(), Tape(300)
        watched = self.watched(log) if self.watched else None
        result = await converse(
            socket=line_of(phone.socket),
            start=start,
            script=self.script,
            slots=SLOTS,
            ears=self._speech,
            voice=self.voice,
            mind=Unmodelled(),
            log=watched or log,
            clock=self._clock,
            limits=SessionLimits(),
            control=control,
            tape=tape,
            onlooker=watched,
            answerer=self.answerer,
            answering=self._answering,
        )
        self.held[start.call_sid] = Held(log, result, tape)

    async def ended(self, call_sid: str, seconds: float = 60) -> Held:
        async def over() -> Held | None:
            return self.held.get(call_sid)

        return await until(over, seconds)

    async def _start(self, socket: WebSocket) -> StreamStart:
        while True:
            frame = read(await socket.receive_text())
            if isinstance(frame, Started):
                return frame.start


@dataclass(frozen=True)
class Desk:
    carrier: Carrier
    application: Application
    clerk: Clerk

    async def place(self, to: str, **order: object) -> str:
        """The sid of a new call."""
        return await self.carrier.place(to, **self.application.order(**order))

    async def call(self, to: str) -> Held:
        """A call from its placing to its end."""
        return await self.clerk.ended(await self.place(to))


@asynccontextmanager
async def desk(
    config: SimulatorConfig, script: Script | None = None, answering: Answering | None = None
) -> AsyncIterator[Desk]:
    async with carrier(config) as vendor, application() as app:
        options = ElevenLabsOptions(api_key="rehearsal", base_url=vendor.url)
        speech = await asyncio.to_thread(ElevenLabs.connect, options)
        clock = config.clock()
        clerk = Clerk(speech, clock, script or survey(), answering)
        app.talk = clerk.talk
        try:
            await clerk.voice.render_ahead(prompts(clerk.script, SLOTS))
            yield Desk(vendor, app, clerk)
        finally:
            await speech.close()

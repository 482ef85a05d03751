"""Calls of the simulated carrier held over text by the real relay session."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dialer.adapters.twilio import relay_twiml
from dialer.media.session import SessionControl, SessionLimits, SessionResult
from dialer.relay import wire
from dialer.relay.session import converse
from dialer.simulator.config import SimulatorConfig
from tests.integration.media_calls import Unmodelled, line_of, survey
from tests.integration.sim_carrier import Application, Carrier, Phone, application, carrier, until
from tests.unit.media_fakes import SLOTS, KeptLog
from voice_ai.clock import Clock
from voice_ai.conversation.graph import Script
from voice_ai.transports import CONVERSATION_RELAY, for_transport


@dataclass
class HeldByText:
    """One call that was held."""

    log: KeptLog
    result: SessionResult


@dataclass
class Desk:
    """Answers every relay socket with a conversation; `held` is what came of each, by call."""

    carrier: Carrier
    application: Application
    clock: Clock
    script: Script
    held: dict[str, HeldByText] = field(default_factory=dict)
    controls: dict[str, SessionControl] = field(default_factory=dict)

    async def talk(self, phone: Phone) -> None:
        setup = wire.read(await phone.socket.receive_text())
        assert isinstance(setup, wire.Setup)
        control = self.controls.setdefault(setup.call_sid, SessionControl())
        log = KeptLog()
        result = await converse(
            socket=line_of(phone.socket),
            setup=setup,
            script=self.script,
            slots=SLOTS,
            mind=Unmodelled(),
            log=log,
            clock=self.clock,
            limits=SessionLimits(),
            control=control,
        )
        self.held[setup.call_sid] = HeldByText(log, result)

    async def place(self, to: str, **order: object) -> str:
        return await self.carrier.place(to, **self.application.order(**order))

    async def ended(self, sid: str, seconds: float = 60) -> HeldByText:
        async def over() -> HeldByText | None:
            return self.held.get(sid)

        return await until(over, seconds)

    async def call(self, to: str) -> HeldByText:
        return await self.ended(await self.place(to))

    async def action(self) -> dict[str, str]:
        """The form of the one request after the session."""
        (over,) = await self.application.expect("/over")
        assert over.signed
        return dict(over.form)


def twiml(app: Application) -> str:
    return relay_twiml(
        app.url.replace("http", "ws", 1) + "/media",
        f"{app.url}/over",
        language="en-US",
        voice="21m00Tcm4TlvDq8ikWAM",
        parameters={"attempt_id": "42"},
    )


@asynccontextmanager
async def text_desk(config: SimulatorConfig, script: Script | None = None) -> AsyncIterator[Desk]:
    async with carrier(config) as vendor, application() as app:
        spoken = for_transport(script or survey(), CONVERSATION_RELAY)
        desk = Desk(vendor, app, config.clock(), spoken)
        app.twiml, app.talk = twiml(app), desk.talk
        yield desk
        await asyncio.sleep(0)

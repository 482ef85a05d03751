"""The dialer's server, the adapter and the simulated carrier as they stand together in a home."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from dialer.adapters.twilio import TwilioCarrier
from dialer.callbacks import CallbackUrls
from dialer.carrier import Placed
from dialer.claims import claim
from dialer.facts import read_rules
from dialer.gate import Gate
from dialer.obey import obey_commands
from dialer.parts import ServerParts, open_server
from dialer.server import create_app
from dialer.simulator.config import SimulatorConfig
from tests.factories import NOW
from tests.integration.dialer_parts import House, until
from tests.integration.sim_carrier import PACING, Carrier, carrier
from voice_ai.carrier_account import carrier_credentials
from voice_ai.clock import ManualClock, RehearsalClock
from voice_ai.context import Context
from voice_ai.ids import AttemptId, CarrierSid
from voice_ai.settings import Settings

SPEED = 8.0


@dataclass
class Stage:
    """One running server of a home, and the carrier that it calls through."""

    house: House
    parts: ServerParts
    simulator: Carrier
    twilio: TwilioCarrier

    async def dial(self) -> tuple[AttemptId, CarrierSid]:
        """One lead, claimed and sent."""
        house, now = self.house, self.parts.clock.now()
        async with house.pool.connection() as db:
            ((intent, campaign),) = await claim(
                db,
                account=self.twilio.account,
                worker_id=house.worker_id,
                rehearsal=True,
                now=now,
            )
        # On a busy machine the quick clock would be past the intent before it is sent.
        gate = Gate(house.pool, self.twilio, ManualClock(now), house.keyring)
        answer = await gate.send(intent, campaign)
        assert isinstance(answer, Placed)
        return intent.attempt_id, answer.sid

    async def obey(self) -> int:
        async with self.house.pool.connection() as db:
            return await obey_commands(db, self.twilio, self.parts.clock.now())

    async def ended(self, attempt_id: AttemptId) -> dict[str, Any]:
        """The attempt's row once it has its terminal event."""

        async def over() -> dict[str, Any] | None:
            row = self.house.office.attempt(attempt_id)
            return row if row["state"] == "ended" else None

        return await until(over, 60)

    async def told(self, attempt_id: AttemptId, kind: str) -> dict[str, Any]:
        """The first event of that kind."""

        async def there() -> dict[str, Any] | None:
            events = self.house.office.events(attempt_id)
            return next((event for event in events if event["kind"] == kind), None)

        return await until(there, 60)

    async def all_ended(self, calls: int) -> list[dict[str, Any]]:
        """What the carrier says of its calls, oldest first, once so many are over and none open."""

        async def over() -> list[dict[str, Any]] | None:
            verdict = await self.simulator.judge()
            done = sum(verdict["by_status"].values()) >= calls and not verdict["open_now"]
            return list(verdict["calls"]) if done else None

        return await until(over, 60)

    def said(self, attempt_id: AttemptId) -> list[tuple[str, str, str]]:
        """Speaker, node and words of each turn."""
        rows = self.house.office.rows(
            "SELECT speaker, node, text_redacted FROM turns WHERE attempt_id = %s ORDER BY index",
            attempt_id,
        )
        return [(row["speaker"], row["node"], row["text_redacted"]) for row in rows]


def simulated(**more: Any) -> SimulatorConfig:
    """Pleased people, who agree to nearly everything, and who understand every word."""
    options: dict[str, Any] = {
        "port": 0,
        "speed": SPEED,
        "pacing": PACING,
        "answer_mix": {"human": 1.0},
        "personas": {"pleased": 1.0},
        "word_error_rate": 0.0,
        "amd_error_rate": 0.0,
    }
    return SimulatorConfig(**(options | more))


@asynccontextmanager
async def stage(
    dialer: House, monkeypatch: pytest.MonkeyPatch, config: SimulatorConfig
) -> AsyncIterator[Stage]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    public = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with carrier(config) as simulator:
        monkeypatch.setenv("TWILIO_BASE_URL", simulator.url)
        monkeypatch.setenv("ELEVENLABS_BASE_URL", simulator.url)
        monkeypatch.setenv("VOICE_AI_PUBLIC_URL", public)
        settings = Settings.read()
        clock = RehearsalClock(datetime.now(UTC), NOW, SPEED)
        context = Context(settings, dialer.keyring, dialer.url, None, clock, has_roles=False)
        app = create_app(lambda: open_server(context))
        account, token = carrier_credentials(settings, dialer.keyring)
        twilio = TwilioCarrier(
            account_sid=account,
            auth_token=token,
            base_url=simulator.url,
            callbacks=CallbackUrls(public, dialer.keyring),
        )
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", lifespan="on", ws="websockets-sansio")
        )
        running = asyncio.create_task(server.serve(sockets=[listener]))

        async def started() -> bool | None:
            return server.started or running.done() or None

        try:
            await until(started)
            read_rules(clock.now())  # an intent of a quick clock does not outlive the first reading
            yield Stage(dialer, app.state.parts, simulator, twilio)
        finally:
            server.should_exit = True
            await running
            listener.close()
            await twilio.close()


def script_file(folder: Path, text: str) -> str:
    """The path of a script that a campaign can name."""
    path = folder / "clinic.yaml"
    path.write_text(text)
    return str(path)

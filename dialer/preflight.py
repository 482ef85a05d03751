"""Runs the pre-flights that people and starts ask for: facts gathered, judged, written down.

It is done beside the worker's rounds, so that no command waits for a vendor. What each check means
is `voice_ai.preflight`; docs/preflight.md tells it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from psycopg.types.json import Jsonb

from dialer import preflight_probes as probes
from dialer.carrier import CarrierAccount
from dialer.preflight_facts import Read, read, read_database
from dialer.preflight_probes import OwnAddress, Speech, asked
from dialer.spool import OptOutSpool
from voice_ai.clock import Clock
from voice_ai.db import queries
from voice_ai.db.connect import Pool
from voice_ai.ids import CampaignId
from voice_ai.preflight import Check, Facts, as_rows, broken, judge, unfinished, worst
from voice_ai.preflight.check import Failed
from voice_ai.preflight.machines import MachineFacts
from voice_ai.preflight.vendors import CallerId, VoiceFacts
from voice_ai.vault import Keyring
from voice_ai.vitals import disk_of

log = structlog.get_logger()
_SQL = queries("preflight")
# How long a start waits for its pre-flight, in real seconds.
PATIENCE_S = 60.0
# One that takes longer is given up; another worker takes one that was left behind later than that.
_MOST_S = 40.0
_LEASE_S = 45.0


@dataclass(frozen=True)
class Preflights:
    """`account` is the carrier's account id; `open_speech` may import the vendor's library."""

    pool: Pool
    carrier: CarrierAccount
    account: str
    open_speech: Callable[[], Speech]
    own_address: OwnAddress
    spool: OptOutSpool
    home: Path
    keyring: Keyring
    clock: Clock
    rehearsal: bool

    @property
    def patience(self) -> timedelta:
        """Of a start, in the clock's time."""
        return timedelta(seconds=PATIENCE_S * self.clock.speed)

    async def run_once(self) -> int:
        """Runs the oldest one that waits; how many there were."""
        taken = await self._take()
        if taken is None:
            return 0
        began = time.perf_counter()
        checks = await self._checks(taken["campaign_id"])
        light = worst(checks)
        async with self.pool.connection() as db:
            found = {"light": light, "checks": Jsonb(as_rows(checks))}
            await db.execute(_SQL.finish, {"id": taken["id"], "now": self.clock.now(), **found})
        log.info("preflight", light=light, seconds=round(time.perf_counter() - began, 2))
        return 1

    async def _take(self) -> dict[str, Any] | None:
        lease = timedelta(seconds=_LEASE_S * self.clock.speed)
        values = {"now": self.clock.now(), "lease": lease, "rehearsal": self.rehearsal}
        async with self.pool.connection() as db:
            return await (await db.execute(_SQL.take, values)).fetchone()

    async def _checks(self, campaign_id: CampaignId) -> list[Check]:
        try:
            async with asyncio.timeout(_MOST_S):
                facts = await self._gather(campaign_id)
            return judge(facts) if facts is not None else []
        except TimeoutError:
            return [unfinished(_MOST_S)]
        except Exception as error:  # a pre-flight ends red, never with its worker
            log.exception("preflight_broke")
            return [broken(type(error).__name__)]

    async def _gather(self, campaign_id: CampaignId) -> Facts | None:
        now = self.clock.now()
        async with asyncio.TaskGroup() as group:
            ours = group.create_task(self._read(campaign_id, now))
            account = group.create_task(asked(lambda: probes.account_of(self.carrier)))
            balance = group.create_task(asked(lambda: probes.balance_of(self.carrier)))
            trip = group.create_task(asked(self.own_address.round_trip))
            models = group.create_task(
                asked(lambda: asyncio.to_thread(probes.models_of, self.home))
            )
            database = group.create_task(asked(self._database))
            told = await ours
            if told is None:
                return None
            owned = group.create_task(asked(lambda: probes.owned(self.carrier, told.numbers)))
            voice = group.create_task(self._voice(told))
        machines = MachineFacts(
            models=models.result(),
            round_trip=trip.result(),
            database=database.result(),
            disk=disk_of(self.home),
            spooled_opt_outs=sum(1 for _ in self.spool.waiting()),
        )
        numbers = owned.result()
        return Facts(
            campaign_id=str(campaign_id),
            state=told.state,
            rehearsal=told.stored.rehearsal,
            now=now,
            imports=told.imports,
            dry_run=told.dry_run,
            pace=told.pace,
            max_leads=told.stored.max_leads,
            law=told.law,
            switches=told.switches,
            caller_ids=_with_owners(told.caller_ids, numbers),
            not_owned=numbers if isinstance(numbers, Failed) else None,
            account=account.result(),
            balance=balance.result(),
            forecast=told.forecast,
            limits=told.limits,
            voice=voice.result(),
            machines=machines,
            experiment=told.experiment,
        )

    async def _read(self, campaign_id: CampaignId, now: datetime) -> Read | None:
        async with self.pool.connection() as db:
            return await read(db, self.keyring, campaign_id, self.account, now)

    async def _database(self) -> Any:
        async with self.pool.connection() as db:
            return await read_database(db, self.clock)

    async def _voice(self, told: Read) -> VoiceFacts:
        """Off the loop: the vendor's library takes half a second to import."""
        speech = await asyncio.to_thread(self.open_speech)
        try:
            other = told.other_voice_id
            known, other_known, quota, sample = await asyncio.gather(
                asked(lambda: speech.knows_voice(told.voice_id)),
                asked(lambda: _knows_other(speech, other)),
                asked(lambda: probes.quota_of(speech)),
                asked(lambda: probes.sample_of(speech, told.voice_id)),
            )
        finally:
            await speech.close()
        second = None if other is None or other_known is None else (other, other_known)
        return VoiceFacts(told.voice_id, known, quota, sample, told.characters, second)


async def _knows_other(speech: probes.Speech, voice_id: str | None) -> bool | None:
    """None when there is no second voice: then the vendor is not asked."""
    return None if voice_id is None else await speech.knows_voice(voice_id)


def _with_owners(
    lines: Mapping[int, CallerId], owned: dict[int, bool] | Failed
) -> dict[int, CallerId]:
    if isinstance(owned, Failed):
        return dict(lines)
    return {key: replace(line, owned=owned.get(key)) for key, line in lines.items()}

"""Obeys what people asked of campaigns: one command row, one change of state, one answer."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import structlog

from dialer.carrier import Carrier, CarrierSilent
from dialer.obey_calls import CALL_COMMANDS, obey_of_calls
from dialer.start_gate import let_through
from voice_ai.campaign_states import (
    NOT_ACCOUNTED_FOR,
    TRANSITIONS,
    is_accounted_for,
    refusal,
)
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.ids import CarrierSid

log = structlog.get_logger()
_SQL = queries("commands")
_ENDS_AT_ONCE = 16
_ONE_AT_A_TIME = "SELECT pg_try_advisory_lock(hashtext('obey')) AS mine"
_DONE = "SELECT pg_advisory_unlock(hashtext('obey')) AS mine"
Row = dict[str, Any]


# How long a drain lets calls go on when nobody says otherwise.
DRAIN_LIMIT = timedelta(minutes=10)

# After these has returned, no send of the campaign is on its way any more.
_WAITS_FOR_SENDS = frozenset({"pause", "drain", "stop", "emergency_stop"})


async def obey_commands(
    db: AsyncDb,
    carrier: Carrier | None,
    now: datetime,
    *,
    preflight_patience: timedelta | None = None,
) -> int:
    """Obeys every open command, oldest first; how many. `carrier` None: nothing can be live.

    One process obeys at a time, so that nobody is answered before the stop is complete. With a
    `preflight_patience` a start stays open until its pre-flight is finished, at most that long.
    """
    if not await _ask(db, _ONE_AT_A_TIME):
        return 0
    try:
        # Every state is changed before any stop waits: one campaign does not hold up another.
        async with db.transaction():
            asked = await (await db.execute(_SQL.open_commands)).fetchall()
            commands = [command for command in asked if command["kind"] not in CALL_COMMANDS]
            if preflight_patience is not None:
                commands = await let_through(db, commands, now, preflight_patience)
            changed = [await _change_state(db, command, now) for command in commands]
        for command, campaigns in zip(commands, changed, strict=True):
            await _see_through(db, carrier, command, campaigns, now)
        of_calls = [command for command in asked if command["kind"] in CALL_COMMANDS]
        return len(commands) + await obey_of_calls(db, carrier, of_calls, now)
    finally:
        await _ask(db, _DONE)


async def _ask(db: AsyncDb, lock: str) -> bool:
    async with db.transaction():
        row = await (await db.execute(lock)).fetchone()
    return bool(row and row["mine"])


async def _change_state(db: AsyncDb, command: Row, now: datetime) -> list[Row]:
    step = TRANSITIONS[command["kind"]]
    if not _is_accounted_for(command):
        return []
    changed = await db.execute(
        _SQL.set_campaign_state,
        {
            "campaign_id": command["campaign_id"],
            "state": step.target,
            # Also from the target: a command that was cut off, or given again, is seen through.
            "from_states": [*step.sources, step.target],
            "drain_until": _drain_until(command, now),
            "now": now,
        },
    )
    campaigns = await changed.fetchall()
    if command["kind"] == "start":
        ids = [campaign["id"] for campaign in campaigns]
        pace = {"campaign_ids": ids, "now": now, "anew": True}
        await db.execute(queries("pacing").begin_pace, pace)
    return campaigns


def _is_accounted_for(command: Row) -> bool:
    return is_accounted_for(command["kind"], command["asked_by"], command["reason"])


def _drain_until(command: Row, now: datetime) -> datetime | None:
    if command["kind"] != "drain":
        return None
    given = (command["parameters"] or {}).get("limit_s")
    return now + (DRAIN_LIMIT if given is None else timedelta(seconds=float(given)))


async def _see_through(
    db: AsyncDb, carrier: Carrier | None, command: Row, campaigns: list[Row], now: datetime
) -> None:
    """The state is committed: no send passes the gate any more, those in flight are waited for."""
    stragglers: list[str] = []
    for campaign in campaigns:
        if command["kind"] in _WAITS_FOR_SENDS:
            async with db.transaction():
                await db.execute(_SQL.wait_for_sends, {"campaign_id": campaign["id"]})
        if command["kind"] == "emergency_stop":
            stragglers += await _end_live_calls(db, carrier, campaign["id"])
    outcome = await _outcome(db, command, campaigns, stragglers)
    async with db.transaction():
        await db.execute(_SQL.answer, {"id": command["id"], "now": now, "outcome": outcome})
    log.info("command_obeyed", command=command["kind"], campaigns=len(campaigns))


async def _outcome(db: AsyncDb, command: Row, changed: list[Row], stragglers: list[str]) -> str:
    if not _is_accounted_for(command):
        return f"refused: {NOT_ACCOUNTED_FOR}"
    if not changed:
        async with db.transaction():
            cursor = await db.execute(_SQL.campaign_state, {"campaign_id": command["campaign_id"]})
            stands = await cursor.fetchone()
        return f"refused: {refusal(command['kind'], stands['state'] if stands else None)}"
    text = f"{TRANSITIONS[command['kind']].target}: {', '.join(row['name'] for row in changed)}"
    text += str(command.get("note", ""))
    return text + (f"; still live: {', '.join(stragglers)}" if stragglers else "")


async def _end_live_calls(db: AsyncDb, carrier: Carrier | None, campaign_id: object) -> list[str]:
    """Ends every live call at the carrier; the ids of those that could not be ended."""
    async with db.transaction():
        rows = await (await db.execute(_SQL.live_calls, {"campaign_id": campaign_id})).fetchall()
    turns = asyncio.Semaphore(_ENDS_AT_ONCE)

    async def left_over(row: Row) -> str | None:
        sid = row["carrier_sid"]
        if carrier is None or sid is None:
            return str(sid or row["id"])
        try:
            async with turns:
                await carrier.end(CarrierSid(sid))
        except CarrierSilent:
            return str(sid)
        return None

    return [left for left in await asyncio.gather(*map(left_over, rows)) if left is not None]


async def settle_campaigns(
    db: AsyncDb, carrier: Carrier | None, *, rehearsal: bool, now: datetime
) -> None:
    """Drained campaigns become stopped, finished ones completed; what must be over is ended."""
    async with db.transaction():
        overdue = await (await db.execute(_SQL.overdue_campaigns, {"now": now})).fetchall()
    for campaign in overdue:
        if left := await _end_live_calls(db, carrier, campaign["id"]):
            log.warning("calls_still_live", campaign=str(campaign["id"]), calls=len(left))
    async with db.transaction():
        await db.execute(_SQL.drained_campaigns, {"now": now})
        await db.execute(queries("claims").complete_campaigns, {"rehearsal": rehearsal, "now": now})

"""A start waits for its pre-flight; red refuses it, and it does not wait for ever."""

from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from voice_ai.campaign_states import TRANSITIONS
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.preflight import Light, as_rows, blockers, from_rows, unfinished

_SQL = queries("preflight")
_COMMANDS = queries("commands")
Row = dict[str, Any]


async def let_through(
    db: AsyncDb, commands: list[Row], now: datetime, patience: timedelta
) -> list[Row]:
    """The commands to obey now: all but starts that wait for their pre-flight, and starts that it
    refuses, which are answered here. What is amber goes along as the command's `note`."""
    through = []
    for command in commands:
        if command["kind"] != "start" or not await _would_start(db, command):
            through.append(command)
            continue
        refusal = await _overtaken(db, command)
        if refusal is None:
            light, told = await _preflight(db, command, now, patience)
            if light is None:
                continue
            if light is not Light.RED:
                through.append({**command, "note": told})
                continue
            refusal = told
        answer = {"id": command["id"], "now": now, "outcome": f"refused: {refusal}"}
        await db.execute(_COMMANDS.answer, answer)
    return through


async def _would_start(db: AsyncDb, command: Row) -> bool:
    """Otherwise there is nothing to check: it is refused, or it runs already."""
    if command["campaign_id"] is None:
        return False
    values = {"campaign_id": command["campaign_id"]}
    row = await (await db.execute(_COMMANDS.campaign_state, values)).fetchone()
    return row is not None and row["state"] in TRANSITIONS["start"].sources


async def _overtaken(db: AsyncDb, command: Row) -> str | None:
    """A stop that came while the start waited has the last word."""
    values = {"id": command["id"], "campaign_id": command["campaign_id"]}
    row = await (await db.execute(_SQL.overtaken, values)).fetchone()
    if row is None:
        return None
    return f"{row['asked_by']} asked for {row['kind'].replace('_', ' ')} meanwhile; start again"


async def _preflight(
    db: AsyncDb, command: Row, now: datetime, patience: timedelta
) -> tuple[Light | None, str]:
    """The light and what to say about it; no light while it is not finished."""
    values = {"command_id": command["id"]}
    row = await (await db.execute(_SQL.of_command, values)).fetchone()
    if row is None:
        asked = {"campaign_id": command["campaign_id"], "by": command["asked_by"], "now": now}
        await db.execute(_SQL.ask, {**values, **asked})
        return None, ""
    checks, light = from_rows(row["checks"]), row["light"]
    if light is None:
        if now - row["asked_at"] < patience:
            return None, ""
        checks, light = [unfinished(patience.total_seconds())], Light.RED
        found = {"id": row["id"], "now": now, "light": light, "checks": Jsonb(as_rows(checks))}
        await db.execute(_SQL.finish, found)
    if light == Light.RED:
        told = "; ".join(f"{one.title}: {one.seen}. {one.mend}" for one in blockers(checks))
        return Light.RED, f"pre-flight is red: {told}"
    amber = ", ".join(one.title for one in checks if one.light is Light.AMBER)
    return Light(light), f"; pre-flight is amber: {amber}" if amber else ""

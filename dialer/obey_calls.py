"""Obeys what was asked of one live call. A command stays open until it is known what came of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from dialer.carrier import Carrier
from dialer.transfer_start import begin
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.transfers import outcome_in_words

log = structlog.get_logger()
_SQL = queries("commands")
_TRANSFERS = queries("transfers")
CALL_COMMANDS = frozenset({"transfer_call"})
Row = dict[str, Any]


async def obey_of_calls(
    db: AsyncDb, carrier: Carrier | None, commands: Sequence[Row], now: datetime
) -> int:
    """How many were answered. The caller is the only one who obeys at this moment."""
    answered = 0
    for command in commands:
        outcome = await _transfer(db, carrier, command, now)
        if outcome is None:
            continue
        async with db.transaction():
            await db.execute(_SQL.answer, {"id": command["id"], "now": now, "outcome": outcome})
        log.info("command_obeyed", command=command["kind"])
        answered += 1
    return answered


async def _transfer(
    db: AsyncDb, carrier: Carrier | None, command: Row, now: datetime
) -> str | None:
    """What came of it; None while a colleague is being asked."""
    async with db.transaction():
        found = await db.execute(_TRANSFERS.of_command, {"command_id": command["id"]})
        row = await found.fetchone()
    if row is not None:
        told = outcome_in_words(row["status"], row["reason"])
        return None if row["status"] == "open" else _answer(row["status"], told)
    kind = (command["parameters"] or {}).get("kind")
    if command["attempt_id"] is None or kind not in (None, "blind", "warm"):
        return "refused: it names no call, or a way other than blind or warm"
    if carrier is None:
        return "refused: there is no carrier here"
    refused = await begin(
        db,
        carrier,
        command["attempt_id"],
        now,
        kind=kind,
        asked_by=command["asked_by"] or "operator",
        command_id=command["id"],
    )
    return None if refused is None else _answer("failed", outcome_in_words("failed", refused))


def _answer(status: str, told: str) -> str:
    return told if status == "answered" else f"refused: {told}"

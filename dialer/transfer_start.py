"""Begins a hand-over: by a script, from within its conversation, or by an operator's command."""

from datetime import datetime
from typing import Any

import structlog

from dialer import journal
from dialer.carrier import Carrier, CarrierSilent
from dialer.revocations import is_revoked
from dialer.transfer_room import has_room
from voice_ai.calls import AttemptState
from voice_ai.conversation.turns import TransferKind
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb, Row
from voice_ai.events import TransferFailed, TransferStarted
from voice_ai.ids import AttemptId, CarrierSid
from voice_ai.transfers import Rules

log = structlog.get_logger()
SQL = queries("transfers")
# What a call that is handed over may last in all: ringing, music and saying sorry come on top.
_BESIDES_S = 600
SCRIPT = "script"


async def facts_of(db: AsyncDb, attempt_id: AttemptId) -> Row | None:
    return await (await db.execute(SQL.facts, {"attempt_id": attempt_id})).fetchone()


async def lock_last(db: AsyncDb, attempt_id: AttemptId) -> Row | None:
    """The call's newest hand-over; the attempt is locked first, as everywhere."""
    return await (await db.execute(SQL.lock_last, {"attempt_id": attempt_id})).fetchone()


async def begin(
    db: AsyncDb,
    carrier: Carrier,
    attempt_id: AttemptId,
    now: datetime,
    *,
    kind: TransferKind | None,
    asked_by: str = SCRIPT,
    command_id: int | None = None,
    state_sealed: bytes | None = None,
    summary_sealed: bytes | None = None,
) -> str | None:
    """None: the carrier takes the call and asks us whom to ring. Otherwise why not; then the call
    stays where it is. `kind` None: as the campaign says."""
    async with db.transaction():
        attempt = await journal.lock_attempt(db, attempt_id)
        facts = await facts_of(db, attempt_id)
        if attempt is None or facts is None:
            return "gone"
        rules = Rules.model_validate(facts["rules"] or {})
        about = {
            "attempt_id": attempt_id,
            "kind": kind or rules.kind,
            "asked_by": asked_by,
            "command_id": command_id,
            "now": now,
        }
        refused = await _refusal(db, attempt, facts)
        if refused is None and asked_by == SCRIPT and not rules.are_open(now):
            refused = "closed"
        rehearsal = facts["rehearsal"]
        if refused is None and not await has_room(db, carrier.account, now, rehearsal=rehearsal):
            refused = "full"
        row = None
        if refused is None:
            sealed = {"state_sealed": state_sealed, "summary_sealed": summary_sealed}
            row = await (await db.execute(SQL.begin, {**about, **sealed})).fetchone()
        if row is None:
            refused = refused or "under_way"
            if command_id is not None:
                await db.execute(SQL.refuse, {**about, "reason": refused})
            return refused
        asker = SCRIPT if asked_by == SCRIPT else "operator"
        event = TransferStarted(row["nth"], row["kind"], asker)
        await journal.write_event(db, attempt_id, event, now)
    return await _redirect(db, carrier, attempt_id, facts, row, rules, now)


async def _refusal(db: AsyncDb, attempt: Row, facts: Row) -> str | None:
    if attempt["state"] != AttemptState.IN_PROGRESS or facts["carrier_sid"] is None:
        return "gone"
    if facts["rules"] is None or not facts["colleagues_sealed"]:
        return "nobody_named"
    if facts["campaign_state"] == "emergency_stopped":
        return "stopped"
    return "suppressed" if await is_revoked(db, attempt) else None


async def _redirect(
    db: AsyncDb,
    carrier: Carrier,
    attempt_id: AttemptId,
    facts: Row,
    row: Row,
    rules: Rules,
    now: datetime,
) -> str | None:
    sid, most = CarrierSid(facts["carrier_sid"]), rules.max_talk_s + _BESIDES_S
    refused = "gone"
    try:
        if await carrier.redirect(sid, attempt_id, "transfer", max_s=most):
            return None
    except CarrierSilent as error:
        log.error("transfer_not_begun", attempt=str(attempt_id), reason=str(error))
        refused = "failed"
    async with db.transaction():
        await fail(db, attempt_id, row, refused, now, stayed=True)
    return refused


async def fail(
    db: AsyncDb,
    attempt_id: AttemptId,
    row: Row,
    reason: str,
    now: datetime,
    *,
    stayed: bool = False,
) -> bool:
    """In the caller's transaction. `stayed`: the call never left its conversation."""
    await journal.lock_attempt(db, attempt_id)  # before its hand-overs, as everywhere
    told: dict[str, Any] = {"id": row["id"], "reason": reason, "stayed": stayed, "now": now}
    if await (await db.execute(SQL.fail, told)).fetchone() is None:
        return False
    await journal.write_event(db, attempt_id, TransferFailed(row["nth"], reason), now)
    return True


async def person_gone(db: AsyncDb, attempt_id: AttemptId, now: datetime) -> Row | None:
    """In the caller's transaction: the open hand-over of a call that is over has failed."""
    if (await (await db.execute(SQL.is_open, {"attempt_id": attempt_id})).fetchone()) is None:
        return None
    await journal.lock_attempt(db, attempt_id)
    row = await (
        await db.execute(SQL.person_gone, {"attempt_id": attempt_id, "now": now})
    ).fetchone()
    if row is not None:
        event = TransferFailed(row["nth"], "person_hung_up")
        await journal.write_event(db, attempt_id, event, now)
    return row


async def send_back(carrier: Carrier, sid: str, attempt_id: AttemptId, max_s: int) -> None:
    """The person, who waits, goes back into the conversation. A failure is seen to by the sweep."""
    try:
        await carrier.redirect(CarrierSid(sid), attempt_id, "resume", max_s=max_s)
    except CarrierSilent as error:
        log.error("person_not_sent_back", attempt=str(attempt_id), reason=str(error))


async def end_leg(carrier: Carrier, sid: str) -> bool:
    """Ends a colleague's call; False when the carrier did not say that it is over."""
    try:
        await carrier.end(CarrierSid(sid))
    except CarrierSilent as error:
        log.error("colleague_not_hung_up", call=sid, reason=str(error))
        return False
    return True

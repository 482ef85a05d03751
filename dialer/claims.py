"""Claim and permit: which leads are dialed next, decided and intended in one transaction.

Locking the account's pace row first makes the counts exact over all workers: live calls, slots per
second and the leads taken are all read and written under it. An intent that is committed here
already occupies its number (unique live attempt), its place under the cap and its slot.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from psycopg.types.json import Jsonb

from dialer.facts import (
    Row,
    StoredCampaign,
    is_switched_off,
    lead_facts,
    read_facts,
    stored_campaign,
)
from dialer.ledger import write_decisions
from voice_ai.calls import spacing_of
from voice_ai.compliance import CampaignFacts, Decision, decide
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.events import DialIntended
from voice_ai.ids import AttemptId, CampaignId, LeadId, NumberId, WorkerId

_SQL = queries("claims")
# Slots are handed out at most this far ahead: an intent must still be fresh when it is sent.
HORIZON = timedelta(milliseconds=500)
# How many leads one claim looks at: refused ones are put off in the same set.
_LOOK_AT = 200
_ASK_AGAIN = timedelta(days=1)


@dataclass(frozen=True)
class Intent:
    """A dial that is committed to, and when its turn at the carrier is."""

    attempt_id: AttemptId
    campaign_id: CampaignId
    lead_id: LeadId
    number_id: NumberId
    attempt_no: int
    caller_id: NumberId
    intended_at: datetime
    slot_at: datetime


async def claim(
    db: AsyncDb, *, account: str, worker_id: WorkerId, rehearsal: bool, now: datetime
) -> list[tuple[Intent, StoredCampaign]]:
    """Commits the intents that fit now under every cap, over all workers. One transaction."""
    async with db.transaction():
        await db.execute(_SQL.open_pace, {"account": account, "now": now})
        pace = await (await db.execute(_SQL.lock_pace, {"account": account})).fetchone()
        assert pace is not None
        rows = await (await db.execute(_SQL.running_campaigns, {"rehearsal": rehearsal})).fetchall()
        slot = max(pace["next_slot_at"], now)
        taken: list[tuple[Intent, StoredCampaign]] = []
        for campaign in map(stored_campaign, rows):
            intents, slot = await _claim_for(db, campaign, worker_id, now, slot)
            taken += [(intent, campaign) for intent in intents]
        if taken:
            await db.execute(_SQL.move_pace, {"account": account, "next": slot})
    return taken


async def _claim_for(
    db: AsyncDb, campaign: StoredCampaign, worker_id: WorkerId, now: datetime, slot: datetime
) -> tuple[list[Intent], datetime]:
    spacing = spacing_of(campaign.pacing.calls_per_second)
    slots = _free_slots(slot, spacing, now, campaign.pacing.max_concurrent - campaign.live)
    if not slots:
        return [], slot
    fresh_left = await _fresh_left(db, campaign)
    rows = await _ready(db, campaign, now, fresh=fresh_left is None or fresh_left > 0)
    if not rows:
        return [], slot
    facts = replace(
        campaign.facts,
        switched_off=await is_switched_off(db, campaign.id),
        caller_id_ready=bool(campaign.caller_ids),
    )
    chosen, refused = choose(rows, facts, campaign, now, len(slots), fresh_left)
    await _put_off(db, campaign, refused, now)
    if not chosen:
        return [], slot
    intents = [_intent(row, campaign, now, at) for (row, _), at in zip(chosen, slots, strict=False)]
    await _commit_intents(db, campaign, worker_id, now, intents, chosen)
    return intents, intents[-1].slot_at + spacing


def _free_slots(first: datetime, spacing: timedelta, now: datetime, most: int) -> list[datetime]:
    """The turns at the carrier that begin before the horizon, at most `most`."""
    slots: list[datetime] = []
    while first <= now + HORIZON and len(slots) < most:
        slots.append(first)
        first += spacing
    return slots


def choose(
    rows: Sequence[Row],
    facts: CampaignFacts,
    campaign: StoredCampaign,
    now: datetime,
    room: int,
    fresh_left: int | None,
) -> tuple[list[tuple[Row, Decision]], list[tuple[Row, Decision]]]:
    """Decides in order until the room is filled: those to dial, and those refused."""
    chosen: list[tuple[Row, Decision]] = []
    refused: list[tuple[Row, Decision]] = []
    for row in rows:
        if len(chosen) == room:
            break
        if not row["started"] and fresh_left is not None and fresh_left <= 0:
            continue
        decision = decide(lead_facts(row), facts, now, campaign.policy)
        if not decision.allow:
            refused.append((row, decision))
            continue
        if not row["started"] and fresh_left is not None:
            fresh_left -= 1
        chosen.append((row, decision))
    return chosen, refused


async def _fresh_left(db: AsyncDb, campaign: StoredCampaign) -> int | None:
    if campaign.max_leads is None:
        return None
    row = await (await db.execute(_SQL.leads_started, {"campaign_id": campaign.id})).fetchone()
    assert row is not None
    return max(0, campaign.max_leads - int(row["started"]))


async def _ready(db: AsyncDb, campaign: StoredCampaign, now: datetime, *, fresh: bool) -> list[Row]:
    locked = await (
        await db.execute(
            _SQL.lock_ready_leads,
            {"campaign_id": campaign.id, "now": now, "fresh": fresh, "limit": _LOOK_AT},
        )
    ).fetchall()
    if not locked:
        return []
    return await read_facts(db, campaign.id, [row["lead_id"] for row in locked], now)


def _intent(row: Row, campaign: StoredCampaign, now: datetime, at: datetime) -> Intent:
    # The same lead always sees the same caller id, over retries and restarts.
    digest = hashlib.sha256(str(row["lead_id"]).encode()).digest()
    line = int.from_bytes(digest[:4], "big") % len(campaign.caller_ids)
    return Intent(
        attempt_id=AttemptId(uuid4()),
        campaign_id=campaign.id,
        lead_id=LeadId(row["lead_id"]),
        number_id=NumberId(row["number_id"]),
        attempt_no=int(row["last_attempt_no"]) + 1,
        caller_id=campaign.caller_ids[line],
        intended_at=now,
        slot_at=at,
    )


async def _commit_intents(
    db: AsyncDb,
    campaign: StoredCampaign,
    worker_id: WorkerId,
    now: datetime,
    intents: list[Intent],
    chosen: list[tuple[Row, Decision]],
) -> None:
    month = month_of(now)
    await db.execute("SELECT ensure_event_partition(%s)", (month,))
    await _insert_attempts(db, campaign, worker_id, intents, month)
    lead_ids = [intent.lead_id for intent in intents]
    await db.execute(
        _SQL.mark_calling, {"campaign_id": campaign.id, "lead_ids": lead_ids, "now": now}
    )
    await _copy_intended(db, intents, month)
    decided = [
        (row, decision, intent.attempt_id)
        for (row, decision), intent in zip(chosen, intents, strict=True)
    ]
    await write_decisions(db, campaign.id, decided, "claim", now, rehearsal=campaign.rehearsal)


async def _insert_attempts(
    db: AsyncDb,
    campaign: StoredCampaign,
    worker_id: WorkerId,
    intents: list[Intent],
    month: date,
) -> None:
    await db.execute(
        _SQL.insert_attempts,
        {
            "month": month,
            "campaign_id": campaign.id,
            "worker_id": worker_id,
            "now": intents[0].intended_at,
            "rehearsal": campaign.rehearsal,
            "ids": [intent.attempt_id for intent in intents],
            "lead_ids": [intent.lead_id for intent in intents],
            "number_ids": [intent.number_id for intent in intents],
            "attempt_nos": [intent.attempt_no for intent in intents],
            "caller_ids": [intent.caller_id for intent in intents],
            "slots": [intent.slot_at for intent in intents],
        },
    )


async def _copy_intended(db: AsyncDb, intents: list[Intent], month: date) -> None:
    """The first event of each new attempt, number 1."""
    async with (
        db.cursor() as cursor,
        cursor.copy(
            "COPY call_events (month, attempt_id, seq, kind, key, payload, occurred_at) FROM STDIN"
        ) as copy,
    ):
        for intent in intents:
            event = DialIntended(intent.attempt_no, intent.caller_id)
            payload = Jsonb(event.payload())
            told = (event.kind, event.key, payload, intent.intended_at)
            await copy.write_row((month, intent.attempt_id, 1, *told))


async def _put_off(
    db: AsyncDb, campaign: StoredCampaign, refused: list[tuple[Row, Decision]], now: datetime
) -> None:
    """Refused leads get their next time, and a ledger row when the answer is a new one."""
    if not refused:
        return
    await db.execute(
        _SQL.put_off,
        {
            "campaign_id": campaign.id,
            "now": now,
            "lead_ids": [row["lead_id"] for row, _ in refused],
            "nexts": [decision.next_allowed_at or now + _ASK_AGAIN for _, decision in refused],
            "keys": [decision.key for _, decision in refused],
            "finals": [decision.final for _, decision in refused],
        },
    )
    news = [
        (row, decision, None) for row, decision in refused if row["decision_key"] != decision.key
    ]
    await write_decisions(db, campaign.id, news, "claim", now, rehearsal=campaign.rehearsal)


def month_of(moment: datetime) -> date:
    """The partition of an attempt that is intended at that moment (UTC month)."""
    return moment.astimezone(UTC).date().replace(day=1)

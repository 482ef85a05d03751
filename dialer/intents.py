"""Intents: dials that are committed to before the carrier is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import orjson

from dialer.facts import Row, StoredCampaign
from dialer.ledger import write_decisions
from voice_ai.compliance import Decision
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.events import DialIntended
from voice_ai.ids import AttemptId, CampaignId, LeadId, NumberId, WorkerId

_SQL = queries("claims")


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


async def commit_intents(
    db: AsyncDb,
    campaign: StoredCampaign,
    worker_id: WorkerId,
    now: datetime,
    intents: Sequence[Intent],
    decided: Sequence[tuple[Row, Decision]],
) -> None:
    """Each intent's attempt with its first event, its lead's state, and the decision about it."""
    month = month_of(now)
    await db.execute("SELECT ensure_event_partition(%s)", (month,))
    await db.execute(
        _SQL.commit_intents,
        {
            "month": month,
            "campaign_id": campaign.id,
            "worker_id": worker_id,
            "now": now,
            "rehearsal": campaign.rehearsal,
            "kind": DialIntended.kind,
            "intents": orjson.dumps([_told(intent) for intent in intents]).decode(),
        },
    )
    decisions = [
        (row, decision, intent.attempt_id)
        for (row, decision), intent in zip(decided, intents, strict=True)
    ]
    await write_decisions(db, campaign.id, decisions, "claim", now, rehearsal=campaign.rehearsal)


def _told(intent: Intent) -> dict[str, object]:
    event = DialIntended(intent.attempt_no, intent.caller_id)
    return {**vars(intent), "key": event.key, "payload": event.payload()}


def month_of(moment: datetime) -> date:
    """The partition of an attempt that is intended at that moment (UTC month)."""
    return moment.astimezone(UTC).date().replace(day=1)

"""The decision ledger: why a lead was, or was not, called."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import orjson

from dialer.facts import Row
from voice_ai.compliance import Decision
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.ids import AttemptId, CampaignId

_SQL = queries("claims")
Decided = tuple[Row, Decision, AttemptId | None]


async def write_decisions(
    db: AsyncDb,
    campaign_id: CampaignId,
    decided: Sequence[Decided],
    stage: Literal["claim", "send"],
    now: datetime,
    *,
    rehearsal: bool,
) -> None:
    """All in one statement; the attempt is the dial that a decision allowed, None for a refusal."""
    rows = [
        {
            "lead_id": row["lead_id"],
            "number_id": row["number_id"],
            "attempt_id": attempt_id,
            "allow": decision.allow,
            "reasons": decision.reasons,
            "policy_hash": decision.policy_hash,
            "next_allowed_at": decision.next_allowed_at,
        }
        for row, decision, attempt_id in decided
    ]
    await db.execute(
        _SQL.write_decisions,
        {
            "campaign_id": campaign_id,
            "stage": stage,
            "now": now,
            "rehearsal": rehearsal,
            "decisions": orjson.dumps(rows).decode(),
        },
    )

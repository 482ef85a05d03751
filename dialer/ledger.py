"""The decision ledger: why a lead was, or was not, called."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from dialer.facts import Row
from voice_ai.compliance import Decision
from voice_ai.db.connect import AsyncDb
from voice_ai.ids import AttemptId, CampaignId

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
    """One COPY for all; the attempt is the dial that a decision allowed, None for a refusal."""
    async with (
        db.cursor() as cursor,
        cursor.copy(
            "COPY decisions (campaign_id, lead_id, number_id, attempt_id, stage, allow, reasons,"
            " policy_hash, next_allowed_at, decided_at, rehearsal) FROM STDIN"
        ) as copy,
    ):
        for row, decision, attempt_id in decided:
            about = (campaign_id, row["lead_id"], row["number_id"], attempt_id, stage)
            reasons = [str(reason) for reason in decision.reasons]
            said = (decision.allow, reasons, decision.policy_hash, decision.next_allowed_at)
            await copy.write_row((*about, *said, now, rehearsal))

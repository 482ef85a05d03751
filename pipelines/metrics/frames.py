"""The rows that metrics are computed from: one campaign, without a number or a name."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import polars as pl

MOMENT = pl.Datetime("ms", "UTC")

LEADS = pl.Schema({"lead_id": pl.Int64(), "state": pl.String()})
ATTEMPTS = pl.Schema(
    {
        "attempt_id": pl.String(),
        "lead_id": pl.Int64(),
        "attempt_no": pl.Int64(),
        "state": pl.String(),
        "carrier_status": pl.String(),
        "disposition": pl.String(),
        "end_reason": pl.String(),
        "reached_carrier": pl.Boolean(),
        "answered": pl.Boolean(),
        "human_answered": pl.Boolean(),
        "machine": pl.Boolean(),
        "right_party": pl.Boolean(),
        "conversed": pl.Boolean(),
        "goal": pl.Boolean(),
        "opted_out": pl.Boolean(),
        "local_hour": pl.Int64(),
        "intended_at": MOMENT,
        "ended_at": MOMENT,
    }
)
TURNS = pl.Schema(
    {
        "attempt_id": pl.String(),
        "turn_index": pl.Int64(),
        "speaker": pl.String(),
        "started_at": MOMENT,
        "intent": pl.String(),
        "emotion": pl.String(),
        "emotion_model": pl.String(),
        "emotion_version": pl.String(),
        "response_ms": pl.Float64(),
    }
)
DECISIONS = pl.Schema(
    {
        "decision_id": pl.Int64(),
        "lead_id": pl.Int64(),
        "allow": pl.Boolean(),
        "reasons": pl.List(pl.String),
    }
)


@dataclass(frozen=True)
class Campaign:
    """What a page and a report say of a campaign beside its figures."""

    id: UUID
    name: str
    state: str
    seller: str
    list_name: str
    script: str | None
    rehearsal: bool
    created_at: datetime


@dataclass(frozen=True)
class CampaignFrames:
    """Frames with the schemas of this module; rehearsal rows only for a rehearsal campaign."""

    campaign: Campaign
    leads: pl.DataFrame
    attempts: pl.DataFrame
    turns: pl.DataFrame
    decisions: pl.DataFrame

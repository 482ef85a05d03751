"""What the lake holds: tables, their columns, keys and partitions. The views of the database,
wider.

A row of `attempts` is a finished dial; calls, turns and events come with their attempt, so the
attempt is the unit of change: when any part of it changes late, all of its rows are written anew
and the key is noted as gone before that commit. `decisions` are append-only. No number, no name,
no free text but redacted words.
"""

from dataclasses import dataclass
from typing import Literal, TypeVar

import polars as pl
import polars.selectors as cs

MOMENT = pl.Datetime("us", "UTC")
TEXTS = pl.List(pl.String())

Partition = Literal["month and campaign", "campaign", "month", "none"]


@dataclass(frozen=True)
class LakeTable:
    """`key` finds a row again when it is written anew (None: rows never change); `month_of` is the
    moment whose month (UTC) is the partition. Small tables (`partition` none) are written whole."""

    name: str
    view: str
    schema: pl.Schema
    partition: Partition
    key: str | None = None
    month_of: str | None = None


ATTEMPT_COLUMNS: dict[str, pl.DataType] = {
    # as in v_attempts
    "attempt_id": pl.String(),
    "campaign_id": pl.String(),
    "campaign": pl.String(),
    "lead_id": pl.Int64(),
    "person_key": pl.String(),
    "attempt_no": pl.Int32(),
    "carrier_call_sid": pl.String(),
    "state": pl.String(),
    "terminal_events": pl.Int32(),
    "intended_at": MOMENT,
    "sent_at": MOMENT,
    "placed_at": MOMENT,
    "answered_at": MOMENT,
    "ended_at": MOMENT,
    "carrier_status": pl.String(),
    "answer_class": pl.String(),
    "end_reason": pl.String(),
    "disposition": pl.String(),
    "ended_by": pl.String(),
    "late": pl.Boolean(),
    "reached_carrier": pl.Boolean(),
    "answered": pl.Boolean(),
    "human_answered": pl.Boolean(),
    "machine": pl.Boolean(),
    "conversed": pl.Boolean(),
    "goal": pl.Boolean(),
    "opted_out": pl.Boolean(),
    "local_hour": pl.Int32(),
    "local_weekday": pl.Int32(),
    "rehearsal": pl.Boolean(),
    "version": pl.Int64(),
    # whom and how
    "list": pl.String(),
    "seller": pl.String(),
    "zone": pl.String(),
    "local_day": pl.Date(),
    "loaded_at": MOMENT,
    "caller_id": pl.String(),
    "experiment": pl.String(),
    "arm": pl.String(),
    "campaign_version": pl.Int32(),
    # what was measured of the call; unmeasured is null
    "right_party": pl.Boolean(),
    "own_answer_class": pl.String(),
    "own_answer_confidence": pl.Float64(),
    "own_answer_at_ms": pl.Float64(),
    "detection_ms": pl.Float64(),
    "first_audio_ms": pl.Float64(),
    "carrier_s": pl.Float64(),
    "talk_s": pl.Float64(),
    "agent_turns": pl.Int32(),
    "caller_turns": pl.Int32(),
    "agent_speech_s": pl.Float64(),
    "caller_speech_s": pl.Float64(),
    "overlap_s": pl.Float64(),
    "longest_turn_s": pl.Float64(),
    "interruptions": pl.Int32(),
    "synthesised_characters": pl.Int32(),
    "last_node": pl.String(),
    "qa_total": pl.Float64(),
    "qa_passed": pl.Boolean(),
    # true in the first attempt of its lead in its campaign that got this far: their sums are leads
    "first_dial": pl.Boolean(),
    "first_answered": pl.Boolean(),
    "first_human": pl.Boolean(),
    "first_right_party": pl.Boolean(),
    "first_conversed": pl.Boolean(),
    "first_goal": pl.Boolean(),
    # why what follows is asked of one row: dials of this lead in this campaign before this one
    "dials_before": pl.Int32(),
    # a person picked up one of those; when the newest of those was intended (null: there is none)
    "human_before": pl.Boolean(),
    "previous_dial_at": MOMENT,
    # of the called number, ISO 3166-1, for prices that hold in one country; null: unknown
    "country": pl.String(),
}

_TABLES = (
    LakeTable(
        "attempts",
        "v_attempts",
        pl.Schema(ATTEMPT_COLUMNS),
        "month and campaign",
        key="attempt_id",
        month_of="intended_at",
    ),
    LakeTable(
        "calls",
        "v_calls",
        pl.Schema(
            {
                "carrier_call_sid": pl.String(),
                "attempt_id": pl.String(),
                "campaign_id": pl.String(),
                "campaign": pl.String(),
                "carrier": pl.String(),
                "status": pl.String(),
                "answered_by": pl.String(),
                "detection_ms": pl.Float64(),
                "duration_s": pl.Float64(),
                "queue_time_ms": pl.Float64(),
                "sip_code": pl.Int32(),
                "error_code": pl.Int32(),
                "created_at": MOMENT,
                "updated_at": MOMENT,
                "rehearsal": pl.Boolean(),
            }
        ),
        "month and campaign",
        key="attempt_id",
        month_of="attempts.intended_at",
    ),
    LakeTable(
        "turns",
        "v_turns",
        pl.Schema(
            {
                "attempt_id": pl.String(),
                "campaign_id": pl.String(),
                "campaign": pl.String(),
                "person_key": pl.String(),
                "turn_index": pl.Int32(),
                "speaker": pl.String(),
                "node": pl.String(),
                "text": pl.String(),
                "heard_fraction": pl.Float64(),
                "interrupted": pl.Boolean(),
                "started_at": MOMENT,
                "ended_at": MOMENT,
                "intent": pl.String(),
                "intent_score": pl.Float64(),
                "intent_model": pl.String(),
                "intent_version": pl.String(),
                "emotion": pl.String(),
                "emotion_score": pl.Float64(),
                "emotion_model": pl.String(),
                "emotion_version": pl.String(),
                "endpoint_ms": pl.Float64(),
                "stt_tail_ms": pl.Float64(),
                "mind_ms": pl.Float64(),
                "tts_first_byte_ms": pl.Float64(),
                "response_ms": pl.Float64(),
                "rehearsal": pl.Boolean(),
            }
        ),
        "month and campaign",
        key="attempt_id",
        month_of="attempts.intended_at",
    ),
    LakeTable(
        "events",
        "v_events",
        pl.Schema(
            {
                "attempt_id": pl.String(),
                "campaign_id": pl.String(),
                "campaign": pl.String(),
                "lead_id": pl.Int64(),
                "person_key": pl.String(),
                "attempt_no": pl.Int32(),
                "seq": pl.Int32(),
                "kind": pl.String(),
                "key": pl.String(),
                "payload": pl.String(),
                "occurred_at": MOMENT,
                "recorded_at": MOMENT,
                "rehearsal": pl.Boolean(),
            }
        ),
        "month and campaign",
        key="attempt_id",
        month_of="attempts.intended_at",
    ),
    LakeTable(
        "decisions",
        "v_decisions",
        pl.Schema(
            {
                "decision_id": pl.Int64(),
                "campaign_id": pl.String(),
                "campaign": pl.String(),
                "lead_id": pl.Int64(),
                "person_key": pl.String(),
                "attempt_id": pl.String(),
                "stage": pl.String(),
                "allow": pl.Boolean(),
                "reasons": TEXTS,
                "policy_hash": pl.String(),
                "next_allowed_at": MOMENT,
                "decided_at": MOMENT,
                "rehearsal": pl.Boolean(),
                # The decision on this lead in this campaign before this one; null: there was none.
                # What stands at a moment is a sum over rows: each adds itself and takes that back.
                "allow_before": pl.Boolean(),
                "reasons_before": TEXTS,
                # a dial of this lead in this campaign, before this decision, reached the carrier
                "dialed_before": pl.Boolean(),
                "list": pl.String(),
            }
        ),
        "month and campaign",
        month_of="decided_at",
    ),
    LakeTable(
        "leads",
        "v_leads",
        pl.Schema(
            {
                "lead_id": pl.Int64(),
                "list": pl.String(),
                "seller": pl.String(),
                "person_key": pl.String(),
                "import_run_id": pl.String(),
                "line": pl.Int64(),
                "position": pl.Int64(),
                "country": pl.String(),
                "zones": TEXTS,
                "states": TEXTS,
                "line_type": pl.String(),
                "suppressed": pl.Boolean(),
                "rehearsal": pl.Boolean(),
                "imported_at": MOMENT,
            }
        ),
        "month",
        key="lead_id",
        month_of="imported_at",
    ),
    LakeTable(
        "campaign_leads",
        "campaign_leads",
        pl.Schema(
            {
                # campaign and lead: what a row is found by when it is gone
                "member_key": pl.String(),
                "campaign_id": pl.String(),
                "campaign": pl.String(),
                "lead_id": pl.Int64(),
                "list": pl.String(),
                "zone": pl.String(),
                "loaded_at": MOMENT,
                "rehearsal": pl.Boolean(),
            }
        ),
        "campaign",
        key="member_key",
    ),
    LakeTable(
        "campaigns",
        "campaigns",
        pl.Schema(
            {
                "campaign_id": pl.String(),
                "campaign": pl.String(),
                "seller": pl.String(),
                "list": pl.String(),
                "script": pl.String(),
                "state": pl.String(),
                "version": pl.Int32(),
                "rehearsal": pl.Boolean(),
                "created_at": MOMENT,
            }
        ),
        "none",
    ),
    LakeTable(
        "dispositions",
        "dispositions",
        pl.Schema(
            {
                "code": pl.String(),
                "label": pl.String(),
                "reached_carrier": pl.Boolean(),
                "answered": pl.Boolean(),
                "human_answered": pl.Boolean(),
                "machine": pl.Boolean(),
                "conversed": pl.Boolean(),
                "goal": pl.Boolean(),
                "dnc": pl.Boolean(),
                "scheduled_callback": pl.Boolean(),
                "unworkable": pl.Boolean(),
                "terminal": pl.Boolean(),
            }
        ),
        "none",
    ),
    LakeTable(
        "prices",
        "prices",
        pl.Schema(
            {
                "item": pl.String(),
                "country": pl.String(),
                "amount": pl.Float64(),
                "currency": pl.String(),
                "valid_from": MOMENT,
                "valid_to": MOMENT,
            }
        ),
        "none",
    ),
    LakeTable(
        "caller_ids",
        "caller_ids",
        pl.Schema(
            {
                "caller_id": pl.String(),
                "seller": pl.String(),
                "standing": pl.String(),
                "standing_since": MOMENT,
                "active": pl.Boolean(),
            }
        ),
        "none",
    ),
    LakeTable(
        "experiments",
        "experiments",
        pl.Schema(
            {
                "experiment_id": pl.String(),
                "campaign_id": pl.String(),
                "campaign": pl.String(),
                "experiment": pl.String(),
                "arms": pl.String(),  # JSON: arms with the shares that leads were given them by
                "started_at": MOMENT,
                "stopped_at": MOMENT,
                # as planned before the first call; null: nothing was
                "metric": pl.String(),
                "baseline": pl.Float64(),
                "minimal_effect": pl.Float64(),
                "alpha": pl.Float64(),
                "power": pl.Float64(),
                "guardrails": pl.String(),  # JSON: a list of names
                "planned_n": pl.Int64(),
                # what came of it: kind of the last verdict and its sentence
                "verdict": pl.String(),
                "verdict_why": pl.String(),
                "stopped_reason": pl.String(),
                "winner": pl.String(),
            }
        ),
        "none",
    ),
    LakeTable(
        "assignments",
        "assignments",
        pl.Schema(
            {
                "experiment_id": pl.String(),
                "campaign_id": pl.String(),
                "lead_id": pl.Int64(),
                "stratum": pl.String(),
                "arm": pl.String(),
                "assigned_at": MOMENT,
            }
        ),
        "campaign",
    ),
)
TABLES = {table.name: table for table in _TABLES}
OF_ATTEMPTS = ("attempts", "calls", "turns", "events")
SMALL = tuple(table.name for table in _TABLES if table.partition == "none")


def empty(name: str) -> pl.DataFrame:
    """The table without a row."""
    return TABLES[name].schema.to_frame()


Rows = TypeVar("Rows", pl.DataFrame, pl.LazyFrame)


def naive(rows: Rows) -> Rows:
    """Moments as files hold them: UTC without a zone, because DuckDB shows zoned ones in the zone
    of the machine it runs on."""
    return rows.with_columns(_MOMENTS.dt.replace_time_zone(None))


def aware(rows: Rows) -> Rows:
    """Moments as programs want them: with their zone, which is UTC."""
    return rows.with_columns(_MOMENTS.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))


_MOMENTS = cs.datetime()

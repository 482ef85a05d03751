"""One call: what is known of it, as one consistent reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

Row = Mapping[str, Any]

_HEAD = """
SELECT a.attempt_id, a.campaign, a.lead_id, a.person_key, a.attempt_no, a.state, a.intended_at,
       a.sent_at, a.placed_at, a.answered_at, a.ended_at, a.carrier_status, a.answer_class,
       a.end_reason, a.disposition, a.ended_by, a.late, a.rehearsal, l.zones,
       a.own_answer_class, a.own_answer_confidence, a.own_answer_at_ms
FROM v_attempts a JOIN leads l ON l.id = a.lead_id WHERE a.attempt_id = :id
"""
_TURNS = """
SELECT turn_index, speaker, node, text, heard_fraction, interrupted, started_at, ended_at, intent,
       intent_score, intent_model, intent_version, emotion, emotion_score, emotion_model,
       emotion_version, endpoint_ms, stt_tail_ms, mind_ms, tts_first_byte_ms, response_ms,
       (SELECT p.scores FROM model_predictions p WHERE p.attempt_id = v.attempt_id
        AND p.turn_index = v.turn_index AND p.task = 'emotion') AS emotion_scores
FROM v_turns v WHERE attempt_id = :id ORDER BY turn_index
"""
# By the partition: the attempt's month is known.
_EVENTS = """
SELECT e.seq, e.kind, e.payload, e.occurred_at, e.recorded_at FROM call_events e
WHERE e.attempt_id = :id AND e.month = (SELECT month FROM attempts WHERE id = :id) ORDER BY e.seq
"""
# By the lead, which is indexed.
_DECISIONS = """
SELECT stage, allow, reasons, policy_hash, decided_at FROM v_decisions
WHERE lead_id = :lead AND attempt_id = :id ORDER BY decision_id
"""
_CARRIER = """
SELECT carrier_call_sid, carrier, status, answered_by, detection_ms, duration_s, queue_time_ms,
       sip_code, error_code FROM v_calls WHERE attempt_id = :id ORDER BY created_at
"""
_RECORDINGS = """
SELECT recording_sid, duration_s, path FROM recordings
WHERE attempt_id = :id AND status = 'completed' AND path IS NOT NULL AND purged_at IS NULL
ORDER BY created_at, recording_sid
"""

_PURGED = "SELECT max(purged_at) FROM recordings WHERE attempt_id = :id"


@dataclass(frozen=True)
class Call:
    head: Row
    turns: Sequence[Row]
    events: Sequence[Row]
    decisions: Sequence[Row]
    carrier: Sequence[Row]
    recordings: Sequence[Row]
    purged_at: datetime | None

    @property
    def live(self) -> bool:
        return bool(self.head["state"] != "ended")

    @property
    def seconds(self) -> float | None:
        """From the answer to the end; None when nobody answered or it goes on."""
        answered, ended = self.head["answered_at"], self.head["ended_at"]
        return (ended - answered).total_seconds() if answered and ended else None

    @property
    def began(self) -> datetime:
        at: datetime = self.head["intended_at"]
        return at


def one_call(connection: sa.Connection, attempt_id: UUID) -> Call | None:
    """None when there is no such attempt."""
    head = connection.execute(sa.text(_HEAD), {"id": attempt_id}).mappings().first()
    if head is None:
        return None
    asked = {"id": attempt_id, "lead": head["lead_id"]}

    def rows(query: str) -> Sequence[Row]:
        return [dict(row) for row in connection.execute(sa.text(query), asked).mappings()]

    return Call(
        dict(head),
        rows(_TURNS),
        rows(_EVENTS),
        rows(_DECISIONS),
        rows(_CARRIER),
        rows(_RECORDINGS),
        connection.execute(sa.text(_PURGED), asked).scalar(),
    )

"""Reads what the carrier saw and what we wrote into the values that the invariants judge."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.chaos.invariants import Attempt, CarrierCall, Evidence, Lead, Limits, Suppression
from voice_ai.db.connect import Db

_ATTEMPTS = """
SELECT a.id, a.campaign_id, a.lead_id, a.number_id, a.state, a.disposition, a.late,
       a.intended_at, a.sent_at, a.ended_at,
       coalesce(d.reached_carrier, false) AS reached, coalesce(d.terminal, false) AS terminal,
       (SELECT count(*) FROM call_events e WHERE e.month = a.month AND e.attempt_id = a.id
          AND e.kind = 'call_ended') AS terminal_events,
       (SELECT count(*) FROM decisions x WHERE x.attempt_id = a.id AND x.allow) AS permits
FROM attempts a LEFT JOIN dispositions d ON d.code = a.disposition
"""
_CALLS = "SELECT attempt_id, carrier_sid FROM calls"
_LEADS = """
SELECT cl.lead_id, cl.campaign_id, cl.number_id, cl.state, cl.next_allowed_at IS NOT NULL AS later,
       EXISTS (SELECT FROM decisions x WHERE x.campaign_id = cl.campaign_id
               AND x.lead_id = cl.lead_id AND NOT x.allow) AS decided
FROM campaign_leads cl
"""


def calls_of(verdict: dict[str, Any]) -> list[CarrierCall]:
    return [
        CarrierCall(
            sid=case["sid"],
            number=case["number_hash"],
            status=case["status"],
            accepted_at=datetime.fromisoformat(case["accepted_at"]),
            ended_at=None if case["ended_at"] is None else datetime.fromisoformat(case["ended_at"]),
        )
        for case in verdict["calls"]
    ]


def attempts_of(db: Db, offset: timedelta) -> list[Attempt]:
    sids: defaultdict[UUID, list[str]] = defaultdict(list)
    for row in db.execute(_CALLS).fetchall():
        sids[row["attempt_id"]].append(row["carrier_sid"])
    return [
        Attempt(
            id=row["id"],
            campaign_id=row["campaign_id"],
            lead_id=row["lead_id"],
            number_id=row["number_id"],
            state=row["state"],
            disposition=row["disposition"],
            reached=row["reached"],
            terminal=row["terminal"],
            late=row["late"],
            intended_at=row["intended_at"] + offset,
            sent_at=row["sent_at"] + offset if row["sent_at"] else None,
            ended_at=row["ended_at"] + offset if row["ended_at"] else None,
            terminal_events=row["terminal_events"],
            permits=row["permits"],
            sids=tuple(sids[row["id"]]),
        )
        for row in db.execute(_ATTEMPTS).fetchall()
    ]


def leads_of(db: Db) -> list[Lead]:
    return [
        Lead(
            id=row["lead_id"],
            campaign_id=row["campaign_id"],
            number_id=row["number_id"],
            state=row["state"],
            scheduled=row["later"],
            decided=row["decided"],
        )
        for row in db.execute(_LEADS).fetchall()
    ]


def evidence_of(
    db: Db,
    verdict: dict[str, Any],
    limits: Limits,
    offset: timedelta,
    *,
    suppressions: Sequence[Suppression] = (),
    stops: Sequence[tuple[UUID, datetime]] = (),
    more: Sequence[str] = (),
) -> Evidence:
    """`offset`: what turns a time of the rehearsal into the real one."""
    return Evidence(
        calls=calls_of(verdict),
        attempts=attempts_of(db, offset),
        leads=leads_of(db),
        limits=limits,
        suppressions=suppressions,
        stops=stops,
        judge_lag_s=float(verdict.get("longest_lag_s", 0.0)),
        more=more,
    )

"""Rollouts in Postgres: what is under way, what happened at its stage, and every step."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from ml.rollout.decide import NO_CALLS, Compared, Decision, Facts, Side, Standing
from ml.rollout.plan import GUARDRAILS, Plan
from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.qa.card import Card
from voice_ai.store.alerts import clear_alert, raise_alert
from voice_ai.store.audit import write_audit
from voice_ai.store.qa import score_by_facts

_SQL = queries("rollouts")
JUDGE = "judge"
_DIFFERENCES = 8
# In one look; what is left over is judged at the next.
_CONVERSATIONS = 500
Outcome = Literal["champion", "rolled_back", "stopped"]
Ends: Mapping[Outcome, str] = {"champion": "advance", "rolled_back": "roll_back", "stopped": "stop"}


@dataclass(frozen=True)
class Rollout:
    """One row of `rollouts`."""

    id: int
    task: str
    model_name: str
    standing: Standing
    campaigns: tuple[str, ...] | None
    rehearsal: bool
    row: Mapping[str, Any]

    @classmethod
    def of(cls, row: Row) -> "Rollout":
        return cls(
            id=row["id"],
            task=row["task"],
            model_name=row["model_name"],
            standing=Standing(
                row["model_version"],
                row["champion_version"],
                row["stage"],
                row["share"],
                row["stage_since"],
            ),
            campaigns=None if row["campaigns"] is None else tuple(row["campaigns"]),
            rehearsal=row["rehearsal"],
            row=row,
        )

    @property
    def subject(self) -> str:
        return f"{self.task} {self.standing.version}"

    @property
    def alert(self) -> str:
        return alert_of(self.task)


def alert_of(task: str) -> str:
    """The rule that is alerted when a candidate of the task was taken back."""
    return f"models.rollout.{task}"


@contextmanager
def alone(db: Db, *, wait: bool) -> Iterator[bool]:
    """Whether nobody else moves a rollout meanwhile; with `wait` it is waited for."""
    row = db.execute(_SQL.wait_hold if wait else _SQL.hold).fetchone()
    held = wait or bool(row and row["held"])
    try:
        yield held
    finally:
        if held:
            db.execute(_SQL.let_go)


def under_way(db: Db, task: str | None = None) -> list[Rollout]:
    found = [Rollout.of(row) for row in db.execute(_SQL.open_rollouts)]
    return [one for one in found if task in (None, one.task)]


def newest(db: Db, task: str, *, limit: int = 1) -> list[Rollout]:
    asked = {"task": task, "limit": limit}
    return [Rollout.of(row) for row in db.execute(_SQL.rollouts_of, asked)]


def steps(db: Db, rollout: Rollout) -> list[Row]:
    """In the order in which they were taken."""
    return db.execute(_SQL.steps_of, {"id": rollout.id}).fetchall()


def facts_of(
    db: Db, rollout: Rollout, plan: Plan, *, served: str | None, card: Card, now: datetime
) -> Facts:
    """What happened since the candidate is at its stage."""
    standing = rollout.standing
    scope = {
        "task": rollout.task,
        "version": standing.version,
        "since": standing.since,
        "rehearsal": rollout.rehearsal,
    }
    compared = _compared(db, scope)
    if standing.stage == "shadow":
        return Facts(served, compared)
    score_by_facts(db, card, _unscored(db, scope), rehearsal=rollout.rehearsal, now=now)
    sides = _sides(db, scope, plan)
    # At 100 % the champion answers no more: its calls of the stages before stand for it.
    before = NO_CALLS
    if standing.share >= 100 and (since := _canary_since(db, rollout)) is not None:
        before = _sides(db, {**scope, "since": since}, plan).get("champion", NO_CALLS)
    return Facts(
        served,
        compared,
        sides.get("challenger", NO_CALLS),
        sides.get("champion", NO_CALLS),
        before,
    )


def begin(
    db: Db,
    *,
    task: str,
    model_name: str,
    standing: Standing,
    campaigns: tuple[str, ...] | None,
    rehearsal: bool,
    by: str,
    why: str,
) -> Rollout:
    values = {
        "task": task,
        "model_name": model_name,
        "version": standing.version,
        "champion_version": standing.champion,
        "stage": standing.stage,
        "share": standing.share,
        "campaigns": None if campaigns is None else list(campaigns),
        "rehearsal": rehearsal,
        "by": by,
        "now": standing.since,
    }
    with db.transaction():
        row = db.execute(_SQL.begin, values).fetchone()
        assert row is not None
        rollout = Rollout.of(row)
        _note(db, rollout, "start", standing.stage, standing.share, why, {}, by, standing.since)
        clear_alert(db, rollout.alert, now=standing.since)
    return rollout


def move(
    db: Db,
    rollout: Rollout,
    stage: str,
    share: float,
    *,
    campaigns: tuple[str, ...] | None,
    why: str,
    evidence: Mapping[str, Any],
    by: str,
    now: datetime,
) -> Rollout:
    """On to its next stage; the counting begins anew."""
    values = {
        "id": rollout.id,
        "stage": stage,
        "share": share,
        "campaigns": None if campaigns is None else list(campaigns),
        "now": now,
    }
    with db.transaction():
        row = db.execute(_SQL.move, values).fetchone()
        assert row is not None
        _note(db, rollout, "advance", stage, share, why, evidence, by, now)
    return Rollout.of(row)


def finish(
    db: Db,
    rollout: Rollout,
    outcome: Outcome,
    *,
    why: str,
    evidence: Mapping[str, Any],
    by: str,
    now: datetime,
) -> None:
    """Ended, with the figures; a rollback also wants somebody's eye."""
    with db.transaction():
        db.execute(_SQL.finish, {"id": rollout.id, "outcome": outcome, "why": why, "now": now})
        _note(db, rollout, Ends[outcome], None, None, why, evidence, by, now)
        if outcome == "rolled_back":
            told = (
                f"{rollout.task} version {rollout.standing.version} was taken back: {why};"
                f" `voice-ai models rollout {rollout.task} --seen` puts this away"
            )
            raise_alert(db, rollout.alert, told, severity="page", now=now)


def note_look(db: Db, rollout: Rollout, decision: Decision, now: datetime) -> None:
    standing = {"kind": decision.kind, "why": decision.why, **decision.evidence}
    told = {"id": rollout.id, "standing": Jsonb(standing), "now": now}
    with db.transaction():
        db.execute(_SQL.note_look, told)


def _note(
    db: Db,
    rollout: Rollout,
    decision: str,
    stage: str | None,
    share: float | None,
    why: str,
    evidence: Mapping[str, Any],
    by: str,
    now: datetime,
) -> None:
    values = {
        "id": rollout.id,
        "decision": decision,
        "stage": stage,
        "share": share,
        "why": why,
        "evidence": Jsonb(dict(evidence)),
        "by": by,
        "now": now,
    }
    db.execute(_SQL.note_step, values)
    details = {"rollout": rollout.id, "stage": stage, "share": share, "why": why}
    action = f"model.rollout.{decision}"
    write_audit(db, actor=by, action=action, subject=rollout.subject, details=details, at=now)


def _compared(db: Db, scope: Mapping[str, Any]) -> Compared:
    row = db.execute(_SQL.compared, scope).fetchone()
    assert row is not None
    most = db.execute(_SQL.disagreements, {**scope, "most": _DIFFERENCES})
    apart = tuple((one["champion"], one["candidate"], one["turns"]) for one in most)
    return Compared(row["calls"], row["turns"], row["differ"], apart)


def _sides(db: Db, scope: Mapping[str, Any], plan: Plan) -> dict[str, Side]:
    asked = {**scope, "early_s": plan.early_s, "slow_ms": plan.slow_ms}
    return {
        row["slot"]: Side(row["calls"], {name: row[name] for name in GUARDRAILS}, row["p95_ms"])
        for row in db.execute(_SQL.arms, asked)
    }


def _unscored(db: Db, scope: Mapping[str, Any]) -> list[UUID]:
    return [row["id"] for row in db.execute(_SQL.unscored, {**scope, "most": _CONVERSATIONS})]


def _canary_since(db: Db, rollout: Rollout) -> datetime | None:
    """When its first canary stage began."""
    begun = (step["decided_at"] for step in steps(db, rollout) if step["stage"] == "canary")
    return next(begun, None)

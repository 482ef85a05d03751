"""The judge of rollouts: looks at every candidate in running calls and moves it on, or back.

Run every few minutes (and every few seconds in a rehearsal) by the flows process; any number of
judges may run, one at a time works.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from ml.candidates import Candidate
from ml.deploy import Champion
from ml.rollout import books
from ml.rollout.books import JUDGE, Rollout
from ml.rollout.decide import Decision, decide
from ml.rollout.moves import Moves
from ml.rollout.plan import Plan, plan_of
from voice_ai.context import Context
from voice_ai.db.connect import Db, connect
from voice_ai.errors import Refused, VoiceAIError
from voice_ai.qa.card import default_card
from voice_ai.settings import Settings
from voice_ai.store.alerts import clear_alert, raise_alert

log = structlog.get_logger(__name__)
_GONE = "its file was taken out of the home by hand"


@dataclass(frozen=True)
class Judge:
    """Works in one home, over one connection that commits by itself."""

    settings: Settings
    db: Db
    moves: Moves

    @classmethod
    def of(cls, settings: Settings, db: Db, actor: str = JUDGE) -> "Judge":
        return cls(settings, db, Moves(settings, actor))

    def look(self, now: datetime, *, wait: bool = False) -> list[dict[str, Any]]:
        """Judges what is under way; per rollout task, version, decision and why.

        An empty list also when another judge is at it.
        """
        with books.alone(self.db, wait=wait) as held:
            found = books.under_way(self.db) if held else []
            return [self._safely(rollout, now) for rollout in found]

    def _safely(self, rollout: Rollout, now: datetime) -> dict[str, Any]:
        """What cannot be judged is told, and the others are."""
        alert = f"{rollout.alert}.judge"
        try:
            look = self._one(rollout, now)
        except VoiceAIError as error:
            why = f"the rollout of {rollout.subject} cannot be judged: {error.message}"
            raise_alert(self.db, alert, why, severity="page", now=now)
            return {
                "task": rollout.task,
                "version": rollout.standing.version,
                "decision": "hold",
                "why": why,
            }
        clear_alert(self.db, alert, now=now)
        return look

    def _one(self, rollout: Rollout, now: datetime) -> dict[str, Any]:
        standing = rollout.standing
        placed = self.moves.placed(rollout.task, standing.stage)
        told = {"task": rollout.task, "version": standing.version}
        if placed is None or placed.version != standing.version:
            self.stop(rollout, why=_GONE, by=JUDGE, now=now)
            return {**told, "decision": "stop", "why": _GONE}
        plan = plan_of(rollout.task, rehearsal=rollout.rehearsal, home=self.settings.home)
        served = self.moves.served(rollout.task)
        facts = books.facts_of(self.db, rollout, plan, served=served, card=default_card(), now=now)
        decision = decide(plan, standing, facts, now)
        books.note_look(self.db, rollout, decision, now)
        if decision.kind == "roll_back":
            self._roll_back(rollout, decision, now)
        elif decision.kind == "stop":
            self.stop(rollout, why=decision.why, by=JUDGE, now=now)
        elif decision.kind == "advance":
            decision = self._advance(rollout, placed, decision, now)
        elif standing.stage == "canary":
            self.moves.mend(placed, standing.share)
        return {**told, "decision": decision.kind, "why": decision.why}

    def _roll_back(self, rollout: Rollout, decision: Decision, now: datetime) -> None:
        # Calls first: they are safe whatever the database and the registry do.
        self.moves.take_back(rollout.task)
        books.finish(
            self.db,
            rollout,
            "rolled_back",
            why=decision.why,
            evidence=decision.evidence,
            by=JUDGE,
            now=now,
        )
        log.error("candidate_rolled_back", task=rollout.task, version=rollout.standing.version)

    def _advance(
        self, rollout: Rollout, placed: Candidate, decision: Decision, now: datetime
    ) -> Decision:
        """What came of it: a version that may not become champion goes back."""
        told: dict[str, Any] = {
            "why": decision.why,
            "evidence": decision.evidence,
            "by": JUDGE,
            "now": now,
        }
        if decision.stage == "champion":
            try:
                self.moves.crown(rollout.task, rollout.standing.version, why=decision.why)
            except Refused as error:
                refused = Decision("roll_back", error.message, decision.evidence)
                self._roll_back(rollout, refused, now)
                return refused
            books.finish(self.db, rollout, "champion", **told)
            return decision
        assert decision.stage is not None
        pinned = Champion(placed.task, placed.version, placed.manifest_sha256)
        self.moves.answer(pinned, decision.share, rollout.campaigns)
        books.move(
            self.db,
            rollout,
            decision.stage,
            decision.share,
            campaigns=rollout.campaigns,
            **told,
        )
        return decision

    def stop(self, rollout: Rollout, *, why: str, by: str, now: datetime) -> None:
        """Calls go on with the champion; nothing is held against the candidate."""
        self.moves.take_back(rollout.task)
        books.finish(self.db, rollout, "stopped", why=why, evidence={}, by=by, now=now)


def judge_rollouts(context: Context) -> list[dict[str, Any]]:
    """One look at everything that is under way. Raises NotAvailable."""
    with connect(context.role_url("flows"), name="voice-ai rollouts", autocommit=True) as db:
        return Judge.of(context.settings, db).look(context.clock.now())


def plan_in_words(plan: Plan) -> str:
    """The stages, for people."""
    stages = " → ".join(f"{one.share:g} %" for one in plan.canary)
    return f"shadow ({plan.shadow.calls:,} calls) → {stages} → champion"

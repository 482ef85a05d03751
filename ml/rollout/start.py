"""People's side of a rollout: begin it in the shadow or in a canary, look at it, stop it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ml.rollout import books
from ml.rollout.books import Rollout
from ml.rollout.decide import Standing
from ml.rollout.judge import Judge, plan_in_words
from ml.rollout.plan import plan_of
from ml.tasks import find_task
from voice_ai.errors import BadInput, NotFound, Refused
from voice_ai.store.alerts import clear_alert

# Of these a running call writes down what was heard; the others show in nothing that is counted.
IN_CALLS = ("intent", "emotion", "opt_out")


@dataclass(frozen=True)
class Desk:
    """`by` is who asks."""

    judge: Judge
    by: str
    rehearsal: bool

    def shadow(self, task: str, version: str, *, now: datetime) -> Rollout:
        """It listens from now on. Raises NotFound, Refused."""
        return self._begin(task, version, "shadow", 0.0, None, now)

    def canary(
        self,
        task: str,
        version: str,
        share: float | None,
        campaigns: Sequence[str] | None,
        *,
        now: datetime,
    ) -> Rollout:
        """It answers from now on in `share` percent of the calls; None: the plan's first share.

        A version that listens already goes on from there. Raises NotFound, Refused, BadInput.
        """
        if share is not None and not 0 < share <= 100:
            raise BadInput("give a share above 0 and up to 100 percent of the calls", field="share")
        plan = plan_of(task, rehearsal=self.rehearsal, home=self.judge.settings.home)
        given = plan.canary[0].share if share is None else share
        touched = None if campaigns is None else tuple(campaigns)
        return self._begin(task, version, "canary", given, touched, now)

    def stop(self, task: str, *, why: str, now: datetime) -> Rollout:
        """Raises NotFound when nothing is under way."""
        find_task(task)
        with books.alone(self.judge.db, wait=True):
            found = books.under_way(self.judge.db, task)
            if not found:
                raise NotFound(f"no rollout of {task} is under way")
            self.judge.stop(found[0], why=why, by=self.by, now=now)
        return self._newest(task)

    def seen(self, task: str, *, now: datetime) -> bool:
        """Puts the alert of a rollback away; False when there was none."""
        return clear_alert(self.judge.db, books.alert_of(find_task(task).name), now=now)

    def show(self, task: str) -> dict[str, Any]:
        """The newest rollout of a task with its steps, and the plan it goes by."""
        find_task(task)
        plan = plan_of(task, rehearsal=self.rehearsal, home=self.judge.settings.home)
        told: dict[str, Any] = {
            "task": task,
            "serving": self.judge.moves.served(task),
            "plan": plan_in_words(plan),
            "rollout": None,
        }
        found = books.newest(self.judge.db, task)
        if found:
            told["rollout"] = _told(found[0])
            told["rollout"]["steps"] = books.steps(self.judge.db, found[0])
        return told

    def _champion(self, task: str, version: str) -> str:
        """What a candidate is held against. Raises Refused where running calls cannot tell."""
        if find_task(task).name not in IN_CALLS:
            raise Refused(
                f"running calls do not tell how a version of {task} does, they do of"
                f" {', '.join(IN_CALLS)}; `voice-ai models promote {task} {version}` serves it"
            )
        champion = self.judge.moves.served(task)
        if champion is None:
            raise Refused(
                f"{task} has no champion to hold a candidate against; `voice-ai models ensure`"
                " makes one"
            )
        return champion

    def _begin(
        self,
        task: str,
        version: str,
        stage: Literal["shadow", "canary"],
        share: float,
        campaigns: tuple[str, ...] | None,
        now: datetime,
    ) -> Rollout:
        db, moves = self.judge.db, self.judge.moves
        champion = self._champion(task, version)
        with books.alone(db, wait=True):
            pinned = moves.fetch(task, version)
            open_now = books.under_way(db, task)
            if open_now and open_now[0].standing.version != pinned.version:
                raise Refused(
                    f"{task} version {open_now[0].standing.version} is on its way;"
                    f" `voice-ai models stop-rollout {task}` ends that"
                )
            why = f"asked for by {self.by}"
            if open_now:
                if stage == "shadow":
                    raise Refused(f"{task} version {pinned.version} is on its way already")
                rollout = books.move(
                    db,
                    open_now[0],
                    stage,
                    share,
                    campaigns=campaigns,
                    why=why,
                    evidence=open_now[0].row["standing"] or {},
                    by=self.by,
                    now=now,
                )
            else:
                rollout = books.begin(
                    db,
                    task=task,
                    model_name=find_task(task).model_name,
                    standing=Standing(pinned.version, champion, stage, share, now),
                    campaigns=campaigns,
                    rehearsal=self.rehearsal,
                    by=self.by,
                    why=why,
                )
            if stage == "shadow":
                moves.listen(pinned)
            else:
                moves.answer(pinned, share, campaigns)
        return rollout

    def _newest(self, task: str) -> Rollout:
        return books.newest(self.judge.db, task)[0]


def _told(rollout: Rollout) -> dict[str, Any]:
    names = (
        "model_version",
        "champion_version",
        "stage",
        "share",
        "stage_since",
        "rehearsal",
        "started_by",
        "started_at",
        "looked_at",
        "standing",
        "outcome",
        "why",
        "ended_at",
    )
    return {"campaigns": rollout.campaigns, **{name: rollout.row[name] for name in names}}

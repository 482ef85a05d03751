"""Where every lead of a campaign stands, and why: one grouped reading of `campaign_leads`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import sqlalchemy as sa

from pipelines.report.palette import disposition_outcome

Part = Literal["all", "done", "refused", "calling", "waiting", "callable"]

# One scan, whatever the list's length; nothing of a lead itself leaves the database.
_STANDINGS = """
SELECT state, CASE WHEN state = 'done' THEN disposition END AS disposition,
       CASE WHEN state = 'ready' OR disposition IS NULL THEN decision_key END AS decision,
       state = 'ready' AND (next_allowed_at IS NULL OR next_allowed_at <= :now) AS due,
       attempts, count(*) AS leads, min(next_allowed_at) FILTER (WHERE state = 'ready') AS next_at
FROM campaign_leads WHERE campaign_id = :campaign GROUP BY 1, 2, 3, 4, 5
"""
_CAP = """
SELECT (v.config -> 'retries' ->> 'max_attempts')::int
FROM campaigns c JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
WHERE c.id = :campaign
"""


@dataclass(frozen=True)
class Standing:
    """Leads that stand alike."""

    state: str
    disposition: str | None
    decision: str | None
    due: bool
    attempts: int
    leads: int
    next_at: datetime | None


@dataclass(frozen=True)
class Step:
    """One bar: `leads` are taken from what is left at `before`; `code` says which or why."""

    part: Part
    code: str
    leads: int
    before: int
    next_at: datetime | None = None

    @property
    def after(self) -> int:
        return self.before - self.leads


@dataclass(frozen=True)
class Waterfall:
    """`at_cap` leads that are not done have no attempt left; `cap` None: the version says none."""

    steps: tuple[Step, ...]
    attempts: tuple[tuple[int, int], ...]
    cap: int | None
    at_cap: int

    def leads(self, part: Part) -> int:
        return sum(step.leads for step in self.steps if step.part == part)

    @property
    def next_at(self) -> datetime | None:
        return min((step.next_at for step in self.steps if step.next_at), default=None)


def read(connection: sa.Connection, campaign: UUID, now: datetime) -> Waterfall:
    scope = {"campaign": campaign}
    rows = connection.execute(sa.text(_STANDINGS), {**scope, "now": now})
    cap = connection.execute(sa.text(_CAP), scope).scalar_one_or_none()
    return waterfall([Standing(**row._mapping) for row in rows], cap)


def waterfall(standings: Sequence[Standing], cap: int | None) -> Waterfall:
    """All leads, less what is done, refused for good, being called and waiting; what is left may
    be called now."""
    counted: Counter[tuple[Part, str]] = Counter()
    times: dict[tuple[Part, str], datetime] = {}
    attempts: Counter[int] = Counter()
    at_cap = 0
    for one in standings:
        place = _place(one)
        counted[place] += one.leads
        attempts[one.attempts] += one.leads
        if cap is not None and one.attempts >= cap:
            at_cap += one.leads
        if place[0] == "waiting" and one.next_at is not None:
            times[place] = min(one.next_at, times.get(place, one.next_at))
    total = left = sum(counted.values())
    steps = [Step("all", "all", total, total)]
    parts: tuple[Part, ...] = ("done", "refused", "calling", "waiting")
    for part in parts:
        for place, leads in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
            if place[0] == part:
                steps.append(Step(part, place[1], leads, left, times.get(place)))
                left -= leads
    steps.append(Step("callable", "callable", left, left))
    return Waterfall(tuple(steps), tuple(sorted(attempts.items())), cap, at_cap)


def _place(one: Standing) -> tuple[Part, str]:
    if one.state == "done":
        if one.disposition is None:
            return "refused", one.decision or "unknown"
        return "done", disposition_outcome(one.disposition)
    if one.state == "calling":
        return "calling", "calling"
    if one.due:
        return "callable", "callable"
    # An attempt leaves the decision that allowed it: such a lead waits for its retry.
    waits = one.decision if one.decision not in (None, "ALLOW") else "RETRY_LATER"
    return "waiting", waits or "RETRY_LATER"

"""How fast a campaign goes now, and why not faster."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from voice_ai.campaigns import Pacing
from voice_ai.pacing.ramp import SHARES, TOP, calls_at_once

_MOST = 8
_PACE = """
SELECT c.rehearsal, v.config -> 'pacing' AS pacing, p.ramp_step, p.held_until, p.throttle,
       (SELECT count(*) FROM attempts a WHERE a.campaign_id = c.id AND a.state <> 'ended') AS live
FROM campaigns c
JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
LEFT JOIN campaign_pace p ON p.campaign_id = c.id
WHERE c.id = :campaign
"""
_CHANGES = """
SELECT at, kind, reason, figures, subject FROM pace_changes WHERE campaign_id = :campaign
ORDER BY at DESC, id DESC LIMIT :most
"""


@dataclass(frozen=True)
class Change:
    at: datetime
    kind: str
    reason: str
    figures: Mapping[str, Any]
    subject: int | None


@dataclass(frozen=True)
class Pace:
    """`now_most` calls at once of `full`; `step` None: it does not ramp up."""

    live: int
    now_most: int
    full: int
    calls_per_second: float
    step: int | None
    throttle: str | None
    held_until: datetime | None
    changes: tuple[Change, ...]

    @property
    def steps(self) -> int:
        return len(SHARES)


def pace(connection: sa.Connection, campaign: UUID) -> Pace | None:
    """None when the campaign is not there any more."""
    row = connection.execute(sa.text(_PACE), {"campaign": campaign}).one_or_none()
    if row is None:
        return None
    pacing = Pacing.model_validate(row.pacing or {})
    ramps = pacing.ramps(rehearsal=row.rehearsal)
    step = row.ramp_step or 0
    most = calls_at_once(
        pacing.max_concurrent, step if ramps else TOP, throttled=row.throttle is not None
    )
    found = connection.execute(sa.text(_CHANGES), {"campaign": campaign, "most": _MOST})
    return Pace(
        live=row.live,
        now_most=most,
        full=pacing.max_concurrent,
        calls_per_second=pacing.calls_per_second,
        step=step if ramps else None,
        throttle=row.throttle,
        held_until=row.held_until,
        changes=tuple(Change(**line._mapping) for line in found),
    )

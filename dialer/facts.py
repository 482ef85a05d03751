"""What the claim and the send gate know of a campaign and of its leads when they decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voice_ai.campaigns import Pacing, Schedule
from voice_ai.compliance import CampaignFacts, LeadFacts, Policy
from voice_ai.day_parts import Window
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.ids import AttemptId, CampaignId, NumberId
from voice_ai.retries import Person, turn_of

_SQL = queries("facts")
# A row of the query `lead_facts`.
Row = dict[str, Any]


@dataclass(frozen=True)
class StoredCampaign:
    """A running campaign as the claim and the gate see it."""

    id: CampaignId
    caller_ids: tuple[NumberId, ...]
    max_leads: int | None
    rehearsal: bool
    live: int
    facts: CampaignFacts
    policy: Policy
    pacing: Pacing
    detect_machines: bool


def stored_campaign(row: dict[str, Any]) -> StoredCampaign:
    """From a row of `running_campaigns`."""
    config = row["config"]
    schedule = Schedule.model_validate(config["schedule"])
    return StoredCampaign(
        id=row["id"],
        caller_ids=tuple(row["caller_ids"]),
        max_leads=row["max_leads"],
        rehearsal=row["rehearsal"],
        live=row["live"],
        facts=CampaignFacts(
            running=True,
            schedule_start=schedule.start,
            schedule_end=schedule.end,
            schedule_days=schedule.weekdays,
            max_attempts=int(config["retries"]["max_attempts"]),
        ),
        policy=Policy(max_attempts_24h=int(config["max_attempts_24h"])),
        pacing=Pacing.model_validate(config["pacing"]),
        detect_machines=bool(config["detect_machines"]),
    )


def lead_facts(row: dict[str, Any]) -> LeadFacts:
    """From a row of `lead_facts`; a person who was erased counts as suppressed."""
    return LeadFacts(
        zones=tuple(sorted(set(row["zones"]))),
        country=row["country"],
        suppressed=row["suppressed"] or row["erased"],
        consent=row["consent"],
        recent_dials=tuple(row["recent_dials"]),
        last_was_busy=row["last_was_busy"],
        attempts=row["attempts"],
        not_before=row["next_allowed_at"],
    )


async def read_facts(
    db: AsyncDb,
    campaign_id: CampaignId,
    lead_ids: Sequence[int],
    now: datetime,
    *,
    besides: AttemptId | None = None,
) -> list[Row]:
    """The facts of leads, in calling order; `besides` is an attempt not to count."""
    found = await db.execute(
        _SQL.lead_facts,
        {
            "campaign_id": campaign_id,
            "lead_ids": list(lead_ids),
            "now": now,
            "attempt_id": besides,
        },
    )
    return [{**row, "next_allowed_at": _not_before(row, now)} for row in await found.fetchall()]


def _not_before(row: Row, now: datetime) -> datetime | None:
    """A lead's own time, its cool-down after another campaign, and its turn of the day."""
    turn = None
    if row["rotate_from"] is not None:
        person = Person(tuple(row["zones"]), Window.of(row["schedule"], row["profile"]))
        turn = turn_of(row["rotate_from"], person, now)
    times = (row["next_allowed_at"], row["cool_until"], turn)
    return max((time for time in times if time is not None), default=None)


async def is_switched_off(
    db: AsyncDb, campaign_id: CampaignId, *, caller_id: NumberId | None = None
) -> bool:
    """Whether a kill switch stops this campaign or this caller id."""
    rows = await (await db.execute(_SQL.switches_on)).fetchall()
    stops = {("global", "*"), ("campaign", str(campaign_id)), ("caller_id", str(caller_id))}
    return any((row["kind"], row["key"]) in stops for row in rows)

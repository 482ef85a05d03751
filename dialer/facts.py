"""What the claim and the send gate know of a campaign and of its leads when they decide."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import AsyncCursor
from psycopg.rows import DictRow

from voice_ai.campaigns import Pacing, Schedule
from voice_ai.compliance import CampaignFacts, LeadFacts, OwnConsent, Policy
from voice_ai.compliance.facts import DEFAULT_COUNTRIES
from voice_ai.compliance.holidays import holiday_name
from voice_ai.compliance.packs import built_in
from voice_ai.day_parts import Window
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.ids import AttemptId, CampaignId, NumberId
from voice_ai.pacing.ramp import TOP, calls_at_once
from voice_ai.retries import Person, turn_of

_SQL = queries("facts")
Answer = AsyncCursor[DictRow]
# A row of the query `lead_facts`.
Row = dict[str, Any]


@dataclass(frozen=True)
class Pace:
    """How fast a campaign may go now (table campaign_pace)."""

    next_slot_at: datetime | None
    ramp_step: int
    ramp_since: datetime | None
    held_until: datetime | None
    throttle: str | None

    def holds(self, now: datetime) -> bool:
        return self.held_until is not None and self.held_until > now


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
    pace: Pace
    detect_machines: bool
    leaves_messages: bool = False

    @property
    def spares_caller_ids(self) -> bool:
        return self.pacing.is_limited(rehearsal=self.rehearsal)

    @property
    def ramps(self) -> bool:
        return self.pacing.ramps(rehearsal=self.rehearsal)

    @property
    def calls_at_once(self) -> int:
        """Its own cap, as far as its ramp and its throttle let it."""
        step = self.pace.ramp_step if self.ramps else TOP
        throttled = self.pace.throttle is not None
        return calls_at_once(self.pacing.max_concurrent, step, throttled=throttled)


def read_rules(now: datetime) -> None:
    """Reads rules and holidays before the first claim: in it they would make its intents old."""
    for calendar in built_in().calendars.values():
        for year in (now.year, now.year + 1):
            holiday_name(calendar, date(year, 1, 1))


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
            # Versions that were stored before these fields were known have the defaults.
            purpose=config.get("purpose", "telemarketing"),
            countries=tuple(config.get("countries", DEFAULT_COUNTRIES)),
            rehearsal=row["rehearsal"],
        ),
        policy=Policy(
            profile=config.get("policy", "strictest"),
            max_attempts_24h=int(config["max_attempts_24h"]),
        ),
        pacing=Pacing.model_validate(config["pacing"]),
        pace=Pace(
            next_slot_at=row["next_slot_at"],
            ramp_step=row["ramp_step"] or 0,
            ramp_since=row["ramp_since"],
            held_until=row["held_until"],
            throttle=row["throttle"],
        ),
        detect_machines=bool(config["detect_machines"]),
        leaves_messages=config.get("answering", {}).get("machine") == "leave_message",
    )


def lead_facts(row: dict[str, Any]) -> LeadFacts:
    """From a row of `lead_facts`; a person who was erased counts as suppressed."""
    switches = row["switches"] or ()
    return LeadFacts(
        zones=tuple(sorted(set(row["zones"]))),
        countries=tuple(sorted(set(filter(None, row["countries"])))),
        states=tuple(sorted(set(row["states"]))),
        suppressed=row["suppressed"] or row["erased"],
        list_consent=row["list_consent"],
        own_consents=tuple(
            OwnConsent(kind, purpose, datetime.fromisoformat(obtained_at))
            for kind, purpose, obtained_at in row["own_consents"] or ()
        ),
        line_type=row["line_type"],
        listed=tuple(row["listed"]),
        snapshots=tuple(
            (source, datetime.fromisoformat(taken_at))
            for source, taken_at in (row["snapshots"] or {}).items()
        ),
        stopped_countries=frozenset(key for kind, key in switches if kind == "country"),
        stopped_rules=frozenset(key for kind, key in switches if kind == "rule"),
        recent_dials=tuple(row["recent_dials"]),
        last_was_busy=row["last_was_busy"],
        attempts=row["attempts"],
        not_before=row["next_allowed_at"],
        rests_until=row["cool_until"],
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
    return await facts_of(await ask_facts(db, campaign_id, lead_ids, now, besides=besides), now)


async def ask_facts(
    db: AsyncDb,
    campaign_id: CampaignId,
    lead_ids: Sequence[int],
    now: datetime,
    *,
    besides: AttemptId | None = None,
) -> Answer:
    """For `facts_of`; apart from it, so that more can be asked in one trip."""
    return await db.execute(
        _SQL.lead_facts,
        {
            "campaign_id": campaign_id,
            "lead_ids": list(lead_ids),
            "now": now,
            "attempt_id": besides,
            "sources": list(built_in().sources),
        },
    )


async def facts_of(answer: Answer, now: datetime) -> list[Row]:
    return [{**row, "next_allowed_at": _not_before(row, now)} for row in await answer.fetchall()]


def _not_before(row: Row, now: datetime) -> datetime | None:
    """A lead's own time, and its turn of the day."""
    turn = None
    if row["rotate_from"] is not None:
        person = Person(tuple(row["zones"]), Window.of(row["schedule"], row["profile"]))
        turn = turn_of(row["rotate_from"], person, now)
    times = (row["next_allowed_at"], turn)
    return max((time for time in times if time is not None), default=None)


async def ask_switches(db: AsyncDb) -> Answer:
    """The kill switches that are on, for `is_stopped`."""
    return await db.execute(_SQL.switches_on)


def is_stopped(
    switches: Iterable[Row], campaign_id: CampaignId, *, caller_id: NumberId | None = None
) -> bool:
    """Whether a kill switch stops this campaign or this caller id.

    Switches for a country or a rule stop some leads only: they come with each lead's facts.
    """
    stops = {("global", "*"), ("campaign", str(campaign_id)), ("caller_id", str(caller_id))}
    return any((row["kind"], row["key"]) in stops for row in switches)

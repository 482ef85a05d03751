"""What the database tells a pre-flight, and a trial of the rules over the whole list."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

import structlog

from dialer.facts import StoredCampaign, lead_facts, read_facts, stored_campaign
from voice_ai import caller_id_health
from voice_ai.caller_id_health import RecentDial
from voice_ai.campaigns import Schedule
from voice_ai.clock import Clock
from voice_ai.compliance import CampaignFacts, Decision, Policy, decide
from voice_ai.conversation.graph import SLOT, Script
from voice_ai.conversation.prompts import templates
from voice_ai.conversation.script import check_script
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.ids import CampaignId
from voice_ai.pacing.caller_ids import Rate
from voice_ai.preflight.check import Failed
from voice_ai.preflight.experiment import ExperimentFacts
from voice_ai.preflight.law import LawFacts, Switch
from voice_ai.preflight.lists import SOON, DryRun, Import, Pace
from voice_ai.preflight.machines import DatabaseFacts
from voice_ai.preflight.vendors import CallerId, Forecast, Limits
from voice_ai.vault import Keyring

log = structlog.get_logger()
_SQL = queries("preflight")
_HEALTH = queries("health")
# Up to here every ready lead is asked about; of a longer list that many.
MOST_ASKED = 20_000
_AT_A_TIME = 2_000
# What was measured over fewer leads says nothing yet.
_LEAST_MEASURED = 50
# Dials that one lead costs [assumed, until the campaign has dialed].
_DIALS_PER_LEAD = 2.0
Row = dict[str, Any]


@dataclass(frozen=True)
class Read:
    """Everything that one reading of the database gives."""

    stored: StoredCampaign
    name: str
    state: str
    imports: tuple[Import, ...]
    dry_run: DryRun | Failed
    pace: Pace
    law: LawFacts
    switches: tuple[Switch, ...]
    caller_ids: Mapping[int, CallerId]
    numbers: Mapping[int, str]
    forecast: Forecast
    limits: Limits
    voice_id: str
    other_voice_id: str | None
    characters: int
    experiment: ExperimentFacts | None


async def read(
    db: AsyncDb, keyring: Keyring, campaign_id: CampaignId, account: str, now: datetime
) -> Read | None:
    """None when the campaign is gone."""
    row = await _one(db, _SQL.campaign, campaign_id=campaign_id)
    if row is None:
        return None
    stored = stored_campaign(row)
    run = await _dry_run(db, stored, now)
    measured = await _one(db, _SQL.minutes, campaign_id=campaign_id) or {}
    script, faults = check_script(row["script"], source=row["script_name"])
    leads = run.callable if isinstance(run, DryRun) else 0
    if stored.max_leads is not None:
        leads = min(leads, stored.max_leads)
    lines, numbers = await _caller_ids(db, keyring, row, now)
    return Read(
        stored=stored,
        name=row["name"],
        state=row["state"],
        imports=await _imports(db, row),
        dry_run=run,
        pace=_pace(row["config"], stored, measured),
        law=LawFacts(
            script, tuple(fault.message for fault in faults), stored.pacing.ring_timeout_s, run
        ),
        switches=tuple(Switch(**one) for one in await _all(db, _SQL.switches)),
        caller_ids=lines,
        numbers=numbers,
        forecast=await _forecast(db, leads, measured, now),
        limits=await _limits(db, stored, account),
        voice_id=row["config"]["voice"]["voice_id"],
        other_voice_id=row["config"]["voice"].get("other_voice_id"),
        characters=characters(script, leads) if script else 0,
        experiment=await _experiment(db, campaign_id, script),
    )


async def _all(db: AsyncDb, query: str, **values: Any) -> list[Row]:
    return await (await db.execute(query, values)).fetchall()


async def _one(db: AsyncDb, query: str, **values: Any) -> Row | None:
    return await (await db.execute(query, values)).fetchone()


async def _imports(db: AsyncDb, campaign: Row) -> tuple[Import, ...]:
    rows = await _all(db, _SQL.imports, list_id=campaign["list_id"])
    return tuple(Import(**row) for row in rows)


async def _dry_run(db: AsyncDb, campaign: StoredCampaign, now: datetime) -> DryRun | Failed:
    """Every ready lead through the rules, as if the campaign were running; nothing is written."""
    ready = await _one(db, _SQL.ready_leads, campaign_id=campaign.id)
    chosen = await _all(db, _SQL.some_ready_leads, campaign_id=campaign.id, most=MOST_ASKED)
    ids = [row["lead_id"] for row in chosen]
    facts = replace(campaign.facts, running=True, caller_id_ready=bool(campaign.caller_ids))
    decided: list[Decision] = []
    for begin in range(0, len(ids), _AT_A_TIME):
        rows = await read_facts(db, campaign.id, ids[begin : begin + _AT_A_TIME], now)
        try:
            decided += await asyncio.to_thread(_decide, rows, facts, now, campaign.policy)
        except Exception as error:  # rules that cannot be asked must not let a campaign start
            log.exception("preflight_rules")
            return Failed(f"the rules broke with {type(error).__name__}")
    return _counted(decided, int(ready["ready"]) if ready else 0, now, campaign.policy)


def _decide(
    rows: Sequence[Row], facts: CampaignFacts, now: datetime, policy: Policy
) -> list[Decision]:
    return [decide(lead_facts(row), facts, now, policy) for row in rows]


def _counted(decided: Sequence[Decision], ready: int, now: datetime, policy: Policy) -> DryRun:
    later = [one.next_allowed_at for one in decided if not one.allow and one.next_allowed_at]
    soon = sum(at <= now + SOON for at in later)
    allowed = sum(one.allow for one in decided)
    return DryRun(
        ready=ready,
        asked=len(decided),
        now=allowed,
        soon=soon,
        later=len(later) - soon,
        never=len(decided) - allowed - len(later),
        reasons=Counter(str(code) for one in decided for code in one.reasons),
        next_at=now if allowed else min(later, default=None),
        policy_hash=policy.sha256,
    )


def _pace(config: Row, campaign: StoredCampaign, measured: Row) -> Pace:
    schedule = Schedule.model_validate(config["schedule"])
    day = datetime.combine(datetime(2000, 1, 1).date(), schedule.start)
    hours = (datetime.combine(day.date(), schedule.end) - day) / timedelta(hours=1)
    leads, dials = measured.get("leads") or 0, measured.get("dials") or 0
    return Pace(
        max_concurrent=campaign.pacing.max_concurrent,
        calls_per_second=campaign.pacing.calls_per_second,
        hours_a_day=hours,
        days=schedule.weekdays,
        dials_per_lead=dials / leads if leads >= _LEAST_MEASURED else _DIALS_PER_LEAD,
    )


async def _caller_ids(
    db: AsyncDb, keyring: Keyring, campaign: Row, now: datetime
) -> tuple[dict[int, CallerId], dict[int, str]]:
    """The campaign's numbers as people named them, and opened, for the carrier to be asked."""
    ids, rehearsal = campaign["all_caller_ids"], campaign["rehearsal"]
    rows = await _all(db, _SQL.caller_ids, numbers=ids)
    dials: defaultdict[int, list[RecentDial]] = defaultdict(list)
    for row in await _all(db, _SQL.recent_dials, numbers=ids, rehearsal=rehearsal):
        dials[row.pop("line")].append(RecentDial(**row))
    asked = {"seller_id": campaign["seller_id"], "rehearsal": rehearsal, "now": now}
    pool = await _one(db, _SQL.pool, **asked) or {"n": 0, "answered": 0}
    others = Rate(pool["n"], pool["answered"])
    lines, numbers = {}, {}
    for row in rows:
        number_id, sealed = row.pop("number_id"), row.pop("number_sealed")
        health = caller_id_health.score(dials[number_id], others).score
        lines[number_id] = CallerId(**row, health=health, owned=None)
        if sealed is not None:
            numbers[number_id] = keyring.decrypt(sealed).decode()
    return lines, numbers


async def _forecast(db: AsyncDb, leads: int, measured: Row, now: datetime) -> Forecast:
    price = await _one(db, _SQL.price, now=now)
    known, minutes = measured.get("leads") or 0, measured.get("minutes")
    enough = known >= _LEAST_MEASURED and minutes is not None
    return Forecast(
        leads=leads,
        price=None if price is None else float(price["amount"]),
        currency="USD" if price is None else price["currency"],
        minutes_per_lead=minutes / known if enough and minutes else None,
        measured=known if enough else 0,
    )


async def _experiment(
    db: AsyncDb, campaign_id: CampaignId, script: Script | None
) -> ExperimentFacts | None:
    if script is None or script.experiment is None:
        return None
    plan = script.experiment
    about = {"experiment_id": uuid5(campaign_id, plan.name), "campaign_id": campaign_id}
    row = await _one(db, _SQL.experiment, **about)
    assert row is not None
    return ExperimentFacts(plan, **row)


async def _limits(db: AsyncDb, campaign: StoredCampaign, account: str) -> Limits:
    row = await _one(db, _SQL.limits, account=account) or {}
    return Limits(
        wants_concurrent=campaign.pacing.max_concurrent,
        wants_per_second=campaign.pacing.calls_per_second,
        most_concurrent=row.get("max_concurrent"),
        most_per_second=row.get("calls_per_second"),
    )


def characters(script: Script, leads: int) -> int:
    """What will be synthesised at most: what is the same in every call once, a lead's own
    sentences once for every lead."""
    once = each = 0
    for _, text in templates(script):
        slots = [script.slots[name] for name in SLOT.findall(text) if name in script.slots]
        if any(slot.scope != "campaign" for slot in slots):
            each += len(text)
        once += len(text)
    return once + each * leads


async def read_database(db: AsyncDb, clock: Clock) -> DatabaseFacts:
    """How the database is, measured from here."""
    before = datetime.now(UTC)
    clock_row = await _one(db, _SQL.clock)
    after = datetime.now(UTC)
    assert clock_row is not None
    middle = before + (after - before) / 2
    told = await _one(db, _SQL.database)
    assert told is not None
    alive = await _all(db, _HEALTH.alive_by_kind)
    return DatabaseFacts(
        latency_ms=(after - before).total_seconds() * 1000,
        connections=told["connections"],
        most_connections=told["most_connections"],
        skew_s=(clock_row["now"] - middle).total_seconds(),
        event_lag_s=await _event_lag(db, clock),
        alive={row["kind"]: row["n"] for row in alive},
        stray_events=told["stray_events"],
    )


async def _event_lag(db: AsyncDb, clock: Clock) -> float | None:
    """The longest time between one of the last events and its row, in real seconds: events carry
    the clock's time, their rows the database's own."""
    now, real = clock.now(), datetime.now(UTC)
    rows = await _all(db, _SQL.recent_events, now=now)
    lags = [
        (row["recorded_at"] - (real - (now - row["occurred_at"]) / clock.speed)).total_seconds()
        for row in rows
    ]
    return max(lags, default=None)

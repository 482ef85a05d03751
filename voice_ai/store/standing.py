"""Where a campaign and its leads stand, read for `voice_ai.standing` to be put in words."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from voice_ai.day_parts import Window
from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import NotFound
from voice_ai.ids import CampaignId
from voice_ai.retries import Person, RetryPolicy, callback_moment
from voice_ai.standing import CampaignNext, LeadNext, Score, Waiting, forecast, outlook
from voice_ai.vault import Keyring

_SQL = queries("standing")
# A page reads through another connection than a command does.
Fetch = Callable[[str, dict[str, Any]], list[Row]]
_PACE_OVER = timedelta(hours=1)


def fetching(db: Db) -> Fetch:
    return lambda query, values: db.execute(query, values).fetchall()


def campaign_next(fetch: Fetch, campaign_id: CampaignId, now: datetime) -> CampaignNext:
    """Three statements, whatever the list's length. Raises NotFound."""
    place = {"campaign_id": campaign_id, "now": now}
    found = fetch(_SQL.campaign_facts, {**place, "since": now - _PACE_OVER})
    if not found:
        raise NotFound("this campaign is no longer there")
    facts, waits = found[0], fetch(_SQL.leads_by_wait, place)
    zones = fetch(_SQL.ready_by_zones, place)
    window = Window.of(facts["schedule"], facts["profile"])
    opens = [(row, window.next(row["zones"], now)) for row in zones if row["due"]]
    callable_now = sum(row["due"] for row, at in opens if at == now)
    by_state = {row["what"]: row for row in waits}
    ready = [row for row in waits if row["what"] not in ("done", "calling")]
    times = [row["first_at"] for row in ready] + [at for _, at in opens if at != now]
    soonest = min((at for at in times if at is not None), default=None)
    return CampaignNext(
        campaign=facts["name"],
        state=facts["state"],
        now=now,
        leads=sum(row["leads"] for row in waits),
        done=_leads(by_state.get("done")),
        calling=_leads(by_state.get("calling")),
        ready=sum(row["leads"] for row in ready),
        callable_now=callable_now,
        closed_now=sum(row["due"] for row, _ in opens) - callable_now,
        resumes_at=soonest if callable_now == 0 and facts["state"] == "running" else None,
        dialers=facts["dialers"],
        switches=tuple(facts["switches"]),
        waiting=tuple(
            Waiting(row["what"], row["leads"], row["due"], row["first_at"], row["last_at"])
            for row in ready
        ),
        forecast=_forecast(facts, by_state.get("done"), ready, zones, window, now),
    )


def _forecast(
    facts: Row,
    done: Row | None,
    ready: list[Row],
    zones: list[Row],
    window: Window,
    now: datetime,
) -> Any:
    # The hour is shorter for a campaign that began to dial within it.
    first = facts["first_dial"]
    began = max(now - _PACE_OVER, first) if first is not None else now
    return forecast(
        dials=facts["dials"],
        running=max(now - began, timedelta(minutes=1)),
        ready=sum(row["leads"] for row in ready),
        dials_of_ready=sum(row["dials"] for row in ready),
        done=done["dialed"] if done else 0,
        dials_of_done=done["dials"] if done else 0,
        zones=zones[0]["zones"] if zones else (),
        window=window,
        now=now,
        last_at=max((row["last_at"] for row in ready if row["last_at"]), default=None),
    )


def lead_next(fetch: Fetch, campaign_id: CampaignId, lead_id: int, now: datetime) -> LeadNext:
    """Raises NotFound when the campaign does not call this lead."""
    place = {"campaign_id": campaign_id, "lead_id": lead_id}
    found = fetch(_SQL.lead_in_campaign, place)
    if not found:
        raise NotFound(f"lead {lead_id} is not in this campaign; `voice-ai leads show {lead_id}`")
    row = found[0]
    dials, decisions = fetch(_SQL.attempts_of_lead, place), fetch(_SQL.last_decision, place)
    policy = RetryPolicy.stored(row["policy"])
    person = Person(tuple(row["zones"]), Window.of(row["schedule"], row["profile"]))
    due = callback_moment(row["next_allowed_at"] or now, person, now)
    open_ = row["state"] == "ready" and not row["suppressed"]
    return LeadNext(
        campaign=row["campaign"],
        campaign_state=row["campaign_state"],
        lead_id=lead_id,
        person=row["person"],
        zones=tuple(dict.fromkeys(row["zones"])),
        state=row["state"],
        attempts=row["attempts"],
        max_attempts=policy.max_attempts,
        disposition=row["disposition"],
        next_allowed_at=row["next_allowed_at"],
        callback_at=row["callback_at"],
        callback_by=row["callback_by"],
        suppressed=row["suppressed"] or row["erased"],
        decision=decisions[0] if decisions else None,
        dials=tuple(dials),
        outlook=outlook(dials, due, person, policy, str(lead_id)) if open_ else (),
        now=now,
        score=_score(row),
    )


def _score(row: Row) -> Score | None:
    if row["chance"] is None:
        return None
    return Score(
        chance=row["chance"],
        rule=row["rule"],
        model_version=row["model_version"],
        day=row["slot_day"],
        hour=row["slot_hour"],
        arm=row["slot_arm"],
    )


def lead_of(db: Db, keyring: Keyring, campaign_id: CampaignId, lead: str) -> int:
    """From an id or a phone number to the campaign's lead. Raises BadInput, NotFound."""
    from voice_ai.store.leads import leads_of_number  # loads the rules for numbers

    if lead.isdigit() and len(lead) < 10:
        return int(lead)
    ids = leads_of_number(db, keyring, lead)
    for lead_id in ids:
        rows = db.execute(_SQL.campaigns_of_lead, {"lead_id": lead_id}).fetchall()
        if any(row["campaign_id"] == campaign_id for row in rows):
            return lead_id
    raise NotFound(
        "no lead of this campaign has this phone number; `voice-ai leads show` says more"
    )


def campaigns_of_lead(fetch: Fetch, lead_id: int) -> list[tuple[CampaignId, str]]:
    """The campaigns that call it, the newest first."""
    rows = fetch(_SQL.campaigns_of_lead, {"lead_id": lead_id})
    return [(CampaignId(UUID(str(row["campaign_id"]))), row["name"]) for row in rows]


def ledger(
    db: Db,
    campaign_id: CampaignId,
    *,
    reason: str | None = None,
    lead_id: int | None = None,
    since: datetime | None = None,
    limit: int = 50,
) -> list[Row]:
    """Decisions, the newest first."""
    values = {"reason": reason, "lead_id": lead_id, "since": since, "limit": limit}
    return db.execute(_SQL.ledger, {"campaign_id": campaign_id, **values}).fetchall()


def _leads(row: Mapping[str, Any] | None) -> int:
    return int(row["leads"]) if row else 0

"""Claim and permit: which leads are dialed next, decided and intended in one transaction.

Locking the account's pace row first makes the counts exact over all workers: live calls, slots per
second and the leads taken are all read and written under it. An intent that is committed here
already occupies its number (unique live attempt), its place under the cap and its slot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from dialer.facts import (
    Row,
    StoredCampaign,
    ask_switches,
    is_stopped,
    lead_facts,
    read_facts,
    stored_campaign,
)
from dialer.intents import Intent, commit_intents
from dialer.ledger import write_decisions
from dialer.pool import CallerIdPool, read_pool
from voice_ai.calls import spacing_of
from voice_ai.compliance import CampaignFacts, Decision, decide
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.ids import AttemptId, LeadId, NumberId, WorkerId
from voice_ai.pacing.caller_ids import choose as choose_caller_id
from voice_ai.pacing.slots import Demand, most_slots, share_slots

_SQL = queries("claims")
_PACING = queries("pacing")
# Slots are handed out at most this far ahead: an intent must still be fresh when it is sent.
HORIZON = timedelta(milliseconds=500)
# How many leads a claim looks at: some more than there is room for, since a lock is written like a
# change; and many when too few of those may be called, since refused ones are put off in the set.
SPARE = 20
_LOOK_AT = 200
_ASK_AGAIN = timedelta(days=1)
_NO_LIMIT = 1_000_000


@dataclass(frozen=True)
class Chosen:
    """A lead that may be dialed, and the number it would see."""

    row: Row
    decision: Decision
    caller_id: NumberId


async def claim(
    db: AsyncDb, *, account: str, worker_id: WorkerId, rehearsal: bool, now: datetime
) -> list[tuple[Intent, StoredCampaign]]:
    """Commits the intents that fit now under every cap, over all workers. One transaction.

    Each campaign first says what it could dial; then the account's slots are shared out, so that a
    campaign with nothing to dial keeps no slot from another.
    """
    async with db.transaction():
        pace, campaigns, switches = await _lock_pace(db, account, now, rehearsal=rehearsal)
        if not campaigns:
            return []
        first, until = max(pace.next_slot_at, now), now + HORIZON
        room = min(most_slots(first, pace.spacing, until), pace.room)
        turn = Turn(now, first, room, switches, await read_pool(db, campaigns, now))
        offers = [
            offer
            for campaign in campaigns
            if (offer := await _offer(db, campaign, turn)) is not None
        ]
        slots = share_slots(
            [offer.demand for offer in offers],
            first=first,
            spacing=pace.spacing,
            room=room,
            until=until,
        )
        taken: list[tuple[Intent, StoredCampaign]] = []
        async with db.pipeline():
            for offer in offers:
                intents = [
                    _intent(one, offer.campaign, now, slot)
                    for one, slot in offer.slotted(slots[offer.campaign.id])
                ]
                if intents:
                    # More may have been chosen than got a slot: the first ones did.
                    decided = [(one.row, one.decision) for one in offer.chosen[: len(intents)]]
                    await commit_intents(db, offer.campaign, worker_id, now, intents, decided)
                    taken += [(intent, offer.campaign) for intent in intents]
            if taken:
                await _move_paces(db, account, pace, offers, slots)
    return taken


@dataclass(frozen=True)
class AccountPace:
    """What the carrier account may do now, over all campaigns and workers."""

    next_slot_at: datetime
    spacing: timedelta
    room: int


@dataclass(frozen=True)
class Turn:
    """What the campaigns of one claim share and use up: room, caller ids, numbers to dial."""

    now: datetime
    first: datetime
    room: int
    switches: Sequence[Row]
    pool: CallerIdPool
    numbers: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Offer:
    """What one campaign could dial now, the first choice first."""

    campaign: StoredCampaign
    chosen: list[Chosen]
    demand: Demand

    def slotted(self, slots: Sequence[datetime]) -> list[tuple[Chosen, datetime]]:
        return list(zip(self.chosen, slots, strict=False))


async def _lock_pace(
    db: AsyncDb, account: str, now: datetime, *, rehearsal: bool
) -> tuple[AccountPace, list[StoredCampaign], list[Row]]:
    """From here to the commit nobody else claims for this account. Also the switches that are on.

    In one trip: the statements run one after another, those behind the lock when it is held.
    """
    about = {"account": account, "now": now, "rehearsal": rehearsal}
    async with db.pipeline():
        await db.execute(_SQL.open_pace, about)
        locked = await db.execute(_SQL.lock_pace, about)
        found = await db.execute(_SQL.running_campaigns, about)
        limited = await db.execute(_PACING.account_limits, about)
        counted = await db.execute(_PACING.live_in_all, about)
        switched = await ask_switches(db)
    row, live = await locked.fetchone(), await counted.fetchone()
    assert row is not None
    assert live is not None
    limits, switches = await limited.fetchone(), await switched.fetchall()
    campaigns = [stored_campaign(line) for line in await found.fetchall()]
    if new := [one.id for one in campaigns if one.pace.next_slot_at is None]:
        await db.execute(_PACING.begin_pace, {"campaign_ids": new, "now": now, "anew": False})
    most = limits["max_concurrent"] if limits else None
    # Without a limit of its own the account goes as fast as the fastest of its campaigns.
    a_second = (limits and limits["calls_per_second"]) or max(
        (one.pacing.calls_per_second for one in campaigns), default=1.0
    )
    room = _NO_LIMIT if most is None else max(0, most - live["live"])
    return AccountPace(row["next_slot_at"], spacing_of(a_second), room), campaigns, switches


async def _offer(db: AsyncDb, campaign: StoredCampaign, turn: Turn) -> Offer | None:
    """What this campaign could dial if the account had room for it alone; None: nothing."""
    now, spacing = turn.now, spacing_of(campaign.pacing.calls_per_second)
    begins = max(campaign.pace.next_slot_at or now, turn.first)
    fit = most_slots(begins, spacing, now + HORIZON)
    room = min(turn.room, fit, campaign.calls_at_once - campaign.live)
    if room <= 0 or campaign.pace.holds(now):
        return None
    fresh_left = await _fresh_left(db, campaign)
    chosen: list[Chosen] = []
    seen: set[int] = set()
    for many in (room + SPARE, _LOOK_AT):
        left = None if fresh_left is None else fresh_left - _begun(chosen)
        most = len(seen) + many
        found = await _ready(db, campaign, now, fresh=left is None or left > 0, limit=most)
        part = replace(turn, room=room - len(chosen))
        ready = [lead_id for lead_id in found if lead_id not in seen]
        chosen += await _choose_of(db, campaign, ready, part, left)
        seen.update(ready)
        if len(chosen) == room or len(found) < most:
            break
    if not chosen:
        return None
    return Offer(campaign, chosen, Demand(campaign.id, len(chosen), begins, spacing))


async def _choose_of(
    db: AsyncDb, campaign: StoredCampaign, ready: list[int], turn: Turn, fresh_left: int | None
) -> list[Chosen]:
    """Those of the locked leads to dial; the refused ones are put off."""
    facts = replace(campaign.facts, switched_off=is_stopped(turn.switches, campaign.id))
    chosen: list[Chosen] = []
    refused: list[tuple[Row, Decision]] = []
    at_once = max(SPARE, turn.room)
    # Facts are read of as many as there is room for; of more when some of those are refused.
    while ready and len(chosen) < turn.room:
        some, ready = ready[:at_once], ready[at_once:]
        rows = await read_facts(db, campaign.id, some, turn.now)
        shown = await _last_shown(db, campaign, rows)
        part = replace(turn, room=turn.room - len(chosen))
        left = None if fresh_left is None else fresh_left - _begun(chosen)
        more, against = choose(rows, part, facts, campaign, left, shown)
        chosen, refused = chosen + more, refused + against
    await _put_off(db, campaign, refused, turn.now)
    return chosen


def choose(
    rows: Sequence[Row],
    turn: Turn,
    facts: CampaignFacts,
    campaign: StoredCampaign,
    fresh_left: int | None,
    last_shown: Mapping[int, int],
) -> tuple[list[Chosen], list[tuple[Row, Decision]]]:
    """Decides in order until the room is filled: those to dial, and those refused."""
    chosen: list[Chosen] = []
    refused: list[tuple[Row, Decision]] = []
    usable = turn.pool.usable(campaign, turn.now)
    facts, without = replace(facts, caller_id_ready=True), replace(facts, caller_id_ready=False)
    for row in rows:
        if len(chosen) == turn.room:
            break
        late = not row["started"] and fresh_left is not None and fresh_left <= 0
        # Another campaign of this claim may be about to dial the same number.
        if late or row["number_id"] in turn.numbers:
            continue
        caller = choose_caller_id(
            usable,
            lead_id=row["lead_id"],
            lead_states=frozenset(row["states"]),
            lead_country=next(filter(None, row["countries"]), None),
            last_shown=last_shown.get(row["lead_id"]),
        )
        about = facts if caller is not None else without
        decision = decide(lead_facts(row), about, turn.now, campaign.policy)
        if not decision.allow or caller is None:
            refused.append((row, decision))
            continue
        if not row["started"] and fresh_left is not None:
            fresh_left -= 1
        turn.pool.take(caller.number_id)
        if not turn.pool.is_usable(caller.number_id, campaign, turn.now):
            usable = [one for one in usable if one.number_id != caller.number_id]
        turn.numbers.add(row["number_id"])
        chosen.append(Chosen(row, decision, NumberId(caller.number_id)))
    return chosen, refused


async def _last_shown(db: AsyncDb, campaign: StoredCampaign, rows: Sequence[Row]) -> dict[int, int]:
    started = [row["lead_id"] for row in rows if row["started"]]
    if not started:
        return {}
    found = await db.execute(_PACING.last_shown, {"campaign_id": campaign.id, "lead_ids": started})
    return {row["lead_id"]: row["caller_id_number"] for row in await found.fetchall()}


async def _move_paces(
    db: AsyncDb,
    account: str,
    pace: AccountPace,
    offers: Sequence[Offer],
    slots: Mapping[UUID, Sequence[datetime]],
) -> None:
    used = [(offer, slots[offer.campaign.id]) for offer in offers if slots[offer.campaign.id]]
    await db.execute(
        _PACING.move_campaign_pace,
        {
            "campaign_ids": [offer.campaign.id for offer, _ in used],
            "nexts": [at[-1] + offer.demand.spacing for offer, at in used],
        },
    )
    last = max(at[-1] for _, at in used)
    await db.execute(_SQL.move_pace, {"account": account, "next": last + pace.spacing})


async def _fresh_left(db: AsyncDb, campaign: StoredCampaign) -> int | None:
    if campaign.max_leads is None:
        return None
    row = await (await db.execute(_SQL.leads_started, {"campaign_id": campaign.id})).fetchone()
    assert row is not None
    return max(0, campaign.max_leads - int(row["started"]))


def _begun(chosen: Sequence[Chosen]) -> int:
    return sum(not one.row["started"] for one in chosen)


async def _ready(
    db: AsyncDb, campaign: StoredCampaign, now: datetime, *, fresh: bool, limit: int
) -> list[int]:
    """Leads that this claim has locked, in calling order."""
    locked = await (
        await db.execute(
            _SQL.lock_ready_leads,
            {"campaign_id": campaign.id, "now": now, "fresh": fresh, "limit": limit},
        )
    ).fetchall()
    return [row["lead_id"] for row in locked]


def _intent(one: Chosen, campaign: StoredCampaign, now: datetime, at: datetime) -> Intent:
    return Intent(
        attempt_id=AttemptId(uuid4()),
        campaign_id=campaign.id,
        lead_id=LeadId(one.row["lead_id"]),
        number_id=NumberId(one.row["number_id"]),
        attempt_no=int(one.row["last_attempt_no"]) + 1,
        caller_id=one.caller_id,
        intended_at=now,
        slot_at=at,
    )


async def _put_off(
    db: AsyncDb, campaign: StoredCampaign, refused: list[tuple[Row, Decision]], now: datetime
) -> None:
    """Refused leads get their next time, and a ledger row when the answer is a new one."""
    if not refused:
        return
    await db.execute(
        _SQL.put_off,
        {
            "campaign_id": campaign.id,
            "now": now,
            "lead_ids": [row["lead_id"] for row, _ in refused],
            "nexts": [decision.next_allowed_at or now + _ASK_AGAIN for _, decision in refused],
            "keys": [decision.key for _, decision in refused],
            "finals": [decision.final for _, decision in refused],
        },
    )
    news = [
        (row, decision, None) for row, decision in refused if row["decision_key"] != decision.key
    ]
    await write_decisions(db, campaign.id, news, "claim", now, rehearsal=campaign.rehearsal)

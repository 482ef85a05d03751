"""The decision itself: pure, total, and where anything is not known the answer is no.

Every rule of every place in which the party may be is asked, in every zone in which they may be.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from voice_ai.compliance.codes import is_place
from voice_ai.compliance.facts import (
    REHEARSAL_CONSENT,
    CampaignFacts,
    Decision,
    LeadFacts,
    Reason,
)
from voice_ai.compliance.rules import Consent, OutsideList
from voice_ai.compliance.terms import (
    RULE_REASONS,
    Policy,
    Terms,
    openings_of,
    terms_of,
)
from voice_ai.compliance.windows import interval_of, zone_of

# Nobody knows when these end. What a person switches is asked about soon, so that a campaign is
# not idle long after it may go on.
_ASK_SOON = timedelta(minutes=1)
_ASK_AGAIN = timedelta(hours=1)
_DAY = timedelta(hours=24)
# Each round of looking for the next moment passes at least one rule's end.
_ROUNDS = 50

# A reason, and until when it holds at least; None: for ever.
Wait = tuple[Reason, datetime | None]


def decide(lead: LeadFacts, campaign: CampaignFacts, now: datetime, policy: Policy) -> Decision:
    """Every rule is asked, so that the ledger names every reason; no answer means no call."""
    terms = _terms(lead, campaign, now, policy)
    waits = [
        *_standing(lead, campaign, now, terms),
        *_frequency(lead, now, terms),
        *_hours(lead, campaign, now, terms),
    ]
    if not waits:
        return Decision(True, (), None, terms.policy_hash)
    return Decision(
        allow=False,
        reasons=tuple(dict.fromkeys(reason for reason, _ in waits)),
        next_allowed_at=_next_allowed(waits, lead, campaign, now, policy),
        policy_hash=terms.policy_hash,
    )


def _terms(lead: LeadFacts, campaign: CampaignFacts, now: datetime, policy: Policy) -> Terms:
    day = now.astimezone(UTC).date()
    return terms_of(policy, campaign.purpose, lead.countries, lead.states, campaign.countries, day)


def _standing(
    lead: LeadFacts, campaign: CampaignFacts, now: datetime, terms: Terms
) -> Iterator[Wait]:
    """What waiting does not cure, or nobody knows when it will."""
    soon = now + _ASK_SOON
    if not campaign.running:
        yield Reason.CAMPAIGN_NOT_RUNNING, soon
    if campaign.switched_off or _stopped(lead, terms):
        yield Reason.SWITCHED_OFF, soon
    if not campaign.caller_id_ready:
        yield Reason.CALLER_ID_MISSING, soon
    if lead.suppressed:
        yield Reason.DNC_INTERNAL, None
    if lead.attempts >= campaign.max_attempts:
        yield Reason.ATTEMPTS_EXHAUSTED, None
    yield from _place(lead, now, terms)
    consent = _consent(lead, campaign, now, terms)
    if consent is not None:
        yield consent, now + _ASK_AGAIN
    if terms.lists and not campaign.rehearsal:
        yield from _outside_lists(lead, campaign, now, terms)


def _place(lead: LeadFacts, now: datetime, terms: Terms) -> Iterator[Wait]:
    if terms.places.not_allowed:
        yield Reason.COUNTRY_NOT_ALLOWED, None
    if terms.places.unknown:
        yield Reason.PLACE_UNKNOWN, now + _DAY
    if lead.line_type in terms.refused_types:
        yield Reason.NUMBER_TYPE, None
    if terms.banned:
        yield Reason.AUTOMATED_BANNED, None


def _stopped(lead: LeadFacts, terms: Terms) -> bool:
    """By a switch for a country, for a rule's id, or for a reason.

    A rule's switch stops the calls that the rule governs; one that names nothing known stops all
    calls, because somebody wanted calls to stop.
    """
    if not lead.stopped_countries and not lead.stopped_rules:
        return False
    here = {*lead.countries, *lead.states, *terms.places.jurisdictions}
    return any(code in here or not is_place(code) for code in lead.stopped_countries) or any(
        key in terms.rule_ids
        or key in terms.reasons
        or (key not in terms.book.ids and key not in RULE_REASONS)
        for key in lead.stopped_rules
    )


def _consent(
    lead: LeadFacts, campaign: CampaignFacts, now: datetime, terms: Terms
) -> Reason | None:
    """Consent is needed everywhere, and of a kind that each of the places accepts."""
    if lead.list_consent == REHEARSAL_CONSENT:
        if campaign.rehearsal:
            return None
        attested = frozenset[str]()
    else:
        attested = frozenset({lead.list_consent} if lead.list_consent else ())
    if not attested and not _own_kinds(lead, campaign, now, None):
        return Reason.CONSENT_MISSING
    for asked in terms.consents:
        kinds = attested | _own_kinds(lead, campaign, now, asked)
        if kinds.isdisjoint(asked.kinds):
            return Reason.CONSENT_KIND
    return None


def _own_kinds(
    lead: LeadFacts, campaign: CampaignFacts, now: datetime, asked: Consent | None
) -> frozenset[str]:
    """What the person said for themselves; for telemarketing only what was said for that."""
    if not lead.own_consents:
        return frozenset()
    days = asked.max_age_days if asked is not None else None
    oldest = None if days is None else now - timedelta(days=days)
    return frozenset(
        own.kind
        for own in lead.own_consents
        if own.obtained_at <= now
        and (oldest is None or own.obtained_at > oldest)
        and (campaign.purpose == "informational" or own.purpose == "telemarketing")
    )


def _outside_lists(
    lead: LeadFacts, campaign: CampaignFacts, now: datetime, terms: Terms
) -> Iterator[Wait]:
    own = _own_kinds(lead, campaign, now, None)
    for rule in terms.lists:
        if not own.isdisjoint(rule.exempt_kinds):
            continue
        if rule.source in lead.listed:
            yield Reason.DNC_LISTED, None
        if _stale(lead, rule, now):
            yield Reason.SNAPSHOT_STALE, now + _ASK_AGAIN


def _stale(lead: LeadFacts, rule: OutsideList, now: datetime) -> bool:
    if rule.max_age_days is None:
        return False
    newest = max((taken for source, taken in lead.snapshots if source == rule.source), default=None)
    return newest is None or now - newest >= timedelta(days=rule.max_age_days)


def _frequency(lead: LeadFacts, now: datetime, terms: Terms) -> Iterator[Wait]:
    if lead.not_before is not None and lead.not_before > now:
        yield Reason.RETRY_LATER, lead.not_before
    if lead.rests_until is not None and lead.rests_until > now:
        yield Reason.COOL_DOWN, lead.rests_until
    dials = lead.recent_dials
    if not dials:
        return
    for most, span, reason in terms.caps:
        within = [dial for dial in dials if dial > now - span]
        if len(within) >= most:
            yield reason, _bounded(within[most - 1] + span, terms)
    gap = terms.gap_after_busy if lead.last_was_busy else terms.gap
    if dials[0] > now - gap:
        yield Reason.FREQ_GAP, _bounded(dials[0] + gap, terms)


def _bounded(until: datetime, terms: Terms) -> datetime:
    """Other rules may hold before the wait is over: then it is asked again."""
    return until if terms.until is None else min(until, terms.until)


def _hours(lead: LeadFacts, campaign: CampaignFacts, now: datetime, terms: Terms) -> Iterator[Wait]:
    for order in terms.suspensions:
        if order.starts <= now < order.ends:
            yield Reason.SUSPENDED, order.ends
    if not lead.zones:
        yield Reason.TZ_UNKNOWN, now + _DAY
        return
    schedule = (campaign.schedule_start, campaign.schedule_end, campaign.schedule_days)
    try:
        opens = openings_of(lead.zones, terms.hours, schedule, holidays=True).next(now)
    except KeyError:
        yield Reason.TZ_UNKNOWN, now + _DAY
        return
    if opens == now:
        return
    holiday = _is_holiday(lead, now, terms)
    weekly = openings_of(lead.zones, terms.hours, schedule, holidays=False)
    if not holiday or weekly.next(now) != now:
        yield Reason.HOURS_CLOSED, opens
    if holiday:
        yield Reason.HOLIDAY, opens


def _is_holiday(lead: LeadFacts, now: datetime, terms: Terms) -> bool:
    """Whether some place has a holiday in some zone, and is closed now because of it."""
    for name in lead.zones:
        zone = zone_of(name)
        day = now.astimezone(zone).date()
        for span in terms.hours.on_holiday(day):
            interval = None if span is None else interval_of(zone, day, span)
            if interval is None or not interval[0] <= now < interval[1]:
                return True
    return False


def _next_allowed(
    waits: list[Wait], lead: LeadFacts, campaign: CampaignFacts, now: datetime, policy: Policy
) -> datetime | None:
    """The first moment at which no rule that waiting cures is in the way; None: never."""
    at = now
    for _ in range(_ROUNDS):
        if any(until is None for _, until in waits):
            return None
        at = max(until for _, until in waits if until is not None)
        terms = _terms(lead, campaign, at, policy)
        waits = [*_frequency(lead, at, terms), *_hours(lead, campaign, at, terms)]
        if not waits or any(reason is Reason.TZ_UNKNOWN for reason, _ in waits):
            break
    return at

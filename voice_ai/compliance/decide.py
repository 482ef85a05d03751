"""The decision itself.

First rules: the federal window (8 a.m. to 9 p.m. at the called party's location, 47 CFR
64.1200(c)(1) and 16 CFR 310.4(c)) in every candidate zone, consent, suppression, kill switches,
and the frequency cap that satisfies every state that has one (three in 24 hours, four hours apart).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from voice_ai.compliance.windows import next_open

_DAY = timedelta(hours=24)


class Reason(StrEnum):
    """Stable codes; they become ledger rows, a chart and a metric label."""

    CAMPAIGN_NOT_RUNNING = "CAMPAIGN_NOT_RUNNING"
    SWITCHED_OFF = "SWITCHED_OFF"
    DNC_INTERNAL = "DNC_INTERNAL"
    CONSENT_MISSING = "CONSENT_MISSING"
    COUNTRY_NOT_ALLOWED = "COUNTRY_NOT_ALLOWED"
    CALLER_ID_MISSING = "CALLER_ID_MISSING"
    TZ_UNKNOWN = "TZ_UNKNOWN"
    HOURS_CLOSED = "HOURS_CLOSED"
    FREQ_24H = "FREQ_24H"
    FREQ_GAP = "FREQ_GAP"
    RETRY_LATER = "RETRY_LATER"
    ATTEMPTS_EXHAUSTED = "ATTEMPTS_EXHAUSTED"


# Waiting does not cure these: the lead leaves the campaign.
FINAL_REASONS = frozenset(
    {Reason.DNC_INTERNAL, Reason.COUNTRY_NOT_ALLOWED, Reason.ATTEMPTS_EXHAUSTED}
)
# Nobody knows when these end. What a person switches is asked about soon, so that a campaign is
# not idle long after it may go on.
_ASK_SOON = timedelta(minutes=1)
_ASK_AGAIN = timedelta(hours=1)


@dataclass(frozen=True)
class Policy:
    """The rules in numbers; its hash is stored with every decision."""

    window_start: time = time(8, 0)
    window_end: time = time(21, 0)
    max_attempts_24h: int = 3
    min_gap: timedelta = timedelta(hours=4)
    # A busy line is tried again sooner: nobody was disturbed.
    min_gap_after_busy: timedelta = timedelta(minutes=10)
    countries: tuple[str, ...] = ("US", "PR", "VI", "GU", "MP", "AS")

    @property
    def sha256(self) -> str:
        return _hash_of(self)


@dataclass(frozen=True)
class LeadFacts:
    """What is known of a lead and its number when it is asked about."""

    zones: tuple[str, ...]
    country: str | None
    suppressed: bool
    consent: bool
    # Dials to the number for this seller, over all campaigns, newest first.
    recent_dials: tuple[datetime, ...] = ()
    last_was_busy: bool = False
    attempts: int = 0
    not_before: datetime | None = None


@dataclass(frozen=True)
class CampaignFacts:
    """What is known of the campaign; its schedule can only narrow the law's window."""

    running: bool
    schedule_start: time
    schedule_end: time
    schedule_days: frozenset[int]
    max_attempts: int
    switched_off: bool = False
    caller_id_ready: bool = True


@dataclass(frozen=True)
class Decision:
    allow: bool
    reasons: tuple[Reason, ...]
    next_allowed_at: datetime | None
    policy_hash: str

    @property
    def key(self) -> str:
        """Answer and reasons: the ledger gets a row when this changes."""
        return "ALLOW" if self.allow else "+".join(self.reasons)

    @property
    def final(self) -> bool:
        return any(reason in FINAL_REASONS for reason in self.reasons)


def decide(lead: LeadFacts, campaign: CampaignFacts, now: datetime, policy: Policy) -> Decision:
    """Every rule is asked, so that the ledger names every reason; no answer means no call."""
    waits: list[tuple[Reason, datetime | None]] = [
        *_standing(lead, campaign, policy, now),
        *_frequency(lead, now, policy),
        *_hours(lead, campaign, now, policy),
    ]
    reasons = tuple(dict.fromkeys(reason for reason, _ in waits))
    return Decision(
        allow=not waits,
        reasons=reasons,
        next_allowed_at=_when(waits, lead, campaign, now, policy),
        policy_hash=policy.sha256,
    )


def _standing(
    lead: LeadFacts, campaign: CampaignFacts, policy: Policy, now: datetime
) -> list[tuple[Reason, datetime | None]]:
    soon, again = now + _ASK_SOON, now + _ASK_AGAIN
    checks = (
        (not campaign.running, Reason.CAMPAIGN_NOT_RUNNING, soon),
        (campaign.switched_off, Reason.SWITCHED_OFF, soon),
        (not campaign.caller_id_ready, Reason.CALLER_ID_MISSING, soon),
        (lead.suppressed, Reason.DNC_INTERNAL, None),
        (not lead.consent, Reason.CONSENT_MISSING, again),
        (lead.country not in policy.countries, Reason.COUNTRY_NOT_ALLOWED, None),
        (lead.attempts >= campaign.max_attempts, Reason.ATTEMPTS_EXHAUSTED, None),
    )
    return [(reason, until) for broken, reason, until in checks if broken]


def _frequency(
    lead: LeadFacts, now: datetime, policy: Policy
) -> list[tuple[Reason, datetime | None]]:
    found: list[tuple[Reason, datetime | None]] = []
    if lead.not_before is not None and lead.not_before > now:
        found.append((Reason.RETRY_LATER, lead.not_before))
    within = [dial for dial in lead.recent_dials if dial > now - _DAY]
    if len(within) >= policy.max_attempts_24h:
        found.append((Reason.FREQ_24H, within[policy.max_attempts_24h - 1] + _DAY))
    gap = policy.min_gap_after_busy if lead.last_was_busy else policy.min_gap
    if lead.recent_dials and lead.recent_dials[0] > now - gap:
        found.append((Reason.FREQ_GAP, lead.recent_dials[0] + gap))
    return found


def _hours(
    lead: LeadFacts, campaign: CampaignFacts, now: datetime, policy: Policy
) -> list[tuple[Reason, datetime | None]]:
    if not lead.zones:
        return [(Reason.TZ_UNKNOWN, now + _DAY)]
    try:
        opens = _next_window(lead.zones, campaign, now, policy)
    except KeyError:
        return [(Reason.TZ_UNKNOWN, now + _DAY)]
    return [] if opens == now else [(Reason.HOURS_CLOSED, opens)]


def _next_window(
    zones: Sequence[str], campaign: CampaignFacts, at: datetime, policy: Policy
) -> datetime | None:
    return next_open(
        zones,
        max(policy.window_start, campaign.schedule_start),
        min(policy.window_end, campaign.schedule_end),
        campaign.schedule_days,
        at,
    )


def _when(
    waits: list[tuple[Reason, datetime | None]],
    lead: LeadFacts,
    campaign: CampaignFacts,
    now: datetime,
    policy: Policy,
) -> datetime | None:
    """The first moment at which no rule that waiting cures is in the way; None: never."""
    if not waits or any(until is None for _, until in waits):
        return None
    latest = max(until for _, until in waits if until is not None)
    if any(reason is Reason.TZ_UNKNOWN for reason, _ in waits):
        return latest
    return _next_window(lead.zones, campaign, latest, policy)


@lru_cache(maxsize=64)
def _hash_of(policy: Policy) -> str:
    return hashlib.sha256(repr(sorted(asdict(policy).items())).encode()).hexdigest()[:16]

"""The nouns of a decision: what is known, what is answered, and why."""

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from voice_ai.compliance.rules import Purpose


class Reason(StrEnum):
    """Stable codes; they become ledger rows, a chart and a metric label."""

    CAMPAIGN_NOT_RUNNING = "CAMPAIGN_NOT_RUNNING"
    SWITCHED_OFF = "SWITCHED_OFF"
    CALLER_ID_MISSING = "CALLER_ID_MISSING"
    DNC_INTERNAL = "DNC_INTERNAL"
    DNC_LISTED = "DNC_LISTED"
    SNAPSHOT_STALE = "SNAPSHOT_STALE"
    CONSENT_MISSING = "CONSENT_MISSING"
    CONSENT_KIND = "CONSENT_KIND"
    AUTOMATED_BANNED = "AUTOMATED_BANNED"
    NUMBER_TYPE = "NUMBER_TYPE"
    COUNTRY_NOT_ALLOWED = "COUNTRY_NOT_ALLOWED"
    PLACE_UNKNOWN = "PLACE_UNKNOWN"
    TZ_UNKNOWN = "TZ_UNKNOWN"
    HOURS_CLOSED = "HOURS_CLOSED"
    HOLIDAY = "HOLIDAY"
    SUSPENDED = "SUSPENDED"
    FREQ_24H = "FREQ_24H"
    FREQ_GAP = "FREQ_GAP"
    FREQ_STATE = "FREQ_STATE"
    RETRY_LATER = "RETRY_LATER"
    COOL_DOWN = "COOL_DOWN"
    ATTEMPTS_EXHAUSTED = "ATTEMPTS_EXHAUSTED"


# Waiting does not cure these: the lead leaves the campaign.
FINAL_REASONS = frozenset(
    {
        Reason.DNC_INTERNAL,
        Reason.DNC_LISTED,
        Reason.AUTOMATED_BANNED,
        Reason.NUMBER_TYPE,
        Reason.COUNTRY_NOT_ALLOWED,
        Reason.ATTEMPTS_EXHAUSTED,
    }
)

DEFAULT_COUNTRIES = ("US", "PR", "VI", "GU", "MP", "AS")
# Consent that a rehearsal attests for its list: every kind, and nothing outside of a rehearsal.
REHEARSAL_CONSENT = "rehearsal"


@dataclass(frozen=True)
class OwnConsent:
    """What a person said for themselves, on record; not taken back and not expired."""

    kind: str
    purpose: str
    obtained_at: datetime


@dataclass(frozen=True)
class LeadFacts:
    """What is known of a lead and its number when it is asked about."""

    zones: tuple[str, ...]
    # Every country and every state that number or row may belong to.
    countries: tuple[str, ...]
    states: tuple[str, ...]
    suppressed: bool
    # Consent attested for the whole list; None: none.
    list_consent: str | None = None
    own_consents: tuple[OwnConsent, ...] = ()
    # None: not known; an import refuses what has no callable type.
    line_type: str | None = None
    # Outside lists on which the number stands, and when the newest snapshot of each was taken.
    listed: tuple[str, ...] = ()
    snapshots: tuple[tuple[str, datetime], ...] = ()
    # Kill switches that are on for a country or for a rule, whatever the campaign.
    stopped_countries: frozenset[str] = frozenset()
    stopped_rules: frozenset[str] = frozenset()
    # Dials to the number for this seller, over all campaigns, newest first.
    recent_dials: tuple[datetime, ...] = ()
    last_was_busy: bool = False
    attempts: int = 0
    not_before: datetime | None = None
    # The seller's other campaigns called lately: until when the lead rests after that.
    rests_until: datetime | None = None


@dataclass(frozen=True)
class CampaignFacts:
    """What is known of the campaign; its schedule can only narrow the law's window."""

    running: bool
    schedule_start: time
    schedule_end: time
    schedule_days: frozenset[int]
    max_attempts: int
    purpose: Purpose = "telemarketing"
    countries: tuple[str, ...] = DEFAULT_COUNTRIES
    rehearsal: bool = False
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

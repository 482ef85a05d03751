"""The rules that hold for one set of candidate places, put together so that deciding is quick.

A lead has few facts that choose rules (countries, states, the campaign's purpose), so what they
choose is worked out once and kept. Where two rules speak of the same thing both hold.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from voice_ai.compliance.codes import LAW_OF_COUNTRY, US_TERRITORIES, part_of
from voice_ai.compliance.facts import Reason
from voice_ai.compliance.holidays import holiday_name
from voice_ai.compliance.packs import RuleBook, built_in
from voice_ai.compliance.rules import (
    BanRule,
    Calendar,
    Consent,
    ConsentRule,
    FrequencyRule,
    GapRule,
    HoursRule,
    ListRule,
    NumberTypeRule,
    OutsideList,
    Profile,
    Purpose,
    Rule,
    Suspension,
    SuspensionRule,
)
from voice_ai.compliance.windows import Openings, Span

_DAY = timedelta(hours=24)


# Which answers a rule of that kind can lead to.
REASONS_OF = {
    "hours": (Reason.HOURS_CLOSED, Reason.HOLIDAY, Reason.TZ_UNKNOWN),
    "frequency": (Reason.FREQ_24H, Reason.FREQ_STATE),
    "gap": (Reason.FREQ_GAP,),
    "consent": (Reason.CONSENT_KIND, Reason.CONSENT_MISSING),
    "list": (Reason.DNC_LISTED, Reason.SNAPSHOT_STALE),
    "number_type": (Reason.NUMBER_TYPE,),
    "ban": (Reason.AUTOMATED_BANNED,),
    "suspension": (Reason.SUSPENDED,),
}
RULE_REASONS = frozenset(reason for reasons in REASONS_OF.values() for reason in reasons)


@dataclass(frozen=True)
class Policy:
    """The rules in force: a book, a profile of it, and the campaign's own stricter cap."""

    profile: Profile = "strictest"
    max_attempts_24h: int = 3
    book: RuleBook | None = None

    @property
    def rules(self) -> RuleBook:
        return self.book or built_in()

    @property
    def sha256(self) -> str:
        """Of the whole pack and the profile; it is stored with every decision."""
        return _hash_of(self)


@lru_cache(maxsize=256)
def _hash_of(policy: Policy) -> str:
    whole = f"{policy.rules.sha256}/{policy.profile}/{policy.max_attempts_24h}"
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Places:
    """Jurisdictions of a lead. `unknown`: a place without rules, or a state that nobody knows."""

    jurisdictions: frozenset[str]
    unknown: bool
    not_allowed: bool


@lru_cache(maxsize=16_384)
def places_of(
    countries: tuple[str, ...], states: tuple[str, ...], allowed: tuple[str, ...]
) -> Places:
    """Every jurisdiction that may be asked for; of a country that is not allowed, none."""
    found: set[str] = set()
    unknown = False
    not_allowed = not countries
    for country in countries:
        law = LAW_OF_COUNTRY.get(country)
        if country not in allowed:
            not_allowed = True
        elif law is None:
            unknown = True
        else:
            found |= {law, f"US-{country}" if country in US_TERRITORIES else country}
    for state in states:
        part = part_of(state)
        if part is None:
            unknown = True
        elif part[0] not in allowed and state not in allowed:
            not_allowed = True
        else:
            found |= {*part}
    stateless = "US" in found and not any(place.startswith("US-") for place in found)
    return Places(frozenset(found), unknown or stateless, not_allowed)


class DayHours:
    """The window of a local date at all places together: the latest start, the earliest end."""

    def __init__(self, rules: tuple[HoursRule, ...], book: RuleBook) -> None:
        self._rules = tuple(
            (rule, tuple(book.calendars[name] for name in rule.params.holidays)) for rule in rules
        )
        self._on_holiday: dict[date, tuple[Span | None, ...]] = {}

    def of(self, day: date) -> Span | None:
        return narrowest([self.weekly(day), *self.on_holiday(day)])

    def weekly(self, day: date) -> Span | None:
        """As if no day were a holiday. Closed where no rule says that it is open."""
        return narrowest([_of_week(rule, day) for rule, _ in self._rules if rule.holds_on(day)])

    def on_holiday(self, day: date) -> tuple[Span | None, ...]:
        """One window for each rule by which the day is a holiday; None: closed."""
        known = self._on_holiday.get(day)
        if known is None:
            known = tuple(rule.params.holiday for rule, _ in self.holidays(day))
            self._on_holiday[day] = known
        return known

    def holidays(self, day: date) -> list[tuple[HoursRule, str]]:
        """The rules by which the day is a holiday, with its name."""
        named = ((rule, _name_of(calendars, day)) for rule, calendars in self._rules)
        return [(rule, name) for rule, name in named if name is not None and rule.holds_on(day)]


def narrowest(spans: list[Span | None]) -> Span | None:
    """What all of them share; nothing when there is none of them."""
    if not spans:
        return None
    start, end = time.min, time.max
    for span in spans:
        if span is None:
            return None
        start, end = max(start, span[0]), min(end, span[1])
    return (start, end) if start < end else None


def _of_week(rule: HoursRule, day: date) -> Span | None:
    hours = rule.params
    return (hours.mon_fri, hours.sat, hours.sun)[max(0, day.weekday() - 4)]


def _name_of(calendars: tuple[Calendar, ...], day: date) -> str | None:
    return next(filter(None, (holiday_name(calendar, day) for calendar in calendars)), None)


@dataclass(frozen=True, eq=False)
class Terms:
    """What holds on one day for a purpose at all candidate places."""

    policy_hash: str
    places: Places
    book: RuleBook
    rules: tuple[Rule, ...]
    rule_ids: frozenset[str]
    reasons: frozenset[Reason]
    consents: tuple[Consent, ...]
    lists: tuple[OutsideList, ...]
    banned: bool
    refused_types: frozenset[str]
    # Dials at most, in how long, and what it is called.
    caps: tuple[tuple[int, timedelta, Reason], ...]
    gap: timedelta
    gap_after_busy: timedelta
    suspensions: tuple[Suspension, ...]
    hours: DayHours
    # When other rules begin to hold; None: never, as far as the book knows.
    until: datetime | None


@lru_cache(maxsize=16_384)
def terms_of(
    policy: Policy,
    purpose: Purpose,
    countries: tuple[str, ...],
    states: tuple[str, ...],
    allowed: tuple[str, ...],
    day: date,
) -> Terms:
    """The terms for a lead of these countries and states, in a campaign that may call `allowed`."""
    return _terms_at(policy, purpose, places_of(countries, states, allowed), day)


@lru_cache(maxsize=16_384)
def _terms_at(policy: Policy, purpose: Purpose, places: Places, day: date) -> Terms:
    rules = tuple(
        rule
        for rule in _rules_of(policy, purpose, places)
        if _holds_around(rule, day) or isinstance(rule, HoursRule | SuspensionRule)
    )
    gaps = [rule.params for rule in rules if isinstance(rule, GapRule)]
    caps = [
        (
            rule.params.max_dials,
            timedelta(hours=rule.params.within_h),
            Reason.FREQ_24H if rule.jurisdiction == "*" else Reason.FREQ_STATE,
        )
        for rule in rules
        if isinstance(rule, FrequencyRule)
    ]
    refused = [rule.params.refused for rule in rules if isinstance(rule, NumberTypeRule)]
    return Terms(
        policy_hash=policy.sha256,
        places=places,
        book=policy.rules,
        rules=rules,
        rule_ids=frozenset(rule.id for rule in rules),
        reasons=frozenset(reason for rule in rules for reason in REASONS_OF.get(rule.kind, ())),
        consents=tuple(rule.params for rule in rules if isinstance(rule, ConsentRule)),
        lists=tuple(rule.params for rule in rules if isinstance(rule, ListRule)),
        banned=any(isinstance(rule, BanRule) for rule in rules),
        refused_types=frozenset(name for types in refused for name in types),
        caps=((policy.max_attempts_24h, _DAY, Reason.FREQ_24H), *caps),
        gap=timedelta(hours=max((gap.min_gap_h for gap in gaps), default=0)),
        gap_after_busy=timedelta(minutes=max((gap.after_busy_min for gap in gaps), default=0)),
        suspensions=tuple(rule.params for rule in rules if isinstance(rule, SuspensionRule)),
        hours=_hours_of(policy, purpose, places),
        until=_next_change(policy.rules, day),
    )


@lru_cache(maxsize=16_384)
def _rules_of(policy: Policy, purpose: Purpose, places: Places) -> tuple[Rule, ...]:
    return tuple(
        rule
        for rule in policy.rules.rules
        if (rule.jurisdiction == "*" or rule.jurisdiction in places.jurisdictions)
        and purpose in rule.applies_to
        and rule.profile in (None, policy.profile)
    )


@lru_cache(maxsize=16_384)
def _hours_of(policy: Policy, purpose: Purpose, places: Places) -> DayHours:
    rules = _rules_of(policy, purpose, places)
    return DayHours(tuple(rule for rule in rules if isinstance(rule, HoursRule)), policy.rules)


@lru_cache(maxsize=16_384)
def openings_of(
    zones: tuple[str, ...],
    hours: DayHours,
    schedule: tuple[time, time, frozenset[int]],
    *,
    holidays: bool,
) -> Openings:
    """When hours and schedule are open together. Raises KeyError on an unknown zone."""
    start, end, days = schedule
    rule = hours.of if holidays else hours.weekly

    def of_day(day: date) -> Span | None:
        return narrowest([rule(day), (start, end)]) if day.weekday() in days else None

    return Openings(zones, of_day)


def _holds_around(rule: Rule, day: date) -> bool:
    """Somewhere on earth it is the day before or after a day in UTC: there the rule may hold."""
    return any(rule.holds_on(day + timedelta(days=near)) for near in (-1, 0, 1))


@lru_cache(maxsize=4096)
def _next_change(book: RuleBook, day: date) -> datetime | None:
    """The first midnight (UTC) after `day` at which other rules hold."""
    turns = {rule.effective_from - timedelta(days=1) for rule in book.rules} | {
        rule.effective_to + timedelta(days=2) for rule in book.rules if rule.effective_to
    }
    first = min((turn for turn in turns if turn > day), default=None)
    return None if first is None else datetime.combine(first, time.min, tzinfo=UTC)

"""Which rules speak about a call, and what each of them says at that moment."""

from dataclasses import dataclass
from datetime import UTC, datetime

from voice_ai.compliance.decide import decide
from voice_ai.compliance.facts import CampaignFacts, Decision, LeadFacts
from voice_ai.compliance.packs import RuleBook
from voice_ai.compliance.rules import HoursRule, Rule, SuspensionRule
from voice_ai.compliance.terms import DayHours, Policy, terms_of
from voice_ai.compliance.windows import interval_of, zone_of
from voice_ai.compliance.words import said, span_text


@dataclass(frozen=True)
class Finding:
    """One rule about one call. `open` is None for rules that do not hang on the hour."""

    rule: Rule
    says: str
    open: bool | None


def explain(
    lead: LeadFacts, campaign: CampaignFacts, at: datetime, policy: Policy
) -> tuple[Decision, list[Finding]]:
    """The decision, with every rule that governs the call. Raises KeyError on an unknown zone."""
    day = at.astimezone(UTC).date()
    terms = terms_of(policy, campaign.purpose, lead.countries, lead.states, campaign.countries, day)
    findings = [_finding(rule, lead, at, terms.book) for rule in terms.rules]
    return decide(lead, campaign, at, policy), findings


def _finding(rule: Rule, lead: LeadFacts, at: datetime, book: RuleBook) -> Finding:
    if isinstance(rule, SuspensionRule):
        return Finding(rule, said(rule), not rule.params.starts <= at < rule.params.ends)
    if not isinstance(rule, HoursRule):
        return Finding(rule, said(rule), None)
    hours = DayHours((rule,), book)
    spans = [_zone(name, hours, at) for name in lead.zones]
    return Finding(rule, "; ".join(text for text, _ in spans), all(fits for _, fits in spans))


def _zone(name: str, hours: DayHours, at: datetime) -> tuple[str, bool]:
    """The rule's window of that day in one zone, and whether the moment lies in it."""
    zone = zone_of(name)
    local = at.astimezone(zone)
    day = local.date()
    span = hours.of(day)
    named = ", ".join(holiday for _, holiday in hours.holidays(day))
    text = f"{name} {local:%a %H:%M}: {span_text(span)}" + (f" ({named})" if named else "")
    interval = None if span is None else interval_of(zone, day, span)
    return text, interval is not None and interval[0] <= at < interval[1]

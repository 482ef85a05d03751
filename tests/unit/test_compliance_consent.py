"""Consent of the right kind, outside lists of the right age, switches for countries and rules."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from voice_ai.compliance import CampaignFacts, LeadFacts, OwnConsent, Policy, Reason, decide
from voice_ai.compliance.rules import Purpose

NOON = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)  # Tuesday 12:00 in New York
DAY = timedelta(days=1)
POLICY = Policy()
LISTS = ("us_national_dnc", "ca_national_dncl", "uk_tps", "us_reassigned")
LEAD = LeadFacts(
    zones=("America/New_York",),
    countries=("US",),
    states=("NY",),
    suppressed=False,
    list_consent="written",
    snapshots=tuple((source, NOON - DAY) for source in LISTS),
)
SELLING = CampaignFacts(
    running=True,
    schedule_start=time(0, 0),
    schedule_end=time(23, 59),
    schedule_days=frozenset(range(7)),
    max_attempts=6,
    purpose="telemarketing",
    countries=("US", "GB", "CA", "IE"),
)


def own(kind: str, purpose: str = "telemarketing", age: timedelta = DAY) -> OwnConsent:
    return OwnConsent(kind, purpose, NOON - age)


def said(lead: LeadFacts, campaign: CampaignFacts = SELLING) -> set[Reason]:
    return set(decide(lead, campaign, NOON, POLICY).reasons)


def in_country(country: str) -> LeadFacts:
    zones = {"US": "America/New_York", "GB": "Europe/London", "CA": "America/Toronto"}
    states = ("NY",) if country == "US" else ()
    zone = zones.get(country, "Europe/Dublin")
    return replace(LEAD, countries=(country,), states=states, zones=(zone,))


@pytest.mark.parametrize(
    ("country", "purpose", "kinds"),
    [
        ("US", "telemarketing", {"written"}),
        ("US", "informational", {"written", "express"}),
        ("GB", "telemarketing", {"uk_automated"}),
        ("GB", "informational", {"written", "express", "uk_automated"}),
        ("IE", "telemarketing", {"eu_automated"}),
        ("IE", "informational", {"written", "express", "eu_automated"}),
        ("CA", "telemarketing", {"written", "express"}),
        ("CA", "informational", {"written", "express"}),
    ],
)
def test_each_place_and_purpose_accepts_its_kinds_of_consent(
    country: str, purpose: Purpose, kinds: set[str]
) -> None:
    campaign = replace(SELLING, purpose=purpose)
    for kind in ("written", "express", "uk_automated", "eu_automated", "nonsense"):
        right = set() if kind in kinds else {Reason.CONSENT_KIND}
        assert said(replace(in_country(country), list_consent=kind), campaign) == right
        alone = replace(in_country(country), list_consent=None, own_consents=(own(kind, purpose),))
        assert said(alone, campaign) - {Reason.SNAPSHOT_STALE} == right


def test_no_consent_at_all_is_another_answer_than_one_of_the_wrong_kind() -> None:
    assert said(replace(LEAD, list_consent=None)) == {Reason.CONSENT_MISSING}
    assert said(replace(LEAD, list_consent="express")) == {Reason.CONSENT_KIND}


def test_two_places_need_a_consent_that_does_in_both() -> None:
    both = replace(LEAD, countries=("US", "GB"), zones=("America/New_York", "Europe/London"))
    assert said(both) == {Reason.CONSENT_KIND}
    assert said(replace(both, own_consents=(own("uk_automated"),))) == set()


def test_a_rehearsals_consent_counts_as_every_kind_and_only_in_rehearsals() -> None:
    for country in ("US", "GB", "CA", "IE"):
        lead = replace(in_country(country), list_consent="rehearsal")
        assert said(lead, replace(SELLING, rehearsal=True)) == set()
        assert said(lead) == {Reason.CONSENT_MISSING}


def test_consent_to_be_informed_is_none_to_be_sold_to() -> None:
    informed = replace(LEAD, list_consent=None, own_consents=(own("written", "informational"),))
    assert said(informed) == {Reason.CONSENT_MISSING}
    assert said(informed, replace(SELLING, purpose="informational")) == set()


@pytest.mark.parametrize(("age", "counts"), [(539, True), (540, False), (-1, False)])
def test_consent_of_a_person_ages(age: int, counts: bool) -> None:
    lead = replace(LEAD, list_consent=None, own_consents=(own("written", age=age * DAY),))
    assert decide(lead, SELLING, NOON, POLICY).allow is counts


@pytest.mark.parametrize(
    ("country", "source", "days"),
    [("US", "us_national_dnc", 31), ("CA", "ca_national_dncl", 31), ("GB", "uk_tps", 28)],
)
def test_a_snapshot_is_too_old_on_the_day_the_law_says(
    country: str, source: str, days: int
) -> None:
    kind = "uk_automated" if country == "GB" else "written"
    lead = replace(in_country(country), list_consent=kind)
    almost = NOON - days * DAY + timedelta(seconds=1)
    assert said(replace(lead, snapshots=((source, almost),))) == set()
    assert said(replace(lead, snapshots=((source, NOON - days * DAY),))) == {Reason.SNAPSHOT_STALE}
    assert said(replace(lead, snapshots=())) == {Reason.SNAPSHOT_STALE}
    two = ((source, NOON - 90 * DAY), (source, NOON - DAY))
    assert said(replace(lead, snapshots=two)) == set()


def test_a_number_on_the_national_list_is_called_only_with_its_owners_own_consent() -> None:
    listed = replace(LEAD, listed=("us_national_dnc",))
    decision = decide(listed, SELLING, NOON, POLICY)
    assert decision.reasons == (Reason.DNC_LISTED,)
    assert decision.final
    assert said(replace(listed, own_consents=(own("express"),))) == {Reason.DNC_LISTED}
    assert said(replace(listed, own_consents=(own("written"),), snapshots=())) == set()


def test_lists_are_not_asked_for_information_nor_in_rehearsals_nor_of_other_countries() -> None:
    listed = replace(LEAD, listed=("us_national_dnc",), snapshots=())
    assert said(listed, replace(SELLING, purpose="informational")) == set()
    assert said(listed, replace(SELLING, rehearsal=True)) == set()
    assert said(replace(LEAD, listed=("uk_tps",))) == set()


def test_maine_asks_whether_the_number_has_a_new_owner_whatever_the_old_one_said() -> None:
    maine = replace(LEAD, states=("ME",), own_consents=(own("written"),))
    assert said(maine) == set()
    assert said(replace(maine, listed=("us_reassigned",))) == {Reason.DNC_LISTED}
    assert said(replace(maine, snapshots=())) == {Reason.SNAPSHOT_STALE}


@pytest.mark.parametrize("key", ["US", "US-NY", "NY"])
def test_a_switch_for_a_country_or_a_state_stops_the_leads_that_may_be_there(key: str) -> None:
    assert said(replace(LEAD, stopped_countries=frozenset({key}))) == {Reason.SWITCHED_OFF}
    britain = replace(in_country("GB"), list_consent="uk_automated")
    assert said(replace(britain, stopped_countries=frozenset({key}))) == set()


@pytest.mark.parametrize(("key", "stops"), [("FR", False), ("AU", False), ("UK", True), ("", True)])
def test_a_switch_for_a_country_that_is_none_stops_everything(key: str, stops: bool) -> None:
    expected = {Reason.SWITCHED_OFF} if stops else set()
    assert said(replace(LEAD, stopped_countries=frozenset({key}))) == expected


@pytest.mark.parametrize(
    ("key", "stops"),
    [
        ("US-HOURS", True),
        ("US-NDNC", True),
        ("SNAPSHOT_STALE", True),
        ("HOURS_CLOSED", True),
        ("DNC_INTERNAL", True),  # governs every call
        ("DEFAULT-HOURS", True),
        ("US-FL-HOURS", False),
        ("US-ME-RND", False),
        ("UK-TPS", False),
        ("AUTOMATED_BANNED", False),
        ("US-NY-TYPO", True),  # nobody knows it: somebody wanted calls to stop
        ("", True),
    ],
)
def test_a_switch_for_a_rule_stops_the_calls_that_the_rule_governs(key: str, stops: bool) -> None:
    expected = {Reason.SWITCHED_OFF} if stops else set()
    assert said(replace(LEAD, stopped_rules=frozenset({key}))) == expected


def test_a_switch_is_asked_about_soon() -> None:
    decision = decide(replace(LEAD, stopped_rules=frozenset({"US"})), SELLING, NOON, POLICY)
    assert decision.next_allowed_at == NOON + timedelta(minutes=1)

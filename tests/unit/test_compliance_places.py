"""Places: the strictest of all candidates, holidays, split area codes, both nights of change."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from voice_ai.compliance import CampaignFacts, LeadFacts, Policy, Reason, decide
from voice_ai.compliance.codes import CA_PROVINCES, EU_MEMBERS, LAW_OF_COUNTRY, US_PARTS
from voice_ai.compliance.packs import built_in, check_pack
from voice_ai.leads.judge import Judge
from voice_ai.leads.places import state_zones

LAW, STRICTEST = Policy(profile="law"), Policy()
EVERY_CONSENT = "rehearsal"
CAMPAIGN = CampaignFacts(
    running=True,
    schedule_start=time(0, 0),
    schedule_end=time(23, 59),
    schedule_days=frozenset(range(7)),
    max_attempts=6,
    rehearsal=True,
    countries=tuple(sorted(LAW_OF_COUNTRY)),
)
NEW_YORK, CHICAGO = "America/New_York", "America/Chicago"


def lead_in(*states: str, zones: tuple[str, ...] = (NEW_YORK,), country: str = "US") -> LeadFacts:
    return LeadFacts(zones, (country,), states, suppressed=False, list_consent=EVERY_CONSENT)


def at(text: str, zone: str = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def said(lead: LeadFacts, moment: datetime, policy: Policy = LAW) -> set[Reason]:
    return set(decide(lead, CAMPAIGN, moment, policy).reasons)


@pytest.mark.parametrize(
    ("state", "moment", "reasons"),
    [
        ("NY", "2026-11-24T08:00", set()),
        ("NY", "2026-11-24T20:58", set()),
        ("NY", "2026-11-24T20:59", {Reason.HOURS_CLOSED}),
        ("FL", "2026-11-24T19:58", set()),
        ("FL", "2026-11-24T19:59", {Reason.HOURS_CLOSED}),
        ("CT", "2026-11-24T08:59", {Reason.HOURS_CLOSED}),
        ("KY", "2026-11-24T09:59", {Reason.HOURS_CLOSED}),
        ("RI", "2026-11-24T17:58", set()),
        ("RI", "2026-11-24T17:59", {Reason.HOURS_CLOSED}),
        ("RI", "2026-11-28T16:58", set()),
        ("RI", "2026-11-28T16:59", {Reason.HOURS_CLOSED}),
        ("RI", "2026-11-29T12:00", {Reason.HOURS_CLOSED}),
        ("SD", "2026-11-28T12:00", {Reason.HOURS_CLOSED}),
        ("TX", "2026-11-29T11:59", {Reason.HOURS_CLOSED}),
        ("TX", "2026-11-29T12:00", set()),
        ("PA", "2026-11-28T10:00", {Reason.HOURS_CLOSED}),
        ("PA", "2026-11-29T13:30", set()),
        ("NE", "2026-11-29T12:59", {Reason.HOURS_CLOSED}),
        ("NE", "2026-11-29T13:00", set()),
        ("NE", "2026-11-26T12:59", {Reason.HOLIDAY}),
        ("NE", "2026-11-26T13:00", set()),
        ("AL", "2026-12-01T12:00", {Reason.HOLIDAY}),
        ("PA", "2026-06-14T14:00", {Reason.HOLIDAY}),
        ("PA", "2026-06-14T12:00", {Reason.HOLIDAY, Reason.HOURS_CLOSED}),
        ("RI", "2026-05-04T12:00", {Reason.HOLIDAY}),
        ("LA", "2026-11-27T12:00", {Reason.HOLIDAY}),
        ("UT", "2026-07-24T12:00", {Reason.HOLIDAY}),
        ("NY", "2026-12-01T12:00", set()),
        ("WA", "2026-11-24T12:00", {Reason.AUTOMATED_BANNED}),
    ],
)
def test_a_states_own_window_and_holidays_hold(
    state: str, moment: str, reasons: set[Reason]
) -> None:
    assert said(lead_in(state), at(moment)) == reasons


@pytest.mark.parametrize("day", ["2026-12-01", "2026-11-27", "2026-06-15", "2026-11-28"])
def test_the_default_profile_keeps_every_states_holidays_and_weekends(day: str) -> None:
    closed = day != "2026-06-15"
    decision = decide(lead_in("NY"), CAMPAIGN, at(f"{day}T12:00"), STRICTEST)
    assert decision.allow is not closed


def test_after_a_long_weekend_the_next_moment_is_the_first_open_morning() -> None:
    evening = at("2026-11-25T18:30")
    # Thanksgiving, the day after it, the weekend; 1 December comes later.
    assert decide(lead_in("NY"), CAMPAIGN, evening, STRICTEST).next_allowed_at == at(
        "2026-11-30T10:00"
    )


def test_a_holiday_is_one_at_the_called_partys_date() -> None:
    evening_before = at("2026-11-30T18:00", CHICAGO)  # 1 December, 10:00, in Guam
    assert said(lead_in("AL", zones=(CHICAGO,)), evening_before) == set()
    assert said(lead_in("AL", zones=("Pacific/Guam",)), evening_before) == {Reason.HOLIDAY}


def test_two_candidate_states_are_asked_both() -> None:
    both = lead_in("NY", "FL")
    assert said(both, at("2026-11-24T20:10")) == {Reason.HOURS_CLOSED}
    assert decide(both, CAMPAIGN, at("2026-11-24T20:10"), LAW).next_allowed_at == at(
        "2026-11-25T08:00"
    )


def test_maine_is_dialed_once_in_eight_hours_and_florida_thrice_a_day() -> None:
    noon = at("2026-11-24T12:00")
    maine = replace(lead_in("ME"), recent_dials=(noon - timedelta(hours=3),))
    decision = decide(maine, CAMPAIGN, noon, LAW)
    assert decision.reasons == (Reason.FREQ_STATE,)
    assert decision.next_allowed_at == noon + timedelta(hours=5)
    dials = tuple(noon - timedelta(hours=hours) for hours in (1, 2, 3))
    florida = replace(lead_in("FL"), recent_dials=dials)
    assert said(florida, noon) == {Reason.FREQ_24H, Reason.FREQ_STATE}


@pytest.mark.parametrize(
    ("lead", "reasons"),
    [
        (lead_in(), {Reason.PLACE_UNKNOWN}),
        (lead_in("PN"), {Reason.PLACE_UNKNOWN}),
        (lead_in("NY", "PN"), {Reason.PLACE_UNKNOWN}),
        (lead_in("NY", country="PN"), {Reason.COUNTRY_NOT_ALLOWED}),
        (lead_in(country="PR", zones=("America/Puerto_Rico",)), set()),
        (lead_in("AE"), set()),
        (lead_in(country="CA", zones=("America/Toronto",)), set()),
        (lead_in("ON", country="US"), {Reason.PLACE_UNKNOWN}),
    ],
)
def test_a_place_that_nobody_knows_is_never_open(lead: LeadFacts, reasons: set[Reason]) -> None:
    assert said(lead, at("2026-11-24T12:00")) == reasons


def test_a_state_of_a_country_that_is_not_allowed_is_refused() -> None:
    home = replace(CAMPAIGN, countries=("US",))
    decision = decide(lead_in("NY", "ON"), home, at("2026-11-24T12:00"), LAW)
    assert decision.reasons == (Reason.COUNTRY_NOT_ALLOWED,)


@pytest.mark.parametrize(
    ("country", "zone", "opens", "closed"),
    [
        ("GB", "Europe/London", "2026-11-28T16:58", "2026-11-28T16:59"),
        ("GB", "Europe/London", "2026-11-24T09:00", "2026-11-29T12:00"),
        ("DE", "Europe/Berlin", "2026-11-24T17:58", "2026-11-24T17:59"),
        ("CA", "America/Toronto", "2026-11-24T20:58", "2026-11-24T20:59"),
        ("CA", "America/Toronto", "2026-11-29T10:00", "2026-11-29T09:59"),
    ],
)
def test_other_countries_have_their_own_windows(
    country: str, zone: str, opens: str, closed: str
) -> None:
    lead = lead_in(zones=(zone,), country=country)
    assert said(lead, at(opens, zone)) == set()
    assert said(lead, at(closed, zone)) == {Reason.HOURS_CLOSED}


STORM = """\
pack: suspensions
version: "storm"
rules:
  - id: US-LA-STORM
    kind: suspension
    jurisdiction: US-LA
    params: {starts: "2026-09-01T00:00:00-05:00", ends: "2026-10-15T00:00:00-05:00"}
    citation: "Executive order 1"
    effective_from: 2026-09-01
    verified_on: 2026-09-01
    confidence: high
"""


def test_an_emergency_order_closes_its_state_until_it_ends() -> None:
    policy = Policy(profile="law", book=check_pack(STORM, "suspensions.yaml"))
    storm = at("2026-09-03T12:00", CHICAGO)
    decision = decide(lead_in("LA", zones=(CHICAGO,)), CAMPAIGN, storm, policy)
    assert decision.reasons == (Reason.SUSPENDED,)
    assert decision.next_allowed_at == at("2026-10-15T08:00", CHICAGO)
    assert decide(lead_in("TX", zones=(CHICAGO,)), CAMPAIGN, storm, policy).allow


COMING = """\
pack: suspensions
version: "coming"
rules:
  - id: US-NY-FREQ
    kind: frequency
    jurisdiction: US-NY
    params: {max_dials: 1, within_h: 24}
    citation: "a law to come"
    effective_from: 2026-11-26
    verified_on: 2026-11-22
    confidence: low
"""


def test_a_rule_that_is_about_to_begin_is_in_the_next_moment_already() -> None:
    """It holds from the moment at which its day begins anywhere: 19:00 in New York, a day early."""
    policy = Policy(profile="law", book=check_pack(COMING, "coming.yaml"))
    dial = at("2026-11-24T18:30")
    called = replace(lead_in("NY"), recent_dials=(dial,))
    before, after = at("2026-11-24T18:40"), at("2026-11-24T19:40")
    assert decide(called, CAMPAIGN, before, policy).allow
    assert decide(called, CAMPAIGN, after, policy).reasons == (Reason.FREQ_STATE,)
    waiting = replace(called, not_before=after)
    assert decide(waiting, CAMPAIGN, before, policy).next_allowed_at == dial + timedelta(days=1)


@pytest.mark.parametrize(
    ("number", "zones", "states"),
    [
        ("850-222-3456", {NEW_YORK, CHICAGO}, {"FL"}),  # Tallahassee, and Pensacola by its code
        ("812-422-3456", {NEW_YORK, CHICAGO}, {"IN"}),
        ("208-667-3456", {"America/Denver", "America/Los_Angeles"}, {"ID"}),
        ("541-889-3456", {"America/Denver", "America/Los_Angeles"}, {"OR"}),
        ("906-932-3456", {NEW_YORK, CHICAGO}, {"MI"}),
    ],
)
def test_a_split_area_code_must_be_open_in_both_its_zones(
    number: str, zones: set[str], states: set[str]
) -> None:
    (row,) = judged(phone=number).iter_rows(named=True)
    assert zones <= set(row["zones"].split(","))
    assert set(row["states"].split(",")) == states
    lead = lead_in(*states, zones=tuple(row["zones"].split(",")))
    later, earlier = sorted(zones, key=lambda zone: at("2026-11-24T12:00", zone))
    assert {later, earlier} == zones
    for zone in zones:
        assert said(lead, at("2026-11-24T07:59", zone)) >= {Reason.HOURS_CLOSED}
        assert said(lead, at("2026-11-24T20:59", zone)) >= {Reason.HOURS_CLOSED}
    assert said(lead, at("2026-11-24T13:00")) == set()


def test_a_moved_mobile_keeps_its_area_codes_state_beside_the_rows() -> None:
    """Florida's number, Washington's ZIP: Florida's evening and Pacific's morning both hold."""
    (row,) = judged(phone="305-222-3456", zip="90210").iter_rows(named=True)
    assert set(row["states"].split(",")) == {"FL", "CA"}
    lead = lead_in("FL", "CA", zones=tuple(row["zones"].split(",")))
    assert said(lead, at("2026-11-24T10:59")) == {Reason.HOURS_CLOSED}
    assert said(lead, at("2026-11-24T11:00")) == set()
    assert said(lead, at("2026-11-24T19:59")) == {Reason.HOURS_CLOSED}


@pytest.mark.parametrize("number", ["800-222-3456", "888-222-3456", "833-222-3456"])
def test_a_toll_free_number_is_refused_by_the_import_and_again_by_the_decision(
    number: str,
) -> None:
    judge = Judge().judge(pl.DataFrame({"line": [2], "phone": [number]}))
    assert judge.accepted.is_empty()
    assert judge.rejects["reason"].to_list() == ["toll_free"]
    lead = replace(lead_in("NY"), line_type="toll_free")
    assert said(lead, at("2026-11-24T12:00")) == {Reason.NUMBER_TYPE}


@pytest.mark.parametrize("kind", ["premium_rate", "short_code", "n11", "emergency", "invalid"])
def test_numbers_that_nobody_may_dial_are_refused(kind: str) -> None:
    decision = decide(
        replace(lead_in("NY"), line_type=kind), CAMPAIGN, at("2026-11-24T12:00"), STRICTEST
    )
    assert decision.reasons == (Reason.NUMBER_TYPE,)
    assert decision.final


def judged(**row: str) -> pl.DataFrame:
    return Judge().judge(pl.DataFrame({"line": [2], **{k: [v] for k, v in row.items()}})).accepted


# Which UTC hour is ten o'clock on the day before the clocks change and on the day itself.
@pytest.mark.parametrize(
    ("zone", "state", "spring", "autumn"),
    [
        (NEW_YORK, "NY", (15, 14), (14, 15)),
        (CHICAGO, "MO", (16, 15), (15, 16)),
        ("America/Phoenix", "AZ", (17, 17), (17, 17)),
        ("America/Denver", "AZ", (17, 16), (16, 17)),  # the Navajo nation keeps summer time
        ("America/Regina", "SK", (16, 16), (16, 16)),
        ("America/Indiana/Indianapolis", "OH", (15, 14), (14, 15)),
    ],
)
def test_windows_are_right_on_both_nights_when_clocks_change(
    zone: str, state: str, spring: tuple[int, int], autumn: tuple[int, int]
) -> None:
    country = "CA" if state == "SK" else "US"
    lead = lead_in(state, zones=(zone,), country=country)
    from_ten = replace(CAMPAIGN, schedule_start=time(10, 0))
    for change, hours in ((date(2026, 3, 8), spring), (date(2026, 11, 1), autumn)):
        for day, hour in ((change - timedelta(days=1), hours[0]), (change, hours[1])):
            opens = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
            before = opens - timedelta(hours=9)
            assert decide(lead, from_ten, before, LAW).next_allowed_at == opens
            assert not decide(lead, from_ten, opens - timedelta(seconds=1), LAW).allow
            assert decide(lead, from_ten, opens, LAW).allow


moments = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)
profiles = st.sampled_from([LAW, STRICTEST])
PARTS = sorted(US_PARTS | CA_PROVINCES)
COUNTRIES = sorted({"US", "CA", "GB", "PR", "FR", "DE", "AU"} | set(list(EU_MEMBERS)[:2]))
ALL_ZONES = sorted({zone for zones in state_zones().values() for zone in zones})


@st.composite
def leads(draw: st.DrawFn) -> tuple[LeadFacts, datetime]:
    now = draw(moments)
    ages = draw(st.lists(st.integers(1, 24 * 60), max_size=4))
    lead = LeadFacts(
        zones=tuple(draw(st.lists(st.sampled_from(ALL_ZONES), min_size=1, max_size=3))),
        countries=tuple(draw(st.lists(st.sampled_from(COUNTRIES), min_size=1, max_size=2))),
        states=tuple(draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=3))),
        suppressed=False,
        list_consent=draw(st.sampled_from([None, "express", "written", EVERY_CONSENT])),
        line_type=draw(st.sampled_from([None, "mobile", "toll_free"])),
        recent_dials=tuple(now - timedelta(minutes=age) for age in sorted(ages)),
    )
    return lead, now


@settings(max_examples=400, deadline=None)
@given(
    leads(),
    profiles,
    st.booleans(),
    st.sampled_from(ALL_ZONES),
    st.sampled_from(PARTS),
    st.sampled_from(COUNTRIES),
    st.sampled_from(["zone", "state", "country", "all"]),
)
def test_one_more_candidate_place_never_loosens(
    known: tuple[LeadFacts, datetime],
    policy: Policy,
    rehearsal: bool,
    zone: str,
    state: str,
    country: str,
    which: str,
) -> None:
    lead, now = known
    campaign = replace(CAMPAIGN, rehearsal=rehearsal)
    more_places = lead
    if which in ("zone", "all"):
        more_places = replace(more_places, zones=(*lead.zones, zone))
    if which in ("state", "all"):
        more_places = replace(more_places, states=(*lead.states, state))
    if which in ("country", "all"):
        more_places = replace(more_places, countries=(*lead.countries, country))
    fewer = decide(lead, campaign, now, policy)
    more = decide(more_places, campaign, now, policy)
    # The first state of a country is knowledge, not one candidate more.
    assume(Reason.PLACE_UNKNOWN not in fewer.reasons)
    assert fewer.allow or not more.allow
    assert set(fewer.reasons) <= set(more.reasons)
    if not more.allow and more.next_allowed_at is not None:
        earliest = now if fewer.allow else fewer.next_allowed_at
        assert earliest is not None
        assert earliest <= more.next_allowed_at


@settings(max_examples=200, deadline=None)
@given(leads(), profiles, st.data())
def test_the_next_moment_is_allowed_and_nothing_before_it_is(
    known: tuple[LeadFacts, datetime], policy: Policy, data: st.DataObject
) -> None:
    lead, now = known
    lead = replace(lead, list_consent=EVERY_CONSENT, line_type=None)
    decision = decide(lead, CAMPAIGN, now, policy)
    if decision.next_allowed_at is None or Reason.PLACE_UNKNOWN in decision.reasons:
        return
    found = decision.next_allowed_at
    assert decide(lead, CAMPAIGN, found, policy).allow
    assert not decide(lead, CAMPAIGN, found - timedelta(microseconds=1), policy).allow
    for share in data.draw(st.lists(st.floats(0, 0.999999), min_size=5, max_size=5)):
        assert not decide(lead, CAMPAIGN, now + (found - now) * share, policy).allow


@settings(max_examples=200, deadline=None)
@given(leads(), profiles)
def test_an_allowed_moment_is_inside_the_federal_window_of_every_zone(
    known: tuple[LeadFacts, datetime], policy: Policy
) -> None:
    lead, now = known
    decision = decide(lead, CAMPAIGN, now, policy)
    if decision.allow:
        for zone in lead.zones:
            assert time(8, 0) <= now.astimezone(ZoneInfo(zone)).time() < time(20, 59)
    assert decision.policy_hash == policy.sha256


def test_an_unknown_code_is_no_code_of_any_rule() -> None:
    assert not [rule.id for rule in built_in().rules if rule.jurisdiction in ("US-PN", "PN")]

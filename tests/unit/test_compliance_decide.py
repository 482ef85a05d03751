"""The decision: fails closed, the strictest place wins, and it says when to ask again."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_ai.compliance import (
    CampaignFacts,
    LeadFacts,
    OwnConsent,
    Policy,
    Reason,
    decide,
)
from voice_ai.compliance.codes import LAW_OF_COUNTRY, US_PARTS
from voice_ai.compliance.holidays import is_holiday_somewhere
from voice_ai.compliance.packs import read_packs

POLICY = Policy()
CAMPAIGN = CampaignFacts(
    running=True,
    schedule_start=time(8, 0),
    schedule_end=time(21, 0),
    schedule_days=frozenset(range(7)),
    max_attempts=6,
    purpose="informational",
)
LEAD = LeadFacts(
    zones=("America/New_York",),
    countries=("US",),
    states=("NY",),
    suppressed=False,
    list_consent="express",
)
NOON = datetime(2026, 6, 9, 16, 0, tzinfo=UTC)  # Tuesday 12:00 in New York
HOUR = timedelta(hours=1)

ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Indiana/Indianapolis",
    "America/Puerto_Rico",
    "Pacific/Honolulu",
    "Pacific/Guam",
)
STATES = sorted(US_PARTS)
PLACES = sorted(LAW_OF_COUNTRY)


def reasons(lead: LeadFacts, campaign: CampaignFacts = CAMPAIGN) -> tuple[Reason, ...]:
    return decide(lead, campaign, NOON, POLICY).reasons


def test_a_good_lead_at_noon_may_be_called() -> None:
    decision = decide(LEAD, CAMPAIGN, NOON, POLICY)
    assert decision.allow
    assert decision.reasons == ()
    assert decision.key == "ALLOW"
    assert decision.next_allowed_at is None
    assert not decision.final
    assert decision.policy_hash == POLICY.sha256


@pytest.mark.parametrize(
    ("lead", "campaign", "reason", "final"),
    [
        (LEAD, replace(CAMPAIGN, running=False), Reason.CAMPAIGN_NOT_RUNNING, False),
        (LEAD, replace(CAMPAIGN, switched_off=True), Reason.SWITCHED_OFF, False),
        (LEAD, replace(CAMPAIGN, caller_id_ready=False), Reason.CALLER_ID_MISSING, False),
        (replace(LEAD, suppressed=True), CAMPAIGN, Reason.DNC_INTERNAL, True),
        (replace(LEAD, list_consent=None), CAMPAIGN, Reason.CONSENT_MISSING, False),
        (replace(LEAD, countries=("DE",), states=()), CAMPAIGN, Reason.COUNTRY_NOT_ALLOWED, True),
        (replace(LEAD, countries=(), states=()), CAMPAIGN, Reason.COUNTRY_NOT_ALLOWED, True),
        (replace(LEAD, attempts=6), CAMPAIGN, Reason.ATTEMPTS_EXHAUSTED, True),
        (replace(LEAD, zones=()), CAMPAIGN, Reason.TZ_UNKNOWN, False),
        (replace(LEAD, zones=("Mars/Olympus",)), CAMPAIGN, Reason.TZ_UNKNOWN, False),
        (
            replace(LEAD, zones=("America/New_York", "nowhere")),
            CAMPAIGN,
            Reason.TZ_UNKNOWN,
            False,
        ),
        (replace(LEAD, zones=("Pacific/Honolulu",)), CAMPAIGN, Reason.HOURS_CLOSED, False),
        (replace(LEAD, not_before=NOON + HOUR), CAMPAIGN, Reason.RETRY_LATER, False),
        (replace(LEAD, rests_until=NOON + HOUR), CAMPAIGN, Reason.COOL_DOWN, False),
        (replace(LEAD, recent_dials=(NOON - HOUR,)), CAMPAIGN, Reason.FREQ_GAP, False),
        (
            replace(LEAD, recent_dials=tuple(NOON - n * 5 * HOUR for n in (1, 2, 3))),
            CAMPAIGN,
            Reason.FREQ_24H,
            False,
        ),
    ],
)
def test_each_rule_refuses_by_itself_and_says_so(
    lead: LeadFacts, campaign: CampaignFacts, reason: Reason, final: bool
) -> None:
    decision = decide(lead, campaign, NOON, POLICY)
    assert not decision.allow
    assert decision.reasons == (reason,)
    assert decision.key == reason.value
    assert decision.final is final
    assert (decision.next_allowed_at is None) is final
    assert final or (decision.next_allowed_at is not None and decision.next_allowed_at > NOON)


def test_every_reason_is_named_not_only_the_first() -> None:
    lead = replace(LEAD, suppressed=True, list_consent=None, zones=("Pacific/Honolulu",))
    campaign = replace(CAMPAIGN, running=False)
    assert set(reasons(lead, campaign)) == {
        Reason.CAMPAIGN_NOT_RUNNING,
        Reason.DNC_INTERNAL,
        Reason.CONSENT_MISSING,
        Reason.HOURS_CLOSED,
    }


def test_a_campaign_without_days_never_opens_and_never_says_when() -> None:
    decision = decide(LEAD, replace(CAMPAIGN, schedule_days=frozenset()), NOON, POLICY)
    assert decision.reasons == (Reason.HOURS_CLOSED,)
    assert decision.next_allowed_at is None


def test_the_schedule_narrows_the_law_and_cannot_widen_it() -> None:
    night = datetime(2026, 6, 9, 3, 0, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    always = replace(CAMPAIGN, schedule_start=time(0, 0), schedule_end=time(23, 59))
    assert decide(LEAD, always, night, POLICY).reasons == (Reason.HOURS_CLOSED,)
    short = replace(CAMPAIGN, schedule_start=time(13, 0))
    decision = decide(LEAD, short, NOON, POLICY)
    assert decision.reasons == (Reason.HOURS_CLOSED,)
    assert decision.next_allowed_at == NOON + HOUR


def test_the_third_dial_in_a_day_is_the_last_until_the_first_of_them_is_a_day_old() -> None:
    dials = (NOON - 4 * HOUR, NOON - 10 * HOUR, NOON - 22 * HOUR)
    decision = decide(replace(LEAD, recent_dials=dials), CAMPAIGN, NOON, POLICY)
    assert decision.reasons == (Reason.FREQ_24H,)
    assert decision.next_allowed_at == NOON + 2 * HOUR
    later = decide(replace(LEAD, recent_dials=dials), CAMPAIGN, NOON + 2 * HOUR, POLICY)
    assert later.allow
    # A fourth, older dial must not move the wait: it has left the day already.
    older = replace(LEAD, recent_dials=(*dials, NOON - 30 * HOUR))
    assert decide(older, CAMPAIGN, NOON, POLICY).next_allowed_at == NOON + 2 * HOUR


def test_two_dials_in_a_day_leave_room_for_the_third() -> None:
    lead = replace(LEAD, recent_dials=(NOON - 4 * HOUR, NOON - 9 * HOUR, NOON - 24 * HOUR))
    assert decide(lead, CAMPAIGN, NOON, POLICY).allow


def test_dials_stay_four_hours_apart() -> None:
    almost = replace(LEAD, recent_dials=(NOON - 4 * HOUR + timedelta(seconds=1),))
    decision = decide(almost, CAMPAIGN, NOON, POLICY)
    assert decision.reasons == (Reason.FREQ_GAP,)
    assert decision.next_allowed_at == NOON + timedelta(seconds=1)
    assert decide(replace(LEAD, recent_dials=(NOON - 4 * HOUR,)), CAMPAIGN, NOON, POLICY).allow


def test_a_busy_line_may_be_tried_again_after_ten_minutes() -> None:
    tried = replace(LEAD, recent_dials=(NOON - timedelta(minutes=10),))
    assert not decide(tried, CAMPAIGN, NOON, POLICY).allow
    assert decide(replace(tried, last_was_busy=True), CAMPAIGN, NOON, POLICY).allow
    sooner = replace(tried, recent_dials=(NOON - timedelta(minutes=9),), last_was_busy=True)
    decision = decide(sooner, CAMPAIGN, NOON, POLICY)
    assert decision.reasons == (Reason.FREQ_GAP,)
    assert decision.next_allowed_at == NOON + timedelta(minutes=1)


def test_a_busy_line_still_counts_toward_the_day() -> None:
    dials = tuple(NOON - timedelta(minutes=15 * n) for n in (1, 2, 3))
    lead = replace(LEAD, recent_dials=dials, last_was_busy=True)
    assert reasons(lead) == (Reason.FREQ_24H,)


def test_a_wait_that_ends_at_night_is_moved_to_the_morning() -> None:
    evening = datetime(2026, 6, 9, 19, 0, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    lead = replace(LEAD, recent_dials=(evening - HOUR,))
    morning = datetime(2026, 6, 10, 10, 0, tzinfo=ZoneInfo("America/New_York"))
    assert decide(lead, CAMPAIGN, evening, POLICY).next_allowed_at == morning


@pytest.mark.parametrize(
    "change",
    [
        replace(POLICY, max_attempts_24h=2),
        replace(POLICY, profile="law"),
        replace(POLICY, book=read_packs({"own.yaml": "pack: own\nversion: 1"})),
    ],
)
def test_another_rule_has_another_hash_and_the_same_rules_the_same(change: Policy) -> None:
    assert change.sha256 != POLICY.sha256
    assert Policy().sha256 == POLICY.sha256


moments = st.integers(0, 365 * 24 * 60 * 60).map(
    lambda second: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
)
ages = st.lists(st.integers(1, 48 * 3600), max_size=5).map(
    lambda seconds: [timedelta(seconds=second) for second in sorted(seconds)]
)
schedules = st.tuples(
    st.sampled_from([time(0, 0), time(8, 0), time(9, 30), time(12, 0)]),
    st.sampled_from([time(13, 0), time(18, 0), time(21, 0), time(23, 59)]),
    st.frozensets(st.integers(0, 6)),
).map(
    lambda parts: replace(
        CAMPAIGN, schedule_start=parts[0], schedule_end=parts[1], schedule_days=parts[2]
    )
)


@st.composite
def standing_leads(draw: st.DrawFn) -> tuple[LeadFacts, datetime]:
    """A lead against which only hours, frequency and a retry time can speak, and a moment."""
    now = draw(moments)
    wait = draw(st.none() | st.integers(-3600, 3 * 86400))
    lead = replace(
        LEAD,
        zones=tuple(draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True))),
        recent_dials=tuple(now - age for age in draw(ages)),
        last_was_busy=draw(st.booleans()),
        not_before=None if wait is None else now + timedelta(seconds=wait),
    )
    return lead, now


@settings(max_examples=200, deadline=None)
@given(standing_leads(), schedules)
def test_an_allowed_moment_is_in_the_law_and_in_the_schedule_of_every_zone(
    known: tuple[LeadFacts, datetime], campaign: CampaignFacts
) -> None:
    lead, now = known
    decision = decide(lead, campaign, now, POLICY)
    moment = now if decision.allow else decision.next_allowed_at
    if moment is None:
        return
    for zone in lead.zones:
        wall = moment.astimezone(ZoneInfo(zone))
        assert time(10, 0) <= wall.time() < time(17, 59)
        assert wall.weekday() < 5
        assert not is_holiday_somewhere(wall.date())
        assert campaign.schedule_start <= wall.time() < campaign.schedule_end
        assert wall.weekday() in campaign.schedule_days


@settings(max_examples=200, deadline=None)
@given(standing_leads(), schedules, st.sampled_from(ZONES))
def test_one_more_candidate_zone_never_loosens(
    known: tuple[LeadFacts, datetime], campaign: CampaignFacts, another: str
) -> None:
    lead, now = known
    fewer = decide(lead, campaign, now, POLICY)
    more = decide(replace(lead, zones=(*lead.zones, another)), campaign, now, POLICY)
    assert fewer.allow or not more.allow
    assert set(fewer.reasons) <= set(more.reasons)
    if not more.allow and more.next_allowed_at is not None:
        earliest = now if fewer.allow else fewer.next_allowed_at
        assert earliest is not None
        assert earliest <= more.next_allowed_at


@settings(max_examples=200, deadline=None)
@given(standing_leads(), schedules, st.data())
def test_next_allowed_at_is_allowed_and_nothing_before_it_is(
    known: tuple[LeadFacts, datetime], campaign: CampaignFacts, data: st.DataObject
) -> None:
    lead, now = known
    decision = decide(lead, campaign, now, POLICY)
    if decision.next_allowed_at is None:
        return
    assert decide(lead, campaign, decision.next_allowed_at, POLICY).allow
    wait = decision.next_allowed_at - now
    just_before = decision.next_allowed_at - timedelta(microseconds=1)
    assert not decide(lead, campaign, just_before, POLICY).allow
    for share in data.draw(st.lists(st.floats(0, 0.999999), min_size=5, max_size=5)):
        assert not decide(lead, campaign, now + wait * share, POLICY).allow


odd_text = st.text(max_size=30) | st.sampled_from(
    ["", "America", "../../etc/passwd", "\x00", "utc", "US/Eastern ", "\udc80", "posixrules"]
)


@settings(max_examples=200, deadline=None)
@given(
    zones=st.lists(odd_text | st.sampled_from(ZONES), max_size=4).map(tuple),
    countries=st.lists(odd_text | st.sampled_from(PLACES), max_size=3).map(tuple),
    states=st.lists(odd_text | st.sampled_from(STATES), max_size=3).map(tuple),
    attempts=st.integers(-5, 50),
    dials=st.lists(st.integers(-86400, 3 * 86400), max_size=6),
    campaign=schedules,
    switched_off=st.booleans(),
    rehearsal=st.booleans(),
    words=st.lists(odd_text, max_size=3).map(tuple),
    now=moments,
)
def test_any_facts_get_an_answer_and_a_refusal_has_a_reason(
    zones: tuple[str, ...],
    countries: tuple[str, ...],
    states: tuple[str, ...],
    attempts: int,
    dials: list[int],
    campaign: CampaignFacts,
    switched_off: bool,
    rehearsal: bool,
    words: tuple[str, ...],
    now: datetime,
) -> None:
    lead = LeadFacts(
        zones=zones,
        countries=countries,
        states=states,
        suppressed=False,
        list_consent="written",
        own_consents=tuple(OwnConsent(word, word, now) for word in words),
        line_type=words[0] if words else None,
        listed=words,
        snapshots=tuple((word, now) for word in words),
        stopped_countries=frozenset(words),
        recent_dials=tuple(now - timedelta(seconds=age) for age in dials),
        attempts=attempts,
    )
    asked = replace(campaign, switched_off=switched_off, rehearsal=rehearsal)
    decision = decide(lead, asked, now, POLICY)
    assert decision.allow is (decision.reasons == ())
    if decision.allow:
        assert countries
        assert set(countries) <= set(campaign.countries)
        assert set(states) <= US_PARTS
        assert lead.zones
    if decision.final:
        assert decision.next_allowed_at is None

"""The packs: sound as they ship, and refused with file, line and field when they are not."""

from datetime import date, time
from importlib.resources import files
from pathlib import Path

import pytest

from voice_ai.compliance import Policy
from voice_ai.compliance.codes import CA_PROVINCES, EU_MEMBERS, JURISDICTIONS, US_PARTS
from voice_ai.compliance.holidays import holiday_name, is_holiday_somewhere
from voice_ai.compliance.packs import built_in, check_pack, read_packs
from voice_ai.compliance.rules import WIDEST, FrequencyRule, HoursRule, ListRule, SuspensionRule
from voice_ai.compliance.words import rules_page
from voice_ai.errors import BadInput
from voice_ai.leads.places import state_zones

PAGE = Path(__file__).parents[2] / "docs" / "compliance-rules.md"
BOOK = built_in()
HOURS = [rule for rule in BOOK.rules if isinstance(rule, HoursRule)]
# Written down a second time.
_STATES = "AL CT FL IL IN KY LA MD MA MI MN MS NE NV NM OK OR PA RI SD TX UT WA WY"

PACK = """\
pack: own
version: "1"
rules:
  - id: US-XX-HOURS
    kind: hours
    jurisdiction: US-FL
    params:
      mon_fri: "08:00-20:00"
      sat: none
      sun: none
    citation: "Fla. Stat. 501.616"
    effective_from: 2026-01-01
    verified_on: 2026-11-22
    confidence: low
"""


def test_every_state_of_the_sources_has_its_window() -> None:
    told = {rule.jurisdiction for rule in HOURS if rule.jurisdiction.startswith("US-")}
    assert told == {f"US-{code}" for code in _STATES.split()}


@pytest.mark.parametrize("rule", BOOK.rules, ids=lambda rule: rule.id)
def test_every_rule_says_where_and_when_it_comes_from(rule: FrequencyRule) -> None:
    assert rule.jurisdiction in JURISDICTIONS
    assert len(rule.citation) > 3
    assert rule.effective_from <= date(2026, 1, 1)
    assert date(2026, 11, 1) <= rule.verified_on <= date(2026, 12, 31)
    assert rule.verified_by is None  # no lawyer has looked at one; docs/compliance.md says so


@pytest.mark.parametrize("rule", HOURS, ids=lambda rule: rule.id)
def test_every_window_lies_inside_the_federal_one(rule: HoursRule) -> None:
    hours = rule.params
    for span in (hours.mon_fri, hours.sat, hours.sun, hours.holiday):
        assert span is None or (WIDEST[0] <= span[0] < span[1] <= WIDEST[1])


def test_the_federal_window_is_the_widest_that_a_pack_may_have() -> None:
    federal = BOOK.rule("US-HOURS")
    assert isinstance(federal, HoursRule)
    assert federal.params.mon_fri == federal.params.sat == federal.params.sun == WIDEST


@pytest.mark.parametrize("rule", HOURS, ids=lambda rule: rule.id)
def test_the_strictest_profile_lies_inside_every_window_of_a_weekday(rule: HoursRule) -> None:
    span = rule.params.mon_fri
    assert span is not None
    assert span[0] <= time(10, 0)
    assert time(18, 0) <= span[1]


@pytest.mark.parametrize(
    ("rule_id", "mon_fri", "sat", "sun"),
    [
        ("US-FL-HOURS", "08-20", "08-20", "08-20"),
        ("US-KY-HOURS", "10-21", "10-21", "10-21"),
        ("US-RI-HOURS", "09-18", "10-17", None),
        ("US-SD-HOURS", "09-21", None, None),
        ("US-TX-HOURS", "09-21", "09-21", "12-21"),
        ("US-CT-HOURS", "09-20", "09-20", "09-20"),
        ("US-LA-HOURS", "08-20", "08-20", None),
        ("UK-HOURS", "09-20", "09-17", None),
        ("CA-HOURS", "09-21", "10-18", "10-18"),
    ],
)
def test_windows_are_those_of_the_sources(
    rule_id: str, mon_fri: str | None, sat: str | None, sun: str | None
) -> None:
    rule = BOOK.rule(rule_id)
    assert isinstance(rule, HoursRule)
    for said, span in ((mon_fri, rule.params.mon_fri), (sat, rule.params.sat)):
        assert said == (None if span is None else f"{span[0]:%H}-{span[1]:%H}")
    last = rule.params.sun
    assert sun == (None if last is None else f"{last[0]:%H}-{last[1]:%H}")


def test_outside_lists_expire_as_the_law_says() -> None:
    ages = {
        (rule.jurisdiction, rule.params.source): rule.params.max_age_days
        for rule in BOOK.rules
        if isinstance(rule, ListRule)
    }
    assert ages == {
        ("US", "us_national_dnc"): 31,
        ("CA", "ca_national_dncl"): 31,
        ("GB", "uk_tps"): 28,
        ("US-ME", "us_reassigned"): 30,
        # Asked where somebody loaded them.
        ("US", "us_reassigned"): None,
        ("US", "litigators"): None,
    }


def test_no_emergency_order_is_in_force_as_the_product_ships() -> None:
    assert not [rule for rule in BOOK.rules if isinstance(rule, SuspensionRule)]


def test_codes_are_those_that_an_import_gives() -> None:
    assert set(state_zones()) == US_PARTS | CA_PROVINCES
    assert len(EU_MEMBERS) == 27


@pytest.mark.parametrize(
    ("state", "day", "name"),
    [
        ("PA", date(2026, 6, 14), "Flag Day"),
        ("AL", date(2026, 12, 1), "Rosa Parks"),
        ("RI", date(2026, 5, 4), "Independence Day"),
        ("LA", date(2026, 11, 27), "after Thanksgiving"),
        ("LA", date(2027, 11, 26), "after Thanksgiving"),
        ("LA", date(2026, 2, 17), "Mardi Gras"),
        ("LA", date(2026, 4, 3), "Good Friday"),
        ("UT", date(2026, 7, 24), "Pioneer Day"),
        ("RI", date(2026, 8, 10), "Victory Day"),
        ("MS", date(2026, 4, 27), "Confederate Memorial Day"),
    ],
)
def test_holidays_are_the_librarys_and_those_that_it_lacks(
    state: str, day: date, name: str
) -> None:
    found = holiday_name(BOOK.calendars[state], day)
    assert found is not None
    assert name in found
    assert is_holiday_somewhere(day)


def test_an_ordinary_day_is_none() -> None:
    assert not is_holiday_somewhere(date(2026, 11, 24))
    assert holiday_name(BOOK.calendars["AL"], date(2026, 6, 14)) is None


def test_a_sound_pack_is_read_and_a_rule_begins_on_its_day() -> None:
    book = read_packs({"own.yaml": PACK})
    (rule,) = book.rules
    assert not rule.holds_on(date(2025, 12, 31))
    assert rule.holds_on(date(2026, 1, 1))
    assert book.versions == {"own": "1"}


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "message"),
    [
        ("US-FL\n", "US-PN\n", 6, "rules.0.jurisdiction", "no place 'US-PN'"),
        ("US-FL\n", "PN\n", 6, "rules.0.jurisdiction", "no place 'PN'"),
        ('"08:00-20:00"', '"07:59-20:00"', 8, "rules.0.params.mon_fri", "08:00-21:00"),
        ('"08:00-20:00"', '"08:00-21:30"', 8, "rules.0.params.mon_fri", "08:00-21:00"),
        ('"08:00-20:00"', '"20:00-08:00"', 8, "rules.0.params.mon_fri", "08:00-21:00"),
        ('"08:00-20:00"', "all day", 8, "rules.0.params.mon_fri", "09:00-20:00"),
        ("      sat: none\n", "", 7, "rules.0.params.sat", "missing"),
        ('    citation: "Fla. Stat. 501.616"\n', "", 4, "rules.0.citation", "missing"),
        ("    effective_from: 2026-01-01\n", "", 4, "rules.0.effective_from", "missing"),
        ("    verified_on: 2026-11-22\n", "", 4, "rules.0.verified_on", "missing"),
        ("2026-01-01", "2026-02-30", 12, "rules.0.effective_from", "date"),
        ("confidence: low", "confidence: sure", 14, "rules.0.confidence", "high"),
        ("confidence: low", "confidence: low\n    colour: red", 15, "rules.0.colour", "no such"),
        ("kind: hours", "kind: luck", 4, "rules.0", "luck"),
        ("sun: none", "sun: none\n      holidays: [PN]", 11, "rules.0.params.holidays", "calendar"),
        ("US-XX-HOURS", "a rule", 4, "rules.0.id", "pattern"),
        (
            "2026-01-01",
            "2026-01-01\n    effective_to: 2025-01-01",
            4,
            "rules.0",
            "before effective_from",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_place(
    old: str, new: str, line: int, field: str, message: str
) -> None:
    assert PACK.count(old) == 1
    with pytest.raises(BadInput) as raised:
        read_packs({"own.yaml": PACK.replace(old, new)})
    assert (raised.value.file, raised.value.line, raised.value.field) == ("own.yaml", line, field)
    assert message in raised.value.message


def test_two_rules_of_one_name_are_refused() -> None:
    other = PACK.replace("pack: own", "pack: other")
    with pytest.raises(BadInput, match=r"other\.yaml:4.*own\.yaml already"):
        read_packs({"own.yaml": PACK, "other.yaml": other})


@pytest.mark.parametrize("text", ["", "words", "rules: []", "pack: x\nversion: 1\nrules: 3"])
def test_a_file_that_is_no_pack_is_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match=r"own\.yaml"):
        read_packs({"own.yaml": text})


def test_a_checked_pack_takes_the_place_of_the_one_of_its_name() -> None:
    text = (files("voice_ai.compliance") / "packs" / "uk.yaml").read_text(encoding="utf-8")
    same = check_pack(text, "uk.yaml")
    assert same.ids == BOOK.ids
    assert same.sha256 == BOOK.sha256
    changed = check_pack(text.replace('"09:00-17:00"', '"09:00-16:00"'), "mine.yaml")
    assert changed.ids == BOOK.ids
    assert changed.sha256 != BOOK.sha256
    assert Policy(book=changed).sha256 != Policy().sha256


def test_the_page_of_the_rules_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == rules_page(BOOK), "run `voice-ai docs policy`"

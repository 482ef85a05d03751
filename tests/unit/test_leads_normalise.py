"""The vectorised path accepts what `phonenumbers` calls valid, no more and no less."""

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from voice_ai.leads.nanp import plan
from voice_ai.leads.normalise import Normaliser

CALLABLE = {
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.VOIP,
}
STYLES = [
    "{0}{1}{2}",
    "({0}) {1}-{2}",
    "{0}-{1}-{2}",
    "{0}.{1}.{2}",
    "{0} {1} {2}",
    "+1{0}{1}{2}",
    "+1 ({0}) {1}-{2}",
    "1-{0}-{1}-{2}",
    "1{0}{1}{2}",
    "+{0}{1}{2}",
    "{0}/{1}-{2}",
    "({0}){1}\u2013{2} x12",
    " {0} {1} {2} ",
]


def library_says(value: str, region: str = "US") -> int | None:
    """The E.164 digits when the value is a valid number that may be called."""
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in CALLABLE:
        return None
    return int(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:])


def normalised(*values: str | None, region: str = "US") -> pl.DataFrame:
    return Normaliser(region).normalise(pl.Series(values, dtype=pl.String))


american = st.builds(
    lambda style, area, exchange, rest: style.format(area, exchange, rest),
    st.sampled_from(STYLES),
    st.from_regex(r"\A[0-9]{3}\Z"),
    st.from_regex(r"\A[0-9]{3}\Z"),
    st.from_regex(r"\A[0-9]{4}\Z"),
)
anything = st.text(st.sampled_from("0123456789+()-. x#/"), max_size=22)


@settings(max_examples=150, deadline=None)
@given(st.lists(american | anything, min_size=1, max_size=40))
def test_every_answer_is_the_librarys(values: list[str]) -> None:
    answers = normalised(*values)
    for value, e164, reason in zip(values, answers["e164"], answers["reason"], strict=True):
        assert e164 == library_says(value), value
        assert (e164 is None) == (reason is not None)


def test_every_area_code_and_exchange_start_agrees_with_the_library() -> None:
    numbers = [f"{area}{fourth}551234" for area in range(200, 1000) for fourth in range(10)]
    answers = normalised(*numbers)["e164"].to_list()
    assert answers == [library_says(number) for number in numbers]


def test_the_fast_path_takes_nearly_all_of_the_plan() -> None:
    assert plan().geographic.sum() > 400
    assert plan().toll_free[[800, 833, 844, 855, 866, 877, 888]].all()


@pytest.mark.parametrize(
    ("written", "e164", "extension"),
    [
        ("(256) 593-8310 ext. 45", 12565938310, "45"),
        ("256-593-8310 x45", 12565938310, "45"),
        ("2565938310#7", 12565938310, "7"),
        ("256.593.8310 Extension 1234", 12565938310, "1234"),
        ("\u00a0256\u2011593\u20118310", 12565938310, None),
        ("'2565938310", 12565938310, None),
        ("+44 20 7946 0958", 442079460958, None),
        ("011 44 20 7946 0958", 442079460958, None),
        ("1-800-FLOWERS", None, None),
        ("+4155552671", None, None),
        ("+41 44 668 18 00", 41446681800, None),
    ],
)
def test_real_world_spellings(written: str, e164: int | None, extension: str | None) -> None:
    row = normalised(written).row(0, named=True)
    assert (row["e164"], row["extension"]) == (e164, extension)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (None, "no_phone"),
        ("", "no_phone"),
        ("n/a", "no_phone"),
        ("555-0199", "too_few_digits"),
        ("256593831012345678", "too_many_digits"),
        ("256-593-8310 / 256-593-8311", "several_numbers"),
        ("2.56594E+09", "digits_lost"),
        ("(800) 805-5678", "toll_free"),
        ("900-234-5678", "premium_rate"),
        ("(526) 698-0811", "non_geographic"),
        ("256-093-8310", "invalid_number"),
    ],
)
def test_refusals_say_why(written: str | None, reason: str) -> None:
    row = normalised(written).row(0, named=True)
    assert (row["e164"], row["reason"]) == (None, reason)


def test_number_without_plus_is_read_in_the_country_of_its_row() -> None:
    values = pl.Series(["020 7946 0958", "2079460958", "2079460958"])
    regions = pl.Series(["GB", "GB", None], dtype=pl.String)
    answers = Normaliser("US").normalise(values, regions)
    assert answers["e164"].to_list() == [442079460958, 442079460958, 12079460958]


def test_territories_are_in_the_united_states_and_the_caribbean_is_not() -> None:
    answers = normalised("787-535-1001", "809-535-1001", "416-967-1111")
    assert answers["country"].to_list() == ["US", "DO", "CA"]

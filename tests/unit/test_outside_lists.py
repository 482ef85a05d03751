"""How old a copy of an outside list may be."""

from datetime import UTC, datetime, timedelta

import pytest

from voice_ai.compliance.packs import built_in
from voice_ai.compliance.rules import ListRule
from voice_ai.outside_lists import OUTSIDE_LISTS, age_in_words, age_state

TAKEN = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("source", "days", "state"),
    [
        ("us_national_dnc", 24, "ok"),
        ("us_national_dnc", 25, "warn"),
        ("us_national_dnc", 30.99, "warn"),
        ("us_national_dnc", 31, "stale"),
        ("uk_tps", 27.5, "warn"),
        ("uk_tps", 28, "stale"),
        ("ca_national_dncl", 32, "stale"),
        ("litigators", 400, "warn"),
    ],
)
def test_a_list_grows_old(source: str, days: float, state: str) -> None:
    assert age_state(OUTSIDE_LISTS[source], TAKEN, TAKEN + timedelta(days=days)) == state


def test_a_list_that_was_never_loaded_is_missing() -> None:
    outside = OUTSIDE_LISTS["uk_tps"]
    assert age_state(outside, None, TAKEN) == "missing"
    assert age_in_words(outside, None, TAKEN) == "never loaded"
    assert age_in_words(outside, TAKEN, TAKEN + timedelta(days=3)) == "3 of 28 days old"


def test_the_rules_know_each_list_and_agree_on_its_age() -> None:
    asked: dict[str, list[int]] = {source: [] for source in built_in().sources}
    for rule in built_in().rules:
        if isinstance(rule, ListRule) and rule.params.max_age_days is not None:
            asked[rule.params.source].append(rule.params.max_age_days)
    assert set(asked) == set(OUTSIDE_LISTS)
    for source, ages in asked.items():
        assert OUTSIDE_LISTS[source].limit_days == (min(ages) if ages else None)

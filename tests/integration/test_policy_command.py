"""`voice-ai policy`: the rules, a pack's faults, and why a call may or may not be made."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from voice_ai.__main__ import run
from voice_ai.compliance.packs import built_in

UK = (files("voice_ai.compliance") / "packs" / "uk.yaml").read_text(encoding="utf-8")
TUESDAY = "2026-11-24T19:00:00-05:00"


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Any:
    def answer(*words: str, code: int = 0) -> dict[str, Any]:
        assert run("policy", [*words, "--json"]) == code
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return answer


def test_every_rule_is_listed_with_its_source(says: Any) -> None:
    answer = says("list")
    assert answer["policy"] == built_in().sha256
    assert {rule["id"] for rule in answer["rules"]} == built_in().ids
    assert all(rule["citation"] and rule["verified_on"] for rule in answer["rules"])


def test_the_rules_of_a_place_are_its_own_its_countrys_and_everywheres(says: Any) -> None:
    florida = {rule["jurisdiction"] for rule in says("list", "--state", "fl")["rules"]}
    assert florida == {"*", "US", "US-FL"}
    assert {rule["jurisdiction"] for rule in says("list", "--country", "GB")["rules"]} == {
        "*",
        "GB",
    }


def test_one_rule_is_shown_and_one_that_is_not_there_is_a_no(says: Any) -> None:
    rule = says("show", "us-pa-hours")
    assert rule["params"]["sat"] is None
    assert "conflicts" in rule["notes"]
    assert "policy list" in says("show", "US-PN-HOURS", code=1)["error"]


def test_a_decision_is_explained_rule_by_rule(says: Any) -> None:
    wide = says("explain", "--state", "FL", "--at", TUESDAY, "--policy", "law")
    assert wide["allow"] is True
    narrow = says("explain", "--state", "FL", "--at", TUESDAY)
    assert (narrow["allow"], narrow["reasons"]) == (False, ["HOURS_CLOSED"])
    assert narrow["next_allowed_at"] == "2026-11-25T16:00:00+00:00"
    assert narrow["zones"] == ["America/Chicago", "America/New_York"]
    opened = {rule["id"]: rule["open"] for rule in narrow["rules"]}
    assert (opened["DEFAULT-HOURS"], opened["US-FL-HOURS"], opened["US-NDNC"]) == (
        False,
        True,
        None,
    )


@pytest.mark.parametrize(
    ("words", "reasons"),
    [
        (("--state", "WA", "--policy", "law"), ["AUTOMATED_BANNED"]),
        (("--state", "NY", "--policy", "law", "--consent", "express"), ["CONSENT_KIND"]),
        (("--state", "NY", "--policy", "law", "--consent", "none"), ["CONSENT_MISSING"]),
        (("--state", "NY", "--purpose", "informational", "--policy", "law"), []),
        (("--country", "GB", "--zone", "Europe/London"), ["CONSENT_KIND", "HOURS_CLOSED"]),
    ],
)
def test_the_answer_depends_on_place_purpose_and_consent(
    says: Any, words: tuple[str, ...], reasons: list[str]
) -> None:
    assert says("explain", "--at", TUESDAY, *words)["reasons"] == reasons


@pytest.mark.parametrize(
    "words",
    [
        ("--state", "PN"),
        ("--country", "XX", "--zone", "Europe/London"),
        ("--state", "FL", "--at", "2026-11-24T19:00:00"),
        ("--state", "FL", "--at", "noon"),
        ("--state", "FL", "--zone", "Mars/Olympus"),
        ("--state", "FL", "--policy", "loose"),
        ("--state", "FL", "--purpose", "fun"),
        ("--country", "GB"),
        (),
    ],
)
def test_words_that_mean_nothing_are_wrong_usage(says: Any, words: tuple[str, ...]) -> None:
    assert says("explain", *words, code=2)["exit_code"] == 2


def test_a_pack_is_checked_and_its_fault_named(says: Any, tmp_path: Path) -> None:
    file = tmp_path / "uk.yaml"
    file.write_text(UK)
    assert says("check", str(file))["sound"] is True
    file.write_text(UK.replace("jurisdiction: GB", "jurisdiction: UK", 1))
    error = says("check", str(file), code=1)["error"]
    assert "field rules.0.jurisdiction" in error
    assert "'UK'" in error
    assert "cannot be read" in says("check", str(tmp_path / "none.yaml"), code=1)["error"]


def test_people_read_tables(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["list"], ["show", "UK-HOURS"], ["explain", "--state", "FL", "--at", TUESDAY]):
        assert run("policy", words) == 0
    said = capsys.readouterr().out
    assert "not allowed" in said
    assert "HOURS_CLOSED" in said

"""`voice-ai dnc`, `consent` and `switch` against a real database, with the roles' own logins."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.factories import Office
from voice_ai.__main__ import run
from voice_ai.db.connect import Db
from voice_ai.vault import Keyring

SECRET = "YSBzZWNyZXQgb2YgdGhlIHRlc3RzLCAzMiBieXRlcy4="  # the tests' keyring
DAY = "2026-11-24T14:00:00-05:00"


class Said:
    """Commands with --json, and what they answered."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str | Path, code: int = 0) -> dict[str, Any]:
        assert run(str(words[0]), [*map(str, words[1:]), "--json"]) == code
        (line,) = self._capsys.readouterr().out.splitlines()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def plain(self, *words: str | Path, code: int = 0) -> str:
        assert run(str(words[0]), [*map(str, words[1:])]) == code
        said = self._capsys.readouterr()
        return said.out + said.err


@pytest.fixture
def said(
    database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Said:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", SECRET)
    monkeypatch.setenv("VOICE_AI_CLOCK_START", DAY)
    return Said(capsys)


@pytest.fixture
def office(database_url: str, keyring: Keyring) -> Iterator[Office]:
    with Office(database_url, keyring) as opened:
        opened.seller("Acme")
        yield opened


def test_a_number_is_added_checked_and_listed(said: Said, office: Office) -> None:
    assert said("dnc", "check", "(212) 555-0100")["suppressed"] is False
    added = said("dnc", "add", "(212) 555-0100", "+442071838750", "212.555.0100")
    assert (added["added"], added["already"]) == (2, 0)
    assert said("dnc", "add", "+12125550100")["already"] == 1
    checked = said("dnc", "check", "+1 212 555 0100")
    (row,) = checked["suppressions"]
    assert (row["scope"], row["source"], row["reason"]) == ("all", "command", "opt_out")
    assert row["added_by"]
    (first, second) = said("dnc", "list")["suppressions"]
    assert first["id"] > second["id"]
    text = said.plain("dnc", "check", "2125550100") + said.plain("dnc", "list")
    assert "Nobody calls it" in text
    assert "5550100" not in text
    own = said("dnc", "add", "+12125550101", "--scope", "seller", "--seller", "Acme")
    assert own["added"] == 1
    wrong = said("dnc", "add", "+12125550102", "12", code=1)
    assert "number 2 of 2" in wrong["error"]
    assert said("dnc", "check", "+12125550102")["suppressed"] is False
    assert (
        "needs the name" in said("dnc", "add", "+12125550102", "--scope", "seller", code=1)["error"]
    )
    assert run("dnc", ["add", "+12125550102", "--reason", "bored"]) == 2


def test_a_file_goes_in_whole_or_not_at_all(said: Said, office: Office, tmp_path: Path) -> None:
    path = tmp_path / "no.csv"
    path.write_text("Name,Phone\nAnn,212-555-0101\nBob,12\nCid,+1 212 555 0103\nDan,2125550101\n")
    refused = said("dnc", "import", path, "--scope", "seller", "--seller", "Acme", code=1)
    assert (refused["written"], refused["numbers"], refused["refused"]) == (False, 2, 1)
    (line,) = refused["refused_lines"]
    assert (line["line"], line["field"], line["reason"]) == (3, "Phone", "too_few_digits")
    assert office.rows("SELECT FROM suppressions") == []
    assert "no.csv" in said.plain("dnc", "import", path, code=1)
    looked = said("dnc", "import", path, "--dry-run")
    assert (looked["written"], looked["repeated"]) == (False, 1)
    whole = said(
        "dnc", "import", path, "--scope", "seller", "--seller", "Acme", "--leave-out-refused"
    )
    assert (whole["written"], whole["added"], whole["already"]) == (True, 2, 0)
    again = said(
        "dnc", "import", path, "--scope", "seller", "--seller", "Acme", "--leave-out-refused"
    )
    assert (again["added"], again["already"]) == (0, 2)
    plain = tmp_path / "numbers.txt"
    plain.write_text("2125550109\n+44 20 7183 8750\n")
    assert said("dnc", "import", plain)["added"] == 2
    assert said("dnc", "import", tmp_path / "none.csv", code=1)["error"]
    nothing = tmp_path / "names.csv"
    nothing.write_text("Name,Town\nAnn,York\n")
    assert "--column" in said("dnc", "import", nothing, code=1)["error"]


def entries(db: Db) -> int:
    row = db.execute("SELECT count(*) AS n FROM list_entries").fetchone()
    assert row is not None
    return int(row["n"])


def test_an_outside_list_replaces_the_former_one(
    said: Said, office: Office, tmp_path: Path
) -> None:
    def load(text: str, day: str, *more: str, code: int = 0) -> dict[str, Any]:
        path = tmp_path / "list.txt"
        path.write_text(text)
        source = ("--source", "us_national_dnc", "--taken-on", day)
        return said("dnc", "snapshot", "load", path, *source, *more, code=code)

    def state() -> tuple[str, int | None]:
        listed = said("dnc", "snapshot", "list")["lists"]
        row = next(one for one in listed if one["source"] == "us_national_dnc")
        return row["state"], row["days"]

    assert state() == ("missing", None)
    first = "".join(f"212,555{at:04}\n" for at in range(100, 200))
    loaded = load(first, "2026-10-20")
    assert (loaded["numbers"], loaded["before"], loaded["refused"]) == (100, None, 0)
    assert state() == ("stale", 35)
    assert said("dnc", "check", "+12125550150")["outside_lists"][0]["source"] == "us_national_dnc"
    assert load(first, "2026-10-20")["repeated"] is True
    assert "newer" in load(first, "2026-10-01", code=1)["error"]
    assert "day to come" in load(first, "2027-01-01", code=1)["error"]
    small = "phone\n2125550150\n(212) 555-0151\n2125550150\n"
    assert "whole list" in load(small, "2026-10-29", code=1)["error"]
    assert "no phone number" in load("a\nb\nc\n2125550150\n", "2026-10-29", code=1)["error"]
    assert entries(office.db) == 100
    assert load(small, "2026-10-29", "--much-smaller")["numbers"] == 2
    assert (entries(office.db), state()) == (2, ("warn", 26))
    assert said("dnc", "check", "+12125550152")["outside_lists"] == []
    assert load(small, "2026-11-20")["numbers"] == 2
    assert state() == ("ok", 4)
    assert "missing" in said.plain("dnc", "snapshot", "list")
    assert len(office.rows("SELECT FROM list_snapshots")) == 3
    path = tmp_path / "list.txt"
    wrong = ("dnc", "snapshot", "load", path, "--source", "my_list", "--taken-on", "2026-11-20")
    assert "us_national_dnc" in said(*wrong, code=2)["error"]


def test_consent_is_recorded_and_taken_back(said: Said, office: Office) -> None:
    number = "+12125550100"
    given = ("consent", "add", number, "--seller", "Acme", "--purpose", "telemarketing")
    assert "proof" in said(*given, "--kind", "written", code=1)["error"]
    assert "field kind" in said(*given, "--kind", "oral", code=1)["error"]
    proof = ("--kind", "written", "--evidence", "proof=https://acme.example/81")
    assert "time to come" in said(*given, *proof, "--obtained", "2027-01-01", code=1)["error"]
    assert said(*given, *proof, "--obtained", "2026-11-01")["suppressed"] is False
    (row,) = said("consent", "list", number)["consents"]
    assert (row["seller"], row["evidence"]["proof"]) == ("Acme", "https://acme.example/81")
    assert said("consent", "revoke", number, "--seller", "Acme")["consents"] == 1
    assert "command" not in said("consent", "list", number)["consents"][0]["revoked_through"]
    assert said("dnc", "check", number)["suppressed"] is True
    assert said(*given, *proof)["suppressed"] is True
    assert said("consent", "revoke", number, "--all")["consents"] == 1
    assert said("consent", "revoke", number, "--all")["added"] == 0
    assert run("consent", ["revoke", number]) == 2
    assert "taken back" in said.plain("consent", "list", number).lower()


def test_a_switch_is_set_seen_and_lifted_by_name(said: Said, office: Office) -> None:
    office.leads(1)
    office.campaign()
    assert run("switch", ["set", "global"]) == 2
    because = ("--reason", "complaints")
    first = said("switch", "set", "global", *because)
    assert said("switch", "set", "global", *because)["id"] == first["id"]
    assert said("switch", "set", "campaign", "Spring", *because)["already"] is False
    assert said("switch", "set", "country", "gb", *because)["kind"] == "country"
    assert said("switch", "set", "rule", "US-NDNC", *because)["what"] == "US-NDNC"
    caller_id = office.keyring.decrypt(
        office.row(
            "SELECT n.number_sealed FROM caller_ids c JOIN numbers n ON n.id = c.number_id LIMIT 1"
        )["number_sealed"]
    ).decode()
    assert said("switch", "set", "caller_id", caller_id, *because)["already"] is False
    kinds = {(row["kind"], row["what"]) for row in said("switch", "list")["switches"]}
    assert {("global", "*"), ("campaign", "Spring"), ("country", "GB")} < kinds
    cleared = said("switch", "clear", str(first["id"]))
    assert cleared["by"]
    assert said("switch", "clear", "country", "GB")["cleared"]
    assert "shows what is" in said("switch", "clear", "country", "GB", code=1)["error"]
    assert "no switch" in said("switch", "clear", str(first["id"]), code=1)["error"]
    assert "a part of one" in said("switch", "set", "country", "England", *because, code=1)["error"]
    assert (
        "no seller calls"
        in said("switch", "set", "caller_id", "+12125550000", *because, code=1)["error"]
    )
    assert "campaign" in said("switch", "set", "campaign", "None", *because, code=1)["error"]
    assert "complaints" in said.plain("switch", "list")

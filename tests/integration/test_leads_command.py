"""`voice-ai leads` and a trial import: what they tell, and what they keep to themselves."""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.imports import ImportReport, import_leads
from voice_ai.__main__ import run
from voice_ai.db import connect
from voice_ai.db.connect import Db
from voice_ai.errors import UsageError
from voice_ai.vault import Keyring

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PHONE = "+12565930001"


@pytest.fixture
def home(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("DATABASE_URL", database_url)
    return tmp_path / "home"


def lead_file(folder: Path) -> Path:
    path = folder / "leads.csv"
    path.write_text(
        "Name,Phone,State\nAnn Lee,2565930001,AL\nBob Ray,2565930002,AL\nNo One,12345,AL\n"
    )
    return path


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = run(words[0], [*words[1:], "--json"])
    return code, json.loads(capsys.readouterr().out)


def hospitals(url: str, keyring: Keyring, data: Path, **mapping: str) -> ImportReport:
    file = data / "hospitals" / "hospitals_2020.csv"
    return import_leads(url, keyring, file, list_name="h", now=NOW, dry_run=True, mapping=mapping)


def test_a_trial_shows_masked_refused_rows_of_every_reason(
    database_url: str, keyring: Keyring, shared_data: Path
) -> None:
    wrong = hospitals(database_url, keyring, shared_data, phone="Provider ID")
    assert wrong.accepted == 0
    right = hospitals(database_url, keyring, shared_data)
    assert right.accepted == 4765
    kinds = Counter(row.reason for row in right.refused_sample)
    assert set(kinds) == {*right.rejected_by_reason, "duplicate_in_file"}
    assert max(kinds.values()) == 10
    for row in (*wrong.refused_sample, *right.refused_sample):
        assert row.explanation
        assert not re.search(r"\d{3}", row.value_masked or "")
    lines = [row.line for row in right.refused_sample]
    assert lines == sorted(lines)
    with connect(database_url) as db:
        assert db.execute("SELECT FROM import_runs").fetchall() == []


def test_a_field_can_be_told_to_have_no_column(
    database_url: str, keyring: Keyring, shared_data: Path
) -> None:
    report = hospitals(database_url, keyring, shared_data, state="", city="")
    assert {"state", "city"}.isdisjoint(mapped.field for mapped in report.mapping)
    assert {"State", "City"} <= set(report.unmapped)
    with pytest.raises(UsageError, match="no column looks like a phone number"):
        hospitals(database_url, keyring, shared_data, phone="")


def test_a_list_is_looked_at_and_its_import_taken_back(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, report = asked(capsys, "import", str(lead_file(tmp_path)), "--list", "spring")
    assert (code, report["accepted"]) == (0, 2)
    _, lists = asked(capsys, "leads", "lists")
    assert [(one["name"], one["leads"]) for one in lists["lists"]] == [("spring", 2)]
    _, refused = asked(capsys, "leads", "rejects", report["run_id"], "--out", str(home / "no.csv"))
    assert [row["line"] for row in refused["rejects"]] == [4]
    assert "12345" not in json.dumps(refused["rejects"])
    assert "12345" in (home / "no.csv").read_text()
    code, undone = asked(capsys, "leads", "undo", report["run_id"])
    assert (code, undone["leads"]) == (0, 2)
    _, imports = asked(capsys, "leads", "imports")
    assert imports["imports"][0]["undone_at"] is not None
    code, again = asked(capsys, "leads", "undo", report["run_id"])
    assert code == 1
    assert "taken back already" in again["error"]


def test_a_lead_is_found_by_number_and_never_called_again(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked(capsys, "import", str(lead_file(tmp_path)), "--list", "spring")
    code, done = asked(capsys, "leads", "suppress", PHONE, "--seller", "Sample Seller")
    assert (code, done["already"]) == (0, False)
    code, history = asked(capsys, "leads", "show", PHONE)
    assert code == 0
    assert [row["source"] for row in history["suppressions"]] == ["command"]
    assert [row["line"] for row in history["siblings"]] == [2]
    assert "5930001" not in json.dumps(history)
    assert run("leads", ["show", str(history["lead"]["lead_id"])]) == 0
    assert "suppressions" in capsys.readouterr().out
    code, unknown = asked(capsys, "leads", "show", "+12565930009")
    assert code == 1
    assert "5930009" not in unknown["error"]


def test_wrong_words_are_told_and_change_nothing(
    home: Path,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, wrong = asked(capsys, "leads", "rejects", "no-id")
    assert code == 1
    assert "not the id of an import" in wrong["error"]
    assert run("leads", ["suppress", PHONE, "--seller", "x", "--reason", "bored"]) == 2
    with connect(database_url) as db:
        assert _none(db, "suppressions")


def _none(db: Db, table: str) -> bool:
    return not db.execute(f"SELECT FROM {table}").fetchall()

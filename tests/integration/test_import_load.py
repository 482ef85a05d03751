"""A lead file goes in whole or not at all, once, sealed, with every refusal explained."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import phonenumbers
import pytest

from pipelines.imports import ImportReport, import_leads
from voice_ai.__main__ import run
from voice_ai.db import connect
from voice_ai.db.connect import Db
from voice_ai.leads.judge import REASONS
from voice_ai.vault import Keyring

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TABLES = ("sellers", "lead_lists", "numbers", "leads", "import_runs", "import_rejects")


@pytest.fixture
def db(database_url: str) -> Iterator[Db]:
    with connect(database_url, autocommit=True) as connection:
        yield connection


def load(
    url: str, keyring: Keyring, path: Path, list_name: str = "spring", **options: Any
) -> ImportReport:
    return import_leads(url, keyring, path, list_name=list_name, now=NOW, **options)


def counts(db: Db) -> dict[str, int]:
    return {
        table: row["n"]
        for table in TABLES
        if (row := db.execute(f"SELECT count(*) AS n FROM {table}").fetchone())
    }


def number(at: int) -> str:
    return f"+1256{5_930_000 + at}"


def lead_file(folder: Path, count: int, name: str = "leads.csv") -> Path:
    path = folder / name
    rows = "".join(f"Ann Lee {at},{number(at)},AL,35957\n" for at in range(count))
    path.write_text("Name,Phone,State,ZIP\n" + rows)
    return path


def opened(keyring: Keyring, sealed: bytes) -> str:
    return keyring.decrypt(sealed).decode()


def test_hospitals_of_both_vintages(
    database_url: str, db: Db, keyring: Keyring, shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "hospitals"
    first = load(database_url, keyring, folder / "hospitals_2022.csv", home=tmp_path)
    assert (first.rows, first.accepted, first.duplicates) == (5325, 5287, 22)
    assert first.rejected_by_reason == {"invalid_number": 2, "non_geographic": 2, "toll_free": 12}
    second = load(database_url, keyring, folder / "hospitals_2020.csv", home=tmp_path)
    assert (second.rows, second.accepted, second.duplicates) == (4793, 433, 18)
    assert second.already_in_list == 4332
    assert second.rejected_by_reason == {
        "invalid_number": 1,
        "non_geographic": 2,
        "toll_free": 6,
        "too_few_digits": 1,
    }
    assert any("leading zeros" in warning and "296" in warning for warning in second.warnings)

    for row in db.execute("SELECT number_sealed, zones, states FROM numbers"):
        clear = opened(keyring, row["number_sealed"])
        assert phonenumbers.is_valid_number(phonenumbers.parse(clear))
        assert row["zones"]
    for report, vintage in ((first, "2022"), (second, "2020")):
        text = (folder / f"hospitals_{vintage}.csv").read_text(encoding="utf-8-sig")
        lines = text.splitlines()
        rejects = db.execute(
            "SELECT * FROM import_rejects WHERE run_id = %s ORDER BY line", (report.run_id,)
        ).fetchall()
        assert len(rejects) == report.rows - report.accepted
        for reject in rejects:
            value = opened(keyring, reject["value_sealed"])
            assert value in lines[reject["line"] - 1]
            assert reject["reason"] in REASONS
            assert reject["explanation"]
            assert not re.search(r"\d{3}", reject["value_masked"])


def test_same_file_again_changes_nothing(
    database_url: str, db: Db, keyring: Keyring, tmp_path: Path
) -> None:
    path = lead_file(tmp_path, 50)
    first = load(database_url, keyring, path)
    before = counts(db)
    again = load(database_url, keyring, path)
    assert again.repeated
    assert again.run_id == first.run_id
    assert (again.rows, again.accepted) == (50, 50)
    assert counts(db) == before
    other = load(database_url, keyring, path, "autumn")
    assert (other.accepted, other.new_numbers) == (50, 0)
    assert counts(db)["numbers"] == 50


def test_lead_carries_its_person_sealed_and_its_places_in_clear(
    database_url: str, db: Db, keyring: Keyring, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(
        "First Name,Last Name,Phone,State,Zip,Customer ID,Plan\n"
        "Ann,Lee,850-593-8310 x12,FL,2138,A-7,gold\n"
    )
    load(database_url, keyring, path)
    lead = db.execute("SELECT * FROM leads").fetchone()
    assert lead is not None
    person = json.loads(opened(keyring, lead["person_sealed"]))
    assert person == {
        "first_name": "Ann",
        "last_name": "Lee",
        "name": "Ann Lee",
        "state": "FL",
        "zip": "02138",
        "external_id": "A-7",
        "extension": "12",
        "attributes": {"Plan": "gold"},
    }
    assert (lead["line"], lead["position"], lead["country"]) == (2, 2, "US")
    assert lead["zones"] == ["America/Chicago", "America/New_York"]
    assert lead["states"] == ["FL", "MA"]
    assert lead["external_id_fingerprint"] == keyring.fingerprint("A-7")


def test_nothing_personal_is_in_clear_in_any_table(
    database_url: str, db: Db, keyring: Keyring, shared_data: Path
) -> None:
    path = shared_data / "hospitals" / "hospitals_2022.csv"
    load(database_url, keyring, path)
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    digits = {re.sub(r"\D", "", row["Phone Number"]) for row in rows}
    names = {row["Facility Name"] for row in rows if len(row["Facility Name"]) > 12}
    hexed = {f"+1{number}".encode().hex() for number in list(digits)[:200]}
    for row in db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
        table = row["tablename"]
        with db.cursor().copy(f'COPY (SELECT * FROM "{table}") TO STDOUT') as copy:
            dump = b"".join(bytes(part) for part in copy).decode()
        sealed = "".join(re.findall(r"\\\\x([0-9a-f]+)", dump))
        plain = re.sub(r"\\\\x[0-9a-f]+", "", dump)
        assert not digits & set(re.findall(r"\d{10}", re.sub(r"[()\s.-]", "", plain))), table
        assert not [name for name in names if name in plain], table
        assert not [number for number in hexed if number in sealed], table


def test_dry_run_judges_and_writes_nothing(
    database_url: str, db: Db, keyring: Keyring, tmp_path: Path
) -> None:
    path = lead_file(tmp_path, 20)
    report = load(database_url, keyring, path, dry_run=True, home=tmp_path)
    assert (report.accepted, report.run_id, report.dry_run) == (20, None, True)
    assert set(counts(db).values()) == {0}
    assert not (tmp_path / "imports").exists()
    load(database_url, keyring, path)
    assert load(database_url, keyring, path, dry_run=True).already_in_list == 20


def test_rejects_file_is_private_and_harmless_in_a_spreadsheet(
    database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text('Name,Phone\nAnn,256-593-8310\nBob,"=HYPERLINK(""x"")"\nCyd,+1 800 555 0100\n')
    report = load(database_url, keyring, path, home=tmp_path)
    assert report.rejects_file is not None
    rejects = Path(report.rejects_file)
    assert rejects.stat().st_mode & 0o777 == 0o600
    with rejects.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["line"], row["field"], row["value"]) for row in rows] == [
        ("3", "phone", '\'=HYPERLINK("x")'),
        ("4", "phone", "'+1 800 555 0100"),
    ]
    assert list(rejects.parent.glob("*.part")) == []


def test_suppressed_leads_are_kept_and_counted_and_erased_people_are_refused(
    database_url: str, db: Db, keyring: Keyring, tmp_path: Path
) -> None:
    path = lead_file(tmp_path, 5)
    load(database_url, keyring, path)
    ids = {
        bytes(row["fingerprint"]): row["id"]
        for row in db.execute("SELECT fingerprint, id FROM numbers")
    }
    db.execute(
        "INSERT INTO suppressions (number_id, scope, source, reason, created_at)"
        " VALUES (%s, 'all', 'page', 'opt_out', %s)",
        (ids[keyring.fingerprint(number(1))], NOW),
    )
    db.execute(
        "UPDATE numbers SET number_sealed = NULL, erased_at = %s WHERE id = %s",
        (NOW, ids[keyring.fingerprint(number(2))]),
    )
    report = load(database_url, keyring, path, "autumn")
    assert (report.accepted, report.suppressed) == (4, 1)
    assert report.rejected_by_reason == {"erased": 1}


def test_number_that_somebody_else_adds_meanwhile_is_used(
    database_url: str, db: Db, keyring: Keyring, tmp_path: Path
) -> None:
    path = lead_file(tmp_path, 12_000)
    with connect(database_url) as stranger, ThreadPoolExecutor(1) as threads:
        _hold(stranger, keyring, number(11_000))
        importing = threads.submit(load, database_url, keyring, path)
        _wait_until_blocked(db)
        stranger.commit()
        report = importing.result(timeout=60)
    assert report.accepted == 12_000
    assert counts(db)["numbers"] == counts(db)["leads"] == 12_000
    wrong = db.execute(
        "SELECT l.line, n.number_sealed FROM leads l JOIN numbers n ON n.id = l.number_id"
    ).fetchall()
    assert all(opened(keyring, row["number_sealed"]) == number(row["line"] - 2) for row in wrong)


def test_killed_half_way_leaves_nothing_and_the_next_import_is_whole(
    database_url: str, db: Db, keyring: Keyring, tmp_path: Path
) -> None:
    path = lead_file(tmp_path, 12_000)
    program = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "from pipelines.imports import import_leads; from voice_ai.vault import Keyring\n"
        "import_leads(sys.argv[1], Keyring(b'a secret of the tests, 32 bytes.'),"
        " Path(sys.argv[2]), list_name='spring', now=datetime.now(UTC), home=Path(sys.argv[3]))"
    )
    with connect(database_url) as stranger:
        _hold(stranger, keyring, number(11_000))
        child = subprocess.Popen(
            [sys.executable, "-c", program, database_url, str(path), str(tmp_path)],
            cwd=Path(__file__).parents[2],
        )
        try:
            _wait_until_blocked(db)
            written = db.execute(
                "SELECT tuples_processed FROM pg_stat_progress_copy WHERE relid ="
                " 'numbers'::regclass"
            ).fetchone()
            assert written is not None
        finally:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        stranger.rollback()
    _wait_until_gone(db)
    assert set(counts(db).values()) == {0}
    report = load(database_url, keyring, path, home=tmp_path)
    assert (report.accepted, report.repeated) == (12_000, False)
    assert list((tmp_path / "imports").glob("*.part")) == []


def _hold(stranger: Db, keyring: Keyring, clear: str) -> None:
    """A number added but not committed: who adds it too must wait."""
    stranger.execute(
        "INSERT INTO numbers (fingerprint, number_sealed, key_id, zones, states, created_at)"
        " VALUES (%s, %s, %s, '{}', '{}', %s)",
        (keyring.fingerprint(clear), keyring.encrypt(clear.encode()), keyring.key_id, NOW),
    )


def _importers(db: Db, *, blocked: bool) -> int:
    row = db.execute(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'voice-ai import'"
        " AND datname = current_database() AND (NOT %s OR wait_event_type = 'Lock')",
        (blocked,),
    ).fetchone()
    return int(row["n"]) if row else 0


def _wait_until_blocked(db: Db) -> None:
    deadline = time.monotonic() + 60
    while not _importers(db, blocked=True):
        assert time.monotonic() < deadline, "the import never met the other session"
        time.sleep(0.02)


def _wait_until_gone(db: Db) -> None:
    deadline = time.monotonic() + 60
    while _importers(db, blocked=False):
        assert time.monotonic() < deadline, "the killed import's session is still there"
        time.sleep(0.02)


def command(url: str, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setenv("DATABASE_URL", url)
    return run("import", list(words))


def test_command_answers_one_json_object(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = lead_file(tmp_path, 3)
    assert command(database_url, monkeypatch, str(path), "--list", "spring", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["rows"], answer["accepted"], answer["rejected_by_reason"]) == (3, 3, {})
    assert command(database_url, monkeypatch, str(path), "--list", "spring") == 0
    said = capsys.readouterr().out
    assert "imported before; nothing was changed" in said
    assert number(0) not in said


@pytest.mark.parametrize(
    ("content", "words", "code", "says"),
    [
        ("", [], 1, "the file is empty"),
        ("Name,City\nAnn,Boaz\n", [], 2, "--map phone=COLUMN"),
        ("Name,Phone\nAnn,256-593-8310\n", ["--map", "phone"], 2, "--map takes FIELD=COLUMN"),
        ("Name,Phone\nAnn,256-593-8310\n", ["--map", "phone=Fon"], 2, "no column 'Fon'"),
        ("Name,Phone\nAnn,256-593-8310\n", ["--consent", "maybe"], 2, "written or express"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    database_url: str,
    db: Db,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
    words: list[str],
    code: int,
    says: str,
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(content)
    assert command(database_url, monkeypatch, str(path), "--list", "spring", *words) == code
    said = capsys.readouterr().err.strip()
    assert says in said
    assert len(said.splitlines()) == 1
    assert set(counts(db).values()) == {0}

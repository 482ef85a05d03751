"""`voice-ai db` and `voice-ai campaign` against a real database."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.factories_core import CALLBACK, CAMPAIGN_FILE, make_list
from voice_ai import commands_campaign
from voice_ai.__main__ import run
from voice_ai.db import connect
from voice_ai.db.upgrade import HEAD
from voice_ai.vault import Keyring

SECRET = "YSBzZWNyZXQgb2YgdGhlIHRlc3RzLCAzMiBieXRlcy4="  # the tests' keyring
DAY = "2026-11-24T14:00:00-05:00"


@pytest.fixture
def database(database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", SECRET)
    monkeypatch.setenv("VOICE_AI_CLOCK_START", DAY)
    monkeypatch.setattr(commands_campaign, "OBEY_TIMEOUT_S", 0.0)
    assert Keyring.open(Path("/nowhere"), SECRET).key_id == keyring.key_id
    return database_url


@pytest.fixture
def file(database: str, keyring: Keyring, tmp_path: Path) -> Path:
    with connect(database, autocommit=True) as db:
        make_list(db, keyring)
    path = tmp_path / "spring.yaml"
    path.write_text(CAMPAIGN_FILE)
    return path


class Console:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def asked(self, *words: str | Path, code: int = 0) -> dict[str, Any]:
        """The one JSON object that the command answered with."""
        assert run(str(words[0]), [*map(str, words[1:]), "--json"]) == code
        said = self._capsys.readouterr()
        assert "Traceback" not in said.err
        (line,) = said.out.splitlines()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def told(self, *words: str | Path, code: int = 0) -> str:
        assert run(str(words[0]), [*map(str, words[1:])]) == code
        said = self._capsys.readouterr()
        return said.out if code == 0 else said.err


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str]) -> Console:
    return Console(capsys)


def test_the_database_says_where_it_is_and_at_which_revision(
    database: str, console: Console
) -> None:
    assert console.asked("db", "url") == {"url": database}
    assert console.asked("db", "upgrade") == {"revision": HEAD}
    assert HEAD in console.told("db", "upgrade")


def test_a_campaign_goes_from_its_file_to_a_command_row(file: Path, console: Console) -> None:
    assert console.asked("campaign", "list") == {"campaigns": []}
    made = console.asked("campaign", "create", "--file", file)
    assert {key: made[key] for key in ("campaign", "leads", "state")} == {
        "campaign": "Spring reminders",
        "leads": 3,
        "state": "draft",
    }
    (listed,) = console.asked("campaign", "list")["campaigns"]
    assert (listed["id"], listed["state"], listed["ready"]) == (made["id"], "draft", 3)
    started = console.asked("campaign", "start", "Spring reminders", "--reason", "a test")
    assert started["obeyed"] is False
    shown = console.asked("campaign", "show", "Spring reminders")
    assert shown["waiting"] == [{"decision": "NOT_ASKED_YET", "n": 3, "due": 3, "next_at": None}]
    assert shown["now"].startswith("2026-11-24 19:0")


def test_the_same_for_people(file: Path, console: Console) -> None:
    assert "no campaign yet" in console.told("campaign", "list")
    assert "3 leads" in console.told("campaign", "create", "--file", file)
    assert "Spring" in console.told("campaign", "list")
    shown = console.told("campaign", "show", "Spring reminders")
    assert "Nothing is called: the campaign is draft. 3 leads are left." in shown
    assert "nobody asked" in shown
    assert "no dialer" in console.told("campaign", "pause", "Spring reminders")


def test_a_refused_command_is_a_no_with_its_reason(
    file: Path, console: Console, database: str
) -> None:
    console.asked("campaign", "create", "--file", file)
    with connect(database, autocommit=True) as db:
        db.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " NEW.obeyed_at := now(); NEW.outcome := 'refused: it is completed';"
            " RETURN NEW; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON commands"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    for verb in ("start", "pause", "resume", "drain", "stop", "emergency-stop"):
        answer = console.asked("campaign", verb, "Spring reminders", code=1)
        assert answer["exit_code"] == 1
        assert answer["error"].endswith("it is completed")
        assert verb.replace("-", " ") in answer["error"]


def test_an_emergency_stop_of_everything_names_no_campaign(database: str, console: Console) -> None:
    asked = console.asked("campaign", "emergency-stop", "--all", "--reason", "fire")
    with connect(database) as db:
        row = db.execute("SELECT id, kind, campaign_id, reason FROM commands").fetchone()
    assert row == {
        "id": asked["command"],
        "kind": "emergency_stop",
        "campaign_id": None,
        "reason": "fire",
    }


def test_a_campaign_that_is_not_there_is_a_no(database: str, console: Console) -> None:
    answer = console.asked("campaign", "start", "Winter", code=1)
    assert "'Winter'" in answer["error"]
    with connect(database) as db:
        assert db.execute("SELECT FROM commands").fetchall() == []


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("list: patients", "list: pateints", "pateints"),
        ("script: appointment_reminder", "colour: red", "spring.yaml:"),
        ("max_concurrent: 5", "max_concurrent: none", "spring.yaml:14"),
    ],
)
def test_a_bad_campaign_file_is_one_line_and_nothing_is_written(
    old: str, new: str, place: str, file: Path, console: Console, database: str
) -> None:
    file.write_text(CAMPAIGN_FILE.replace(old, new))
    (line,) = console.told("campaign", "create", "--file", file, code=1).splitlines()
    assert place in line
    with connect(database) as db:
        assert db.execute("SELECT FROM campaigns").fetchall() == []
        numbers = db.execute("SELECT count(*) AS n FROM numbers").fetchone()
    assert numbers == {"n": 3}


def test_nothing_that_is_said_about_a_campaign_holds_its_number(
    file: Path, console: Console
) -> None:
    said = json.dumps(console.asked("campaign", "create", "--file", file))
    said += json.dumps(console.asked("campaign", "show", "Spring reminders"))
    said += console.told("campaign", "list")
    assert CALLBACK[2:] not in said


def test_two_homes_with_different_secrets_do_not_share_a_database_unnoticed(
    file: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.asked("campaign", "create", "--file", file)
    console.asked("db", "upgrade")
    monkeypatch.delenv("VOICE_AI_SECRET_KEY")
    answer = console.asked("campaign", "list", code=1)
    assert "VOICE_AI_SECRET_KEY" in answer["error"]

"""`voice-ai calls` on seeded campaigns, and the audio of one of them."""

import base64
import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.factories_app import START, CampaignFactory
from tests.unit.media_fakes import LOUD, SILENT
from voice_ai.__main__ import run
from voice_ai.db.connect import connect
from voice_ai.recordings import set_aside, store_recording
from voice_ai.store.audit import broken_at
from voice_ai.vault import Keyring

Says = Callable[..., Any]


@pytest.fixture
def says(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Says:
    """What a command answers as JSON."""
    secret = base64.urlsafe_b64encode(b"a secret of the tests, 32 bytes.").decode()
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", secret)
    with connect(database_url) as db:
        CampaignFactory(db, seed=3).campaign("Spring survey", leads=60, dialed=40, live=3)
        db.execute("UPDATE attempts SET answered_at = intended_at WHERE disposition = 'goal'")

    def ask(*words: str, code: int = 0) -> Any:
        assert run("calls", [*words, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return ask


def a_call(database_url: str, disposition: str = "goal") -> UUID:
    with connect(database_url) as db:
        row = db.execute(
            "SELECT id FROM attempts WHERE disposition = %s ORDER BY id LIMIT 1", (disposition,)
        ).fetchone()
    assert row is not None
    return UUID(str(row["id"]))


def record(database_url: str, keyring: Keyring, home: Path, attempt_id: UUID) -> str:
    path = store_recording(home, keyring, str(attempt_id), "2026-11", LOUD * 50, SILENT * 50)
    with connect(database_url) as db:
        db.execute(
            "INSERT INTO recordings (recording_sid, attempt_id, status, duration_s, channels, path,"
            " created_at) VALUES (%s, %s, 'completed', 1.0, 2, %s, %s)",
            (f"local-{attempt_id}", attempt_id, path, START),
        )
    return path


def test_ended_calls_come_newest_first_and_filters_narrow_them(says: Says) -> None:
    calls = says("list", "--limit", "1000")["calls"]
    assert [c["ended_at"] for c in calls] == sorted((c["ended_at"] for c in calls), reverse=True)
    goals = says("list", "--outcome", "goal", "--limit", "1000")["calls"]
    assert len(goals) == sum(call["disposition"] == "goal" for call in calls)
    happy = says("list", "--emotion", "joy", "--limit", "1000")["calls"]
    assert 0 < len(happy) < len(calls)
    long = says("list", "--min-seconds", "40", "--limit", "1000")["calls"]
    assert {call["attempt_id"] for call in long} == {
        call["attempt_id"] for call in calls if (call["seconds"] or 0) >= 40
    }
    assert says("list", "--since", "2026-11-25")["calls"] == []
    assert says("list", "--until", "2026-11-24")["calls"]
    assert says("list", "--campaign", "Spring survey", "--limit", "5")["calls"] == calls[:5]


def test_a_campaign_that_is_not_there_is_a_sentence(says: Says) -> None:
    assert (
        "there is no campaign named 'Nope'" in says("list", "--campaign", "Nope", code=1)["error"]
    )


def test_live_calls_are_those_that_have_not_ended(
    says: Says, capsys: pytest.CaptureFixture[str]
) -> None:
    states = sorted(call["state"] for call in says("live")["calls"])
    assert states == ["in_progress", "ringing", "unknown"]
    assert run("calls", ["live", "--once"]) == 0
    assert "3 live calls" in capsys.readouterr().out


def test_one_call_is_shown_whole(
    says: Says, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    attempt_id = a_call(database_url)
    whole = says("show", str(attempt_id))
    assert whole["disposition"] == "goal"
    assert [turn["turn_index"] for turn in whole["turns"]] == list(range(len(whole["turns"])))
    assert {turn["speaker"] for turn in whole["turns"]} == {"agent", "caller"}
    assert run("calls", ["show", str(attempt_id)]) == 0
    assert "Spring survey" in capsys.readouterr().out


def test_an_unknown_call_is_a_sentence(says: Says) -> None:
    assert "there is no call" in says("show", str(uuid4()), code=1)["error"]
    assert "not the id of a call" in says("show", "5", code=2)["error"]


def test_the_audio_is_written_for_its_owner_only_and_never_over_a_file(
    says: Says, database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    attempt_id, out = a_call(database_url), tmp_path / "call.wav"
    asked = ("audio", str(attempt_id), "--out", str(out))
    assert "no recording of this call" in says(*asked, code=1)["error"]
    record(database_url, keyring, tmp_path / "home", attempt_id)
    assert says(*asked)["seconds"] == 1.0
    assert out.stat().st_mode & 0o777 == 0o600
    with wave.open(str(out)) as sound:
        assert (sound.getnchannels(), sound.getnframes()) == (2, 8000)
    assert "cannot be written" in says(*asked, code=1)["error"]
    assert [c["attempt_id"] for c in says("list", "--recorded")["calls"]] == [str(attempt_id)]


def test_a_recording_that_retention_removed_is_not_offered(
    says: Says, database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    attempt_id = a_call(database_url)
    record(database_url, keyring, tmp_path / "home", attempt_id)
    with connect(database_url) as db:
        db.execute("UPDATE recordings SET purged_at = now()")
    assert says("show", str(attempt_id))["recordings"] == []
    assert says("list", "--recorded")["calls"] == []


def test_a_recording_is_deleted_for_good_and_the_audit_log_says_by_whom(
    says: Says, database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    attempt_id = a_call(database_url)
    asked = ("audio", str(attempt_id), "--delete")
    assert "no recording" in says(*asked, "--reason", "asked for it", code=1)["error"]
    path = record(database_url, keyring, tmp_path / "home", attempt_id)
    assert "say why" in says(*asked, code=1)["error"]
    assert "either --out FILE or --delete" in says(*asked, "--out", "x.wav", code=2)["error"]
    assert says(*asked, "--reason", "asked for it") == {"deleted": 1}
    assert list((tmp_path / "home" / path).parent.iterdir()) == []
    assert says("show", str(attempt_id))["recordings"] == []
    with connect(database_url) as db:
        (row,) = db.execute("SELECT * FROM audit_log").fetchall()
        assert (row["action"], row["subject"]) == ("recording.delete", str(attempt_id))
        assert row["details"]["reason"] == "asked for it"
        assert broken_at(db) is None
        db.execute("UPDATE audit_log SET actor = 'nobody'")
        assert broken_at(db) == row["id"]


def test_a_recording_that_is_elsewhere_is_not_called_deleted(
    says: Says, database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    attempt_id = a_call(database_url)
    path = record(database_url, keyring, tmp_path / "home", attempt_id)
    file = tmp_path / "home" / path
    file.rename(tmp_path / "elsewhere")
    asked = ("audio", str(attempt_id), "--delete", "--reason", "asked for it")
    assert "not on this machine" in says(*asked, code=1)["error"]
    assert len(says("show", str(attempt_id))["recordings"]) == 1
    # A deletion that a crash cut off is taken up again.
    (tmp_path / "elsewhere").rename(file)
    set_aside(tmp_path / "home", path)
    assert says(*asked) == {"deleted": 1}
    assert list(file.parent.iterdir()) == []


def test_the_sample_of_the_newest_day_is_listened_to_and_scored(
    says: Says, capsys: pytest.CaptureFixture[str]
) -> None:
    told = says("sample")
    assert told["day"] == "2026-11-24"
    assert 0 < len(told["sample"]) <= min(20, told["conversations"])
    call = told["sample"][0]["call"]
    judged = says("score", call, "--gate", "identified=pass", "--item", "tone=4")
    assert judged == {"total": 80.0, "judged": 10, "passed": None}
    failed = says("score", call, "--gate", "ai_disclosed=fail", "--note", "not a word of it")
    assert failed == {"total": None, "judged": 0, "passed": False}
    for wrong in (("--item", "tone=9"), ("--gate", "identified=maybe"), ("--item", "tone")):
        assert says("score", call, *wrong, code=1)["error"]
    assert "nothing is judged" in says("score", call, code=1)["error"]
    assert run("calls", ["sample", "--day", "2026-11-24"]) == 0
    assert "conversations" in capsys.readouterr().out

"""The demo as a user runs it: real processes, real sockets, real audio, and kills in the middle."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipelines.samples import leads_file
from voice_ai.context import open_context
from voice_ai.db import connect
from voice_ai.db.connect import Db
from voice_ai.embedded import postgres_bin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

CALLS = 16
KEYS = {
    "imported",
    "rejected",
    "duplicates",
    "attempts",
    "calls_by_status",
    "dispositions",
    "decisions_by_reason",
    "turns",
    "events",
    "report",
    "seconds",
}


def start_demo(home: Path, report: Path, *, seed: int = 7) -> subprocess.Popen[str]:
    with leads_file() as leads:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "voice_ai", "demo", "--json", "--leads", str(leads)),
                *("--calls", str(CALLS), "--seed", str(seed), "--report", str(report)),
            ],
            env={**os.environ, "VOICE_AI_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def result_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-2000:]
    answer: dict[str, Any] = json.loads(out)
    return answer


@contextmanager
def database() -> Iterator[Db]:
    with (
        open_context() as context,
        connect(context.owner_url, name="test", autocommit=True) as db,
    ):
        yield db


def one(db: Db, sql: str) -> Any:
    row = db.execute(sql).fetchone()
    assert row is not None
    return next(iter(row.values()))


def assert_promises_kept(db: Db) -> None:
    assert one(db, "SELECT count(*) FROM v_attempts WHERE terminal_events <> 1") == 0
    assert one(db, "SELECT count(*) FROM v_attempts WHERE state <> 'ended'") == 0
    twice = "SELECT count(*) FROM (SELECT FROM calls GROUP BY attempt_id HAVING count(*) > 1) x"
    assert one(db, twice) == 0
    called_again = """
        SELECT count(*) FROM (SELECT FROM v_attempts WHERE reached_carrier
                              GROUP BY campaign_id, lead_id HAVING count(*) > 1) x"""
    assert one(db, called_again) == 0
    overlapping = """
        SELECT count(*) FROM v_attempts a JOIN v_attempts b
            ON a.person_key = b.person_key AND a.attempt_id < b.attempt_id
            AND a.intended_at < b.ended_at AND b.intended_at < a.ended_at"""
    assert one(db, overlapping) == 0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "home"


@pytest.fixture(autouse=True)
def in_that_home(plain_environment: None, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("VOICE_AI_HOME", str(home))


@pytest.fixture(scope="module")
def first(home: Path) -> dict[str, Any]:
    return result_of(start_demo(home, home / "first.html"))


def test_a_lead_file_becomes_calls_turns_and_a_report(first: dict[str, Any], home: Path) -> None:
    assert set(first) >= KEYS
    assert first["attempts"] == CALLS
    assert sum(first["calls_by_status"].values()) == CALLS
    assert sum(first["dispositions"].values()) == CALLS
    assert first["decisions_by_reason"]["ALLOWED"] == CALLS
    with database() as db:
        assert_promises_kept(db)
        heard = "SELECT count(*) FROM v_turns WHERE speaker = 'caller'"
        assert one(db, heard) > 0
        unheard = f"{heard} AND (intent_version IS NULL OR emotion_version IS NULL)"
        assert one(db, unheard) == 0
        by_models = f"{heard} AND intent_model = 'voice-ai-intent'"
        assert one(db, by_models) == one(db, heard)
        assert one(db, "SELECT bool_and(rehearsal) FROM v_attempts") is True
    report = (home / "first.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=\s*["']?https?:""", report)


def test_no_number_and_no_name_is_in_clear_anywhere(first: dict[str, Any], home: Path) -> None:
    with leads_file() as path, path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = {re.sub(r"\D", "", row["Phone"])[-10:] for row in rows} - {"", "5550101"}
    assert len(numbers) > 800
    written = {n for number in numbers for n in forms_of(number)}
    with open_context() as context:
        dump = subprocess.run(
            [postgres_bin("pg_dump"), "--data-only", "--dbname", context.owner_url],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    logs = "".join(log.read_text(errors="replace") for log in (home / "logs").iterdir())
    report = (home / "first.html").read_text(encoding="utf-8")
    for text in (dump, logs, report):
        assert not {number for number in written if number in text}
    for name in {row["Business"] for row in rows}:
        assert name not in dump
        assert name not in logs
        assert name not in report


def forms_of(number: str) -> tuple[str, ...]:
    area, exchange, line = number[:3], number[3:6], number[6:]
    return (
        number,
        f"({area}) {exchange}-{line}",
        *(sign.join((area, exchange, line)) for sign in ("-", ".", " ")),
    )


def test_the_same_seed_gives_the_same_counts(first: dict[str, Any], home: Path) -> None:
    again = result_of(start_demo(home, home / "again.html"))
    private = {"seconds", "report", "campaign", "not_dialed"}
    assert {k: v for k, v in again.items() if k not in private} == {
        k: v for k, v in first.items() if k not in private
    }


def test_killing_the_dialer_and_the_server_breaks_no_promise(
    first: dict[str, Any], home: Path
) -> None:
    process = start_demo(home, home / "killed.html", seed=11)
    with database() as db:
        for words, live in (("voice_ai dialer", 3), ("voice_ai server", 3)):
            wait_for_live_calls(db, live, process)
            kill_child(process.pid, words)
        result = result_of(process)
        assert_promises_kept(db)
    assert result["attempts"] == CALLS


def wait_for_live_calls(db: Db, live: int, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    counted = "SELECT count(*) FROM attempts WHERE state IN ('ringing', 'in_progress')"
    while one(db, counted) < live:
        assert process.poll() is None
        assert time.monotonic() < until, "no calls came"
        time.sleep(0.1)


def kill_child(pid: int, words: str) -> None:
    for child in psutil.Process(pid).children(recursive=True):
        if words in " ".join(child.cmdline()):
            child.send_signal(signal.SIGKILL)
            return
    raise AssertionError(f"no process runs {words!r}")

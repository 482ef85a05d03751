"""`voice-ai health`: with a server and without, for people and for scripts."""

import asyncio
import json

import pytest

from tests.integration.dialer_parts import House
from tests.integration.test_dialer_server import server
from voice_ai.__main__ import run
from voice_ai.store.workers import presence_thread

pytest_plugins = ("tests.integration.dialer_fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")


def test_without_a_server_it_still_tells_which_processes_live(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICE_AI_PUBLIC_URL", "http://127.0.0.1:1")
    with presence_thread(database_url, "dialer"):
        assert run("health", ["--json"]) == 1
        answer = json.loads(capsys.readouterr().out)
        assert run("health", []) == 1
    (process,) = answer["processes"]
    assert (process["kind"], process["state"]) == ("dialer", "alive")
    assert process["vitals"]["rss_bytes"] > 0
    assert answer["server"] == {"url": "http://127.0.0.1:1", "answers": False}
    assert answer["database"]["ok"] is True
    assert answer["queue"]["commands"] == 0
    said = capsys.readouterr().out
    assert "No server answers" in said
    assert "● alive" in said


async def test_with_a_server_it_repeats_its_components_and_ends_well(
    dialer: House,
    dialer_database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with server(dialer, monkeypatch) as running:
        monkeypatch.setenv("DATABASE_URL", dialer_database)
        monkeypatch.setenv("VOICE_AI_PUBLIC_URL", running.address)
        assert await asyncio.to_thread(run, "health", ["--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == "ok"
    assert answer["components"]["database"]["ok"] is True
    assert "server" in {process["kind"] for process in answer["processes"]}


def test_a_home_that_nobody_uses_is_not_woken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VOICE_AI_PUBLIC_URL", "http://127.0.0.1:1")
    assert run("health", ["--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert "not running" in answer["database"]["reason"]
    assert answer["processes"] == []


def test_watching_as_json_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("health", ["--watch", "--json"]) == 2
    assert "error" in json.loads(capsys.readouterr().out)

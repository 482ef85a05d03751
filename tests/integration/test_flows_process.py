"""`voice-ai flows` as its own process: it runs what is asked, keeps its times, outlives a kill."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
import psycopg
import pytest

from tests.factories_app import CampaignFactory
from voice_ai.__main__ import run
from voice_ai.db import upgrade
from voice_ai.db.connect import Db, connect
from voice_ai.embedded import PostgresLease
from voice_ai.store import flow_requests as store
from voice_ai.vault import Keyring

SECRET = base64.urlsafe_b64encode(b"a secret of the tests, 32 bytes.").decode()
PATIENCE = 120.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


class Flows:
    """The process, its database and the address of its Prefect."""

    def __init__(self, url: str, home: Path) -> None:
        self.url, self.home = url, home
        self.environment = {
            "DATABASE_URL": url,
            "VOICE_AI_HOME": str(home),
            "VOICE_AI_SECRET_KEY": SECRET,
        }
        self.process: subprocess.Popen[str]
        self.prefect = ""
        self.start()

    def start(self, *schedule: str) -> None:
        words = ["flows", "--port", "0", "--json", *schedule]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "voice_ai", *words],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.prefect = json.loads(self.process.stdout.readline())["flows"]["url"]

    def kill(self) -> None:
        """Returns when also what it had begun has noticed that it is alone, and ended."""
        begun = psutil.Process(self.process.pid).children(recursive=True)
        self.end(signal.SIGKILL)
        _, alive = psutil.wait_procs(begun, timeout=30)
        assert alive == []

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def ask(self, flow: store.FlowName, **parameters: Any) -> UUID:
        with connect(self.url, autocommit=True) as db:
            now = datetime_of(db)
            return store.ask(db, flow, parameters, by="test", now=now)

    def wait(self, request: UUID, *states: str) -> dict[str, Any]:
        """The row once it is in one of the states; finished ones when none is named."""
        with connect(self.url, autocommit=True) as db:
            row: dict[str, Any] = until(
                lambda: store.look(db, request),
                lambda row: row["state"] in (states or store.FINISHED),
            )
            return row

    def runs(self) -> dict[str, str]:
        answer = httpx.post(f"{self.prefect}/api/flow_runs/filter", json={}).json()
        return {one["id"]: one["state"]["type"] for one in answer}


def datetime_of(db: Db) -> Any:
    row = db.execute("SELECT now() AS now").fetchone()
    assert row is not None
    return row["now"]


def until(look: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    limit = time.monotonic() + PATIENCE
    while not good(seen := look()):
        assert time.monotonic() < limit, f"waited in vain; it stands at {seen}"
        time.sleep(0.1)
    return seen


@pytest.fixture(scope="module")
def flows(
    postgres: PostgresLease, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flows]:
    """One process and one database for the whole module."""
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE flows_process TEMPLATE voice_ai")
        url = postgres.url_of("flows_process")
        upgrade(url, keyring)
        with connect(url) as db:
            CampaignFactory(db).campaign("Spring", leads=40, dialed=30)
        running = Flows(url, tmp_path_factory.mktemp("flows") / "home")
        yield running
        running.end(signal.SIGTERM)
        admin.execute("DROP DATABASE flows_process WITH (FORCE)")


@contextmanager
def imports_held(url: str) -> Iterator[None]:
    """An import gets as far as its first write and waits there."""
    with connect(url) as db:
        db.execute("SELECT pg_advisory_xact_lock(hashtext('voice-ai import'))")
        yield


def test_a_request_is_run_through_prefect_and_answered(flows: Flows) -> None:
    row = flows.wait(flows.ask("build-report", campaign="Spring"))
    assert (row["state"], row["progress"]) == ("done", 1.0)
    assert row["message"].endswith("attempts")
    assert Path(row["result"]["out"]).parent == flows.home / "reports" / "archive" / "campaign"
    assert "How did Spring go?" in Path(row["result"]["out"]).read_text()
    kinds = until(flows.runs, lambda runs: runs[str(row["flow_run_id"])] == "COMPLETED")
    assert kinds
    deployments = httpx.post(f"{flows.prefect}/api/deployments/filter", json={}).json()
    limits = {one["concurrency_limit"] for one in deployments}
    assert limits == {1} or len(deployments) == len(store.FLOW_NAMES)
    report = next(one for one in deployments if "report" in one["entrypoint"])
    told = report["parameter_openapi_schema"]["properties"]["campaign"]
    assert told["description"].startswith("Name of the campaign")


def test_a_failure_is_one_sentence(flows: Flows) -> None:
    row = flows.wait(flows.ask("build-report", campaign="Summer"))
    assert row["state"] == "failed"
    assert "no campaign named 'Summer'; there are: Spring" in row["message"]
    assert "\n" not in row["message"]
    refused = flows.wait(flows.ask("daily-summary", days="many"))
    assert refused["state"] == "failed"
    assert "parameters do not fit" in refused["message"]


def test_killed_in_the_middle_it_says_so_and_a_rerun_completes(
    flows: Flows, tmp_path: Path
) -> None:
    leads = tmp_path / "leads.csv"
    leads.write_text("name,phone,state\nA,212-555-0142,NY\nB,(312) 555-0199,IL\n")
    wanted = {"file": str(leads), "list_name": "Late leads", "seller": "Spring seller"}
    with imports_held(flows.url):
        first = flows.ask("import-leads", **wanted)
        until(lambda: waiting_for_import(flows.url), bool)
        running = flows.wait(first, "running")
        flows.kill()
    flows.start()
    row = flows.wait(first)
    assert (row["state"], row["message"]) == ("interrupted", store.INTERRUPTED)
    assert flows.runs()[str(running["flow_run_id"])] == "CRASHED"
    again = flows.wait(flows.ask("import-leads", **wanted))
    assert (again["state"], again["result"]["accepted"]) == ("done", 2)
    same = flows.wait(flows.ask("import-leads", **wanted))
    assert (same["state"], same["result"]["repeated"]) == ("done", True)
    with connect(flows.url) as db:
        count = "SELECT count(*) AS n FROM leads l JOIN lead_lists x ON x.id = l.list_id"
        made = db.execute(f"{count} WHERE x.name = 'Late leads'").fetchone()
        assert made is not None
        assert made["n"] == 2


def waiting_for_import(url: str) -> bool:
    with connect(url, autocommit=True) as db:
        row = db.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
            " AS waiting"
        ).fetchone()
        return bool(row and row["waiting"])


def test_the_command_line_asks_and_lists(
    flows: Flows, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in flows.environment.items():
        monkeypatch.setenv(name, value)
    assert run("flows", ["ask", "score-leads", "campaign=Spring", "--wait", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["result"]["campaigns"][0]["campaign"] == "Spring"
    assert run("flows", ["list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["served"] is True
    assert told["prefect"] == flows.prefect
    assert {one["flow"] for one in told["flows"]} == set(store.FLOW_NAMES)
    assert run("flows", ["requests", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["requests"][0]["flow"]
    assert run("flows", ["ask", "build-report"]) == 1
    assert "needs it" in capsys.readouterr().err


def test_a_schedule_fires_and_its_run_is_on_record(flows: Flows) -> None:
    def scheduled() -> list[dict[str, Any]]:
        with connect(flows.url, autocommit=True) as db:
            rows = store.recent(db, flow="daily-summary", limit=50)
        return [row for row in rows if (row["asked_by"], row["state"]) == ("schedule", "done")]

    # Only here: a run that is being loaded for its minute must not be there when others kill.
    flows.end(signal.SIGTERM)
    flows.start("--schedule", "daily-summary=* * * * *")
    row = until(scheduled, bool)[0]
    # The scheduled days are those of the rehearsal clock; the seeded calls are of November 24th.
    assert row["result"]["days"] >= 0
    assert row["flow_run_id"] is not None

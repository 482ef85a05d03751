"""Flows against one real Prefect server: they run, they are recorded, they keep no secret."""

import base64
import os
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from pipelines.flows.local import ServerHandle, prefect_environment, prefect_session, start_server
from tests.factories_app import CampaignFactory
from tests.factories_lake import small_lake
from tests.receivers import mail_server
from voice_ai.db import upgrade
from voice_ai.db.connect import connect
from voice_ai.errors import NotAvailable, NotFound
from voice_ai.store import report_archive as store
from voice_ai.vault import Keyring

SECRET = b"a secret of the tests, 32 bytes."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerHandle]:
    with start_server(tmp_path_factory.mktemp("prefect-home")) as handle:
        handle.wait_ready()
        yield handle


@pytest.fixture
def campaign(database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> str:
    """A seeded campaign in a database with roles, which the flows' context will open."""
    upgrade(database_url, keyring)
    with connect(database_url) as db:
        CampaignFactory(db).campaign("Spring", leads=40, dialed=30)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", base64.urlsafe_b64encode(SECRET).decode())
    return "Spring"


def flow_runs(server: ServerHandle) -> dict[str, str]:
    found = httpx.post(f"{server.api_url}/flow_runs/filter", json={}).json()
    return {run["name"]: run["state"]["type"] for run in found}


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_report_flow_runs_is_recorded_and_keeps_no_secret(
    server: ServerHandle, campaign: str, tmp_path: Path
) -> None:
    out = tmp_path / "report.html"
    with prefect_session(server), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Prefect's own
        from pipelines.flows.reports import build_report_flow

        answer = build_report_flow(campaign, str(out))
        with pytest.raises(NotFound):
            build_report_flow("Summer", str(out))
    assert answer["attempts"] > 30
    assert "How did Spring go?" in out.read_text()
    assert flow_runs(server) == {"report of Spring": "COMPLETED", "report of Summer": "FAILED"}
    artifacts = httpx.post(f"{server.api_url}/artifacts/filter", json={}).json()
    assert {"build-report", "campaign-figures"} <= {artifact["key"] for artifact in artifacts}
    assert max(a["data"] for a in artifacts if a["type"] == "progress") == 100.0
    stored = _everything(server.home / "prefect" / "prefect.db")
    assert "Spring" in stored
    for secret in (os.environ["VOICE_AI_SECRET_KEY"], os.environ["DATABASE_URL"]):
        assert secret not in stored


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_daily_report_is_kept_and_sent_again_until_it_goes(
    server: ServerHandle, campaign: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_lake(tmp_path / "home", calls=2000)
    with mail_server() as mails, prefect_session(server), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pipelines.flows import reports

        at_once = reports.send_task.with_options(retry_delay_seconds=[0, 0, 0])
        monkeypatch.setattr(reports, "send_task", at_once)
        monkeypatch.setenv("VOICE_AI_SMTP_URL", f"smtp://127.0.0.1:{mails.port}")
        monkeypatch.setenv("VOICE_AI_REPORT_TO", "boss@firm.example")
        mails.refuse = 2
        answer = reports.daily_report_flow()
        assert answer["sent"] == "sent to boss@firm.example"
        (attached,) = mails.mails[0].iter_attachments()
        assert attached.get_payload(decode=True) == Path(answer["out"]).read_bytes()

        mails.refuse = 99  # it is there all the same, and may be sent later
        lost = reports.build_report_flow(kind="compliance", send=True)
        assert "did not take the mail" in lost["sent"]
        assert Path(lost["out"]).is_file()
        assert Path(lost["calls"]).is_file()
        mails.refuse = 0
        assert reports.send_report_flow(lost["id"])["sent"] == answer["sent"]
    with connect(os.environ["DATABASE_URL"]) as db:
        first, second = store.recent(db)
    assert {first["kind"], second["kind"]} == {"daily", "compliance"}
    assert first["sent_to"] == second["sent_to"] == "boss@firm.example"
    assert first["send_error"] is second["send_error"] is None
    assert first["made_by"] == "a flow"


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_import_flow_answers_with_the_report_of_the_import(
    server: ServerHandle, campaign: str, tmp_path: Path
) -> None:
    leads = tmp_path / "leads.csv"
    leads.write_text("name,phone,state\nA,212-555-0142,NY\nB,(312) 555-0199,IL\nC,12,IL\n")
    with prefect_session(server), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pipelines.flows.imports import import_leads_flow

        answer = import_leads_flow(str(leads), "Spring leads")
    assert answer["rows"] == 3
    assert answer["accepted"] + sum(answer["rejected_by_reason"].values()) == 3
    assert flow_runs(server)["import into Spring leads"] == "COMPLETED"
    stored = _everything(server.home / "prefect" / "prefect.db")
    assert "2125550142" not in stored
    assert "212-555-0142" not in stored


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from pipelines.flows.local import start_server\n"
        "handle = start_server(Path(sys.argv[1])); print(handle.process.pid, flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
    child.wait(timeout=60)
    assert not child.is_running()


def test_a_server_that_was_chosen_is_used_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with start_server(tmp_path) as handle:
        assert handle.process is None
        assert handle.api_url == "http://127.0.0.1:9/api"
        with pytest.raises(NotAvailable, match="check PREFECT_API_URL, or unset it"):
            handle.wait_ready(timeout=0.5)
    assert not (tmp_path / "logs").exists()


def test_nothing_is_told_to_anybody_outside(tmp_path: Path) -> None:
    told = prefect_environment(tmp_path)
    assert told["PREFECT_HOME"] == str(tmp_path / "prefect")
    assert told["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert told["DO_NOT_TRACK"] == "1"
    assert "PREFECT_API_URL" not in told


def _everything(database: Path) -> str:
    """Every text that Prefect stores, rows that are only in the journal included."""
    with sqlite3.connect(database) as connection:
        text = "\n".join(connection.iterdump())
    connection.close()
    return text

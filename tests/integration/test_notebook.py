"""The first notebook runs as it is, and says what the page, the report and the views say."""

import ast
import base64
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import nbformat
import psutil
import pytest
from nbclient import NotebookClient

from pipelines.analyses import funnel, overview
from pipelines.analyses.ask import ask
from pipelines.commands_notebook import copy_notebooks
from pipelines.lake.read import Lake, open_lake
from pipelines.lake.store import open_store
from pipelines.lake.sync import sync
from pipelines.metrics import rates
from pipelines.metrics.ask import Question
from pipelines.metrics.load import campaign_frames
from pipelines.metrics.measures import measure
from pipelines.metrics.slices import Slice
from pipelines.notebook import VIEWS, open_home
from tests.factories_app import START, CampaignFactory
from voice_ai.__main__ import run
from voice_ai.db import upgrade
from voice_ai.db.connect import connect
from voice_ai.errors import BadInput
from voice_ai.vault import Keyring

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
FIRST = NOTEBOOKS / "01-first-look.ipynb"
SECRET = base64.urlsafe_b64encode(b"a secret of the tests, 32 bytes.").decode()


@pytest.fixture
def database(database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> str:
    upgrade(database_url, keyring)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", SECRET)
    with connect(database_url) as db:
        # The lake holds calls that have ended: with none under way every reader sees the same.
        CampaignFactory(db, seed=3).campaign("Spring survey", leads=90, dialed=70, live=0)
        CampaignFactory(db, seed=4).campaign("Small one", leads=10, dialed=5, live=0)
    return database_url


def read(path: Path) -> Any:
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]


def code_of(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# ipykernel's and zmq's own warnings are not ours to mend.
@pytest.mark.filterwarnings("default")
@pytest.mark.timeout(180)
def test_the_first_look_says_what_page_report_and_views_say(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = read(FIRST)
    asked = "from IPython.display import JSON\nJSON({'totals': vars(measures.totals),"
    asked += "'funnel': dict(measures.funnel.select('stage', 'leads').rows()),"
    asked += "'sql': by_sql.to_dicts()[0],"
    asked += "'hours': by_hour['rate'].to_list(), 'p50': measures.latency.percentiles[0].value})"
    notebook.cells.append(nbformat.v4.new_code_cell(asked))  # type: ignore[no-untyped-call]
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    said = notebook.cells[-1].outputs[0].data["application/json"]

    with connect(database) as db:
        frames = campaign_frames(db, "Spring survey")
        (view,) = db.execute(
            "SELECT sum(dials)::bigint AS dials, sum(answered)::bigint AS answered"
            " FROM v_campaign_day WHERE campaign = 'Spring survey'"
        ).fetchall()
    by_report = measure(frames)
    lake = synced(database, tmp_path)
    part = Slice(str(frames.campaign.id), rehearsal=True)
    by_page = overview.first_row(lake, part)
    # The lake holds what has ended; the views hold the calls that go on too.
    assert said["totals"] == vars(by_page.totals)
    ended = {"attempts": by_report.totals.attempts - by_report.totals.live, "live": 0}
    assert vars(by_report.totals) | ended == said["totals"]
    on_page = funnel.funnel(lake, part)
    assert said["funnel"] == dict(on_page.select("stage", "leads").iter_rows())
    assert said["funnel"] == dict(by_report.funnel.select("stage", "leads").iter_rows())
    out = tmp_path / "report.html"
    assert run("report", ["Spring survey", "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert said["funnel"] == {step["key"]: step["count"] for step in answer["funnel"]}
    assert said["hours"] == by_report.answer_by_hour["rate"].to_list()
    hours = ask(lake, Question((rates.ANSWERED_PER_DIAL,), ("hour",), part)).rows
    assert said["hours"] == hours.sort("hour", nulls_last=True)["rate"].to_list()
    assert said["p50"] == by_report.latency.percentiles[0].value
    assert said["sql"]["dials"] == view["dials"] == by_report.totals.dials
    assert said["sql"]["answered"] == view["answered"]
    assert said["sql"]["leads_dialed"] == said["funnel"]["dialed"]
    assert said["sql"]["leads_with_goal"] == said["funnel"]["goal"]
    assert any("vegalite" in kind for kind in drawn(notebook))
    assert not any("html" in kind and "cdn" in str(text) for kind, text in outputs(notebook))


def synced(url: str, home: Path) -> Lake:
    store = open_store(None, home / "home")
    sync(url, store, now=START)
    return open_lake(None, home / "home")


def outputs(notebook: Any) -> list[tuple[str, Any]]:
    return [
        (kind, text)
        for cell in code_of(notebook)
        for output in cell.outputs
        for kind, text in output.get("data", {}).items()
    ]


def drawn(notebook: Any) -> list[str]:
    return [kind for kind, _ in outputs(notebook)]


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_is_kept_without_outputs_and_without_copies_of_code(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    for cell in code_of(notebook):
        assert cell.outputs == []
        assert cell.execution_count is None
        defined = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, _DEFINES)]
        assert defined == [], "what is defined belongs into a module, where it is tested"


_DEFINES = (ast.FunctionDef, ast.ClassDef)


def test_a_home_reads_the_documented_views_and_nothing_else(database: str) -> None:
    open_home.cache_clear()  # an earlier test of this process may have opened another one
    home = open_home()
    assert home.campaigns() == ["Spring survey", "Small one"]
    everything = home.view("v_attempts")
    assert set(everything["campaign"]) == {"Spring survey", "Small one"}
    assert set(home.view("v_turns", "Small one")["campaign"]) <= {"Small one"}
    with pytest.raises(BadInput, match="there is no view 'attempts'; there are v_leads"):
        home.view("attempts")
    db = home.duckdb("Small one")
    for name in VIEWS:
        assert len(db.execute(f"SELECT count(*) FROM {name}").fetchall()) == 1
    counted = db.execute("SELECT count(*) FROM v_attempts").fetchall()
    assert counted == [(everything.filter(campaign="Small one").height,)]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_jupyter_opens_on_a_copy_with_a_token_and_ends_when_told(
    database: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    home = tmp_path / "home"
    words = ["notebook", "--port", str(port), "--no-browser", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "voice_ai", *words],
        env={**os.environ, "VOICE_AI_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())["notebook"]
        try:
            kernels = answer_of(told["url"], process)
        finally:
            children = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            process.wait(30)
    assert process.returncode == 0
    assert not [child for child in children if child.is_running()]
    assert "python3" in kernels
    assert (home / "notebooks" / FIRST.name).read_bytes() == FIRST.read_bytes()
    assert told["folder"] == str(home / "notebooks")


def answer_of(url: str, process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Its kernels, once it answers; a stranger without the token is refused."""
    address, _, token = url.partition("/lab/tree/")
    token = token.partition("token=")[2]
    until = time.monotonic() + 90
    while True:
        assert process.poll() is None, "Jupyter ended while starting"
        try:
            asked = httpx.get(f"{address}/api/kernelspecs", params={"token": token}, timeout=5)
            break
        except httpx.TransportError:
            assert time.monotonic() < until
            time.sleep(0.2)
    assert httpx.get(f"{address}/api/kernelspecs", timeout=5).status_code == 403
    found: dict[str, Any] = asked.raise_for_status().json()["kernelspecs"]
    return found


def test_what_was_changed_in_the_copy_is_kept(tmp_path: Path) -> None:
    folder = copy_notebooks(tmp_path)
    (folder / FIRST.name).write_text("mine")
    assert (copy_notebooks(tmp_path) / FIRST.name).read_text() == "mine"

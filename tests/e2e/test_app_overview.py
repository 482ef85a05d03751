"""The Overview in a real browser, from the real Streamlit server, with the app's own login."""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from app.queries import engine as pool
from app.queries import overview as queries
from pipelines.metrics.load import campaign_frames
from pipelines.metrics.measures import measure
from pipelines.report.build import figures
from pipelines.report.labels import count, percent
from tests.factories_app import CampaignFactory
from voice_ai.__main__ import run
from voice_ai.db import upgrade
from voice_ai.db.connect import connect
from voice_ai.vault import Keyring

SECRET = base64.urlsafe_b64encode(b"a secret of the tests, 32 bytes.").decode()
PATIENCE = 30_000

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@contextmanager
def pages(url: str, home: Path) -> Iterator[str]:
    """`voice-ai app` as its own process; its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "VOICE_AI_HOME": str(home),
        "VOICE_AI_SECRET_KEY": SECRET,
    }
    command = [sys.executable, "-m", "voice_ai", "app", "--port", str(port), "--json"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        address = str(json.loads(process.stdout.readline())["app"]["url"])
        try:
            _wait_healthy(address, process)
            yield address
        finally:
            children = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            assert not [child for child in children if child.is_running()]
        assert process.stdout.read() == "", "standard output is for the one JSON object"


def _wait_healthy(address: str, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "the pages ended while starting"
        try:
            if httpx.get(f"{address}/_stcore/health", timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("the pages did not start")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium: install it, or name it in CHROMIUM")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield found
        found.close()


@pytest.fixture
def database(database_url: str, keyring: Keyring) -> str:
    upgrade(database_url, keyring)
    return database_url


class Visit:
    """A page that remembers what it complained of and whom it asked."""

    def __init__(self, browser: Browser, **options: object) -> None:
        self.page: Page = browser.new_page(**options)  # type: ignore[arg-type]
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("request", self._asked)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._complained)

    def _complained(self, said: ConsoleMessage) -> None:
        # Opened at a page of its own, Streamlit first looks for its server beneath that address.
        probing = "/_stcore/" in said.location.get("url", "")
        if said.type == "error" and not probing:
            self.errors.append(said.text)

    def _asked(self, request: Request) -> None:
        if request.url.startswith(("http", "ws")):
            self.hosts.add(urlsplit(request.url).hostname or "")


def test_shows_the_figures_and_moves_by_itself(
    browser: Browser, database: str, tmp_path: Path
) -> None:
    with connect(database) as db:
        CampaignFactory(db, seed=3).campaign("Spring survey", leads=120, dialed=90, live=3)
        CampaignFactory(db, seed=4).campaign("Autumn survey", leads=30, dialed=20, live=1)
        db.commit()
        spring = figures(measure(campaign_frames(db, "Spring survey")))
        autumn = figures(measure(campaign_frames(db, "Autumn survey")))
    with pages(database, tmp_path / "home") as address:
        visit = Visit(browser, viewport={"width": 1280, "height": 1600})
        page = visit.page
        page.goto(f"{address}/campaign?campaign=Spring+survey")
        expect(page.get_by_role("heading", name="How is the campaign going?")).to_be_visible(
            timeout=PATIENCE
        )
        tiles = page.get_by_test_id("stMetricValue")
        for place, figure in enumerate(spring):
            text = count(figure.count) if figure.rate is None else percent(figure.rate.rate)
            expect(tiles.nth(place)).to_have_text(text, timeout=PATIENCE)
        expect(tiles).to_have_count(5)
        expect(page.get_by_text("The rehearsal clock says")).to_be_visible()
        for title in ("Dials over time", "Live calls", "Why leads are not called"):
            expect(page.get_by_text(title, exact=True)).to_be_visible()
        expect(page.get_by_text("3 now")).to_be_visible()
        expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(4)
        clock = page.get_by_text("The rehearsal clock says").inner_text()
        expect(page.get_by_text(clock)).to_have_count(0, timeout=PATIENCE)

        _end_live_calls(database, "Spring survey")
        expect(tiles.first).to_have_text(count(spring[0].count + 3), timeout=PATIENCE)
        expect(page.get_by_text("No call is live.")).to_be_visible()

        page.goto(f"{address}/campaign?campaign=Autumn+survey")
        expect(tiles.first).to_have_text(count(autumn[0].count), timeout=PATIENCE)
        assert visit.errors == []
        assert visit.hosts == {"127.0.0.1"}
        page.close()


def _end_live_calls(database: str, campaign: str) -> None:
    with connect(database) as db:
        db.execute(
            "UPDATE attempts SET state = 'ended', disposition = 'goal', ended_at = intended_at"
            " WHERE state <> 'ended' AND campaign_id = (SELECT id FROM campaigns WHERE name = %s)",
            (campaign,),
        )


_CUT_OFF = """
[...document.querySelectorAll('[data-testid=stMetric] label, [data-testid=stMetric] p')]
.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)
"""


def test_fits_both_widths_in_light_and_dark(
    browser: Browser, database: str, tmp_path: Path
) -> None:
    with connect(database) as db:
        CampaignFactory(db).campaign(leads=40, dialed=30)
    with pages(database, tmp_path / "home") as address:
        for width, scheme in product((1280, 1920), ("light", "dark")):
            _look(browser, address, width, scheme)


def _look(browser: Browser, address: str, width: int, scheme: str) -> None:
    visit = Visit(browser, viewport={"width": width, "height": 1000}, color_scheme=scheme)
    page = visit.page
    page.goto(f"{address}/campaign")
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(4, timeout=PATIENCE)
    assert page.evaluate(_CUT_OFF) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate(
        "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    )
    brightness = sum(int(part) for part in ground.strip("rgba()").split(",")[:3]) / 3
    assert (brightness > 128) == (scheme == "light")
    assert visit.errors == []
    page.close()


def test_an_empty_home_says_what_to_do_next(
    browser: Browser, database: str, tmp_path: Path
) -> None:
    with pages(database, tmp_path / "home") as address:
        visit = Visit(browser)
        visit.page.goto(f"{address}/campaign")
        expect(visit.page.get_by_text("There is no campaign yet.")).to_be_visible(timeout=PATIENCE)
        expect(visit.page.get_by_text("voice-ai import leads.csv")).to_be_visible()
        with connect(database) as db:
            CampaignFactory(db).campaign("Young", leads=3, dialed=0, live=0)
        expect(visit.page.get_by_text("Nothing was dialed yet.")).to_be_visible(timeout=PATIENCE)
        assert visit.errors == []
        visit.page.close()


def test_the_pages_own_login_cannot_write_what_the_dialer_writes(
    database: str, keyring: Keyring
) -> None:
    from voice_ai.db.roles import role_name

    parts = urlsplit(database)
    user = role_name(parts.path.lstrip("/"), "app")
    place = parts.netloc.rpartition("@")[2]
    url = f"postgresql://{user}:{keyring.password_for('app')}@{place}{parts.path}"
    with connect(database) as db:
        CampaignFactory(db).campaign(leads=5, dialed=3, live=0)
    engine = pool.open_engine(url)
    with engine.connect() as connection:
        (campaign,) = queries.campaigns(connection)
        assert queries.overview(connection, campaign).totals.attempts >= 3
    engine.dispose()
    import psycopg

    with connect(url) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute("UPDATE attempts SET disposition = 'goal'")


def test_a_taken_port_is_one_sentence(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run("app", ["--port", str(port)]) == 1
    told = capsys.readouterr().err
    assert f"port {port} on 127.0.0.1 cannot be used" in told
    assert told.count("\n") == 1


def test_an_unreachable_database_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    assert run("app", ["--port", "0"]) == 1
    told = capsys.readouterr().err
    assert "the database does not answer" in told
    assert told.count("\n") == 1

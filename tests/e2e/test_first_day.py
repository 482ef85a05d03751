"""An operator's first day, in a browser, on everything that `voice-ai up` starts.

A list is imported with a wrong column mended, a campaign made from it, its script tried, calls
watched as they are spoken, paused and drained, the report read; and page, report, notebook and SQL
view say the same.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from pipelines.metrics.measures import measure
from pipelines.notebook import open_home
from pipelines.report.build import figures
from pipelines.report.labels import count, percent
from tests.e2e.test_app_overview import Visit, browser
from tests.e2e.test_up import Up
from tests.integration.test_notebook import FIRST, read

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]

LIST = "Hospitals 2020"
CAMPAIGN = "First day"
LONG = 90_000
expect.set_options(timeout=30_000)  # a busy machine must not fail a look
# What the README states of this file, imported into a new list.
ACCEPTED, REFUSED = 4_765, 10


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("first-day") / "home", "--no-demo")
    yield running
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGINT)
    running.process.communicate(timeout=90)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    found = Visit(browser, viewport={"width": 1280, "height": 1400})
    yield found
    found.page.close()
    assert found.errors == []
    assert found.hosts == {"127.0.0.1"}


def test_the_first_day(
    up: Up, visit: Visit, shared_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page, at = visit.page, up.urls["pages"]
    page.goto(at)
    expect(page.get_by_role("heading", name="What needs attention?")).to_be_visible()
    _import(page, at, shared_data / "hospitals" / "hospitals_2020.csv")
    _make_and_try(page)
    _watch(page, at)
    _pause_and_drain(page, at)
    report = _report(page, tmp_path)
    monkeypatch.setenv("VOICE_AI_HOME", str(up.home))
    _same_numbers_everywhere(page, at, report, up.home, tmp_path)


def _choose(page: Page, label: str, option: str) -> None:
    """Picks from a select box; long lists are searched by typing."""
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).first.click()


def _import(page: Page, at: str, file: Path) -> None:
    page.goto(f"{at}/lead-import")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
    tiles = page.get_by_test_id("stMetricValue")
    expect(tiles.nth(1)).to_have_text(f"{ACCEPTED:,}", timeout=LONG)
    _choose(page, "Column for phone", "Provider ID")
    expect(tiles.nth(1)).to_have_text("0", timeout=LONG)
    _choose(page, "Column for phone", "Phone Number")
    expect(tiles.nth(1)).to_have_text(f"{ACCEPTED:,}", timeout=LONG)
    expect(tiles.nth(4)).to_have_text(f"{REFUSED:,}")
    expect(page.get_by_text("Rows that would not be imported")).to_be_visible()
    _name_list(page)
    button = page.get_by_role("button", name=f"Import {ACCEPTED:,} leads into {LIST}")
    expect(button).to_be_enabled(timeout=LONG)
    button.click()
    page.wait_for_url(re.compile("request="))
    page.reload()  # long work can be left, and found again
    expect(page.get_by_text(f"are on the list {LIST}")).to_be_visible(timeout=LONG)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the refused rows").click()
    rejects = Path(download.value.path()).read_text()
    assert rejects.count("toll_free") == 6
    page.get_by_role("link", name="Create a campaign with this list").click()


def _name_list(page: Page) -> None:
    box = page.get_by_role("combobox", name="List", exact=True)
    box.click()
    box.fill(LIST)
    box.press("Enter")


def _make_and_try(page: Page) -> None:
    expect(page.get_by_role("heading", name="How shall the campaign call?")).to_be_visible()
    entries = {
        "Campaign name": CAMPAIGN,
        "Caller ids": "+16465550123",
        "Legal name": "Example Surveys Ltd",
        "Callback number": "+18005550199",
        "New calls per second": "2",
    }
    for label, text in entries.items():
        field = page.get_by_label(label, exact=True)
        field.fill(text)
        field.press("Tab")
    page.get_by_role("tab", name="Try the script").click()
    says = page.get_by_placeholder("Say what a callee would say")
    says.fill("please stop calling me")
    says.press("Enter")
    expect(page.get_by_text("the number is suppressed for the whole seller")).to_be_visible()
    page.get_by_role("tab", name="Form").click()
    page.get_by_role("button", name="Create the campaign").click()
    expect(page.get_by_text(f"{CAMPAIGN} is a draft, version 1")).to_be_visible()
    page.get_by_role("link", name="Go to the campaign").click()
    start = page.get_by_role("button", name="Start", exact=True)
    start.press("Enter")
    expect(page.get_by_text("obeyed: running: First day")).to_be_visible(timeout=LONG)


def _watch(page: Page, at: str) -> None:
    page.goto(f"{at}/live")
    expect(page.get_by_role("log", name="Transcript").first).to_be_visible(timeout=LONG)
    page.get_by_role("button", name=re.compile("^Follow lead")).first.click()
    # A short call may be over before the page is drawn again; the page says so.
    followed = page.get_by_text(re.compile("Following|The call that you followed")).first
    expect(followed).to_be_visible()
    expect(page.get_by_role("link", name="Everything about this call")).to_be_visible()
    page.goto(f"{at}/campaign?campaign=First+day")
    dials = page.get_by_test_id("stMetricValue").first
    expect(dials).not_to_have_text("0", timeout=LONG)


def _pause_and_drain(page: Page, at: str) -> None:
    page.goto(f"{at}/campaign?campaign=First+day")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_text("obeyed: paused: First day")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Drain", exact=True).click()
    expect(page.get_by_text("obeyed: draining: First day")).to_be_visible(timeout=LONG)
    # Live calls finish, none start, and then the campaign is stopped.
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible(timeout=3 * LONG)


def _report(page: Page, tmp_path: Path) -> str:
    page.get_by_role("button", name="Build the report").click()
    with page.expect_download(timeout=LONG) as download:
        page.get_by_role("button", name="Download the report").click(timeout=LONG)
    saved = tmp_path / "report.html"
    download.value.save_as(saved)
    return saved.read_text()


def _same_numbers_everywhere(page: Page, at: str, report: str, home: Path, tmp_path: Path) -> None:
    open_home.cache_clear()  # an earlier test of this process may have opened another one
    opened = open_home()
    row = figures(measure(opened.frames(CAMPAIGN)))
    shown = [count(one.count) if one.rate is None else percent(one.rate.rate) for one in row]
    _sync(home)
    for place in ("campaign", "overview"):
        page.goto(f"{at}/{place}?campaign=First+day")
        tiles = page.get_by_test_id("stMetricValue")
        for nth, text in enumerate(shown):
            expect(tiles.nth(nth)).to_have_text(text)
    for text in shown:
        assert text in report
    view = opened.view("v_campaign_day", CAMPAIGN)
    dials, answered = int(view["dials"].sum()), int(view["answered"].sum())
    assert (row[0].count, row[1].count) == (dials, answered)
    assert dials > 0
    assert _by_notebook(home, tmp_path) == {"dials": dials, "answered": answered}


def _sync(home: Path) -> None:
    """Bring the lake up, as its flow does every few minutes."""
    subprocess.run(
        [sys.executable, "-m", "voice_ai", "lake", "sync"],
        env={**os.environ, "VOICE_AI_HOME": str(home)},
        check=True,
        capture_output=True,
    )


def _by_notebook(home: Path, tmp_path: Path) -> dict[str, Any]:
    """What the first notebook's own SQL says, run in a process of its own as JupyterLab would."""
    cells = [c.source for c in read(FIRST).cells if c.cell_type == "code"]
    wanted = cells[: next(n for n, text in enumerate(cells) if "by_sql" in text) + 1]
    wanted.append("import json; print(json.dumps(by_sql.to_dicts()[0]))")
    script = tmp_path / "first_look.py"
    script.write_text("\n".join(wanted))
    told = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "VOICE_AI_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    said: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return {key: said[key] for key in ("dials", "answered")}

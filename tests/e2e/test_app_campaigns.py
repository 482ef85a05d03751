"""Campaigns from the pages, in a real browser: made, tried, changed, started and stopped."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect
from psycopg.rows import dict_row

from dialer.obey import obey_commands
from tests.e2e.test_app_overview import PATIENCE, Visit, browser, pages
from tests.factories_core import CALLBACK, CALLER_ID, NOW, make_list
from voice_ai.db import upgrade
from voice_ai.db.connect import connect
from voice_ai.embedded import PostgresLease
from voice_ai.vault import Keyring

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def database(postgres: PostgresLease, keyring: Keyring) -> Iterator[str]:
    """One database with a list of leads, for the whole file."""
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE campaigns_file TEMPLATE voice_ai")
        url = postgres.url_of("campaigns_file")
        upgrade(url, keyring)
        with connect(url, autocommit=True) as db:
            make_list(db, keyring, leads=12)
        yield url
        connection.execute("DROP DATABASE campaigns_file WITH (FORCE)")


@pytest.fixture(scope="module")
def address(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pages(database, tmp_path_factory.mktemp("campaigns") / "home") as found:
        yield found


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    found = Visit(browser, viewport={"width": 1280, "height": 2000})
    yield found
    found.page.close()
    assert found.errors == []
    assert found.hosts == {"127.0.0.1"}


def obey(database: str) -> None:
    """What a dialer without a live call does with the open commands."""

    async def once() -> None:
        async with await psycopg.AsyncConnection.connect(
            database, autocommit=True, row_factory=dict_row
        ) as db:
            await obey_commands(db, None, NOW)

    # The browser's driver has an event loop of its own in this thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(once())).result()


def one(database: str, query: str, *values: object) -> object:
    with connect(database) as db:
        row = db.execute(query, values).fetchone()
    return None if row is None else next(iter(row.values()))


def state_of(database: str, name: str) -> object:
    return one(database, "SELECT state FROM campaigns WHERE name = %s", name)


def enter(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Tab")


def make(address: str, page: Page, name: str) -> None:
    page.goto(f"{address}/campaign-edit")
    expect(page.get_by_role("heading", name="How shall the campaign call?")).to_be_visible()
    enter(page, "Campaign name", name)
    enter(page, "Caller ids", CALLER_ID)
    enter(page, "Callback number", CALLBACK)
    page.get_by_role("button", name="Create the campaign").click()
    expect(page.get_by_text(f"{name} is a draft, version 1, with 12 leads.")).to_be_visible()


def asked(page: Page, name: str) -> None:
    expect(page.get_by_text(f"{name} asked by")).to_be_visible()


def test_a_campaign_is_made_in_the_form_and_changed_into_a_second_version(
    visit: Visit, address: str, database: str
) -> None:
    page = visit.page
    page.goto(f"{address}/campaign-edit")
    page.get_by_role("button", name="Create the campaign").click()
    expect(page.get_by_text("Not saved: 3 fields to mend.")).to_be_visible()
    expect(page.get_by_text("This cannot be empty", exact=False).first).to_be_visible()
    make(address, page, "Reminders")
    assert "campaign=Reminders" in page.url
    enter(page, "Ring for (s)", "5")
    page.get_by_role("button", name="Save as version 2").click()
    expect(page.get_by_text("Input should be greater than or equal to 15")).to_be_visible()
    enter(page, "Ring for (s)", "30")
    page.get_by_role("button", name="Save as version 2").click()
    expect(page.get_by_text("Reminders is now version 2.")).to_be_visible()
    page.get_by_role("tab", name="Versions").click()
    expect(page.get_by_test_id("stCode").first).to_contain_text("ring_timeout_s: 30")
    expect(page.get_by_text("Version 1 ·")).to_be_visible()
    assert one(database, "SELECT version FROM campaigns WHERE name = 'Reminders'") == 2
    assert one(database, "SELECT count(*) FROM campaign_versions") == 2


def test_a_script_is_drawn_and_tried_by_typing(visit: Visit, address: str) -> None:
    page = visit.page
    page.goto(f"{address}/campaign-edit")
    page.get_by_role("tab", name="Try the script").click()
    expect(page.get_by_test_id("stGraphVizChart").locator("svg")).to_be_visible()
    expect(page.get_by_text("Can you confirm that you will be there?").first).to_be_visible()
    says = page.get_by_placeholder("Say what a callee would say")
    says.fill("yes I will")
    says.press("Enter")
    expect(page.get_by_text("Understood as: yes")).to_be_visible()
    expect(page.get_by_text("At: confirmed")).to_be_visible()
    says.fill("please stop calling me")
    says.press("Enter")
    expect(page.get_by_text("the number is suppressed for the whole seller")).to_be_visible()
    expect(page.get_by_text("The call is over and counts as “opt out”.")).to_be_visible()
    page.get_by_role("button", name="Begin again").click()
    expect(page.get_by_text("Understood as: yes")).to_have_count(0)


def test_start_pause_drain_and_stop_by_keyboard(visit: Visit, address: str, database: str) -> None:
    page = visit.page
    make(address, page, "Keys")
    page.goto(f"{address}/campaign?campaign=Keys")
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_be_visible()
    reason = page.get_by_label("Reason for the next command", exact=True)
    reason.fill("a test")
    reason.press("Tab")
    _tab_to(page, "Start")
    page.keyboard.press("Enter")
    asked(page, "Start")
    expect(page.get_by_text("no dialer is alive to obey it")).to_be_visible()
    assert one(database, "SELECT reason FROM commands ORDER BY id DESC LIMIT 1") == "a test"
    obey(database)
    for press, follows in (("Pause", "Resume"), ("Resume", "Pause"), ("Drain", "Stop")):
        button = page.get_by_role("button", name=press, exact=True)
        expect(button).to_be_visible()
        button.press("Enter")
        asked(page, press)
        obey(database)
        expect(page.get_by_role("button", name=follows, exact=True)).to_be_visible()
    assert state_of(database, "Keys") == "draining"
    _confirm_by_keyboard(page, "Stop", "Keys")
    obey(database)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert state_of(database, "Keys") == "stopped"


def test_an_emergency_stop_wants_the_name_typed_and_says_what_to_do_next(
    visit: Visit, address: str, database: str
) -> None:
    page = visit.page
    make(address, page, "Hurry")
    page.goto(f"{address}/campaign?campaign=Hurry")
    _tab_to(page, "Emergency stop")
    page.keyboard.press("Enter")
    field = page.get_by_label("Type the campaign's name to confirm: Hurry")
    field.fill("Hury")
    field.press("Enter")
    expect(page.get_by_text("This is not the name")).to_be_visible()
    assert state_of(database, "Hurry") == "draft"
    field.fill("Hurry")
    field.press("Enter")
    asked(page, "Emergency stop")
    obey(database)
    expect(page.get_by_text("Hurry was stopped in an emergency")).to_be_visible()
    clear = page.get_by_role("button", name="Clear the emergency stop", exact=True)
    expect(clear).to_be_visible()


def test_the_list_and_today_lead_to_the_campaign(visit: Visit, address: str, database: str) -> None:
    page = visit.page
    make(address, page, "Listed")
    with connect(database) as db:
        db.execute("UPDATE campaigns SET state = 'running' WHERE name = 'Listed'")
    page.goto(f"{address}/")
    expect(page.get_by_text("Listed is running, but no dialer is alive")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue")).to_have_count(5)
    page.goto(f"{address}/campaigns?state=running")
    expect(page.get_by_text("tick a row to open it")).to_be_visible()
    page.get_by_text("Open by name").click()
    page.get_by_role("link", name="Listed").click()
    expect(page.get_by_role("heading", name="How is the campaign going?")).to_be_visible()
    expect(page.get_by_text("0 of 12 leads done")).to_be_visible()


def test_a_report_is_asked_for_and_handed_over(
    visit: Visit, address: str, database: str, tmp_path: Path
) -> None:
    page = visit.page
    make(address, page, "Told")
    page.goto(f"{address}/campaign?campaign=Told")
    page.get_by_role("button", name="Build the report").click()
    expect(page.get_by_text("Report: waiting for the flows process")).to_be_visible()
    out = one(database, "SELECT parameters ->> 'out' FROM flow_requests")
    path = Path(str(out))
    assert path.name == "told.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("<p>The report of Told</p>")
    with connect(database) as db:
        db.execute("UPDATE flow_requests SET state = 'done', finished_at = now()")
    page.reload()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the report").click()
    saved = tmp_path / "saved.html"
    download.value.save_as(saved)
    assert saved.read_text() == "<p>The report of Told</p>"


def _tab_to(page: Page, label: str) -> None:
    """Presses Tab until the button of that name has the focus."""
    expect(page.get_by_role("button", name=label, exact=True)).to_be_visible()
    for _ in range(60):
        if page.evaluate("document.activeElement.innerText").strip().endswith(label):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"no way to {label} by the Tab key")


def _confirm_by_keyboard(page: Page, label: str, name: str) -> None:
    page.get_by_role("button", name=label, exact=True).press("Enter")
    field = page.get_by_label(f"Type the campaign's name to confirm: {name}")
    field.fill(name)
    field.press("Enter")
    asked(page, label)

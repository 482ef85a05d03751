"""Health and the log of commands in a real browser, from the real Streamlit server."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.test_app_overview import PATIENCE, Visit, browser, pages
from tests.factories_app import START, CampaignFactory
from voice_ai.db import connect, upgrade
from voice_ai.embedded import PostgresLease
from voice_ai.store.workers import presence_thread
from voice_ai.vault import Keyring

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@dataclass(frozen=True)
class Place:
    address: str
    url: str


@pytest.fixture(scope="module")
def place(
    postgres: PostgresLease, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """One running app on one seeded database for the whole file; no server is there."""
    with connect(postgres.url_of("postgres"), autocommit=True) as server:
        server.execute("CREATE DATABASE test_system_pages TEMPLATE voice_ai")
        url = postgres.url_of("test_system_pages")
        upgrade(url, keyring)
        _fill(url)
        os.environ["VOICE_AI_PUBLIC_URL"] = "http://127.0.0.1:1"
        with (
            presence_thread(url, "dialer"),
            pages(url, tmp_path_factory.mktemp("pages") / "home") as address,
        ):
            yield Place(address, url)
        del os.environ["VOICE_AI_PUBLIC_URL"]
        server.execute("DROP DATABASE test_system_pages WITH (FORCE)")


def _fill(url: str) -> None:
    with connect(url, autocommit=True) as db:
        spring = CampaignFactory(db, seed=3).campaign("Spring survey", live=3)
        autumn = CampaignFactory(db, seed=4).campaign("Autumn survey", live=1)
        for campaign, kind, reason, obeyed in (
            (spring, "start", "approved", START + timedelta(seconds=2)),
            (autumn, "pause", "the caller id is blocked", None),
        ):
            db.execute(
                "INSERT INTO commands (campaign_id, kind, asked_by, reason, asked_at, obeyed_at,"
                " outcome) VALUES (%s, %s, 'ana', %s, %s, %s, %s)",
                (campaign, kind, reason, START, obeyed, obeyed and "running"),
            )
        db.execute(
            "INSERT INTO flow_requests (id, flow, state, asked_by, asked_at)"
            " VALUES (gen_random_uuid(), 'train-models', 'asked', 'ben', %s)",
            (START,),
        )


def test_health_shows_who_lives_also_while_the_server_is_down(
    browser: Browser, place: Place, tmp_path: Path
) -> None:
    visit = Visit(browser, viewport={"width": 1280, "height": 1100})
    page = visit.page
    page.goto(f"{place.address}/health")
    expect(page.get_by_role("heading", name="Does everything run?")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("The server does not answer")).to_be_visible(timeout=PATIENCE)
    tiles = page.get_by_test_id("stMetricValue")
    expect(tiles).to_have_count(5, timeout=PATIENCE)
    # The dialer's thread of this test and the pages themselves; the seeded dialers are stale.
    expect(tiles.first).to_have_text("2", timeout=PATIENCE)
    expect(tiles.nth(3)).to_have_text("4", timeout=PATIENCE)
    expect(page.get_by_text("start voice-ai server")).to_be_visible(timeout=PATIENCE)
    assert visit.errors == []
    assert visit.hosts <= {"127.0.0.1", "localhost"}
    _shoot(page, "health")


def test_the_log_of_commands_is_filtered_by_its_address(browser: Browser, place: Place) -> None:
    visit = Visit(browser, viewport={"width": 1280, "height": 1100})
    page = visit.page
    page.goto(f"{place.address}/commands-log")
    expect(page.get_by_role("heading", name="Who asked for what?")).to_be_visible(timeout=PATIENCE)
    tiles = page.get_by_test_id("stMetricValue")
    expect(tiles.first).to_have_text("2", timeout=PATIENCE)
    expect(tiles.nth(1)).to_have_text("1", timeout=PATIENCE)
    expect(tiles.nth(2)).to_have_text("2.0 s", timeout=PATIENCE)
    _shoot(page, "commands")
    page.goto(f"{place.address}/commands-log?campaign=Autumn+survey&state=Not+obeyed+yet")
    expect(tiles.first).to_have_text("1", timeout=PATIENCE)
    expect(tiles.nth(1)).to_have_text("1", timeout=PATIENCE)
    page.goto(f"{place.address}/commands-log?campaign=Spring+survey&command=pause")
    expect(page.get_by_text("Nobody asked for anything like that")).to_be_visible(timeout=PATIENCE)
    assert visit.errors == []


def test_a_flow_is_asked_for_followed_over_a_reload_and_taken_back(
    browser: Browser, place: Place
) -> None:
    visit = Visit(browser, viewport={"width": 1280, "height": 1400})
    page = visit.page
    page.goto(f"{place.address}/flows")
    expect(page.get_by_role("heading", name="What is being worked on?")).to_be_visible(
        timeout=PATIENCE
    )
    expect(page.get_by_text("Nobody runs flows at the moment")).to_be_visible(timeout=PATIENCE)
    page.goto(f"{place.address}/flows?flow=Summarise+days")
    page.get_by_role("button", name="Ask", exact=True).click()
    waiting = page.get_by_role("button", name="Cancel", exact=True)
    expect(waiting).to_have_count(2, timeout=PATIENCE)  # beside the one of the fixture
    with connect(place.url, autocommit=True) as db:
        db.execute(
            "UPDATE flow_requests SET state = 'running', progress = 0.4, started_at = asked_at,"
            " message = 'two days of five' WHERE flow = 'daily-summary'"
        )
    told = page.get_by_role("paragraph").filter(has_text="two days of five")
    expect(told).to_be_visible(timeout=PATIENCE)
    page.reload()
    expect(told).to_be_visible(timeout=PATIENCE)
    waiting.click()  # only what nobody has begun can be taken back here
    expect(waiting).to_have_count(0, timeout=PATIENCE)
    with connect(place.url) as db:
        states = db.execute("SELECT flow, state FROM flow_requests ORDER BY flow").fetchall()
    assert [(row["flow"], row["state"]) for row in states] == [
        ("daily-summary", "running"),
        ("train-models", "cancelled"),
    ]
    assert visit.errors == []
    assert visit.hosts <= {"127.0.0.1", "localhost"}
    _shoot(page, "flows")


def _shoot(page: object, name: str) -> None:
    """Kept for people when they ask for it."""
    folder = os.environ.get("SCREENSHOTS")
    if folder is not None:
        page.screenshot(path=f"{folder}/{name}.png")  # type: ignore[attr-defined]

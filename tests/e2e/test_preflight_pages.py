"""Pre-flight board, waterfall and caller ids in a real browser; an emergency stop is cleared."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from psycopg.types.json import Jsonb

from tests.e2e.test_app_overview import PATIENCE, Visit, browser, pages
from tests.factories_app import START, CampaignFactory
from tests.factories_preflight import GREEN
from voice_ai.db import connect, upgrade
from voice_ai.embedded import PostgresLease
from voice_ai.preflight import Check, Light, as_rows, judge, worst
from voice_ai.store.workers import presence_thread
from voice_ai.vault import Keyring

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
expect.set_options(timeout=PATIENCE)
RED = Check("machines.server", "machines", "Server", Light.RED, "none is alive", "Start one.")


@dataclass(frozen=True)
class Place:
    address: str
    url: str


@pytest.fixture(scope="module")
def place(
    postgres: PostgresLease, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """One running app on one seeded database for the whole file; a dialer lives, obeys nothing."""
    with connect(postgres.url_of("postgres"), autocommit=True) as server:
        server.execute("CREATE DATABASE test_preflight_pages TEMPLATE voice_ai")
        url = postgres.url_of("test_preflight_pages")
        upgrade(url, keyring)
        with connect(url, autocommit=True) as db:
            made = CampaignFactory(db, seed=3).campaign("Spring survey", leads=40, live=1)
            db.execute("UPDATE campaigns SET state = 'draft' WHERE id = %s", (made,))
            db.execute(
                "UPDATE campaign_leads SET attempts = (lead_id %% 3)::int, state = 'done',"
                " disposition = (ARRAY['goal', 'busy'])[1 + lead_id %% 2]"
                " WHERE campaign_id = %s AND lead_id %% 4 = 0",
                (made,),
            )
            db.execute(
                "UPDATE campaign_leads SET decision_key = 'HOURS_CLOSED',"
                " next_allowed_at = now() + interval '9 days'"
                " WHERE campaign_id = %s AND lead_id %% 4 = 1",
                (made,),
            )
            _caller_ids(db)
        with (
            presence_thread(url, "dialer"),
            pages(url, tmp_path_factory.mktemp("pages") / "home") as address,
        ):
            yield Place(address, url)
        server.execute("DROP DATABASE test_preflight_pages WITH (FORCE)")


def _caller_ids(db: "object") -> None:
    """The number that the factory calls from, and one that nothing was called from yet."""
    db.execute(  # type: ignore[attr-defined]
        "INSERT INTO caller_ids (number_id, seller_id, label, active, verified_at)"
        " SELECT n.id, s.id, 'line ' || row_number() OVER (ORDER BY n.id), true, now()"
        " FROM (SELECT id FROM numbers ORDER BY id LIMIT 2) n, sellers s"
    )
    db.execute(  # type: ignore[attr-defined]
        "UPDATE attempts SET caller_id_number = (SELECT min(number_id) FROM caller_ids)"
    )


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    found = Visit(browser, viewport={"width": 1280, "height": 1500})
    yield found
    found.page.close()
    assert found.errors == []
    assert found.hosts == {"127.0.0.1"}


def finish(url: str, *checks: Check) -> None:
    with connect(url, autocommit=True) as db:
        db.execute(
            "UPDATE preflights SET finished_at = %s, light = %s, checks = %s"
            " WHERE finished_at IS NULL",
            (START + timedelta(hours=1), worst(checks), Jsonb(as_rows(checks))),
        )


def test_the_board_asks_and_shows_what_is_red_and_how_to_mend_it(
    visit: Visit, place: Place
) -> None:
    page = visit.page
    page.goto(f"{place.address}/campaign?campaign=Spring+survey")
    page.get_by_test_id("stMain").get_by_role("link", name="Pre-flight").press("Enter")
    expect(page.get_by_role("heading", name="May this campaign start?")).to_be_visible()
    expect(page.get_by_text("This campaign was never checked.")).to_be_visible()
    page.get_by_role("button", name="Check again", exact=True).click()
    expect(page.get_by_text("Checking, for")).to_be_visible()
    finish(place.url, *judge(GREEN), RED)
    expect(page.get_by_text("Spring survey cannot start: 1 of")).to_be_visible()
    expect(page.get_by_text("Mend: Start one.")).to_be_visible()
    _shoot(page, "preflight")
    page.get_by_role("button", name="Check again", exact=True).click()
    expect(page.get_by_text("Checking, for")).to_be_visible()
    finish(place.url, *judge(GREEN))
    expect(page.get_by_text("Spring survey may start: all")).to_be_visible()
    page.get_by_role("link", name="To the campaign and its Start").press("Enter")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()


def test_the_waterfall_counts_every_lead_once(visit: Visit, place: Place) -> None:
    page = visit.page
    page.goto(f"{place.address}/waterfall?campaign=Spring+survey")
    expect(page.get_by_role("heading", name="Why are leads not being called?")).to_be_visible()
    tiles = page.get_by_test_id("stMetricValue")
    expect(tiles).to_have_count(5)
    shown = [int(text.replace(",", "")) for text in tiles.all_inner_texts()]
    assert shown[0] == 40
    assert sum(shown[1:]) == 40
    expect(page.get_by_text("Attempts per lead", exact=True)).to_be_visible()
    page.get_by_test_id("stMain").get_by_text("Table", exact=True).first.click()
    expect(page.get_by_role("button", name="CSV", exact=True)).to_be_visible()
    _shoot(page, "waterfall")


def test_a_caller_id_is_retired_and_brought_back(visit: Visit, place: Place) -> None:
    page = visit.page
    page.goto(f"{place.address}/caller-ids")
    expect(page.get_by_role("heading", name="Are our numbers still trusted?")).to_be_visible()
    expect(page.get_by_text("Caller id to change", exact=True)).to_be_visible()
    _shoot(page, "caller-ids")
    page.get_by_role("button", name="Retire it", exact=True).click()
    page.get_by_role("button", name="Yes, retire it", exact=True).click()
    back = page.get_by_role("button", name="Bring it back", exact=True)
    expect(back).to_be_enabled()
    standing = "SELECT active, standing FROM caller_ids ORDER BY number_id LIMIT 1"
    with connect(place.url) as db:
        row = db.execute(standing).fetchone()
        assert row is not None
        assert row["active"] is False
    back.click()
    expect(page.get_by_role("button", name="Bring it back", exact=True)).to_be_disabled()
    with connect(place.url) as db:
        assert db.execute(standing).fetchone() == {"active": True, "standing": "warming"}


def test_an_emergency_stop_is_cleared_with_a_reason_and_the_name(
    visit: Visit, place: Place
) -> None:
    page = visit.page
    with connect(place.url, autocommit=True) as db:
        db.execute("UPDATE campaigns SET state = 'emergency_stopped'")
    page.goto(f"{place.address}/campaign?campaign=Spring+survey")
    expect(page.get_by_text("was stopped in an emergency")).to_be_visible()
    page.get_by_role("button", name="Clear the emergency stop", exact=True).click()
    name = page.get_by_label("Type the campaign's name to confirm: Spring survey", exact=True)
    name.fill("Spring survey")
    name.press("Enter")
    expect(page.get_by_text("Say why: it is kept with your name.")).to_be_visible()
    page.get_by_label("What was the cause, and how was it mended?", exact=True).fill("wrong script")
    name.press("Enter")
    expect(page.get_by_text("Clear the emergency stop asked by")).to_be_visible()
    with connect(place.url) as db:
        row = db.execute("SELECT kind, reason FROM commands ORDER BY id DESC LIMIT 1").fetchone()
    assert row == {"kind": "clear", "reason": "wrong script"}


def _shoot(page: object, name: str) -> None:
    """Kept for people when they ask for it."""
    folder = os.environ.get("SCREENSHOTS")
    if folder is not None:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))  # type: ignore[attr-defined]

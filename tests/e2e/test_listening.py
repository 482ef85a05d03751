"""The Listening page in a real browser: the sample, the card, save and next, what was scored."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.app_visits import PATIENCE
from tests.e2e.test_app_overview import Visit, browser, pages
from tests.factories_app import CampaignFactory
from tests.unit.media_fakes import LOUD, SILENT
from voice_ai.db import upgrade
from voice_ai.db.connect import Db, connect
from voice_ai.recordings import store_recording
from voice_ai.vault import Keyring

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]
expect.set_options(timeout=PATIENCE)


@dataclass
class Home:
    address: str
    db: Db
    folder: Path


@pytest.fixture
def home(database_url: str, keyring: Keyring, tmp_path: Path) -> Iterator[Home]:
    upgrade(database_url, keyring)
    folder = tmp_path / "home"
    with connect(database_url, autocommit=True) as db:
        CampaignFactory(db, seed=3).campaign("Spring survey", leads=60, dialed=40, live=0)
        db.execute("UPDATE attempts SET answered_at = intended_at")
        for row in db.execute("SELECT id FROM attempts WHERE disposition = 'goal'").fetchall():
            path = store_recording(
                folder, keyring, str(row["id"]), "2026-11", LOUD * 100, SILENT * 100
            )
            db.execute(
                "INSERT INTO recordings (recording_sid, attempt_id, status, duration_s, channels,"
                " path, created_at) VALUES (%s, %s, 'completed', 2, 2, %s, now())",
                (f"local-{row['id']}", row["id"], path),
            )
        with pages(database_url, folder) as address:
            yield Home(address, db, folder)


def test_a_listener_scores_one_call_after_the_other(browser: Browser, home: Home) -> None:
    visit = Visit(browser, viewport={"width": 1280, "height": 1500})
    page = visit.page
    page.set_default_timeout(PATIENCE)
    page.goto(f"{home.address}/listening")
    expect(page.get_by_text("of 16 in the sample")).to_be_visible()
    first = _chosen(page)
    assert first.startswith("1. Spring survey")

    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_text("nothing is judged yet")).to_be_visible()
    _mark(page, "Said who calls", "Yes")
    _mark(page, "Tone", "4")
    page.get_by_label("Note").fill("a friendly one")
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_role("combobox", name="Whom to listen to")).not_to_have_value(first)
    expect(page.get_by_text("of 16 in the sample")).to_be_visible()
    rows = home.db.execute("SELECT * FROM qa_scores ORDER BY id").fetchall()
    assert [row["scorer"] for row in rows] == ["human", "auto"]
    assert (rows[0]["gates"]["identified"], rows[0]["scores"]["tone"]) == ("pass", 0.8)
    assert (rows[0]["total"], rows[0]["note"]) == (80.0, "a friendly one")
    page.get_by_role("combobox", name="Whom to listen to").click()
    for key in ("Home", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_text("What was scored")).to_be_visible()
    assert visit.errors == []
    assert visit.hosts == {"127.0.0.1"}
    page.close()


def _chosen(page: Page) -> str:
    box = page.get_by_role("combobox", name="Whom to listen to")
    expect(box).to_be_visible()
    return box.input_value()


def _mark(page: Page, label: str, option: str) -> None:
    page.get_by_role("radiogroup", name=label).get_by_text(option, exact=True).click()


def test_a_recording_is_deleted_on_the_call_s_page(browser: Browser, home: Home) -> None:
    row = home.db.execute("SELECT attempt_id FROM recordings ORDER BY attempt_id").fetchone()
    assert row is not None
    visit = Visit(browser, viewport={"width": 1280, "height": 1200})
    page = visit.page
    page.goto(f"{home.address}/call?attempt={row['attempt_id']}")
    page.get_by_role("button", name="Delete the recording").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why?").fill("asked for it")
    dialog.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("The recording was deleted on")).to_be_visible()
    assert list((home.folder / "recordings").glob(f"*/{row['attempt_id']}.sealed")) == []
    (entry,) = home.db.execute("SELECT * FROM audit_log").fetchall()
    assert entry["details"]["reason"] == "asked for it"
    assert visit.errors == []
    page.close()

"""The pages about calls in a real browser: live, ended, one whole with its audio."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.test_app_overview import PATIENCE, Visit, browser, pages
from tests.factories_app import CampaignFactory
from tests.unit.media_fakes import LOUD, SILENT
from voice_ai.db import upgrade
from voice_ai.db.connect import connect
from voice_ai.embedded import PostgresLease
from voice_ai.recordings import store_recording
from voice_ai.vault import Keyring

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Home:
    address: str
    url: str
    recorded: UUID

    def change(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with connect(self.url) as db:
            cursor = db.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def talking(self) -> UUID:
        found = self.change("SELECT id FROM attempts WHERE state = 'in_progress' ORDER BY id")
        return UUID(str(found[0]["id"]))


@pytest.fixture(scope="module")
def home(
    postgres: PostgresLease, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Home]:
    """One server for all of this file."""
    folder, name = tmp_path_factory.mktemp("calls"), "test_app_calls"
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE voice_ai")
    url = postgres.url_of(name)
    upgrade(url, keyring)
    with connect(url) as db:
        CampaignFactory(db, seed=3).campaign("Spring survey", leads=240, dialed=180, live=6)
        recorded = _record(db, folder, keyring)
    with pages(url, folder) as address:
        yield Home(address, url, recorded)
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _record(db: Any, folder: Path, keyring: Keyring) -> UUID:
    """One goal with an event, a carrier's call and a recording."""
    row = db.execute(
        "UPDATE attempts SET answered_at = intended_at, end_reason = 'script_end' WHERE id ="
        " (SELECT id FROM attempts WHERE disposition = 'goal' ORDER BY id LIMIT 1)"
        " RETURNING id, month, intended_at"
    ).fetchone()
    attempt_id, at = UUID(str(row["id"])), row["intended_at"]
    path = store_recording(folder, keyring, str(attempt_id), "2026-11", LOUD * 100, SILENT * 100)
    db.execute(
        "INSERT INTO recordings (recording_sid, attempt_id, status, duration_s, channels, path,"
        " created_at) VALUES (%s, %s, 'completed', 2.0, 2, %s, %s)",
        (f"local-{attempt_id}", attempt_id, path, at),
    )
    db.execute(
        "INSERT INTO call_events (month, attempt_id, seq, kind, key, payload, occurred_at)"
        " VALUES (%s, %s, 1, 'dial_intended', 'dial_intended', '{}', %s)",
        (row["month"], attempt_id, at),
    )
    db.execute(
        "INSERT INTO calls (carrier_sid, attempt_id, carrier, status, answered_by, created_at,"
        " updated_at) VALUES ('CA1', %s, 'twilio', 'completed', 'human', %s, %s)",
        (attempt_id, at, at),
    )
    return attempt_id


def _say(home: Home, attempt_id: UUID, index: int, speaker: str, text: str) -> None:
    home.change(
        "INSERT INTO turns (attempt_id, index, speaker, text_redacted, started_at, ended_at)"
        " SELECT id, %s, %s, %s, intended_at + %s * interval '2 s',"
        " intended_at + %s * interval '2 s' + interval '1 s' FROM attempts WHERE id = %s",
        index,
        speaker,
        text,
        index,
        index,
        attempt_id,
    )


def _opened(visit: Visit, address: str) -> Page:
    visit.page.goto(address)
    expect(visit.page.get_by_role("heading", level=1)).to_be_visible(timeout=PATIENCE)
    return visit.page


def _nothing_wrong(visit: Visit) -> None:
    expect(visit.page.get_by_test_id("stException")).to_have_count(0)
    # Streamlit looks for its own base path first and the browser tells the console so.
    assert [said for said in visit.errors if "404" not in said] == []
    assert visit.hosts == {"127.0.0.1"}
    visit.page.close()


def test_a_live_call_page_follows_its_call_to_the_end(browser: Browser, home: Home) -> None:
    attempt_id = home.talking()
    visit = Visit(browser)
    page = _opened(visit, f"{home.address}/call?attempt={attempt_id}")
    expect(page.get_by_text("This call is live")).to_be_visible(timeout=PATIENCE)
    _say(home, attempt_id, 7, "caller", "Goodbye then.")
    expect(page.get_by_text("Goodbye then.")).to_be_visible(timeout=PATIENCE)
    home.change(
        "UPDATE attempts SET state = 'ended', ended_at = intended_at + interval '30 s',"
        " disposition = 'goal' WHERE id = %s",
        attempt_id,
    )
    expect(page.get_by_text("This call is live")).to_have_count(0, timeout=PATIENCE)
    expect(page.get_by_role("heading", name="Goal reached")).to_be_visible(timeout=PATIENCE)
    home.change(
        "UPDATE attempts SET state = 'in_progress', ended_at = NULL, disposition = NULL"
        " WHERE id = %s",
        attempt_id,
    )
    _nothing_wrong(visit)


def test_ended_calls_are_filtered_by_the_address_and_paged(browser: Browser, home: Home) -> None:
    (row,) = home.change("SELECT count(*) AS n FROM attempts WHERE state = 'ended'")
    visit = Visit(browser, viewport={"width": 1280, "height": 1500})
    page = _opened(visit, f"{home.address}/calls")
    expect(page.get_by_text(f"of {row['n']:,} ended attempts")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stMetricValue")).to_have_count(5)
    expect(page.get_by_text("Calls 1 to 200")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Older").click()
    expect(page.get_by_text(f"Calls 201 to {row['n']}")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Newer").click()
    expect(page.get_by_text("Calls 1 to 200")).to_be_visible(timeout=PATIENCE)

    page.goto(f"{home.address}/calls?outcome=Goal+reached&recorded=true")
    expect(page.get_by_text("of 1 ended attempts")).to_be_visible(timeout=PATIENCE)
    page.goto(f"{home.address}/calls?since=2031-01-01")
    expect(page.get_by_text("No ended call is like that.")).to_be_visible(timeout=PATIENCE)
    _nothing_wrong(visit)


def test_one_call_is_whole_and_can_be_heard(browser: Browser, home: Home) -> None:
    visit = Visit(browser, viewport={"width": 1280, "height": 1600})
    page = _opened(visit, f"{home.address}/call?attempt={home.recorded}")
    expect(page.get_by_role("heading", name="Goal reached")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("left: caller, right: agent")).to_be_visible(timeout=PATIENCE)
    sound = page.get_by_test_id("stAudio")
    expect(sound).to_have_count(1)
    length = page.wait_for_function(
        "(document.querySelector('[data-testid=stAudio]') || {}).duration || false"
    ).json_value()
    assert length == pytest.approx(2.0, abs=0.1)
    for part in ("Transcript", "The call in time", "Why it was allowed", "What the carrier said"):
        expect(page.get_by_text(part, exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("log", name="Transcript")).to_be_visible()
    expect(page.get_by_text("CA1")).to_be_visible()
    _nothing_wrong(visit)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "Choose a call"),
        ("?attempt=nonsense", "That is not the id of a call."),
        ("?attempt=0190d0c5-0000-7000-8000-000000000000", "There is no call"),
    ],
)
def test_without_a_call_the_page_says_what_to_do(
    browser: Browser, home: Home, query: str, sentence: str
) -> None:
    visit = Visit(browser)
    page = _opened(visit, f"{home.address}/call{query}")
    expect(page.get_by_text(sentence)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("main").get_by_role("link", name="Finished calls")).to_be_visible()
    _nothing_wrong(visit)

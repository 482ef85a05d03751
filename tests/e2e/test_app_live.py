"""The Live page in a real browser: what is said appears; ten who look cost as much as one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.test_app_overview import PATIENCE, Visit, browser, pages
from tests.factories_app import CampaignFactory
from voice_ai.db import upgrade
from voice_ai.db.connect import Db, connect
from voice_ai.embedded import PostgresLease
from voice_ai.vault import Keyring

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
expect.set_options(timeout=PATIENCE)

SESSIONS = 10
SENTENCES = 2
# For everybody together it is about 3.3: a snapshot of two statements a beat, the pool's look
# whether its connection is still good, and a heartbeat every two seconds. Ten that asked each for
# themselves would come to 25 and more; between the two no beat's edge and no busy machine reaches.
MOST_TRANSACTIONS_A_SECOND = 8
_HELD = """
SELECT application_name, state, now() - xact_start AS age FROM pg_stat_activity
WHERE datname = %s AND application_name LIKE 'voice-ai app%%'
  AND state LIKE 'idle in transaction%%' AND state_change < clock_timestamp() - interval '1 s'
"""
_COMMITTED = """
SELECT xact_commit + xact_rollback AS n, clock_timestamp() AS at
FROM pg_stat_database WHERE datname = %s
"""


@dataclass
class Home:
    """Pages on a database in which six calls live; `server` looks at it from another database."""

    address: str
    name: str
    db: Db
    server: psycopg.Connection[Any]
    written: int = 0

    def write(self, query: str, *values: Any) -> list[dict[str, Any]]:
        self.written += 1
        cursor = self.db.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def say(self, attempt_id: UUID, index: int, text: str) -> None:
        self.write(
            "INSERT INTO turns (attempt_id, index, speaker, text_redacted, started_at, ended_at)"
            " SELECT id, %s, 'caller', %s, intended_at, intended_at + interval '1 s'"
            " FROM attempts WHERE id = %s",
            index,
            text,
            attempt_id,
        )

    def talking(self) -> UUID:
        found = self.write("SELECT id FROM attempts WHERE state = 'in_progress' ORDER BY id")
        return UUID(str(found[0]["id"]))


@pytest.fixture(scope="module")
def home(
    postgres: PostgresLease, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Home]:
    name = "test_app_live"
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE voice_ai")
        url = postgres.url_of(name)
        upgrade(url, keyring)
        with connect(url) as db:
            CampaignFactory(db, seed=3).campaign("Spring survey", leads=60, dialed=30, live=6)
        with (
            pages(url, tmp_path_factory.mktemp("live")) as address,
            connect(url, autocommit=True) as db,
        ):
            yield Home(address, name, db, server)
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_what_is_said_appears_and_one_call_can_be_followed(browser: Browser, home: Home) -> None:
    attempt_id = home.talking()
    visit = Visit(browser, viewport={"width": 1280, "height": 1400})
    page = _opened(visit.page, home)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("6")
    home.say(attempt_id, 40, "Who is calling, please?")
    expect(page.get_by_text("Who is calling, please?")).to_be_visible()

    page.goto(f"{home.address}/live?attempt={attempt_id}")
    expect(page.get_by_text("Following", exact=True)).to_be_visible()
    home.say(attempt_id, 41, "I have to go now.")
    expect(page.get_by_text("I have to go now.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Who is calling, please?")).to_be_visible()

    home.write(
        "UPDATE attempts SET state = 'ended', ended_at = intended_at + interval '30 s',"
        " disposition = 'goal' WHERE id = %s",
        attempt_id,
    )
    expect(page.get_by_text("The call that you followed has ended")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("5")
    page.get_by_role("button", name="Stop following").press("Enter")
    expect(page.get_by_text("The call that you followed has ended")).to_have_count(0)
    home.write(
        "UPDATE attempts SET state = 'in_progress', ended_at = NULL, disposition = NULL"
        " WHERE id = %s",
        attempt_id,
    )
    assert visit.errors == []
    assert visit.hosts == {"127.0.0.1"}
    page.close()


def test_ten_sessions_ask_the_database_as_often_as_one(
    browser: Browser, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    attempt_id = home.talking()
    context = browser.new_context(viewport={"width": 1280, "height": 300})
    rates = {}
    tabs: list[Page] = []
    for sessions in (1, SESSIONS):
        new = [context.new_page() for _ in range(sessions - len(tabs))]
        for tab in new:  # all of them begin before the first is waited for
            tab.goto(f"{home.address}/live", wait_until="commit")
        tabs += [_followable(tab) for tab in new]
        rates[sessions] = _rate(home, attempt_id, tabs, first_index=100 * sessions)
    context.close()
    with capsys.disabled():
        print(f"\nLive page, transactions a second by sessions: {rates}")
    assert rates[SESSIONS] <= MOST_TRANSACTIONS_A_SECOND


def _opened(page: Page, home: Home) -> Page:
    page.set_default_timeout(PATIENCE)
    page.goto(f"{home.address}/live")
    return _followable(page)


def _followable(page: Page) -> Page:
    expect(page.get_by_role("button", name="Follow lead").first).to_be_visible()
    return page


def _rate(home: Home, attempt_id: UUID, tabs: list[Page], first_index: int) -> float:
    """Transactions a second of the pages while sentences go out to every tab."""
    before, since = _committed(home)
    written = home.written
    for n in range(SENTENCES):
        text = f"Sentence {n} of {first_index}."
        home.say(attempt_id, first_index + n, text)
        for tab in tabs:
            expect(tab.get_by_text(text)).to_be_visible()
        held = home.server.execute(_HELD, (home.name,)).fetchall()
        assert held == [], "a page holds a transaction open between two looks"
    after, until = _committed(home)
    ours = home.written - written
    return float(round((after - before - ours) / (until - since).total_seconds(), 2))


def _committed(home: Home) -> tuple[int, Any]:
    """Transactions of this database so far; backends tell theirs at most a second late."""
    row = home.server.execute(_COMMITTED, (home.name,)).fetchone()
    assert row is not None
    return row[0], row[1]

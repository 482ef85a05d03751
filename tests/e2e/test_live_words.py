"""The Live page as words are said: from the real Redis, to the real browser, and the way back."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
from playwright.sync_api import Browser, Page, expect

from tests.e2e.app_visits import PATIENCE
from tests.e2e.test_app_overview import Visit, browser, pages
from tests.factories_app import START, CampaignFactory
from voice_ai.db import upgrade
from voice_ai.db.connect import Db, connect
from voice_ai.embedded import ValkeyLease, attach_valkey
from voice_ai.live_feed import LiveMessage, LiveTurn, MessageKind, channel_of, encode
from voice_ai.vault import Keyring

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]
expect.set_options(timeout=PATIENCE)


@dataclass
class Home:
    address: str
    db: Db
    valkey: ValkeyLease
    client: redis.Redis
    channel: str

    def talking(self) -> UUID:
        found = self.db.execute(
            "UPDATE attempts SET answered_at = intended_at WHERE state = 'in_progress' RETURNING id"
        ).fetchall()
        return UUID(str(found[0]["id"]))

    def tell(
        self, call: UUID, kind: MessageKind, text: str | None = None, turn: LiveTurn | None = None
    ) -> int:
        """How many listened."""
        message = LiveMessage(call, kind, START + timedelta(days=400), text, turn)
        return int(self.client.publish(self.channel, encode(message)))


@pytest.fixture
def home(database_url: str, keyring: Keyring, tmp_path: Any) -> Iterator[Home]:
    upgrade(database_url, keyring)
    with (
        attach_valkey(tmp_path / "home", keyring) as valkey,
        pytest.MonkeyPatch.context() as patch,
        connect(database_url, autocommit=True) as db,
    ):
        patch.setenv("REDIS_URL", valkey.url)
        CampaignFactory(db, seed=3).campaign("Spring survey", leads=20, dialed=5, live=2)
        with pages(database_url, tmp_path / "home") as address:
            client = redis.Redis.from_url(valkey.url)
            yield Home(address, db, valkey, client, channel_of(keyring))
            client.close()


def turn(index: int, speaker: str, text: str, **more: Any) -> LiveTurn:
    ended = START + timedelta(seconds=2 * index)
    return LiveTurn(index, speaker, text, "rate", False, None, ended, ended, **more)


def command(home: Home) -> dict[str, Any]:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        row = home.db.execute("SELECT * FROM commands ORDER BY id DESC LIMIT 1").fetchone()
        if row is not None:
            return row
        time.sleep(0.05)
    pytest.fail("no command was written")


def listened(page: Page, home: Home, call: UUID) -> None:
    """The pages subscribe when the first browser looks."""
    until = time.monotonic() + 20
    while home.tell(call, "started") == 0:
        assert time.monotonic() < until, "the pages do not listen"
        page.wait_for_timeout(50)


def test_words_appear_as_they_are_said_and_a_call_is_ended_by_hand(
    browser: Browser, home: Home
) -> None:
    call = home.talking()
    visit = Visit(browser, viewport={"width": 1280, "height": 1300})
    page = visit.page
    page.set_default_timeout(PATIENCE)
    page.goto(f"{home.address}/live")
    expect(page.get_by_role("button", name="Follow lead").first).to_be_visible()
    listened(page, home, call)

    home.tell(call, "saying", "How satisfied are you with our service?")
    expect(page.get_by_text("How satisfied are you with our service? …")).to_be_visible()
    home.tell(call, "turn", None, turn(0, "agent", "How satisfied are you with our service?"))
    home.tell(call, "partial", "I would say very")
    expect(page.get_by_text("I would say very …")).to_be_visible()
    expect(page.get_by_text("How satisfied are you with our service? …")).to_have_count(0)
    joyful = turn(1, "caller", "I would say very.", emotion="joy", emotion_score=0.83)
    home.tell(call, "turn", None, joyful)
    expect(page.get_by_text("Joy 83.0%").or_(page.get_by_text("Joy 83"))).to_be_visible()
    expect(page.get_by_text("answer late").first).to_be_visible()
    home.tell(call, "turn", None, turn(2, "agent", "That is good to hear.", response_ms=640.0))
    expect(page.get_by_text("after 640 ms")).to_be_visible()

    _end(page, home, call)
    home.valkey.close()
    expect(page.get_by_text("Redis does not answer")).to_be_visible()
    assert visit.errors == []
    assert visit.hosts == {"127.0.0.1"}
    page.close()


def _end(page: Page, home: Home, call: UUID) -> None:
    page.goto(f"{home.address}/live?attempt={call}")
    button = page.get_by_role("button", name="End call")
    expect(button).to_be_visible()
    expect(page.get_by_role("button", name="Take over")).to_have_count(0)
    button.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why?").fill("wrong script")
    dialog.get_by_role("button", name="End call").click()
    asked = command(home)
    assert (asked["kind"], asked["attempt_id"], asked["reason"]) == (
        "end_call",
        call,
        "wrong script",
    )
    home.db.execute(
        "UPDATE commands SET obeyed_at = asked_at, outcome = 'ended: the conversation was stopped'"
    )
    expect(page.get_by_text("– ended: the conversation was stopped")).to_be_visible()
    expect(dialog).to_have_count(0)
    home.db.execute('UPDATE campaign_versions SET config = \'{"transfer": {"to": "desk"}}\'')
    page.reload()
    expect(page.get_by_role("button", name="Take over")).to_be_visible()

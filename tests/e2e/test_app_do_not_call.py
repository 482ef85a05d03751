"""The page of who must not be called, in a real browser with the app's own login."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.test_app_leads import choose, metric
from tests.e2e.test_app_overview import PATIENCE, Visit, browser, database, pages
from tests.factories import Office
from voice_ai.vault import Keyring

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
__all__ = ["browser", "database"]

SHOTS = os.environ.get("VOICE_AI_SHOTS")


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def sees(page: Page, text: str) -> None:
    expect(page.get_by_text(text).first).to_be_visible(timeout=PATIENCE)


def test_numbers_are_looked_up_added_and_uploaded_and_a_switch_is_set_and_lifted(
    browser: Browser, database: str, tmp_path: Path, keyring: Keyring
) -> None:
    with Office(database, keyring) as office:
        office.leads(1)
        office.campaign()
    with pages(database, tmp_path / "home") as address:
        visit = Visit(browser, viewport={"width": 1280, "height": 1800})
        page = visit.page
        page.goto(f"{address}/do-not-call")
        sees(page, "Nobody is suppressed yet")

        page.get_by_label("Phone number to add").fill("(212) 555-0100")
        page.get_by_role("button", name="Never call it again").click()
        sees(page, "1 added, 0 were so already.")
        assert metric(page, "Suppressed") == "1"

        page.get_by_label("Phone number", exact=True).fill("212 555 0100")
        page.get_by_role("button", name="Look it up").click()
        sees(page, "Nobody calls the number that ends in 00")
        assert "5550100" not in page.url
        assert "5550100" not in page.content()

        bad = tmp_path / "no.csv"
        bad.write_text("Phone\n2125550101\n12\n")
        page.locator("input[type=file]").set_input_files(bad)
        sees(page, "Mend these lines")
        good = tmp_path / "numbers.txt"
        good.write_text("2125550101\n2125550102\n2125550101\n")
        page.locator("input[type=file]").set_input_files(good)
        page.get_by_role("button", name="Never call these 2 numbers").click()
        page.get_by_label("Type how many they are").fill("2")
        page.get_by_label("Type how many they are").press("Enter")
        page.get_by_role("button", name="Never call again").click()
        sees(page, "2 added, 0 were so already.")
        assert metric(page, "For everybody") == "3"

        choose(page, "Switch off", "A campaign")
        page.get_by_role("button", name="Switch it off").click()
        page.get_by_label("Why it is switched off").fill("wrong list")
        page.get_by_label("Type it").fill("Spring")
        page.get_by_label("Type it").press("Enter")
        page.get_by_role("button", name="Switch off", exact=True).click()
        sees(page, "1 stop calls now")
        shot(page, "do-not-call")
        page.get_by_role("button", name="Lift it").click()
        page.get_by_label("Type it").fill("Spring")
        page.get_by_label("Type it").press("Enter")
        page.get_by_role("button", name="Let calls go on").click()
        sees(page, "0 stop calls now")
        assert visit.errors == []
        assert visit.hosts == {"127.0.0.1"}
        page.close()
    with Office(database, keyring) as office:
        row = office.row("SELECT * FROM switches")
        assert (row["reason"], row["cleared_at"] is not None) == ("wrong list", True)
        assert row["cleared_by"] == row["set_by"]
        sources = office.rows("SELECT source FROM suppressions ORDER BY id")
        assert [one["source"] for one in sources] == ["page", "file", "file"]

"""Every page on a home that has been at work: no error, no other host, both widths, light and dark.

With PAGES_SETTLE the time in which each page settles is measured, printed and written to the file
of that name; it is not judged: a busy machine is no fault of a page.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pipelines.lake.store import open_store
from pipelines.lake.sync import sync
from tests import big_home
from tests.e2e.app_visits import Look, View, views
from tests.e2e.test_app_overview import browser, pages
from voice_ai.db import upgrade
from voice_ai.db.connect import connect
from voice_ai.vault import Keyring

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

GENEROUS = 20.0
# Only the pages run here, and the pages that say what does not run say so.
TRUE_WORDS = {"health": "The server does not answer", "preflight": "cannot start"}
LOOKS = ((1280, "light"), (1920, "dark"))


def test_every_page_opens_whole_and_quietly_on_a_large_home(
    browser: Browser,
    database_url: str,
    keyring: Keyring,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    upgrade(database_url, keyring)
    with connect(database_url) as db:
        big_home.fill(db, keyring)
    sync(database_url, open_store(None, tmp_path / "home"), now=datetime.now(UTC))
    faults: list[str] = []
    waits: list[float] = []
    settled: dict[str, tuple[float, float]] = {}
    with pages(database_url, tmp_path / "home") as address:
        for width, scheme in LOOKS:
            look = Look(browser, address, width=width, scheme=scheme)
            look.load(views()[-1])
            for view in views():
                waits.append(look.click(view))
                faults += found(look, view)
            assert look.hosts == {"127.0.0.1"}
            look.page.close()
        if "PAGES_SETTLE" in os.environ:
            settled = measured(browser, address)
    with capsys.disabled():
        print_table(settled)
    assert faults == []
    assert max(waits) < GENEROUS


def found(look: Look, view: View) -> list[str]:
    """What is wrong with the page that stands there, each with where it was seen."""
    true = TRUE_WORDS.get(view.path)
    shown = [one for one in look.complaints() if true is None or true not in one]
    seen = [*shown, *look.errors]
    if look.overflows():
        seen.append("it is wider than its window")
    look.errors.clear()
    return [f"{view.path or 'today'} at {look.width} px, {look.scheme}: {one}" for one in seen]


def measured(browser: Browser, address: str) -> dict[str, tuple[float, float]]:
    """Seconds until each page settles on a second visit: by its address, and by a click."""
    look = Look(browser, address)
    known = views()
    times = {}
    look.load(known[-1])
    for view in known:
        look.load(view)
        loaded = look.load(view)
        look.click(known[0] if view != known[0] else known[1])
        times[view.path or "today"] = (loaded, look.click(view))
    look.page.close()
    return times


def print_table(settled: dict[str, tuple[float, float]]) -> None:
    if not settled:
        return
    print(f"\n{'page':<16} {'address, s':>10} {'click, s':>10}")
    for page, (loaded, clicked) in sorted(settled.items(), key=lambda one: -one[1][0]):
        print(f"{page:<16} {loaded:>10.2f} {clicked:>10.2f}")
    rows = [{"page": p, "address_s": a, "click_s": c} for p, (a, c) in settled.items()]
    Path(os.environ["PAGES_SETTLE"]).write_text(json.dumps(rows, indent=1), encoding="utf-8")

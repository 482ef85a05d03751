"""The pages of leads in a real browser: a file is judged, imported by a flow, and looked at."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from pipelines.imports import import_leads
from pipelines.undo import undo_import
from tests.e2e.test_app_overview import PATIENCE, Visit, browser, database, pages
from tests.factories_app import CampaignFactory
from voice_ai.db.connect import Db, connect
from voice_ai.store import flow_requests
from voice_ai.vault import Keyring

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
__all__ = ["browser", "database"]

NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
SHOTS = os.environ.get("VOICE_AI_SHOTS")


@contextmanager
def flows_by_hand(url: str, home: Path, keyring: Keyring) -> Iterator[None]:
    """Runs what is asked as the flows process does, without its Prefect server."""
    over = threading.Event()

    def serve() -> None:
        with connect(url, autocommit=True) as db:
            worker = _enter(db)
            while not over.is_set():
                db.execute("UPDATE workers SET seen_at = now() WHERE id = %s", (worker,))
                if (row := flow_requests.claim(db, worker, now=NOW)) is not None:
                    _run(db, url, home, keyring, row["id"], row["flow"], row["parameters"])
                over.wait(0.1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


def _enter(db: Db) -> UUID:
    row = db.execute(
        "INSERT INTO workers (kind, host, pid, lock_key, started_at, seen_at)"
        " VALUES ('flows', 'test', 1, 1, now(), now()) RETURNING id"
    ).fetchone()
    assert row is not None
    return UUID(str(row["id"]))


def _run(
    db: Db,
    url: str,
    home: Path,
    keyring: Keyring,
    request: UUID,
    flow: str,
    parameters: dict[str, str],
) -> None:
    if flow == "undo-import":
        result = undo_import(url, parameters["run_id"], now=NOW)
    else:
        result = import_leads(
            url,
            keyring,
            Path(parameters["file"]),
            list_name=parameters["list_name"],
            seller=parameters["seller"],
            mapping=parameters["mapping"],  # type: ignore[arg-type]
            rehearsal=True,
            consent_kind="rehearsal",
            attested_by=parameters["attested_by"],
            home=home,
            now=NOW,
        ).model_dump(mode="json")
    flow_requests.finish(db, request, "done", message=None, result=result, now=NOW)


def metric(page: Page, label: str) -> str:
    tile = page.get_by_test_id("stMetric").filter(has_text=label)
    return tile.get_by_test_id("stMetricValue").inner_text(timeout=PATIENCE)


def choose(page: Page, label: str, option: str) -> None:
    box = page.get_by_role("combobox", name=label)
    for _ in range(3):  # a page that is drawn anew at that moment closes the list and hears nothing
        box.click()
        page.get_by_role("option", name=option, exact=True).click()
        try:
            expect(box).to_have_value(option, timeout=5_000)
        except AssertionError:
            page.keyboard.press("Escape")
        else:
            return


def test_a_file_is_judged_corrected_imported_and_taken_back(
    browser: Browser, database: str, tmp_path: Path, keyring: Keyring, shared_data: Path
) -> None:
    home = tmp_path / "home"
    file = shared_data / "hospitals" / "hospitals_2020.csv"
    with pages(database, home) as address:
        visit = Visit(browser, viewport={"width": 1280, "height": 1400})
        page = visit.page
        page.goto(f"{address}/lead-import")
        expect(page.get_by_text("Nothing is imported before you say so")).to_be_visible(
            timeout=PATIENCE
        )
        page.locator("input[type=file]").set_input_files(file)
        # While it is read, the progress says so too.
        expect(page.get_by_text("separated by commas").first).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_role("button", name="Import 4,765 leads")).to_be_visible(
            timeout=PATIENCE
        )

        # A wrong column is judged anew, said with reasons, and put right again.
        choose(page, "Column for phone", "Provider ID")
        expect(page.get_by_role("button", name="Import 0 leads")).to_be_visible(timeout=PATIENCE)
        page.reload()  # the address keeps the file and the correction
        expect(page.get_by_role("button", name="Import 0 leads")).to_be_visible(timeout=PATIENCE)
        choose(page, "Column for phone", "Phone Number")
        ready = page.get_by_role("button", name="Import 4,765 leads")
        expect(ready).to_be_visible(timeout=PATIENCE)
        assert [metric(page, label) for label in ("Again in the file", "Refused")] == ["18", "10"]
        shot(page, "import-trial")

        # Nobody serves flows: said so, and the request waits over a reload.
        ready.click()
        expect(page.get_by_text("No flows process is running")).to_be_visible(timeout=PATIENCE)
        page.reload()
        expect(page.get_by_text("No flows process is running")).to_be_visible(timeout=PATIENCE)
        with flows_by_hand(database, home, keyring):
            expect(page.get_by_text("are on the list hospitals_2020")).to_be_visible(
                timeout=PATIENCE
            )
            with page.expect_download() as download:
                page.get_by_role("button", name="Download the refused rows").click()
            assert len(download.value.path().read_text().splitlines()) == 1 + 28
            shot(page, "import-done")
            lists_and_undo(page, address)
            one_lead(page, address, database)
            assert visit.errors == []
            assert visit.hosts == {"127.0.0.1"}
        page.close()


def lists_and_undo(page: Page, address: str) -> None:
    page.goto(f"{address}/lead-lists")
    expect(page.get_by_role("heading", name="Whom can we call?")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("4,765", timeout=PATIENCE)
    shot(page, "lists")
    page.get_by_role("button", name="Undo this import").click()
    sure = page.get_by_role("button", name="Delete its leads")
    expect(sure).to_be_disabled()
    page.get_by_label("Type the list's name").fill("hospitals_2020")
    page.get_by_label("Type the list's name").press("Enter")
    expect(sure).to_be_enabled(timeout=PATIENCE)
    sure.click()
    expect(page.get_by_text("4,765 leads were taken off the list")).to_be_visible(timeout=PATIENCE)
    page.goto(f"{address}/lead-lists")
    expect(page.get_by_text("This import was taken back")).to_be_visible(timeout=PATIENCE)


def one_lead(page: Page, address: str, database: str) -> None:
    with connect(database) as db:
        CampaignFactory(db).campaign(leads=20, dialed=12, live=0)
        row = db.execute(
            "SELECT a.lead_id FROM attempts a WHERE a.disposition = 'no_answer' AND NOT EXISTS"
            " (SELECT FROM suppressions x WHERE x.number_id = a.number_id) LIMIT 1"
        ).fetchone()
    assert row is not None
    page.goto(f"{address}/lead")
    expect(page.get_by_text("Type the id of a lead")).to_be_visible(timeout=PATIENCE)
    page.get_by_label("Or its phone number", exact=True).fill("+1 212 555 0000")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("No lead has this phone number")).to_be_visible(timeout=PATIENCE)
    assert "555" not in page.url
    page.get_by_label("Lead id", exact=True).fill(str(row["lead_id"]))
    page.get_by_label("Lead id", exact=True).press("Enter")
    expect(page.get_by_text("Everything that happened")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Imported").first).to_be_visible()
    expect(page.get_by_role("link", name="Open the call").first).to_be_visible()
    expect(page).to_have_url(f"{address}/lead?lead={row['lead_id']}")
    expect(page.get_by_text("What happens next")).to_be_visible()
    page.get_by_text("Agree on a callback").click()
    page.get_by_role("button", name="Call back then").click()
    expect(page.get_by_text("is called back at").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Callback agreed").first).to_be_visible(timeout=PATIENCE)
    shot(page, "lead")
    page.get_by_role("button", name="Never call this person again").click()
    sure = page.get_by_role("button", name="Never call again", exact=True)
    expect(sure).to_be_disabled(timeout=PATIENCE)
    page.get_by_label("Type the lead's id").fill(str(row["lead_id"]))
    page.get_by_label("Type the lead's id").press("Enter")
    expect(sure).to_be_enabled(timeout=PATIENCE)
    sure.click()
    expect(page.get_by_text("No dial to it is on its way")).to_be_visible(timeout=PATIENCE)
    with connect(database) as db:
        rows = db.execute("SELECT scope, source, reason FROM suppressions").fetchall()
    assert rows == [{"scope": "seller", "source": "page", "reason": "opt_out"}]


def shot(page: Page, name: str) -> None:
    """A picture for whoever looks: where VOICE_AI_SHOTS says."""
    if folder := SHOTS:
        page.wait_for_timeout(700)
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)

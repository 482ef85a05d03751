"""`python -m tests.e2e.take_pictures`: the pictures in docs/pictures, from a home made for them.

Light, 1280 pixels wide, 256 colours: small enough to live in the repository.
"""

import base64
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from pipelines.generate.plan import Ask
from pipelines.generate.to_lake import write
from pipelines.lake.store import open_store
from pipelines.lake.sync import sync
from tests import big_home
from tests.e2e.app_visits import Look, View, views
from tests.e2e.test_app_overview import pages
from voice_ai.db import upgrade
from voice_ai.db.connect import connect
from voice_ai.embedded import attach_postgres
from voice_ai.rehearsal import rehearsal_clock_of
from voice_ai.vault import Keyring

OUT = Path(__file__).parent.parent.parent / "docs" / "pictures"
SECRET = b"a secret of the tests, 32 bytes."
_HEIGHTS = {
    "overview": 1500,
    "funnel": 1500,
    "campaign": 1300,
    "models": 1300,
    "model-version": 1900,
    "preflight": 1400,
}
# These are taken of a generated history of some months; the others of a home at work.
_HISTORY = {
    "overview": 1500,
    "funnel": 1500,
    "when-to-call": 1900,
    "conversations": 2100,
    "emotion": 1700,
    "experiments": 1500,
    "costs": 1700,
    "explore": 1200,
}
_DRAWN_MS = 2500  # charts are drawn after the page has settled


_ASK = Ask(calls=60_000, seed=7, campaigns=4, months=4)


def main() -> None:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    wanted = set(sys.argv[1:])
    keyring = Keyring(SECRET)
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with attach_postgres(home, keyring) as lease:
            with psycopg.connect(lease.url_of("postgres"), autocommit=True) as server:
                server.execute("CREATE DATABASE pictures")
            url = lease.url_of("pictures")
            upgrade(url, keyring)
            with connect(url) as db:
                clock = rehearsal_clock_of(
                    db, datetime.now(UTC), chosen=None, anchor=True, speed=1.0
                )
                big_home.fill(db, keyring, now=clock.now().replace(microsecond=0))
                places = _places(db)
            sync(url, open_store(None, home / "pages"), now=clock.now())
            if not wanted or wanted & {"models", "model-version"}:
                _train(home / "pages")
            write(open_store(None, home / "history"), _ASK, made_at=clock.now())
            with sync_playwright() as playwright:
                found = playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
                )
                for of in ("pages", "history"):
                    with pages(url, home / of) as address:
                        for view in views():
                            name = view.path or "today"
                            if (not wanted or name in wanted) and (name in _HISTORY) == (
                                of == "history"
                            ):
                                _take(found, address, view, places.get(view.path, ""))
                found.close()


def _train(home: Path) -> None:
    command = [sys.executable, "-m", "voice_ai", "models", "ensure"]
    key = base64.urlsafe_b64encode(SECRET).decode()
    own = {"VOICE_AI_HOME": str(home), "VOICE_AI_SECRET_KEY": key}
    subprocess.run(command, env={**os.environ, **own}, check=True)


def _places(db: "psycopg.Connection[dict[str, object]]") -> dict[str, str]:
    """Pages about one thing need to be told which."""
    row = db.execute(
        "SELECT id, lead_id FROM attempts WHERE disposition = 'goal' ORDER BY ended_at DESC LIMIT 1"
    ).fetchone()
    assert row is not None
    name = big_home.NAME.replace(" ", "+")
    return {
        "call": f"attempt={row['id']}",
        "lead": f"lead={row['lead_id']}",
        "model-version": "task=intent&version=1",
        "experiments": "experiment=Generated+7-01+%C2%B7+opening",
        **dict.fromkeys(
            ("campaign", "live", "calls", "preflight", "waterfall"),
            f"campaign={name}",
        ),
    }


def _take(browser: Browser, address: str, view: View, query: str) -> None:
    name = view.path or "today"
    look = Look(browser, address, height=(_HEIGHTS | _HISTORY).get(name, 900))
    look.load(replace(view, path=f"{view.path}?{query}") if query else view)
    if name == "models":
        look.page.get_by_text("95 % bootstrap interval").wait_for()
    if name == "model-version":
        look.page.get_by_text("Gate: ").wait_for()
    look.page.wait_for_timeout(_DRAWN_MS)
    out = OUT / f"{name}.png"
    look.page.screenshot(path=out)
    look.page.close()
    with Image.open(out) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(out, optimize=True)
    print(f"{out.name}: {out.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main()

"""What the pages read: the newest commit with what finished since, or a lake as it is."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.lake import read
from pipelines.lake import manifest as commits
from pipelines.lake.store import open_store
from pipelines.lake.sync import sync
from tests.factories_app import CampaignFactory
from voice_ai.context import open_context
from voice_ai.db.connect import connect

NOW = datetime(2026, 11, 24, 19, tzinfo=UTC)
DIALS = "SELECT count(*) AS n FROM attempts"


def test_pages_read_the_commit_and_what_finished_since(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    with open_context() as context, connect(database_url, autocommit=True) as db:
        CampaignFactory(db).campaign("one", leads=20, dialed=10)
        seen = read(context)
        assert seen.tail == seen.lake.sql(DIALS).item() > 0
        store = open_store(None, Path(context.settings.home))
        sync(database_url, store, now=NOW)
        assert read(context).tail == 0
        CampaignFactory(db, seed=8).campaign("two", leads=20, dialed=10)
        seen = read(context)
        ended = db.execute("SELECT count(*) AS n FROM attempts WHERE state = 'ended'").fetchone()
        assert ended is not None
        assert seen.lake.sql(DIALS).item() == ended["n"]
        assert f"{seen.tail:,} calls since" in seen.sentence
        # A lake that waits for a rebuild is read as it is.
        db.execute("UPDATE lake_source SET id = gen_random_uuid()")
        made = commits.newest(store)
        assert made is not None
        assert read(context).lake.sql(DIALS).item() == sum(f.rows for f in made.of("attempts"))

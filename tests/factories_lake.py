"""Lakes with a realistic history in them, made from a seed (`pipelines.generate`)."""

import shutil
import tempfile
from atexit import register
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from pipelines.generate.plan import Ask
from pipelines.generate.to_lake import write
from pipelines.lake.read import Lake, open_lake
from pipelines.lake.store import open_store

NOW = datetime(2026, 11, 24, 19, tzinfo=UTC)


def small_lake(
    tmp_path: Path,
    calls: int = 4000,
    seed: int = 7,
    campaigns: int = 2,
    months: int = 3,
) -> Lake:
    """A lake of the test's own under `tmp_path`, with that many dials; a copy of one that is made
    once for each session. `pipelines.generate.planted` says what is true of it."""
    shutil.copytree(_made(calls, seed, campaigns, months), tmp_path / "lake")
    return open_lake(None, tmp_path)


def shared_lake(calls: int = 4000, seed: int = 7, campaigns: int = 2, months: int = 3) -> Lake:
    """The same for tests that only read: one for the session, nothing is copied."""
    return open_lake(None, _made(calls, seed, campaigns, months).parent)


@cache
def _made(calls: int, seed: int, campaigns: int, months: int) -> Path:
    home = Path(tempfile.mkdtemp(prefix="voice-ai-lake-"))
    register(shutil.rmtree, home, ignore_errors=True)
    write(open_store(None, home), Ask(calls, seed, campaigns, months), made_at=NOW)
    return home / "lake"

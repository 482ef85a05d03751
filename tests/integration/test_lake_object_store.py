"""The lake on an object store, over HTTP. Moto's S3 server stands in: no real one is asked."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from pipelines.lake import manifest as commits
from pipelines.lake.batch import Batch
from pipelines.lake.read import Lake
from pipelines.lake.store import AlreadyThere, Store, open_store
from pipelines.lake.sweep import pin, pinned, sweep, unpin
from pipelines.lake.sync import compact_now, sync
from pipelines.lake.verify import verify
from pipelines.lake.write import write_batch
from tests.factories_app import CampaignFactory
from voice_ai.db.connect import connect
from voice_ai.errors import NotAvailable

NOW = datetime(2026, 11, 24, 19, tzinfo=UTC)
URL = "s3://lakes/ours"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = ThreadedMotoServer(port=0, verbose=False)
    made.start()
    host, port = made.get_host_and_port()
    yield f"http://{host}:{port}"
    made.stop()


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment of a machine that uses it, and an empty bucket."""
    import httpx

    httpx.post(f"{server}/moto-api/reset")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert httpx.put(f"{server}/lakes").status_code == 200
    return server


def empty(bound: int) -> Batch:
    return Batch(bound=bound, as_of=NOW)


def test_a_lake_on_an_object_store_is_synced_read_and_proved(
    s3: str, database_url: str, tmp_path: Path
) -> None:
    store = open_store(URL, tmp_path / "one")
    with connect(database_url, autocommit=True) as db:
        CampaignFactory(db).campaign(leads=30, dialed=20)
        made = sync(database_url, store, now=NOW)
        assert made.rows["attempts"] > 20
        for _ in range(8):
            db.execute("UPDATE attempts SET version = version + 1 WHERE state = 'ended'")
            sync(database_url, store, now=NOW)
    assert verify(database_url, store).same
    # Another machine sees the same, from its own copies.
    other = open_store(URL, tmp_path / "two")
    lake = Lake(other, commits.newest(other))
    assert lake.sql("SELECT count(*) AS n FROM attempts").item() == made.rows["attempts"]
    packed = compact_now(database_url, store)
    assert packed is not None
    assert packed.merged > packed.written
    assert verify(database_url, open_store(URL, tmp_path / "three")).same


def test_two_writers_on_an_object_store_cannot_take_one_number(s3: str, tmp_path: Path) -> None:
    one, two = (open_store(URL, tmp_path / name) for name in ("one", "two"))
    write_batch(one, None, empty(10), source="a", why="test", made_at=NOW)
    with pytest.raises(AlreadyThere):
        write_batch(two, None, empty(20), source="b", why="test", made_at=NOW)
    found = commits.newest(two)
    assert found is not None
    assert (found.number, found.source) == (1, "a")
    with pytest.raises(FileNotFoundError):
        one.get("attempts/nothing.parquet")


def test_pins_and_sweeping_on_an_object_store(s3: str, tmp_path: Path) -> None:
    store = open_store(URL, tmp_path)
    made = write_batch(store, None, empty(10), source="a", why="test", made_at=NOW)
    pin(store, "report-1", made.number)
    assert pinned(open_store(URL, tmp_path / "other")) == {"report-1": 1}
    store.put("attempts/left.parquet", b"of a process that died")
    assert sweep(store, now=datetime.now(UTC)).files == 0  # it may still be at it
    assert sweep(store, now=datetime(2099, 1, 1, tzinfo=UTC)).files == 1
    assert store.names("attempts") == []
    unpin(store, "report-1")
    assert pinned(store) == {}


def test_a_store_that_is_away_is_a_sentence_and_nothing_is_half_written(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Store = open_store(URL, tmp_path)
    write_batch(store, None, empty(10), source="a", why="test", made_at=NOW)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    away = open_store(URL, tmp_path / "away")
    with pytest.raises(NotAvailable, match="s3://lakes/ours"):
        commits.newest(away)
    with pytest.raises(NotAvailable, match="s3://lakes/ours"):
        away.put("a/b.parquet", b"x")
    assert not list((tmp_path / "away").rglob("*.parquet*"))
    assert store.names("a") == []

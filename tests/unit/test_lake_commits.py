"""The lake's own rules: commits, rows written anew, the tail, cubes that add up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.lake import manifest as commits
from pipelines.lake.batch import Batch
from pipelines.lake.read import Lake
from pipelines.lake.store import AlreadyThere, Store, open_store
from pipelines.lake.tables import TABLES
from pipelines.lake.write import gone_keys, write_batch
from voice_ai.errors import BadInput, NotFound

NOW = datetime(2026, 11, 24, 19, tzinfo=UTC)
CAMPAIGN = "11111111-1111-1111-1111-111111111111"


def frame(name: str, *rows: dict[str, object]) -> pl.DataFrame:
    """Rows of a lake table; what is not given is null."""
    schema = TABLES[name].schema
    return pl.DataFrame([{c: row.get(c) for c in schema} for row in rows], schema=schema)


def attempt(key: str, **given: object) -> dict[str, object]:
    flags = {name: False for name, kind in TABLES["attempts"].schema.items() if kind == pl.Boolean}
    return {
        **flags,
        "attempt_id": key,
        "campaign_id": CAMPAIGN,
        "lead_id": 1,
        "intended_at": NOW,
        "local_day": NOW.date(),
        "local_hour": 14,
        "reached_carrier": True,
        "dials_before": 0,
        **given,
    }


def turn(key: str, index: int, **given: object) -> dict[str, object]:
    return {
        "attempt_id": key,
        "campaign_id": CAMPAIGN,
        "turn_index": index,
        "speaker": "caller",
        **given,
    }


def batch(bound: int, *attempts: dict[str, object], gone: list[str] | None = None) -> Batch:
    keys = gone or []
    return Batch(
        bound=bound,
        as_of=NOW + timedelta(minutes=bound),
        rows={
            "attempts": frame("attempts", *attempts),
            "turns": frame(
                "turns", *(turn(str(a["attempt_id"]), i) for a in attempts for i in (0, 1))
            ),
        },
        gone={
            "attempts": gone_keys(
                {"key": keys, "month": ["2026-11"] * len(keys), "campaign": [CAMPAIGN] * len(keys)}
            )
        },
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(None, tmp_path)


def add(store: Store, made: Batch) -> commits.Manifest:
    return write_batch(store, commits.newest(store), made, source="test", why="test", made_at=NOW)


def lake_of(store: Store) -> Lake:
    return Lake(store, commits.newest(store))


COUNT = "SELECT count(*) AS n, count(*) FILTER (WHERE goal) AS goals FROM attempts"
CUBE = "SELECT sum(dials)::int AS n, sum(goal)::int AS goals FROM cube_hours"


def test_an_empty_lake_answers_with_nothing(store: Store) -> None:
    assert lake_of(store).sql(COUNT).row(0) == (0, 0)
    assert lake_of(store).sql(CUBE).row(0) == (None, None)
    assert lake_of(store).rows("turns").is_empty()


def test_a_row_written_anew_counts_once_everywhere(store: Store) -> None:
    add(store, batch(10, attempt("a"), attempt("b")))
    add(store, batch(20, attempt("a", goal=True), attempt("c"), gone=["a"]))
    lake = lake_of(store)
    assert lake.sql(COUNT).row(0) == (3, 1)
    assert lake.sql(CUBE).row(0) == (3, 1)
    assert lake.sql("SELECT count(*) AS n FROM v_turns").item() == 6
    assert lake.rows("turns").height == 6
    assert lake.scan("attempts").filter("goal").collect()["attempt_id"].to_list() == ["a"]


def test_a_row_that_went_for_good_counts_nowhere(store: Store) -> None:
    add(store, batch(10, attempt("a", goal=True), attempt("b")))
    add(store, batch(20, gone=["a"]))
    assert lake_of(store).sql(COUNT).row(0) == (1, 0)
    assert lake_of(store).sql(CUBE).row(0) == (1, 0)
    assert lake_of(store).rows("turns").height == 2


def test_the_tail_reads_as_its_commit_would(store: Store) -> None:
    add(store, batch(10, attempt("a"), attempt("b")))
    tail = batch(20, attempt("a", goal=True), attempt("c"), gone=["a"])
    warm = lake_of(store).with_tail(tail)
    asked = (
        COUNT,
        CUBE,
        "SELECT count(*) AS n FROM turns",
        "SELECT * FROM attempts ORDER BY attempt_id",
    )
    seen = [warm.sql(query) for query in asked]
    rows = warm.rows("attempts").sort("attempt_id")
    add(store, tail)
    for query, found in zip(asked, seen, strict=True):
        assert lake_of(store).sql(query).equals(found), query
    assert lake_of(store).rows("attempts").sort("attempt_id").equals(rows)


def test_an_older_commit_still_says_what_it_said(store: Store) -> None:
    add(store, batch(10, attempt("a")))
    add(store, batch(20, attempt("a", goal=True), gone=["a"]))
    before = commits.as_of(store, NOW + timedelta(minutes=15))
    assert (before.number, Lake(store, before).sql(COUNT).row(0)) == (1, (1, 0))
    with pytest.raises(NotFound, match="no commit as old"):
        commits.as_of(store, NOW)


def test_two_writers_cannot_take_the_same_number(store: Store) -> None:
    first = add(store, batch(10, attempt("a")))
    write_batch(store, first, batch(20, attempt("b")), source="test", why="test", made_at=NOW)
    with pytest.raises(AlreadyThere):
        write_batch(store, first, batch(20, attempt("b")), source="test", why="test", made_at=NOW)
    assert lake_of(store).sql(COUNT).item(0, "n") == 2


def test_only_the_files_of_one_campaign_are_opened(store: Store) -> None:
    add(store, batch(10, attempt("a"), attempt("b", campaign_id="other")))
    assert lake_of(store).only(CAMPAIGN).sql(COUNT).item(0, "n") == 1
    assert [part.campaign for part in lake_of(store).partitions()] == [CAMPAIGN, "other"]


def test_an_older_file_without_a_column_reads_as_null(store: Store, tmp_path: Path) -> None:
    made = add(store, batch(10, attempt("a", zone="America/New_York")))
    place = store.local(made.of("attempts")[0].path)
    pl.read_parquet(place).drop("zone").write_parquet(place)
    files = tuple(
        f.model_copy(update={"columns": tuple(c for c in f.columns if c != "zone")})
        if f.table == "attempts"
        else f
        for f in made.files
    )
    lake = Lake(store, made.model_copy(update={"files": files}))
    assert lake.sql("SELECT attempt_id, zone FROM attempts").rows() == [("a", None)]
    assert lake.rows("attempts").select("attempt_id", "zone").rows() == [("a", None)]


def test_a_question_that_makes_no_sense_is_answered_in_words(store: Store) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        lake_of(store).sql("SELECT * FROM nowhere")
    with pytest.raises(BadInput, match="ftp://"):
        open_store("ftp://host/lake", Path())

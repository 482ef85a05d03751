"""SQL that somebody typed: it reads the lake and nothing else, and every no is a sentence."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.lake.batch import Batch
from pipelines.lake.free import free_sql
from pipelines.lake.read import Lake
from tests.factories_lake import NOW, shared_lake
from voice_ai.errors import BadInput


@pytest.fixture(scope="module")
def lake() -> Lake:
    return shared_lake()


def test_an_answer_comes_whole_and_in_order(lake: Lake) -> None:
    found = free_sql(
        lake,
        "SELECT attempt, sum(dials) AS n FROM cube_attempt_numbers GROUP BY 1 ORDER BY 2 DESC;",
    )
    assert found.rows["n"].is_sorted(descending=True)
    assert (
        found.rows["n"].sum()
        == lake.sql("SELECT count(*) FILTER (WHERE reached_carrier) FROM v_attempts").item()
    )
    assert str(found.rows["n"].dtype) == "Int64"
    assert not found.cut
    some = free_sql(lake, "FROM attempts", rows=10)
    assert (some.rows.height, some.cut) == (10, True)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "no SQL to run"),
        ("SELECT 1; SELECT 2", "one SELECT at a time"),
        ("DROP VIEW attempts", "never written"),
        ("COPY (SELECT 1) TO 'there.csv'", "never written"),
        ("SET memory_limit = '10GB'", "never written"),
        ("ATTACH 'there.db'", "never written"),
        ("SELECT * FROM nowhere", "nowhere does not exist"),
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM read_text('/etc/hostname')", "Cannot access file"),
        ("SELECT INTERVAL 1 DAY", "CAST it to VARCHAR"),
    ],
)
def test_what_is_refused_is_refused_in_words(
    lake: Lake, query: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=words):
        free_sql(lake, query)
    assert list(tmp_path.iterdir()) == []


def test_what_takes_too_long_is_stopped(lake: Lake) -> None:
    with pytest.raises(BadInput, match="was stopped; ask for one campaign"):
        free_sql(lake, "SELECT count(*) FROM turns a, turns b, turns c", seconds=0.2)


def test_rows_of_the_tail_are_read_too_and_no_variable_of_the_program(lake: Lake) -> None:
    query = "SELECT count(*) AS n FROM attempts"
    newest = lake.rows("attempts").head(3).with_columns(attempt_id=pl.lit("new"))
    tail = Batch(bound=10**9, as_of=NOW, rows={"attempts": newest})
    assert (
        free_sql(lake.with_tail(tail), query).rows.item() == free_sql(lake, query).rows.item() + 3
    )
    with pytest.raises(BadInput, match="does not exist"):
        free_sql(lake, "SELECT * FROM newest")

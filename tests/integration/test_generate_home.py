"""A generated history in a home: the rows that a lake gets from the same seed; the command."""

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pytest
from polars.testing import assert_frame_equal

from pipelines.generate.plan import Ask
from pipelines.generate.to_home import write
from pipelines.lake.cube_list import CUBES
from pipelines.lake.manifest import newest
from pipelines.lake.read import Lake
from pipelines.lake.store import open_store
from pipelines.lake.sync import sync
from tests.factories_lake import NOW, shared_lake
from voice_ai.__main__ import run
from voice_ai.db.connect import connect
from voice_ai.errors import Refused
from voice_ai.vault import Keyring

ASK = Ask(3000, 7, 2, 3)
COUNTS = (
    "SELECT count(*) AS n, count(DISTINCT attempt_id) AS ids, count(DISTINCT person_key) AS who,"
    " count(answered_at) AS answered, count(*) FILTER (WHERE human_answered) AS human,"
    " count(*) FILTER (WHERE goal) AS goals, count(*) FILTER (WHERE opted_out) AS no,"
    " sum(attempt_no)::bigint AS numbers, sum(local_hour)::bigint AS hours,"
    " sum(terminal_events)::bigint AS ends, min(intended_at) AS first, max(ended_at) AS last"
    " FROM v_attempts WHERE rehearsal",
    "SELECT count(*) AS n, count(intent) AS intents, count(emotion) AS emotions,"
    " count(node) AS nodes, round(sum(response_ms)) AS response, max(ended_at) AS last"
    " FROM v_turns WHERE rehearsal",
    "SELECT kind, count(*) AS n, max(seq) AS seq FROM v_events WHERE rehearsal"
    " GROUP BY kind ORDER BY kind",
    "SELECT count(*) AS n, sum(duration_s) AS seconds FROM v_calls WHERE rehearsal",
    "SELECT allow, count(*) AS n, count(attempt_id) AS dials, count(next_allowed_at) AS later"
    " FROM v_decisions WHERE rehearsal GROUP BY allow ORDER BY allow",
    "SELECT list, count(*) AS n, count(*) FILTER (WHERE suppressed) AS no, max(imported_at) AS last"
    " FROM v_leads WHERE rehearsal GROUP BY list ORDER BY list",
)


def test_home_and_lake_get_the_same_rows(
    database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    written = write(database_url, keyring, ASK)
    lake = shared_lake(ASK.calls)
    with connect(database_url, name="test") as db:
        for asked in COUNTS:
            assert [tuple(row.values()) for row in db.execute(asked.encode())] == lake.sql(
                asked
            ).rows()
        left = db.execute(
            b"SELECT count(*) FILTER (WHERE state = 'ready') AS ready, count(*) AS n,"
            b" (SELECT count(*) FROM attempts WHERE own_answer_class IS NOT NULL) AS heard"
            b" FROM campaign_leads"
        ).fetchone()
        taken = db.execute(
            b"SELECT nextval(pg_get_serial_sequence('leads', 'id')) AS id"
        ).fetchone()
    assert left is not None
    assert 0 < left["ready"] < left["n"] == written.rows["leads"]
    assert taken is not None
    assert taken["id"] == written.rows["leads"] + 1
    home = open_store(None, tmp_path)
    sync(database_url, home, now=NOW)
    synced = Lake(home, newest(home))
    for cube in CUBES:
        query = f"SELECT {', '.join((*cube.dims, *cube.measures))} FROM ({cube.summed(cube.table)})"
        ours, theirs = (_in_order(of.sql(query), cube.dims) for of in (lake, synced))
        assert_frame_equal(ours, theirs, check_exact=False)
    with pytest.raises(Refused, match="another --seed"):
        write(database_url, keyring, ASK)
    more = write(database_url, keyring, Ask(200, 8, 1, 2))
    assert more.rows["attempts"] == 200


def _in_order(rows: pl.DataFrame, dims: Sequence[str]) -> pl.DataFrame:
    measures = cs.all() - cs.by_name(*dims)
    return rows.filter(pl.any_horizontal(measures != 0)).sort(dims).cast({measures: pl.Float64})


def test_the_command_fills_a_lake_and_says_no(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--calls", "500", "--to", "lake", "--json"]
    assert run("generate", words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"]["attempts"] == 500
    assert open_store(None, tmp_path / "home").names("commits")
    assert run("generate", words) == 1
    assert "never mixed" in capsys.readouterr().err
    assert run("generate", ["--calls", "500", "--to", "moon"]) == 2
    assert run("generate", ["--calls", "0"]) == 1
    monkeypatch.setenv("VOICE_AI_LIVE_CALLS", "yes")
    assert run("generate", words) == 1
    assert "LIVE_CALLS" in capsys.readouterr().err

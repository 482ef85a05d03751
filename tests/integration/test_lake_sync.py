"""The lake's sync: what Postgres holds, exactly once, whatever changes, goes or comes late."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import psycopg
import pytest

from pipelines.lake import export
from pipelines.lake import manifest as commits
from pipelines.lake.read import Lake
from pipelines.lake.store import Store, open_store
from pipelines.lake.sync import SyncReport, compact_now, sync, tail
from pipelines.lake.verify import verify
from tests.factories_app import CampaignFactory
from voice_ai.db.connect import Db, connect
from voice_ai.errors import Refused

NOW = datetime(2026, 11, 24, 19, tzinfo=UTC)
DIALS = "SELECT count(*) AS n FROM attempts"
PLAYED = (
    "SELECT id FROM attempts WHERE state = 'ended' AND disposition = 'goal' ORDER BY id LIMIT 1"
)


class Place:
    """A database with a campaign, and its lake."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.store: Store = open_store(None, folder)
        self.db: Db = connect(url, autocommit=True)
        self.campaign: UUID = CampaignFactory(self.db).campaign(leads=60, dialed=40, live=3)

    def sync(self, *, anew: bool = False, now: datetime = NOW) -> SyncReport:
        return sync(self.url, self.store, now=now, anew=anew)

    @property
    def lake(self) -> Lake:
        return Lake(self.store, commits.newest(self.store))

    def count(self, query: str) -> Any:
        return self.lake.sql(query).item()

    def one(self, query: str, *values: Any) -> Any:
        row = self.db.execute(query, values).fetchone()
        assert row is not None
        return next(iter(row.values()))

    def proved(self) -> None:
        made = verify(self.url, self.store)
        assert made.differences == ()
        assert made.compared > 100


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Iterator[Place]:
    made = Place(database_url, tmp_path)
    yield made
    made.db.close()


def test_a_sync_brings_every_ended_call_whole_and_another_brings_nothing(place: Place) -> None:
    place.db.execute(
        "UPDATE attempts SET answered_at = ended_at - interval '42.5 s' WHERE disposition = 'goal'"
    )
    made = place.sync()
    ended = place.one("SELECT count(*) FROM attempts WHERE state = 'ended'")
    assert made.rows["attempts"] == ended > 40
    assert place.count(DIALS) == ended
    assert place.count("SELECT count(*) FROM v_turns") > 100
    assert place.sync().commits == 0
    place.proved()
    row = place.lake.rows("attempts").filter("goal").row(0, named=True)
    assert row["talk_s"] == 42.5
    assert row["local_day"] is not None
    assert row["list"] == "Spring survey list"
    said = place.lake.rows("turns").filter(pl.col("attempt_id") == row["attempt_id"])
    spoken = said.filter(speaker="caller").select(pl.col("ended_at") - pl.col("started_at"))
    assert row["caller_speech_s"] == pytest.approx(spoken.sum().item().total_seconds())


def test_the_columns_of_the_lake_are_those_of_the_views(place: Place) -> None:
    from pipelines.lake.tables import TABLES

    for table in TABLES.values():
        if table.view.startswith("v_"):
            rows = place.db.execute(
                "SELECT column_name AS c FROM information_schema.columns WHERE table_name = %s",
                (table.view,),
            )
            assert {row["c"] for row in rows} <= set(table.schema.names()), table.name


def test_a_transaction_that_commits_late_is_not_skipped(place: Place) -> None:
    place.sync()
    live = place.one("SELECT id FROM attempts WHERE state <> 'ended' LIMIT 1")
    other = place.one("SELECT id FROM attempts WHERE state = 'ended' LIMIT 1")
    with psycopg.connect(place.url) as slow:
        slow.execute(
            "UPDATE attempts SET state = 'ended', disposition = 'busy', ended_at = %s"
            " WHERE id = %s",
            (NOW, live),
        )
        # It began later and is over earlier.
        place.db.execute("UPDATE attempts SET version = version + 1 WHERE id = %s", (other,))
        before = place.sync()
        slow.commit()
    assert before.rows.get("attempts", 0) == 0
    place.proved()
    assert place.sync().rows["attempts"] >= 2
    assert place.count(f"SELECT disposition FROM attempts WHERE attempt_id = '{live}'") == "busy"
    place.proved()


def test_what_comes_late_beside_an_ended_call_brings_it_anew(place: Place) -> None:
    key = place.one(PLAYED)
    place.sync()
    late = {
        "qa_scores": "INSERT INTO qa_scores (attempt_id, scorer, scored_by, card, card_version,"
        " gates, scores, total, passed, scored_at) VALUES (%s, 'human', 'ana', 'c', 1, '{}', '{}',"
        " 87, true, now())",
        "calls": "INSERT INTO calls (carrier_sid, attempt_id, carrier, status, duration_s,"
        " created_at, updated_at)"
        " VALUES ('late', %s, 'twilio', 'completed', 4321, '2026-11-01', now())",
        "turns": "INSERT INTO turns (attempt_id, index, speaker, text_redacted, started_at,"
        " ended_at) VALUES (%s, 999, 'caller', 'wait', now(), now())",
    }
    for name, statement in late.items():
        place.db.execute(statement.encode(), (key,))
        made = place.sync()
        assert made.gone >= made.rows["attempts"] >= 1, name
        place.proved()
    where = f"FROM attempts WHERE attempt_id = '{key}'"
    assert place.lake.sql(f"SELECT qa_total, qa_passed, carrier_s {where}").rows() == [
        (87, True, 4321)
    ]
    assert place.count(f"SELECT max(turn_index) FROM turns WHERE attempt_id = '{key}'") == 999


def test_a_late_change_moves_what_later_calls_of_the_lead_say(place: Place) -> None:
    """The first attempt turns out to have reached the goal: a later one no longer is the first."""
    found = place.db.execute(
        "SELECT id, lead_id FROM attempts WHERE state = 'ended' AND disposition <> 'goal'"
        " AND attempt_no = 1 AND lead_id IN (SELECT lead_id FROM attempts WHERE attempt_no > 1"
        " AND state = 'ended') LIMIT 1"
    ).fetchone()
    assert found is not None
    first, lead = found["id"], found["lead_id"]
    place.db.execute(
        "UPDATE attempts SET disposition = 'goal' WHERE lead_id = %s AND attempt_no > 1", (lead,)
    )
    place.sync()
    goals = f"SELECT first_goal FROM attempts WHERE lead_id = {lead} ORDER BY attempt_no"
    assert place.lake.sql(goals)["first_goal"].to_list()[:2] == [False, True]
    place.db.execute("UPDATE attempts SET disposition = 'goal' WHERE id = %s", (first,))
    place.sync()
    assert place.lake.sql(goals)["first_goal"].to_list()[:2] == [True, False]
    assert place.count("SELECT sum(first_goal)::int FROM cube_hours") == place.one(
        "SELECT count(DISTINCT lead_id) FROM attempts WHERE disposition = 'goal'"
    )
    place.proved()


def test_leads_that_are_suppressed_changed_or_deleted_follow(place: Place) -> None:
    place.sync()
    dialed = place.one("SELECT lead_id FROM attempts LIMIT 1")
    fresh = place.one(
        "SELECT id FROM leads WHERE NOT EXISTS (SELECT FROM attempts a WHERE a.lead_id = leads.id)"
        " AND NOT EXISTS (SELECT FROM decisions d WHERE d.lead_id = leads.id) LIMIT 1"
    )
    place.db.execute(
        "INSERT INTO suppressions (number_id, scope, source, reason, created_at)"
        " SELECT number_id, 'all', 'page', 'opt_out', now() FROM leads WHERE id = %s",
        (dialed,),
    )
    place.db.execute("UPDATE leads SET country = 'CA' WHERE id = %s", (dialed,))
    place.db.execute("DELETE FROM campaign_leads WHERE lead_id = %s", (fresh,))
    place.db.execute("DELETE FROM leads WHERE id = %s", (fresh,))
    place.sync()
    about = place.lake.sql(f"SELECT country, suppressed FROM leads WHERE lead_id = {dialed}")
    assert about.rows() == [("CA", True)]
    assert place.count(f"SELECT count(*) FROM leads WHERE lead_id = {fresh}") == 0
    assert place.count(f"SELECT count(*) FROM campaign_leads WHERE lead_id = {fresh}") == 0
    place.proved()


def test_the_tail_reads_as_the_next_commit_does(place: Place) -> None:
    place.sync()
    place.db.execute("UPDATE turns SET node = 'end' WHERE attempt_id = %s", (place.one(PLAYED),))
    place.db.execute(
        "UPDATE attempts SET state = 'ended', disposition = 'busy', ended_at = %s"
        " WHERE state <> 'ended'",
        (NOW,),
    )
    warm = place.lake.with_tail(tail(place.db, place.lake.manifest, NOW))
    asked = ("SELECT * FROM attempts ORDER BY attempt_id", "SELECT sum(dials) FROM cube_outcomes")
    seen = [warm.sql(query) for query in asked]
    place.sync()
    for query, found in zip(asked, seen, strict=True):
        assert place.lake.sql(query).equals(found)


def test_many_rows_come_in_pieces_and_a_sync_that_stopped_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST", dict.fromkeys(export.MOST, 25))
    with place.db.transaction():
        export.begin(place.db)
        planned = export.plan(place.db, export.window(place.db, None))
        batches = list(export.pieces(place.db, planned, NOW))
    assert len(batches) > 4
    assert {batch.bound for batch in batches[:-1]} == {0}
    assert batches[-1].resume is None

    class Stop(Exception):
        pass

    def stop(share: float, words: str) -> None:
        if share > 0.5:
            raise Stop

    with pytest.raises(Stop):
        sync(place.url, place.store, now=NOW, tell=stop)
    assert place.lake.manifest is not None
    assert place.lake.manifest.resume is not None
    with pytest.raises(Refused, match="half-way"):
        verify(place.url, place.store)
    # What was written and what was not yet both change before it goes on.
    place.db.execute("UPDATE attempts SET version = version + 1 WHERE state = 'ended'")
    place.sync()
    place.proved()


def test_another_database_and_a_restored_one_are_refused_until_a_rebuild(place: Place) -> None:
    place.sync()
    made = place.lake.manifest
    assert made is not None
    place.db.execute("UPDATE lake_source SET id = gen_random_uuid()")
    with pytest.raises(Refused, match="another database.*lake rebuild"):
        place.sync()
    # Its rows bring stamps of the server they come from, which this one has not reached.
    place.db.execute("UPDATE decisions SET changed_xid = 1::bigint << 40")
    place.db.execute("UPDATE attempts SET settled_xid = 1::bigint << 40 WHERE state = 'ended'")
    place.sync(anew=True)
    assert place.count(DIALS) == place.one("SELECT count(*) FROM attempts WHERE state = 'ended'")
    place.proved()
    # The newest attempt that the lake knows ended in another transaction.
    place.db.execute("UPDATE attempts SET settled_xid = 3")
    with pytest.raises(Refused, match="restored from a backup.*lake rebuild"):
        place.sync()


def test_compaction_changes_no_answer_and_seals_what_is_over(place: Place) -> None:
    place.sync()
    for _ in range(9):
        place.db.execute(
            "UPDATE attempts SET version = version + 1 WHERE id IN"
            " (SELECT id FROM attempts WHERE state = 'ended' ORDER BY random() LIMIT 2)"
        )
        place.sync()
    asked = (
        "SELECT * FROM attempts ORDER BY attempt_id",
        "SELECT * FROM turns ORDER BY attempt_id, turn_index",
        "SELECT sum(dials)::int, sum(goal)::int, round(sum(talk_s), 6) FROM cube_hours",
    )
    before = [place.lake.sql(query) for query in asked]
    many = len(place.lake.manifest.files) if place.lake.manifest else 0
    packed = compact_now(place.url, place.store)
    assert packed is not None
    assert packed.sealed == 0 < packed.merged
    assert place.lake.manifest is not None
    assert len(place.lake.manifest.files) < many * 0.6
    for query, found in zip(asked, before, strict=True):
        assert place.lake.sql(query).equals(found), query
    place.db.execute(
        "UPDATE attempts SET version = version + 1 WHERE id = %s", (place.one(PLAYED),)
    )
    place.sync(now=NOW + timedelta(days=40))
    compact_now(place.url, place.store)
    sealed = [file.path for file in place.lake.manifest.files if file.sealed]
    assert {"attempts", "turns", "leads"} <= {path.split("/")[0] for path in sealed}
    place.db.execute(
        "UPDATE attempts SET version = version + 1 WHERE id = %s", (place.one(PLAYED),)
    )
    place.sync(now=NOW + timedelta(days=40))
    assert compact_now(place.url, place.store, only_if_due=True) is None
    assert set(sealed) <= {file.path for file in place.lake.manifest.files}
    place.proved()


def test_only_one_writes_at_a_time(place: Place) -> None:
    from pipelines.lake.sync import one_writer

    with one_writer(place.db, place.store) as mine:
        assert mine
        assert place.sync().busy
        assert compact_now(place.url, place.store) is None
    assert place.sync().commits == 1


def test_live_calls_are_written_as_cheaply_as_before(place: Place) -> None:
    """A change of a live attempt runs no trigger of the lake."""
    row = place.db.execute(
        "EXPLAIN (ANALYZE, FORMAT json) UPDATE attempts SET version = version + 1"
        " WHERE id = (SELECT id FROM attempts WHERE state <> 'ended' LIMIT 1)"
    ).fetchone()
    assert row is not None
    (plan,) = next(iter(row.values()))
    assert "lake_settle" not in str(plan.get("Triggers"))

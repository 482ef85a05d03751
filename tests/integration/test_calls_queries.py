"""What the pages read of calls, against the metrics' own functions and the views."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.queries import call, calls
from app.queries.calls import Filters
from app.queries.engine import open_engine
from pipelines.metrics.latency import turn_latency
from pipelines.metrics.load import campaign_frames
from pipelines.metrics.measures import measure
from tests.factories_app import START, CampaignFactory
from voice_ai.db.connect import connect

EVERYTHING = Filters(rehearsal=True, campaign="Spring survey")


@pytest.fixture
def engine(database_url: str) -> sa.Engine:
    with connect(database_url) as db:
        CampaignFactory(db, seed=3).campaign("Spring survey", leads=240, dialed=180, live=3)
        CampaignFactory(db, seed=4).campaign("Autumn survey", leads=30, dialed=20, live=1)
        db.execute("UPDATE attempts SET answered_at = intended_at WHERE disposition = 'goal'")
    return open_engine(database_url)


def test_the_figures_are_those_of_the_report(engine: sa.Engine, database_url: str) -> None:
    with connect(database_url) as db:
        told = measure(campaign_frames(db, "Spring survey"))
    with engine.connect() as connection:
        found = calls.finished(connection, EVERYTHING)
    ended = told.totals.attempts - told.totals.live
    assert found.totals == replace(told.totals, attempts=ended, live=0)
    assert found.outcomes.equals(told.dispositions)
    engine.dispose()


def test_pages_follow_one_another_without_gap_or_overlap(engine: sa.Engine) -> None:
    seen, before = [], None
    with engine.connect() as connection:
        total = calls.finished(connection, EVERYTHING).totals.attempts
        while rows := calls.newest(connection, EVERYTHING, before):
            seen += [(row.ended_at, row.attempt_id) for row in rows]
            before = seen[-1]
    assert len(seen) == total > calls.PAGE
    assert seen == sorted(set(seen), reverse=True)
    engine.dispose()


def test_every_filter_narrows_figures_and_rows_alike(engine: sa.Engine) -> None:
    narrowed = [
        replace(EVERYTHING, disposition="goal"),
        replace(EVERYTHING, emotion="anger"),
        replace(EVERYTHING, min_seconds=30),
        replace(EVERYTHING, first_day=START.date(), last_day=START.date()),
        replace(EVERYTHING, campaign=None, disposition="machine"),
        replace(EVERYTHING, first_day=START.date() + timedelta(days=9)),
        replace(EVERYTHING, recorded=True),
        replace(EVERYTHING, rehearsal=False),
    ]
    with engine.connect() as connection:
        for filters in narrowed:
            found = calls.finished(connection, filters).totals.attempts
            rows = calls.newest(connection, filters)
            assert len(rows) == min(found, calls.PAGE), filters
            if filters.disposition:
                assert {row.disposition for row in rows} == {filters.disposition}
            if filters.min_seconds:
                assert all(row.seconds >= filters.min_seconds for row in rows)
            if filters.emotion:
                assert all(filters.emotion in row.emotions for row in rows)
    engine.dispose()


def test_the_live_board_takes_two_queries_however_many_live(
    engine: sa.Engine, database_url: str
) -> None:
    with connect(database_url) as db:
        CampaignFactory(db, seed=5).campaign("Busy", leads=80, dialed=0, live=80)
        db.execute(
            "INSERT INTO turns (attempt_id, index, speaker, text_redacted, started_at, ended_at,"
            " response_ms) SELECT id, n, CASE WHEN n %% 2 = 0 THEN 'agent' ELSE 'caller' END, 'hi',"
            " intended_at + n * interval '1 second', intended_at + n * interval '1 second',"
            " CASE WHEN n = 2 THEN 400 END"
            " FROM attempts, generate_series(0, 2) n WHERE state = 'in_progress'",
            (),
        )
    asked: list[str] = []
    with engine.connect() as connection:
        sa.event.listen(connection, "before_cursor_execute", lambda *a: asked.append(a[2]))
        board = calls.live_board(connection, rehearsal=True)
    assert len(asked) == 2
    assert board.live == len(board.calls) == 84
    assert board.talking == sum(len(call.turns) == 3 for call in board.calls) > 20
    latency = turn_latency(board.turns)
    assert (latency.n, latency.percentiles[0].value) == (board.talking, 400)
    engine.dispose()


def test_one_call_is_read_whole_or_is_none(engine: sa.Engine, database_url: str) -> None:
    with engine.connect() as connection:
        goal = calls.newest(connection, replace(EVERYTHING, disposition="goal"))[0]
        whole = call.one_call(connection, goal.attempt_id)
        assert call.one_call(connection, uuid4()) is None
    assert whole is not None
    assert not whole.live
    assert whole.seconds == pytest.approx(goal.seconds)
    assert [turn["turn_index"] for turn in whole.turns] == list(range(len(whole.turns)))
    engine.dispose()

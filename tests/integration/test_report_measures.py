"""The pages' SQL and the metric functions say the same, to the last digit."""

from collections.abc import Iterator
from dataclasses import fields

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from app.queries import engine as pool
from app.queries import overview as queries
from pipelines.metrics.frames import CampaignFrames
from pipelines.metrics.load import campaign_frames
from pipelines.metrics.measures import Overview, measure
from tests.factories_app import CampaignFactory
from voice_ai.db.connect import Db, connect
from voice_ai.errors import NotFound


@pytest.fixture
def db(database_url: str) -> Iterator[Db]:
    with connect(database_url) as connection:
        yield connection


def by_database(url: str, frames: CampaignFrames) -> Overview:
    engine = pool.open_engine(url)
    try:
        with engine.connect() as connection:
            return queries.overview(connection, frames.campaign)
    finally:
        engine.dispose()


def assert_same(one: Overview, other: Overview) -> None:
    for field in fields(Overview):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, pl.DataFrame):
            assert_frame_equal(left, right, check_exact=True)
        else:
            assert left == right, field.name


@pytest.mark.parametrize("seed", [1, 2])
def test_tiles_equal_the_functions(db: Db, database_url: str, seed: int) -> None:
    CampaignFactory(db, seed=seed).campaign("Spring", leads=70, dialed=55, live=4)
    CampaignFactory(db, seed=seed + 10).campaign("Another", leads=20, dialed=15)
    db.commit()
    frames = campaign_frames(db, "Spring")
    by_functions = measure(frames)
    assert_same(by_functions, by_database(database_url, frames))
    assert by_functions.totals.live == 4
    assert by_functions.totals.dials > 40
    assert by_functions.latency.n > 20
    assert by_functions.emotions_along.height > 5
    assert by_functions.refusals.height == 4


def test_an_empty_campaign_measures_to_nothing_both_ways(db: Db, database_url: str) -> None:
    CampaignFactory(db).campaign("Empty", leads=0, dialed=0, live=0)
    db.commit()
    frames = campaign_frames(db, "Empty")
    found = measure(frames)
    assert_same(found, by_database(database_url, frames))
    assert found.totals.attempts == 0
    assert found.statuses.is_empty()


def test_rehearsal_rows_never_count_for_a_live_campaign(db: Db, database_url: str) -> None:
    campaign = CampaignFactory(db).campaign("Live one", leads=30, dialed=20, rehearsal=False)
    for table in ("attempts", "decisions"):
        db.execute(
            f"UPDATE {table} SET rehearsal = true WHERE campaign_id = %s AND lead_id %% 2 = 0",
            (campaign,),
        )
    db.commit()
    frames = campaign_frames(db, "Live one")
    assert set(frames.attempts["lead_id"] % 2) == {1}
    assert set(frames.decisions["lead_id"] % 2) == {1}
    assert_same(measure(frames), by_database(database_url, frames))


def test_a_campaign_is_found_by_name_or_id(db: Db) -> None:
    campaign = CampaignFactory(db).campaign("Spring", leads=3, dialed=2, live=0)
    db.commit()
    assert campaign_frames(db, str(campaign)).campaign.name == "Spring"
    with pytest.raises(NotFound, match="no campaign named 'Summer'; there are: Spring"):
        campaign_frames(db, "Summer")


def test_live_calls_are_the_attempts_that_have_not_ended(db: Db, database_url: str) -> None:
    CampaignFactory(db).campaign("Spring", leads=12, dialed=5, live=3)
    db.commit()
    engine = pool.open_engine(database_url)
    with engine.connect() as connection:
        (campaign,) = queries.campaigns(connection)
        live = queries.live_calls(connection, campaign)
    engine.dispose()
    assert [call.state for call in live] == ["in_progress", "ringing", "unknown"]
    assert [call.since for call in live] == sorted(call.since for call in live)

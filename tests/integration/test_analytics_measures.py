"""What works?: the database's counts and the metric functions say the same, to the last digit."""

from dataclasses import fields

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from app.queries import analytics
from app.queries import engine as pool
from app.queries import models as spoken_in
from app.queries.flows import requests_of
from pipelines.metrics.frames import CampaignFrames
from pipelines.metrics.load import campaign_frames
from pipelines.metrics.measures import Measures, measure
from tests import big_home
from tests.factories_app import CampaignFactory
from voice_ai.db.connect import connect
from voice_ai.vault import Keyring


def by_database(url: str, frames: CampaignFrames) -> Measures:
    engine = pool.open_engine(url)
    try:
        with engine.connect() as connection:
            return analytics.measures(connection, frames.campaign)
    finally:
        engine.dispose()


def assert_same(one: Measures, other: Measures) -> None:
    for field in fields(Measures):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, pl.DataFrame):
            assert_frame_equal(left, right, check_exact=True)
        else:
            assert left == right, field.name


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_page_says_what_the_functions_say(database_url: str, seed: int) -> None:
    with connect(database_url) as db:
        CampaignFactory(db, seed=seed).campaign("Spring", leads=90, dialed=75, live=4)
        CampaignFactory(db, seed=seed + 10).campaign("Another", leads=20, dialed=15)
        db.commit()
        frames = campaign_frames(db, "Spring")
    by_functions = measure(frames)
    assert_same(by_functions, by_database(database_url, frames))
    assert by_functions.emotions_along.height > 8
    assert by_functions.latency.unmeasured > 0
    assert by_functions.answer_by_hour["local_hour"].null_count() == 1


def test_an_empty_campaign_is_nothing_both_ways(database_url: str) -> None:
    with connect(database_url) as db:
        CampaignFactory(db).campaign("Empty", leads=0, dialed=0, live=0)
        db.commit()
        frames = campaign_frames(db, "Empty")
    assert_same(measure(frames), by_database(database_url, frames))


def test_a_large_home_says_the_same_and_tells_who_spoke(
    database_url: str, keyring: Keyring
) -> None:
    with connect(database_url) as db:
        big_home.fill(db, keyring, leads=3000)
        frames = campaign_frames(db, big_home.NAME)
    measures = by_database(database_url, frames)
    assert_same(measure(frames), measures)
    assert measures.totals.attempts > 2500
    assert measures.totals.live == 6
    assert measures.latency.n > 4000
    engine = pool.open_engine(database_url)
    with engine.connect() as connection:
        spoken = spoken_in.spoken(connection)
        trainings = requests_of(connection, ("train-models",))
        assert spoken_in.alerts(connection) == []
        assert spoken_in.rollouts(connection) == {}
    engine.dispose()
    assert set(spoken["task"]) == {"emotion", "intent"}
    assert spoken["calls"].max() <= spoken_in.LAST_CALLS  # type: ignore[operator]
    assert [one.asked_at for one in trainings] == sorted(
        (one.asked_at for one in trainings), reverse=True
    )

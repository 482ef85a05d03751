"""Tile, report, notebook, SQL: one number. The lake's cubes, the lake's rows, Postgres' rows and
Postgres' views are asked for the same on the same calls, and answer the same to the last digit.
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.analyses import funnel, overview
from pipelines.analyses.ask import ask, ask_views
from pipelines.analyses.campaign import campaign_frames as lake_frames
from pipelines.lake.read import Lake, open_lake
from pipelines.lake.store import open_store
from pipelines.lake.sync import sync
from pipelines.metrics import funnel as steps
from pipelines.metrics import load, rates
from pipelines.metrics.ask import SPLITS, Question
from pipelines.metrics.frames import CampaignFrames
from pipelines.metrics.measures import Measures, measure
from pipelines.metrics.slices import Slice
from pipelines.report.build import build_report, figures_of
from tests.factories_app import START, CampaignFactory
from voice_ai.db.connect import Db, connect
from voice_ai.errors import BadInput, NotFound

NAME = "Spring"
NOW = START + timedelta(hours=1)


@pytest.fixture
def db(database_url: str) -> Iterator[Db]:
    with connect(database_url) as connection:
        yield connection


def synced(db: Db, url: str, home: Path, seed: int) -> Lake:
    """A lake of two campaigns with calls that ended, calls that go on, and leads that wait."""
    CampaignFactory(db, seed=seed).campaign(NAME, leads=90, dialed=75, live=4)
    CampaignFactory(db, seed=seed + 10, start=START + timedelta(days=3)).campaign(
        "Another", leads=20, dialed=15
    )
    db.commit()
    sync(url, open_store(None, home), now=NOW)
    return open_lake(None, home)


def ended(frames: CampaignFrames) -> CampaignFrames:
    """Without the calls that go on, which the lake does not hold."""
    done = frames.attempts.filter(pl.col("state") == "ended")
    return replace(
        frames,
        attempts=done,
        turns=frames.turns.join(done, on="attempt_id", how="semi"),
        leads=frames.leads.with_columns(state=pl.lit(None, pl.String)),
    )


def assert_same(one: Measures, other: Measures) -> None:
    for field in fields(Measures):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, pl.DataFrame):
            assert_frame_equal(left, right, check_exact=True)
        else:
            assert left == right, field.name


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_way_says_the_same(db: Db, database_url: str, tmp_path: Path, seed: int) -> None:
    lake = synced(db, database_url, tmp_path, seed)
    theirs, ours = ended(load.campaign_frames(db, NAME)), lake_frames(lake, NAME)
    said = measure(theirs)
    assert_same(said, measure(ours))  # notebook and report: from the rows of either
    report = build_report(ours, NOW)

    part = Slice(str(ours.campaign.id), rehearsal=True)
    tiles = overview.first_row(lake, part)  # the page's: from the cubes
    assert tiles.totals == said.totals
    assert figures_of(tiles.totals, tiles.dialed) == report.figures
    assert_frame_equal(funnel.funnel(lake, part), said.funnel, check_exact=True)
    assert said.funnel["leads"].to_list()[:2] == [90, said.funnel["leads"][1]]
    assert_frame_equal(overview.ended(lake, part), said.dispositions, check_exact=True)
    assert_frame_equal(
        funnel.drop_off(lake, part),
        steps.drop_off(steps.outcome_counts(ours.attempts)),
        check_exact=True,
    )
    (day,) = db.execute(
        "SELECT sum(dials)::bigint AS dials, sum(answered)::bigint AS answered,"
        " sum(goals)::bigint AS goal, sum(opt_outs)::bigint AS opted_out"
        " FROM v_campaign_day WHERE campaign = %s",
        (NAME,),
    ).fetchall()
    assert day == {name: getattr(tiles.totals, name) for name in day}


_ASKED = tuple(one for one in rates.METRICS if one.k)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_split_is_the_same_in_the_views(
    db: Db, database_url: str, tmp_path: Path, seed: int
) -> None:
    lake = synced(db, database_url, tmp_path, seed)
    for metric in _ASKED:
        splits = [split.name for split in SPLITS.values() if split.in_views]
        if metric.unit == "lead":
            splits = ["campaign", "list"]
        for split in ((), *((name,) for name in splits)):
            question = Question((metric,), split, Slice(rehearsal=True))
            one, other = ask(lake, question).rows, ask_views(db, question).rows
            if split:
                one, other = (
                    rows.with_columns(pl.col(split[0]).cast(pl.String)).sort(split[0])
                    for rows in (one, other)
                )
            assert_frame_equal(one, other, check_exact=True, check_dtypes=False)
    every = Question(_ASKED[:4], ("weekday", "hour"), Slice(rehearsal=True))
    shown = ask(lake, every)
    assert shown.rows.height > 4
    assert lake.sql(shown.query.text).equals(lake.sql(shown.query.sql, shown.query.parameters))


def test_what_the_rules_hold_back_adds_up_as_the_ledger_moves(
    db: Db, database_url: str, tmp_path: Path
) -> None:
    lake = synced(db, database_url, tmp_path, 5)
    before = funnel.standing(lake, Slice(rehearsal=True))
    # Every refused lead is allowed after all, and some that were dialed are refused.
    for allow, reasons, chosen in (
        (True, [], "NOT allow AND NOT EXISTS (SELECT FROM attempts a WHERE a.lead_id = d.lead_id)"),
        (False, ["FREQ_GAP"], "allow AND lead_id %% 2 = 0"),
    ):
        db.execute(
            "INSERT INTO decisions (campaign_id, lead_id, number_id, stage, allow, reasons,"
            " policy_hash, decided_at, rehearsal) SELECT DISTINCT ON (lead_id) campaign_id,"
            " lead_id, number_id, 'claim', %(allow)s, %(reasons)s, policy_hash,"
            f" decided_at + interval '1 hour', rehearsal FROM decisions d WHERE {chosen}"
            " ORDER BY lead_id, id DESC",
            {"allow": allow, "reasons": reasons},
        )
    db.commit()
    sync(database_url, open_store(None, tmp_path), now=NOW)
    after = open_lake(None, tmp_path)
    frames = ended(load.campaign_frames(db, NAME))
    part = Slice(str(frames.campaign.id), rehearsal=True)
    assert_frame_equal(funnel.funnel(after, part), measure(frames).funnel, check_exact=True)
    stood = funnel.standing(after, Slice(rehearsal=True))
    assert before.height > stood.height
    assert stood.filter(pl.col("leads") < pl.col("never_dialed")).is_empty()
    way = funnel.blocked(after, part)
    assert way["leads"][-1] == measure(frames).funnel["leads"][1]


def test_a_part_of_the_lake_is_told_in_words_where_it_cannot_be(
    db: Db, database_url: str, tmp_path: Path
) -> None:
    lake = synced(db, database_url, tmp_path, 6)
    with pytest.raises(NotFound, match="no campaign named 'Summer'; there are: Another, Spring"):
        lake_frames(lake, "Summer")
    with pytest.raises(BadInput, match="ask the lake"):
        ask_views(db, Question(_ASKED[:1], ("caller_id",)))
    with pytest.raises(BadInput, match="cannot be split by day"):
        ask(lake, Question((rates.GOAL_LEADS_PER_DIALED_LEAD,), ("day",)))
    with pytest.raises(BadInput, match="is not a quotient"):
        ask(lake, Question((rates.CONTACTED_LEADS_PER_LOADED_LEAD,)))
    contacted = funnel.contacted_by_list(lake, Slice(rehearsal=True))
    assert contacted.select("list", "n").rows() == [("Another list", 20), ("Spring list", 90)]

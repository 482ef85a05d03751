"""Scores of waiting leads from a seller's own dials: hours, the hold-out, a model, and why."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
import skops.io
from typer.testing import CliRunner

from ml.artifact import file_sha256
from ml.deploy import deploy
from ml.slots.choose import arm_of
from ml.table import kept
from ml.table.history import COLUMNS, past_dials
from ml.table.train import from_history, make, proved
from pipelines import commands_leads
from pipelines.lead_models import lead_models
from pipelines.lead_slots import benefit_of
from pipelines.scores import MODEL_RULE, RULE, score_leads
from tests.factories_app import START, CampaignFactory
from voice_ai.db import upgrade
from voice_ai.db.connect import Db, connect
from voice_ai.errors import NotFound
from voice_ai.ids import CampaignId
from voice_ai.priorities import FAVOUR
from voice_ai.standing import Score, _score_words
from voice_ai.store import standing
from voice_ai.vault import Keyring

SECRET = "YSBzZWNyZXQgb2YgdGhlIHRlc3RzLCAzMiBieXRlcy4="  # the tests' keyring
NEW_YORK = "America/New_York"
# 17:00 in New York, Tuesday 24 November 2026: the evening of the factory's day.
NOW = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)


@pytest.fixture
def db(database_url: str, keyring: Keyring) -> Iterator[Db]:
    upgrade(database_url, keyring)
    with connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def campaign(db: Db) -> UUID:
    """All in New York; picked up at 17 more often than at other hours of the last 60 days."""
    made = CampaignFactory(db).campaign("Spring", leads=120, dialed=0, live=0)
    db.execute("UPDATE leads SET zones = %s, created_at = %s", ([NEW_YORK], START))
    db.execute("UPDATE numbers SET zones = %s", ([NEW_YORK],))
    db.execute(
        """INSERT INTO attempts (id, month, campaign_id, lead_id, number_id, attempt_no,
               caller_id_number, worker_id, state, event_seq, version, slot_at, intended_at, late,
               rehearsal, ended_at, disposition)
           SELECT gen_random_uuid(), '2026-10-01', cl.campaign_id, cl.lead_id, cl.number_id,
                  100 + day * 12 + hour, 1, w.id, 'ended', 1, 1, at, at, false, true,
                  at + interval '1 minute',
                  CASE WHEN hour = 17 AND day %% 2 = 0 OR (day + hour) %% 9 = 0
                       THEN 'human_hangup' ELSE 'no_answer' END
           FROM generate_series(0, 59) AS day CROSS JOIN generate_series(9, 20) AS hour
           JOIN campaign_leads cl ON cl.position = day CROSS JOIN workers w
           CROSS JOIN LATERAL (SELECT (date '2026-11-20' - day + make_time(hour, 0, 0))
                                      AT TIME ZONE %s AS at) t
           WHERE cl.campaign_id = %s""",
        (NEW_YORK, made),
    )
    return made


def scores(db: Db, campaign: UUID) -> list[dict[str, object]]:
    rows = db.execute(
        "SELECT s.*, cl.priority AS used, n.person_key::text AS person, cl.position"
        " FROM lead_scores s JOIN campaign_leads cl USING (campaign_id, lead_id)"
        " JOIN numbers n ON n.id = cl.number_id WHERE s.campaign_id = %s ORDER BY cl.position",
        (campaign,),
    ).fetchall()
    return [dict(row) for row in rows]


def test_leads_have_hours_and_come_first_in_theirs(
    db: Db, database_url: str, campaign: UUID
) -> None:
    made = score_leads(database_url, now=NOW, campaign="Spring")
    (told,) = made["campaigns"]
    assert told["with_hour"] == told["scored"] == 120
    rows = scores(db, campaign)
    assert all(row["slot_arm"] == arm_of(str(row["person"])) for row in rows)
    chosen = [row["slot_hour"] for row in rows if row["slot_arm"] == "chosen"]
    assert chosen.count(17) > 0.8 * len(chosen)
    assert {row["slot_hour"] for row in rows} <= set(range(8, 21))
    fresh = [row for row in rows if row["position"] > 60]  # type: ignore[operator]
    favoured = {row["used"] for row in fresh if row["slot_hour"] == 17}
    others = {row["used"] for row in fresh if row["slot_hour"] != 17}
    assert min(favoured) - max(others) == pytest.approx(FAVOUR)  # type: ignore[operator,type-var]
    # An hour later their hour is over, and none is drawn anew that day.
    score_leads(database_url, now=NOW + timedelta(hours=1), campaign="Spring")
    later = scores(db, campaign)
    assert [row["slot_hour"] for row in later] == [row["slot_hour"] for row in rows]
    assert {row["slot_since"] for row in later} == {NOW}
    assert max(row["used"] for row in later if row["slot_hour"] == 17) < min(favoured)  # type: ignore[operator,type-var]


def test_a_seller_with_few_dials_has_no_hours(db: Db, database_url: str) -> None:
    campaign = CampaignFactory(db).campaign("Small", leads=40, dialed=30, live=0)
    made = score_leads(database_url, now=START + timedelta(hours=2), campaign="Small")
    assert made["campaigns"][0]["with_hour"] == 0
    assert {row["slot_hour"] for row in scores(db, campaign)} == {None}


def test_the_benefit_counts_dials_since_there_were_hours(
    db: Db, database_url: str, campaign: UUID
) -> None:
    score_leads(database_url, now=NOW, campaign="Spring")
    seller = db.execute("SELECT seller_id FROM campaigns").fetchone()
    assert seller is not None
    before = benefit_of(db, seller["seller_id"], rehearsal=True, now=NOW)
    assert (before.chosen.dials, before.random.dials) == (0, 0)
    db.execute(
        "UPDATE attempts SET intended_at = %s, ended_at = %s WHERE attempt_no IN (109, 117)",
        (NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)),
    )
    later = NOW + timedelta(hours=1)
    after = benefit_of(db, seller["seller_id"], rehearsal=True, now=later)
    assert after.chosen.dials + after.random.dials == 2
    assert benefit_of(db, seller["seller_id"], rehearsal=False, now=later).chosen.dials == 0


def test_history_is_a_sellers_own_as_of_a_moment_and_rehearsals_stay_apart(
    db: Db, database_url: str, campaign: UUID
) -> None:
    seller = db.execute("SELECT seller_id AS id FROM campaigns").fetchone()
    assert seller is not None
    table = past_dials(db, seller["id"], "Spring", rehearsal=True, as_of=NOW)
    assert len(table.rows) == 720
    assert table.columns == COLUMNS
    assert table.labels == ("contact", "no_contact")
    times = [row.at for row in table.rows]
    assert times == sorted(times, key=lambda at: at or 0)
    first, last = table.rows[0], table.rows[-1]
    assert first.features["dials_before"] == 0
    assert first.features["last_outcome"] is None
    assert last.features["dials_before"] == 11
    assert last.features["last_outcome"] in ("no_answer", "human_hangup")
    middle = datetime(2026, 10, 20, 4, 0, tzinfo=UTC)
    earlier = past_dials(db, seller["id"], "Spring", rehearsal=True, as_of=middle)
    assert 0 < len(earlier.rows) < 720
    assert all((row.at or 0) <= middle.timestamp() for row in earlier.rows)
    with pytest.raises(NotFound):
        past_dials(db, seller["id"], "Spring", rehearsal=False, as_of=NOW)
    with pytest.raises(NotFound):
        past_dials(db, uuid4(), "Nobody", rehearsal=True, as_of=NOW)


def test_a_sellers_champion_takes_part_and_a_damaged_one_does_not(
    db: Db, database_url: str, campaign: UUID, tmp_path: Path
) -> None:
    source = from_history(database_url, None, rehearsal=True, as_of=NOW)
    made = make(source, progress=lambda share, what: None)
    skops.io.dump(made.final.pipeline, tmp_path / "model.skops")
    sha256 = file_sha256(tmp_path / "model.skops")
    manifest = replace(proved(made), version="4", sha256=sha256)
    deploy(tmp_path / "model.skops", manifest, kept.shelf_home(tmp_path, source.shelf))
    told = score_leads(database_url, now=NOW, campaign="Spring", served=lead_models(tmp_path))
    assert told["campaigns"][0]["rule"] == MODEL_RULE
    rows = scores(db, campaign)
    assert {(row["rule"], row["model_version"]) for row in rows} == {(MODEL_RULE, "4")}
    whole = sum(row.label == "contact" for row in source.table.rows) / 720
    mean = sum(float(str(row["chance"])) for row in rows) / len(rows)
    assert mean == pytest.approx(whole, abs=0.005)
    served = kept.shelf_home(tmp_path, source.shelf) / "models" / "lead" / "4" / "model.skops"
    served.write_bytes(b"x")
    told = score_leads(database_url, now=NOW, campaign="Spring", served=lead_models(tmp_path))
    assert told["campaigns"][0]["rule"] == RULE


def test_a_lead_tells_why_it_comes_before_others(db: Db, database_url: str, campaign: UUID) -> None:
    score_leads(database_url, now=NOW, campaign="Spring")
    row = scores(db, campaign)[-1]
    seen = standing.lead_next(
        standing.fetching(db), CampaignId(campaign), int(str(row["lead_id"])), NOW
    )
    told = " ".join(seen.sentences)
    assert "of 100 dials (answer-rate-1)." in told
    assert f"from {row['slot_hour']}:00" in told
    held = Score(0.3, MODEL_RULE, "4", NOW.astimezone(ZoneInfo(NEW_YORK)).date(), 9, "random")
    assert list(_score_words(held)) == [
        "A person is expected to pick up 30 of 100 dials (version 4 of the lead model).",
        "On Tue 24 Nov it comes first from 09:00 to 10:00 there: drawn at random, to measure"
        " choosing.",
    ]


def test_the_command_tells_hours_and_what_they_are_worth(
    db: Db, database_url: str, campaign: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", SECRET)
    monkeypatch.setenv("VOICE_AI_CLOCK_START", "2026-11-24T17:00:00-05:00")
    found = CliRunner().invoke(commands_leads.app, ["hours", "--json"], catch_exceptions=False)
    told = json.loads(found.stdout)
    assert told["dials"] == 720
    assert told["hours"][0]["hour"] == 17
    assert told["benefit"]["difference"] is None
    assert "nothing can be said yet" in told["benefit"]["sentence"]

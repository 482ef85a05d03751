"""The interim report: counted from rows, told by a command, written as a file."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from pipelines.interim import best_and_worst, interim_report, tables
from pipelines.report.build import Share
from tests.factories_app import START, CampaignFactory
from tests.integration.test_core_commands import DAY, SECRET
from voice_ai.__main__ import run
from voice_ai.db.connect import Db, connect

NAME = "Spring survey"


@pytest.fixture
def campaign(database_url: str, monkeypatch: pytest.MonkeyPatch) -> UUID:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", SECRET)
    monkeypatch.setenv("VOICE_AI_CLOCK_START", DAY)
    with connect(database_url, autocommit=True) as db:
        made = CampaignFactory(db, seed=3).campaign(NAME, leads=80, dialed=70, live=1)
        _trouble(db, made)
    return made


def _trouble(db: Db, campaign: UUID) -> None:
    db.execute(
        "UPDATE attempts SET disposition = 'abandoned', end_reason = 'media_lost' WHERE id IN"
        " (SELECT a.id FROM attempts a JOIN dispositions f ON f.code = a.disposition"
        "  WHERE a.campaign_id = %s AND f.human_answered ORDER BY a.id LIMIT 2)",
        (campaign,),
    )
    db.execute(
        "INSERT INTO pace_changes (campaign_id, kind, reason, figures, at)"
        " VALUES (%s, 'throttle', 'ABANDON_RATE', %s, %s)",
        (campaign, Jsonb({}), START),
    )


def priced(url: str, campaign: UUID, amount: float | None = 0.05) -> None:
    with connect(url, autocommit=True) as db:
        db.execute(
            "INSERT INTO cost_lines (attempt_id, item, quantity, amount, currency, created_at)"
            " SELECT id, 'carrier_minute', 1, %s, 'USD', %s FROM attempts WHERE campaign_id = %s",
            (amount, START, campaign),
        )


def test_it_tells_what_an_operator_acts_on(database_url: str, campaign: UUID) -> None:
    now = START + timedelta(hours=4)
    made = interim_report(database_url, NAME, now)
    assert made.abandoned.count == 2
    assert made.abandoned.n >= 2
    assert "media_lost" in {one.reason for one in made.problems}
    assert len(made.problems) <= 5
    assert [one.reason for one in made.pace_changes] == ["ABANDON_RATE"]
    assert (made.cost.amount, made.cost.per_goal) == (None, None)
    assert [step.count for step in made.report.funnel][0] == 80
    told = {row[0]: row for _, _, rows in tables(made) for row in rows}
    assert told["Cost per goal"][1] == "–"


def test_a_goal_costs_what_was_spent_and_nothing_while_a_part_has_no_price(
    database_url: str, campaign: UUID
) -> None:
    now = START + timedelta(hours=4)
    priced(database_url, campaign)
    made = interim_report(database_url, NAME, now)
    goals = next(step.count for step in made.report.funnel if step.key == "goal")
    assert made.cost.per_goal == pytest.approx((made.cost.amount or 0) / goals)
    priced(database_url, campaign, None)
    made = interim_report(database_url, NAME, now)
    assert made.cost.per_goal is None
    assert made.cost.unpriced > 0


def test_the_command_prints_and_writes_it(
    database_url: str, campaign: UUID, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "interim.html"
    assert run("campaign", ["interim-report", NAME, "--out", str(out), "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert answer["out"] == str(out)
    assert answer["abandoned"]["count"] == 2
    assert "What went wrong most often" in out.read_text()
    assert run("campaign", ["interim-report", NAME]) == 0
    said = capsys.readouterr().out
    for words in ("Goal reached", "Abandoned", "Changes of the pace", "Why leads are not called"):
        assert words in said
    assert run("campaign", ["interim-report", "Nobody"]) == 1


def hour(key: str, rate: float, *, thin: bool = False) -> Share:
    return Share(key=key, label=key, count=1, n=30, rate=rate, low=rate, high=rate, thin=thin)


def test_hours_with_few_dials_and_without_a_zone_do_not_compete() -> None:
    hours = [hour("9", 0.9, thin=True), hour("10", 0.5), hour("11", 0.2), hour("unknown", 0.1)]
    best, worst = best_and_worst(hours)
    assert best is not None
    assert worst is not None
    assert (best.key, worst.key) == ("10", "11")
    assert best_and_worst([hour("9", 0.9, thin=True)]) == (None, None)

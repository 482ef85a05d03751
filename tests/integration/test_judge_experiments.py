"""Experiments are judged from the lake: what ends one, what people are told, who may do what."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid5

import psycopg
import pytest
from psycopg.types.json import Jsonb

from pipelines.experiments import judge_experiments, look
from pipelines.lake import manifest as commits
from pipelines.lake.read import Lake
from pipelines.lake.store import Store, open_store
from pipelines.lake.sync import sync
from tests.factories_app import CampaignFactory
from voice_ai.__main__ import run
from voice_ai.context import open_context
from voice_ai.db.connect import Db, Row, connect
from voice_ai.db.roles import grant_roles, role_name
from voice_ai.errors import BadInput, NotFound, Refused
from voice_ai.store import experiments as books
from voice_ai.store.alerts import open_alerts
from voice_ai.vault import Keyring

NOW = datetime(2026, 11, 27, 19, tzinfo=UTC)
HALVES = {"a": 0.5, "b": 0.5}


class Place:
    """A campaign of 300 leads in arms, its lake, and the logins of flows and pages."""

    def __init__(self, url: str, folder: Path, keyring: Keyring) -> None:
        self.url = url
        self.store: Store = open_store(None, folder)
        with psycopg.connect(url) as db:
            assert grant_roles(db, keyring)
        self.owner: Db = connect(url, autocommit=True)
        self.flows: Db = connect(self._login("flows", keyring), autocommit=True)
        self.app: Db = connect(self._login("app", keyring), autocommit=True)
        self.campaign: UUID = CampaignFactory(self.owner).campaign(leads=300, dialed=300, live=0)
        self.id = uuid5(self.campaign, "kind_question")

    def _login(self, role: str, keyring: Keyring) -> str:
        parts = urlsplit(self.url)
        name = role_name(parts.path.lstrip("/"), role)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{name}:{keyring.password_for(role)}@{host}"))

    def experiment(self, *, arm: str, shares: dict[str, float] = HALVES, **plan: Any) -> None:
        """`arm`: SQL over the lead's row `l`, its place `n` and whether it has a goal, `goal`."""
        told = {"minimal_effect": 0.1, "baseline": 0.2, "stop": "automatic"} | plan
        self.owner.execute(
            "INSERT INTO experiments (id, campaign_id, name, arms, started_at, minimal_effect,"
            " baseline, alpha, power, guardrails, stop) VALUES (%s, %s, 'kind_question', %s, %s,"
            " %s, %s, 0.05, 0.8, '{opt_outs,hang_ups}', %s)",
            (self.id, self.campaign, Jsonb(shares), NOW - timedelta(days=9), *told.values()),
        )
        self.owner.execute(
            f"""
            INSERT INTO assignments (experiment_id, lead_id, arm, stratum, assigned_at)
            SELECT %s, lead_id, {arm}, 'east', at - interval '1 minute' FROM (
                SELECT lead_id, min(ended_at) AS at, bool_or(disposition = 'goal') AS goal,
                       bool_or(disposition = 'opt_out') AS opted_out,
                       row_number() OVER (ORDER BY lead_id) AS n
                FROM attempts WHERE ended_at IS NOT NULL GROUP BY lead_id) l""",
            (self.id,),
        )
        self.owner.execute(
            "INSERT INTO assignment_strata SELECT %s, 'east', %s, count(*) FROM assignments",
            (self.id, json.dumps(shares)),
        )

    @property
    def lake(self) -> Lake:
        sync(self.url, self.store, now=NOW)
        return Lake(self.store, commits.newest(self.store))

    def look(self, lake: Lake | None = None) -> dict[str, Any]:
        rows = books.experiments(self.flows, running=True)
        (found,) = look(self.flows, lake or self.lake, rows, now=NOW)
        return found

    @property
    def row(self) -> Row:
        return books.find(self.app, "kind_question")

    @property
    def audit(self) -> list[str]:
        rows = self.owner.execute("SELECT action FROM audit_log ORDER BY id").fetchall()
        return [row["action"] for row in rows]

    def alerts(self) -> list[tuple[str, str]]:
        found = open_alerts(self.app, books.ALERTS)
        return [(row["severity"], row["summary"]) for row in found]


@pytest.fixture
def place(
    database_url: str, tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    secret = base64.urlsafe_b64encode(b"a secret of the tests, 32 bytes.")
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", secret.decode())
    made = Place(database_url, tmp_path, keyring)
    yield made
    for db in (made.owner, made.flows, made.app):
        db.close()


def test_a_winner_ends_an_experiment_and_the_lake_knows(place: Place) -> None:
    # Every goal is in b, and others that make both arms as large as shared out.
    place.experiment(
        arm="CASE WHEN goal OR row_number() OVER (PARTITION BY goal ORDER BY n)"
        " <= 150 - (SELECT count(DISTINCT lead_id) FROM attempts WHERE disposition = 'goal')"
        " THEN 'b' ELSE 'a' END"
    )
    found = place.look()
    assert (found["verdict"], found["arm"], found["stopped"]) == ("winner", "b", True)
    row = place.row
    assert (row["winner"], row["harmful"], row["stopped_by"]) == ("b", [], "flow judge-experiments")
    assert row["stopped_at"] == row["judged_at"] == NOW
    assert row["planned_n"] > 199, "more than a test that looks once needs"
    arms = {arm["arm"]: arm for arm in row["verdict"]["figures"]["arms"]}
    assert arms["a"]["leads"] == arms["b"]["leads"] == 150
    assert arms["a"]["goals"] == 0
    assert place.audit == ["experiment.judged", "experiment.stopped"]
    ((severity, summary),) = place.alerts()
    assert severity == "ticket"
    assert summary.endswith("it was stopped")
    lake = place.lake
    told = lake.rows("experiments").row(0, named=True)
    assert (told["verdict"], told["winner"]) == ("winner", "b")
    assert (told["planned_n"], json.loads(told["guardrails"])) == (
        row["planned_n"],
        ["opt_outs", "hang_ups"],
    )
    assert set(lake.rows("assignments")["stratum"]) == {"east"}
    assert books.experiments(place.flows, running=True) == []


def test_by_hand_people_are_told_and_a_person_ends_it_once(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.experiment(arm="CASE WHEN n <= 200 THEN 'a' ELSE 'b' END", stop="by hand")
    lake = place.lake
    found = place.look(lake)
    assert (found["verdict"], found["stopped"]) == ("shares", False)
    assert place.look(lake)["verdict"] == "shares"
    assert place.audit == ["experiment.judged"], "the same again is no news"
    ((severity, summary),) = place.alerts()
    assert severity == "page"
    assert "`voice-ai experiment stop` ends it" in summary
    for wrong in ({"reason": " "}, {"winner": "c"}, {"winner": "b", "harmful": ["b"]}):
        with pytest.raises(BadInput):
            books.stop(place.app, place.id, **{"reason": "odd", "by": "ana", "now": NOW} | wrong)  # type: ignore[arg-type]
    assert run("experiment", ["show", "kind_question"]) == 0
    said = capsys.readouterr().out
    assert "a (control)" in said
    assert "leads are not shared out as planned" in said
    assert run("experiment", ["stop", "kind_question", "--reason", "odd", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stopped_reason"] == "odd"
    assert run("experiment", ["list", "--running", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"experiments": []}
    with pytest.raises(Refused, match="was stopped before by"):
        books.stop(place.app, place.id, reason="odd", by="bob", now=NOW)
    with pytest.raises(NotFound):
        books.find(place.app, "kind_question", "another campaign")
    assert place.audit == ["experiment.judged", "experiment.stopped"]
    assert place.alerts() == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        place.app.execute("UPDATE experiments SET verdict = NULL")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        place.flows.execute("UPDATE assignments SET arm = 'a'")


def test_shares_that_changed_on_the_way_are_no_mismatch_and_harm_ends_it_always(
    place: Place,
) -> None:
    place.experiment(arm="CASE WHEN n <= 200 THEN 'a' ELSE 'b' END", stop="by hand")
    place.owner.execute(
        "UPDATE assignment_strata SET drawn = 100;"
        " INSERT INTO assignment_strata SELECT experiment_id, stratum,"
        """ '{"a": 0.75, "b": 0.25}', 200 FROM assignment_strata"""
    )
    place.owner.execute(
        "UPDATE attempts SET disposition = 'opt_out' WHERE ended_at IS NOT NULL AND lead_id IN"
        " (SELECT lead_id FROM assignments WHERE arm = 'b' ORDER BY lead_id LIMIT 30)"
    )
    # As the flow does it.
    with open_context() as context:
        assert context.rehearsal
        (found,) = judge_experiments(context)
    assert (found["verdict"], found["arm"], found["stopped"]) == ("harm", "b", True)
    assert (place.row["harmful"], place.row["winner"]) == (["b"], None)
    shares = {arm["arm"]: arm["share"] for arm in place.row["verdict"]["figures"]["arms"]}
    assert shares == pytest.approx({"a": 2 / 3, "b": 1 / 3}, abs=1e-5)

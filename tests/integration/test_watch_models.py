"""The daily watch and the labels on a real database, with the logins that do it in production."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.queries import today
from app.queries.engine import open_engine
from ml.fallback import read_fallback, switch_fallback
from ml.score import score_file, score_turns
from ml.text.kind import load
from ml.watch import draw_labels, watch_models
from tests.factories import NOW, Office, login_url
from tests.factories_models import MIX, heard, serve_small_emotion
from voice_ai.__main__ import run
from voice_ai.db.connect import Db, connect
from voice_ai.errors import BadInput, NotFound, Refused
from voice_ai.labelling.sampling import monday
from voice_ai.store import labels, watching
from voice_ai.store.labels import Sample
from voice_ai.vault import Keyring

LABELS = ("neutral", "joy", "anger", "sadness", "fear", "surprise", "disgust")
ANGRY = {"anger": 0.7, "neutral": 0.2, "joy": 0.1}
DAY = timedelta(days=1)
SECRET = base64.urlsafe_b64encode(b"a secret of the tests, 32 bytes.").decode()


@dataclass(frozen=True)
class House:
    office: Office
    flows: str
    app_url: str
    app: Db
    home: Path

    def watch(self, at: datetime, *, rehearsal: bool = False) -> dict[str, dict[str, Any]]:
        made = watch_models(self.flows, self.home, now=at, rehearsal=rehearsal)
        assert made["trouble"] == []
        return {
            row["measure"]: row
            for row in made["measures"]
            if (row["task"], row["model_version"]) in {("emotion", "1"), ("emotion", "any")}
        }

    def alerts(self) -> list[dict[str, Any]]:
        return self.office.rows("SELECT * FROM alerts ORDER BY id")


@pytest.fixture
def house(database_url: str, keyring: Keyring, tmp_path: Path) -> Iterator[House]:
    with (
        Office(database_url, keyring) as office,
        connect(app_url := login_url(database_url, "app", keyring), autocommit=True) as app,
    ):
        office.db.execute("SET session_replication_role = replica")  # attempts of no worker
        office.leads(40)
        office.campaign(start=False)
        yield House(office, login_url(database_url, "flows", keyring), app_url, app, tmp_path)


def test_drift_is_measured_against_the_first_turns_alarms_and_falls_silent_when_it_is_over(
    house: House,
) -> None:
    switch_fallback(house.home, "emotion", on=True)
    heard(house.office, NOW - 10 * DAY, calls=440, rehearsal=False)
    heard(house.office, NOW - 10 * DAY, calls=300, mix=ANGRY, rehearsal=True)
    before = house.watch(NOW - 9 * DAY)
    assert before["psi_labels"]["reference"] == "first turns"
    assert before["psi_labels"]["verdict"] == "too_few"
    assert before["missing"]["value"] == 0
    assert house.alerts() == []

    heard(house.office, NOW - 8 * DAY, calls=300, mix=ANGRY, rehearsal=False, silent=40)
    drifted = house.watch(NOW - 7 * DAY)
    assert drifted["psi_labels"]["verdict"] == "act"
    assert drifted["psi_labels"]["low"] > 0.25
    assert drifted["missing"]["verdict"] == "watch"
    assert drifted["missing"]["value"] == pytest.approx(0.04, abs=0.02)
    (alert,) = house.alerts()
    assert (alert["severity"], alert["count"], alert["cleared_at"]) == ("ticket", 1, None)
    assert "emotion model (version 1) has moved away from its first turns" in alert["summary"]
    wanted = attention(house)
    assert [item.page for item in wanted] == ["model_watch"]
    assert not wanted[0].urgent
    fallback = read_fallback(house.home, "emotion")
    assert fallback.holds_for("1")
    assert not fallback.holds_for("2")

    again = house.watch(NOW - 7 * DAY)
    assert again == drifted
    assert house.alerts()[0]["count"] == 1
    house.watch(NOW - 6 * DAY)
    assert house.alerts()[0]["count"] == 2

    heard(house.office, NOW - 1 * DAY, calls=260, rehearsal=False, silent=200)
    calm = house.watch(NOW - timedelta(hours=20))
    assert calm["psi_labels"]["verdict"] == "stable"
    assert calm["missing"]["verdict"] == "act"
    (alert,) = house.alerts()
    assert "turns without an answer" in alert["summary"]
    assert not read_fallback(house.home, "emotion").holds_for("1")
    rows = watching.newest(house.app, rehearsal=False)
    assert {row["day"] for row in rows} == {(NOW - timedelta(hours=20)).date()}
    assert watching.newest(house.app, rehearsal=True) == []


def attention(house: House) -> list[today.Attention]:
    engine = open_engine(house.app_url)
    with engine.connect() as connection:
        seen = today.today(connection, since=NOW - DAY, now=NOW, rehearsal=False)
    engine.dispose()
    return [item for item in seen.attention if "emotion" in item.sentence]


def test_two_people_label_blindly_a_third_decides_and_the_rest_is_training_data(
    house: House,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    database_url: str,
) -> None:
    heard(house.office, NOW - timedelta(hours=3), calls=60, rehearsal=True)
    assert draw_labels(house.flows, "emotion", now=NOW, rehearsal=True) == 200
    assert draw_labels(house.flows, "emotion", now=NOW, rehearsal=True) == 0
    with pytest.raises(NotFound):
        draw_labels(house.flows, "moods", now=NOW, rehearsal=True)
    sample = Sample("emotion", monday(NOW.date()), rehearsal=True)
    drawn = house.office.rows("SELECT * FROM label_samples ORDER BY place")
    assert sum(row["weight"] for row in drawn) == pytest.approx(300)  # every turn is stood for
    truth = {row["id"]: row["predicted"] for row in drawn}

    def say(by: str, turn: int, value: str | None, *, decides: bool = False) -> None:
        labels.label(house.app, turn, value, by=by, now=NOW, labels=LABELS, decides=decides)

    shown = []
    while (turn := labels.next_turn(house.app, sample, "Ana ")) is not None:
        assert turn.agent == "How was it?"
        shown.append(turn.id)
        say("ana", turn.id, truth[turn.id])
    assert shown == [row["id"] for row in drawn]
    first, second, third = shown[:3]
    assert labels.take_back(house.app, sample, by="ana", now=NOW) == shown[-1]
    say("ana", shown[-1], truth[shown[-1]])
    for turn_id in shown[2:]:
        say("ben", turn_id, truth[turn_id])
    say("ben", first, "fear" if truth[first] != "fear" else "joy")
    say("ben", second, None)
    with pytest.raises(Refused, match="two people"):
        say("cem", first, "joy")
    with pytest.raises(BadInput):
        say("cem", first, "boredom", decides=True)
    disputed = [t.id for t in labels.turns_of(house.app, sample) if t.standing.state == "disputed"]
    assert disputed == [first, second]
    with pytest.raises(Refused, match="already"):
        say("ana", first, "joy", decides=True)
    say("cem", first, truth[first], decides=True)
    assert labels.next_turn(house.app, sample, "cem") is None

    rows = labels.agreed_texts(house.app, "emotion", rehearsal=True)
    assert len(rows) == 199
    house.office.db.execute(
        "UPDATE numbers SET erased_at = now() WHERE id = (SELECT a.number_id FROM attempts a"
        " JOIN label_samples s ON s.attempt_id = a.id WHERE s.id = %s)",
        (third,),
    )
    kept = labels.agreed_texts(house.app, "emotion", rehearsal=True)
    assert len(kept) < len(rows)
    assert labels.agreed_texts(house.app, "emotion", rehearsal=False) == []
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", SECRET)
    out = tmp_path / "labels.csv"
    assert run("models", ["labels", "export", "--task", "emotion", "--out", str(out)]) == 0
    assert [(one.input, one.label) for one in load(out).examples] == kept
    capsys.readouterr()
    assert run("models", ["labels", "status", "--task", "emotion", "--json"]) == 0
    (week,) = json.loads(capsys.readouterr().out)["weeks"]
    assert (week["disputed"], week["waiting"]) == (1, 0)
    assert run("models", ["fallback", "intent", "on", "--json"]) == 1
    assert "no label 'neutral'" in json.loads(capsys.readouterr().out)["error"]

    found = house.watch(NOW, rehearsal=True)
    assert found["accuracy"]["value"] == pytest.approx(1.0)
    assert found["accuracy"]["n"] > 100
    assert found["kappa"]["value"] > 0.9
    assert found["ece"]["value"] is not None


def test_only_the_labellers_write_and_nobody_rewrites_a_label(house: House) -> None:
    heard(house.office, NOW - timedelta(hours=3), calls=4, mix=MIX, rehearsal=False)
    draw_labels(house.flows, "emotion", now=NOW, rehearsal=False)
    turn = labels.next_turn(
        house.app, Sample("emotion", monday(NOW.date()), rehearsal=False), "ana"
    )
    assert turn is not None
    labels.label(house.app, turn.id, "joy", by="ana", now=NOW, labels=LABELS)
    for statement in (
        "UPDATE turn_labels SET label = 'fear'",
        "DELETE FROM turn_labels",
        "UPDATE label_samples SET weight = 1",
        "INSERT INTO model_watch SELECT * FROM model_watch",
    ):
        with pytest.raises(Exception, match="permission denied"):
            house.app.execute(statement)
    with (
        connect(house.flows, autocommit=True) as flows,
        pytest.raises(Exception, match="permission denied"),
    ):
        flows.execute("UPDATE turn_labels SET withdrawn_at = now()")


def test_old_turns_and_files_are_told_by_the_served_version(house: House, tmp_path: Path) -> None:
    serve_small_emotion(house.home)
    heard(house.office, NOW - DAY, calls=3, rehearsal=False)

    def told(task: str) -> dict[str, Any]:
        since = NOW - 2 * DAY
        return score_turns(house.flows, house.home, task, since=since, rehearsal=False, now=NOW)

    made = told("emotion")
    assert made["turns"] == 15 == sum(made["labels"].values())
    rows = house.office.rows("SELECT * FROM turn_scores")
    assert {(row["task"], row["model_version"]) for row in rows} == {("emotion", "1")}
    assert all(0.5 <= row["score"] <= 1 for row in rows)
    assert told("emotion")["turns"] == 0
    with pytest.raises(NotFound, match="serves no champion of intent"):
        told("intent")

    (data := tmp_path / "said.csv").write_text("text\nhow lovely\noh no\n")
    out = tmp_path / "labelled.csv"
    assert score_file(house.home, "emotion", data, out)["texts"] == 2
    assert [line.split(",")[:2] for line in out.read_text().splitlines()] == [
        ["text", "label"],
        ["how lovely", "joy"],
        ["oh no", "anger"],
    ]
    data.write_text("text\nyes\n \n")
    with pytest.raises(BadInput, match="said.csv:3, field text"):
        score_file(house.home, "emotion", data, out)

"""Train, register, gate, promote and serve on a real MLflow registry in a home of its own."""

import csv
import json
import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ml.candidates import Candidate, slot_file, write_candidate
from ml.commands import app
from ml.lifecycle import Lifecycle
from ml.registry import Registry, ui_command
from ml.rollout.judge import Judge
from ml.rollout.moves import Moves
from ml.serving import ModelServer
from ml.tasks import EMOTION, INTENT, TASKS
from ml.text.kind import load
from ml.train import ensure_champions, train
from tests.factories_app import CampaignFactory
from tests.registries import settings_of
from voice_ai.db.connect import connect
from voice_ai.errors import NotAvailable, NotFound, Refused
from voice_ai.settings import Settings

SHIPPED = [name for name, task in TASKS.items() if task.has_data]


@pytest.fixture(scope="module")
def settings(empty_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """One home for the whole module."""
    with settings_of(tmp_path_factory.mktemp("models") / "home", empty_registry) as settings:
        yield settings


@pytest.fixture(scope="module")
def champions(settings: Settings) -> dict[str, dict[str, str]]:
    return ensure_champions(settings, lambda share, what: None)


def weak_data(folder: Path) -> Path:
    """The task's labels, but too few texts to learn them from."""
    path = folder / "weak.csv"
    rows = load(EMOTION.data_file).part("train").examples
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label"])
        for label in EMOTION.labels:
            writer.writerows([(e.input, label) for e in rows if e.label == label][:5])
    return path


def test_first_start_trains_serves_and_is_kept(
    settings: Settings, champions: dict[str, dict[str, str]]
) -> None:
    assert champions == {name: {"version": "1", "how": "trained"} for name in SHIPPED}
    again = ensure_champions(settings, lambda share, what: None)
    assert again == {name: {"version": "1", "how": "kept"} for name in SHIPPED}
    server = ModelServer(settings.home)
    server.refresh()
    heard = server.predict("intent", "please stop calling me")
    felt = server.predict("emotion", "oh that is wonderful news")
    assert heard is not None
    assert felt is not None
    assert (heard.label, felt.label) == ("opt_out", "joy")


def test_a_home_without_copies_takes_the_registrys_champion(
    settings: Settings, champions: dict[str, dict[str, str]]
) -> None:
    (settings.home / "models" / "intent" / "champion.json").unlink()
    assert ensure_champions(settings, lambda share, what: None)["intent"] == {
        "version": champions["intent"]["version"],
        "how": "deployed",
    }


@pytest.mark.usefixtures("champions")
def test_a_version_is_pinned_and_described(settings: Settings, tmp_path: Path) -> None:
    registry = Registry.of(settings)
    version = registry.find(EMOTION, "champion")
    model_file, manifest = registry.fetch(version, tmp_path)
    assert manifest.dataset_sha256 == load(EMOTION.data_file).part("train").sha256
    assert (model_file.parent / "input_example.json").exists()
    assert "signature" in (model_file.parent / "MLmodel").read_text()
    assert (settings.home / "mlruns" / "mlflow.db").exists()
    assert list((settings.home / "mlruns" / "artifacts" / "emotion").rglob("MODEL_CARD.md"))


@pytest.mark.usefixtures("champions")
def test_a_weak_version_is_registered_refused_and_changes_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    made = train(settings, "emotion", data=weak_data(tmp_path), progress=lambda share, what: None)
    assert made.version is not None
    assert not made.promoted
    assert "is below" in made.reason
    with pytest.raises(Refused, match="has not passed its gate"):
        Lifecycle.of(settings, "ana").promote("emotion", made.version, why="a test")
    registry = Registry.of(settings)
    assert registry.find(EMOTION, "champion").version == "1"
    assert ModelServer(settings.home).refresh() == [
        f"{name}: serving version 1" for name in sorted(SHIPPED)
    ]


@pytest.mark.usefixtures("champions")
def test_the_same_data_again_is_not_worse_and_the_one_before_can_come_back(
    settings: Settings,
) -> None:
    made = train(settings, "emotion", progress=lambda share, what: None)
    assert made.promoted
    assert made.version is not None
    registry = Registry.of(settings)
    first = registry.find(EMOTION, "previous")
    assert (first.version, registry.find(EMOTION, "champion").version) == ("1", made.version)
    assert Lifecycle.of(settings, "ana").rollback("emotion", why="a test").version == "1"
    assert registry.find(EMOTION, "champion").version == "1"
    (news,) = [n for n in ModelServer(settings.home).refresh() if n.startswith("emotion")]
    assert news == "emotion: serving version 1"


@pytest.mark.usefixtures("champions")
def test_commands_answer_with_one_json_object(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICE_AI_HOME", str(settings.home))
    run = CliRunner().invoke
    data = str(EMOTION.data_file)
    judged = run(app, ["evaluate", "emotion", "--data", data, "--version", "1", "--json"])
    assert judged.exception is None, judged.exception
    answer = json.loads(judged.stdout)
    assert (answer["task"], answer["version"]) == ("emotion", "1")
    assert answer["n"] == len(load(EMOTION.data_file).examples)
    assert {"macro_f1", "weighted_f1", "accuracy"} <= answer["metrics"].keys()
    assert set(answer["slices"]["label"]) == set(EMOTION.labels)
    registered = [json.loads(run(app, ["register", "emotion", "--json"]).stdout) for _ in range(2)]
    assert registered[0] == registered[1]
    known = json.loads(run(app, ["status", "--json"]).stdout)["models"]
    assert known["emotion"]["champion"] == known["emotion"]["served"] == "1"
    missing = run(app, ["evaluate", "emotion", "--data", data, "--version", "99"])
    assert isinstance(missing.exception, NotFound)
    assert "99" in missing.exception.message
    command, environment = ui_command(Registry.of(settings), host="127.0.0.1", port=5000)
    assert command[-2:] == ["--workers", "1"]
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def test_a_lead_model_that_does_not_beat_the_base_rate_is_registered_and_not_used(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VOICE_AI_HOME", str(settings.home))
    draw = random.Random(6)
    rows = [f"{draw.choice('abc')};{draw.random():.2f};{draw.choice('yn')}" for _ in range(500)]
    path = tmp_path / "leads.csv"
    path.write_text("\n".join(["zone;age;y", *rows]))
    run = CliRunner().invoke
    data = ["--data", str(path), "--label", "y", "--json"]
    trained = run(app, ["train", "lead", *data], catch_exceptions=False)
    answer = json.loads(trained.stdout)
    assert not answer["promoted"]
    assert not answer["gate"]["passed"]
    assert answer["n"] == 150
    judged = json.loads(run(app, ["evaluate", "lead", *data], catch_exceptions=False).stdout)
    assert judged["version"] == answer["version"]
    assert {"macro_f1", "auc", "log_loss", "brier", "ece"} <= judged["metrics"].keys()
    refused = run(app, ["promote", "lead", answer["version"]])
    assert isinstance(refused.exception, Refused)
    assert "has not passed its gate" in refused.exception.message


def test_status_of_a_home_without_models_creates_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICE_AI_HOME", str(tmp_path / "new"))
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 0
    assert "intent: none yet" in result.stdout
    assert not (tmp_path / "new").exists()


def test_a_registry_that_cannot_be_opened_is_one_sentence_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICE_AI_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("create table alembic_version (version_num varchar)")
        connection.execute("insert into alembic_version values ('ffffffffffff')")
    with pytest.raises(NotAvailable, match="check MLFLOW_TRACKING_URI"):
        Registry.of(Settings.read()).versions(INTENT)
    write_candidate(tmp_path, "challenger", Candidate("intent", "2", ""))
    Moves(Settings.read(), "test").take_back("intent")
    assert not slot_file(tmp_path, "intent", "challenger").exists(), "calls do not wait for it"
    remote = Registry("https://user:secret@models.example/x", None)
    assert remote.address == "https://models.example/x"


@pytest.mark.usefixtures("champions")
def test_a_candidate_is_tried_by_commands_and_crowned_by_the_judge(
    settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICE_AI_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", database_url)
    (settings.home / "models" / "rollouts.yaml").write_text(
        "rehearsal: {canary: [{share: 100, calls: 1, lasts: PT0S}]}"
    )
    registry = Registry.of(settings)
    known = [one for one in registry.versions(EMOTION) if one.gate == "passed"]
    version = known[-1].version
    if version == "1":  # the tests before this one make another
        made = train(settings, "emotion", progress=lambda _share, _what: None).version
        assert made is not None
        version = made
    Lifecycle.of(settings).promote("emotion", "1", why="a test")
    run = CliRunner().invoke

    def told(*words: str) -> dict[str, Any]:
        answer = run(app, [*words, "--json"])
        assert answer.exception is None, answer.exception
        found: dict[str, Any] = json.loads(answer.stdout)
        return found

    refused = run(app, ["shadow", "emotion", "1"])
    assert isinstance(refused.exception, Refused)
    assert "champion already" in refused.exception.message
    begun = told("shadow", "emotion", version)
    assert (begun["stage"], begun["champion"]) == ("shadow", "1")
    assert registry.find(EMOTION, "shadow").version == version
    assert told("canary", "emotion", version)["share"] == 100
    assert registry.find(EMOTION, "challenger").version == version
    assert told("stop-rollout", "emotion", "--reason", "try again")["outcome"] == "stopped"
    assert told("canary", "emotion", version, "--share", "100")["stage"] == "canary"
    with connect(database_url, autocommit=True) as db:
        CampaignFactory(db, seed=3).campaign(leads=4, dialed=4, live=0)
        db.execute("UPDATE attempts SET answered_at = intended_at + interval '10 years'")
        db.execute("UPDATE attempts SET ended_at = answered_at + interval '1 minute'")
        db.execute(
            "INSERT INTO model_predictions (attempt_id, turn_index, task, model_name,"
            " model_version, label, slot, predicted_at) SELECT id, 99, 'emotion', 'm', %s, 'joy',"
            " 'challenger', now() FROM attempts",
            (version,),
        )
        (look,) = Judge.of(settings, db).look(datetime.now(UTC) + timedelta(days=7))
    assert look["decision"] == "advance", look
    assert registry.find(EMOTION, "champion").version == version
    assert "challenger" not in registry.find(EMOTION, version).aliases
    shown = told("rollout", "emotion")
    assert (shown["serving"], shown["rollout"]["outcome"]) == (version, "champion")
    lines = run(app, ["rollout", "emotion"]).stdout
    assert "champion: it answered" in lines
    assert isinstance(run(app, ["stop-rollout", "emotion"]).exception, NotFound)

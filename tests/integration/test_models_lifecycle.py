"""The life of a version on a real registry: gated, promoted, taken back, delivered, in step."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from app import model_frames, model_registry
from ml.artifact import Manifest, load_model
from ml.commands import app
from ml.deploy import history, in_use
from ml.kinds import kind_of
from ml.lifecycle import Lifecycle
from ml.outside import deliver, export
from ml.serving import ModelServer
from ml.sync import sync
from ml.tasks import EMOTION
from ml.train import train
from pipelines.model_orders import Order, step
from pipelines.models_in_step import ModelsInStep
from tests.factories_core import NOW, login
from tests.integration.test_analytics_models import settle
from tests.registries import settings_of
from voice_ai.db.connect import connect
from voice_ai.db.roles import grant_roles
from voice_ai.errors import BadInput, NotFound, Refused
from voice_ai.store.alerts import open_alerts
from voice_ai.store.audit import broken_at
from voice_ai.store.model_trail import ModelTrail
from voice_ai.vault import Keyring

NAME = "emotion"
# Tiny data make weak models; what is tested is the comparison, not how good they are.
LIMITS = "emotion: {floors: {macro_f1: 0.1}, ece: null, brier_slack: null, slice_drop: 0.5}\n"
TEXT = "oh that is wonderful news"


def rows_of(per_label: int, folder: Path) -> Path:
    """A data file with that many texts of every label."""
    path = folder / f"{per_label}.csv"
    with EMOTION.data_file.open(newline="") as shipped, path.open("w", newline="") as ours:
        writer = csv.writer(ours)
        writer.writerow(["text", "label"])
        taken: dict[str, int] = {}
        for row in csv.DictReader(shipped):
            if row["split"] == "train" and taken.get(row["label"], 0) < per_label:
                taken[row["label"]] = taken.get(row["label"], 0) + 1
                writer.writerow([row["text"], row["label"]])
    return path


def silent(_: float, __: str) -> None:
    pass


@pytest.fixture(scope="module")
def life(empty_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lifecycle]:
    """Version 1 is weak and was champion first, 2 is better, 3 is as weak and failed its gate."""
    folder = tmp_path_factory.mktemp("models")
    with settings_of(folder / "home", empty_registry) as settings:
        (settings.home / "models").mkdir(parents=True)
        (settings.home / "models" / "gates.yaml").write_text(LIMITS)
        life = Lifecycle.of(settings, "ana")
        made = [train(settings, NAME, data=rows_of(12, folder), progress=silent)]
        server = ModelServer(settings.home)
        assert server.refresh() == ["emotion: serving version 1"]
        made.append(train(settings, NAME, data=rows_of(40, folder), progress=silent))
        # A server that runs takes the better one up at its next look.
        assert server.refresh() == ["emotion: serving version 2"]
        assert [one.promoted for one in made] == [True, True], [one.reason for one in made]
        before = settings.home / "models" / NAME / "1"
        manifest = Manifest.from_bytes((before / "manifest.json").read_bytes())
        pipeline = load_model(before / "model.skops", manifest.sha256, kind_of("text").ALLOWED)
        life.registry.adopt(EMOTION, before, manifest, pipeline)
        found, verdict = life.gate(NAME)
        assert (found.version, found.gate) == ("3", "failed")
        assert "of version 2" in verdict.reasons[0]
        yield life


@pytest.fixture
def flows_url(database_url: str, keyring: Keyring) -> str:
    """The login of the process that keeps the models in step."""
    with psycopg.connect(database_url) as connection:
        assert grant_roles(connection, keyring)
    return login(database_url, "flows", keyring)


@pytest.fixture
def second(life: Lifecycle) -> Lifecycle:
    """Version 2 serves and carries the alias, whatever a test before this one did."""
    life.settle_aliases(EMOTION)
    found = life.registry.find(EMOTION, "2")
    life.put_in_use(EMOTION, life.registry.find(EMOTION, "1"), why="a test begins")
    life.put_in_use(EMOTION, found, why="a test begins")
    return life


def served(life: Lifecycle) -> str | None:
    server = ModelServer(life.home)
    server.refresh()
    heard = server.predict(NAME, TEXT)
    return heard.version if heard else None


def move_by_hand(life: Lifecycle, version: str) -> None:
    life.registry.set_aliases(EMOTION, {"champion": version})


def test_a_version_that_failed_is_not_promoted_and_says_why(second: Lifecycle) -> None:
    with pytest.raises(Refused, match="has not passed its gate .*of version 2"):
        second.promote(NAME, "3", why="a test")
    assert served(second) == "2"


def test_an_alias_moved_by_hand_serves_only_a_version_that_passed(second: Lifecycle) -> None:
    move_by_hand(second, "3")
    refused = sync(second)
    assert (
        "which failed its gate; calls go on with version 2"
        in refused.alerts["models.registry.emotion"]
    )
    second.registry.tag(second.registry.find(EMOTION, "3"), {"gate": "passed", "gate_seal": "0"})
    (sentence,) = sync(second).alerts.values()
    assert "carries the tag of a passed gate, but this installation never judged it" in sentence
    assert served(second) == "2"
    known = history(second.home, NAME)
    move_by_hand(second, "1")
    moved = sync(second)
    assert moved.news == (
        "emotion: serving version 1: the alias champion was moved in the registry",
    )
    assert moved.alerts == {}
    assert served(second) == "1"
    assert sync(second).news == ()
    assert history(second.home, NAME) == known[:-1]  # a rollback does not find version 2 again
    second.promote(NAME, "2", why="moved by mistake")
    second.gate(NAME, "3")


def test_a_missing_alias_leaves_the_served_copy(second: Lifecycle) -> None:
    second.registry.set_aliases(EMOTION, {"champion": None})
    (sentence,) = sync(second).alerts.values()
    assert "no alias champion in the registry; calls go on with version 2" in sentence
    second.promote(NAME, "2", why="a test")
    assert sync(second).alerts == {}


def test_rollback_works_while_the_registry_is_gone_and_its_aliases_follow(
    second: Lifecycle, flows_url: str
) -> None:
    assert second.registry.folder is not None
    database = second.registry.folder / "mlflow.db"
    away = database.with_suffix(".away")
    database.rename(away)
    database.mkdir()  # what MLflow cannot open, as a server that is down
    moved = second.rollback(NAME, why="hears anger everywhere")
    assert (moved.version, moved.before, moved.owed) == ("1", "2", True)
    assert served(second) == "1"
    flows = ModelsInStep(second, flows_url)
    flows.look(NOW)
    with connect(flows_url, autocommit=True) as db:
        (alert,) = open_alerts(db, "models.")
    assert (alert["name"], alert["severity"]) == ("models.registry.down", "ticket")
    assert "calls go on with the models they have" in alert["summary"]
    with pytest.raises(NotFound, match="to go back to"):
        second.rollback(NAME, "9", why="a test")
    database.rmdir()
    away.rename(database)
    assert flows.look(NOW) == ("emotion: the registry's aliases follow what serves",)
    with connect(flows_url, autocommit=True) as db:
        assert open_alerts(db, "models.") == []
    assert second.registry.aliases(EMOTION)["champion"] == "1"


def test_a_damaged_copy_is_mended_from_the_registry(second: Lifecycle) -> None:
    running = ModelServer(second.home)
    running.refresh()
    (second.home / "models" / NAME / "2" / "model.skops").write_bytes(b"\x80\x04N.")
    assert in_use(second.home, NAME) is None
    assert running.predict(NAME, TEXT) is not None
    (news,) = sync(second).news
    assert "serving version 2: the served copy was damaged" in news
    assert served(second) == "2"


def test_every_step_is_in_the_audit_log_once_with_who_and_why(
    second: Lifecycle, flows_url: str
) -> None:
    second.gate(NAME, "3")
    second.rollback(NAME, why="too many opt-outs")
    trail = ModelTrail(second.home)
    steps = trail.waiting()
    with connect(flows_url, autocommit=True) as db:
        assert trail.deliver(db) == len(steps)
        for step in steps:  # as after a crash between the commit and the removal of the files
            trail.put(step)
        trail.deliver(db)
        rows = db.execute("SELECT * FROM audit_log ORDER BY id").fetchall()
        judged = db.execute("SELECT * FROM gate_results ORDER BY id").fetchall()
        assert broken_at(db) is None
    assert trail.waiting() == []
    assert len(rows) == len(steps)
    told = [row for row in rows if row["action"] == "model.rollback"][-1]
    assert (told["actor"], told["subject"]) == ("ana", "emotion 1")
    assert (told["details"]["why"], told["details"]["before"]) == ("too many opt-outs", "2")
    assert [row["passed"] for row in judged][-1] is False
    columns = {"name", "passed", "figure", "limit", "detail", "interval"}
    assert columns == set(judged[-1]["checks"][0])


def test_a_version_can_be_traced_to_the_words_it_was_judged_beside(second: Lifecycle) -> None:
    with second.registry._mlflow() as mlflow:
        tags = mlflow.MlflowClient().get_model_version(EMOTION.model_name, "2").tags
    assert set(json.loads(tags["scripts"])) >= {"appointment_reminder"}
    assert len(tags["words_sha256"]) == 64


def test_a_folder_is_delivered_to_another_home_whole_or_not_at_all(
    second: Lifecycle, empty_registry: Path, tmp_path: Path
) -> None:
    target, _ = export(second, NAME, "champion", tmp_path / "delivered")
    with settings_of(tmp_path / "elsewhere", empty_registry) as settings:
        (settings.home / "models").mkdir(parents=True)
        (settings.home / "models" / "gates.yaml").write_text(LIMITS)
        there = Lifecycle.of(settings, "ben")
        tried = deliver(there, target.parent, why="a test", dry_run=True)
        assert (tried.passed, tried.served) == (True, {})
        assert served(there) is None
        run = CliRunner().invoke(app, ["deploy", str(target.parent), "--json"])
        assert run.exit_code == 0, run.output
        answer = json.loads(run.stdout)
        assert answer["served"] == {NAME: "1"}
        assert [step["step"] for step in answer["steps"]] == [
            *("validate", "stage", "self-test", "gate", "register", "promote", "verify", "watch")
        ]
        assert served(there) == "1"
        ours, theirs = (one.home / "models" / NAME for one in (second, there))
        files = ours / "2" / "model.skops", theirs / "1" / "model.skops"
        assert files[0].read_bytes() == files[1].read_bytes()
        broken = target / "model.skops"
        broken.write_bytes(broken.read_bytes() + b"x")
        failed = deliver(there, target, why="a test")
        assert [step.step for step in failed.steps if not step.passed] == ["self-test"]
        assert len(there.registry.versions(EMOTION)) == 1
        assert served(there) == "1"
        assert not list((settings.home / "models").glob(".delivery-*"))


def test_the_commands_say_what_serves_and_why_not(
    second: Lifecycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICE_AI_HOME", str(second.home))
    run = CliRunner().invoke
    gated = run(app, ["gate", NAME, "3"])
    assert gated.exit_code == 1
    assert "emotion version 3: did not pass" in gated.stdout
    move_by_hand(second, "3")
    stepped = run(app, ["sync", "--json"])
    assert stepped.exit_code == 1
    assert json.loads(stepped.stdout)["news"] == []
    told = json.loads(run(app, ["status", "--json"]).stdout)["models"][NAME]
    assert (told["served"], told["champion"], told["can_go_back_to"]) == ("2", "3", ["1"])
    assert "without a passed gate, so it is not served" in told["trouble"][0]
    back = run(app, ["promote", NAME, "2", "--reason", "moved by mistake"])
    assert back.stdout.startswith("emotion version 2 serves")
    card = run(app, ["card", NAME]).stdout
    assert card.startswith("# voice-ai-emotion")
    assert "passed: the recorded answers come again" in card


def test_an_order_of_a_page_is_one_step_and_says_what_came_of_it(second: Lifecycle) -> None:
    def order(action: str, version: str | None = None) -> str:
        return step(second, Order.of(action, NAME, version, None, None))

    assert "version 3 did not pass its gate: held-out macro_f1" in order("gate", "3")
    assert order("rollback") == "emotion version 1 serves, version 2 did before"
    assert order("promote", "2") == "emotion version 2 serves, version 1 did before"
    with pytest.raises(BadInput, match="say which version of emotion to promote"):
        order("promote")
    with pytest.raises(BadInput, match="'explode' is none of gate, promote"):
        order("explode")


def test_the_page_finds_figures_n_intervals_gate_and_card(second: Lifecycle) -> None:
    here = model_registry.served(second.settings, NAME)
    assert (here.version, here.trouble) == ("2", None)
    assert here.since is not None
    reader = model_registry.RegistryReader(second)
    facts = settle(reader.look).facts
    assert facts is not None
    one, weak = facts.find(NAME, "2"), facts.find(NAME, "1")
    assert one is not None
    assert weak is not None
    assert one is facts.holder(NAME, "champion")
    assert one.metrics["macro_f1"] == pytest.approx(here.metrics["macro_f1"])
    assert one.n
    low, high = one.intervals["macro_f1"]
    assert low <= one.metrics["macro_f1"] <= high
    assert model_frames.slices(one.judged, "label").height == len(EMOTION.labels)
    second.gate(NAME, "1")
    notes = settle(lambda: reader.look_at(weak.version)).facts
    assert notes is not None
    assert notes.checks is not None
    (against,) = [check for check in notes.checks if check.name == "champion"]
    assert against.figure is not None
    assert against.interval is not None
    assert against.interval[0] <= against.figure <= against.interval[1]
    assert "## Data" in (notes.card or "")

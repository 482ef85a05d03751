"""What the Models page knows: files at once, the registry when it has answered."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from app.model_registry import RegistryReader, Seen, served
from app.queries import engine as pool
from app.queries import models as spoken_in
from app.queries.flows import requests_of
from ml.lifecycle import Lifecycle
from ml.tasks import TASKS
from tests import big_home
from voice_ai.db.connect import connect
from voice_ai.settings import Settings
from voice_ai.vault import Keyring

T = TypeVar("T")


def settle(look: Callable[[], Seen[T]]) -> Seen[T]:
    until = time.monotonic() + 60
    while (seen := look()).asking:
        assert time.monotonic() < until
        time.sleep(0.05)
    return seen


def test_an_empty_home_has_no_models_and_says_so() -> None:
    settings = Settings.read()
    assert served(settings, "intent").version is None
    reader = RegistryReader(Lifecycle.of(settings))
    assert reader.look().asking
    seen = settle(reader.look)
    assert seen.facts is not None
    assert seen.facts.versions == dict.fromkeys(TASKS, [])
    assert seen.facts.trouble == dict.fromkeys(TASKS, [])
    assert seen.trouble is None


def test_a_registry_out_of_reach_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "mlflow.db"
    broken.write_bytes(b"not a database at all, " * 50)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{broken}")
    seen = settle(RegistryReader(Lifecycle.of(Settings.read())).look)
    assert seen.facts is None
    assert seen.trouble is not None
    assert "the model registry" in seen.trouble


def test_a_large_home_tells_which_models_spoke(database_url: str, keyring: Keyring) -> None:
    with connect(database_url) as db:
        big_home.fill(db, keyring, leads=3000)
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

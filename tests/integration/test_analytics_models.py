"""What the Models page knows: files at once, the registry when it has answered."""

import time
from pathlib import Path

import pytest

from app.model_registry import RegistryReader, Seen, served
from ml.registry import Registry
from ml.tasks import TASKS
from ml.train import ensure_champions
from tests.registries import settings_of
from voice_ai.settings import Settings


def settle(reader: RegistryReader) -> Seen:
    until = time.monotonic() + 60
    while (seen := reader.look()).asking:
        assert time.monotonic() < until
        time.sleep(0.05)
    return seen


def test_an_empty_home_has_no_models_and_says_so() -> None:
    settings = Settings.read()
    assert served(settings, "intent").version is None
    reader = RegistryReader(Registry.of(settings))
    assert reader.look().asking
    seen = settle(reader)
    assert seen.facts == {name: [] for name in TASKS}
    assert seen.trouble is None


def test_a_registry_out_of_reach_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "mlflow.db"
    broken.write_bytes(b"not a database at all, " * 50)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{broken}")
    seen = settle(RegistryReader(Registry.of(Settings.read())))
    assert seen.facts is None
    assert seen.trouble is not None
    assert "the model registry" in seen.trouble


@pytest.mark.slow
def test_versions_come_with_figures_n_and_intervals(empty_registry: Path, tmp_path: Path) -> None:
    with settings_of(tmp_path / "trained", empty_registry) as settings:
        ensure_champions(settings, lambda share, what: None)
    here = served(settings, "intent")
    assert here.version == "1"
    assert here.metrics["macro_f1"] > 0.8
    facts = settle(RegistryReader(Registry.of(settings))).facts
    assert facts is not None
    (one,) = facts["intent"]
    assert one.version.aliases == ("champion",)
    assert one.metrics["macro_f1"] == pytest.approx(here.metrics["macro_f1"])
    assert one.n is not None
    assert one.n > 50
    low, high = one.intervals["macro_f1"]
    assert low <= one.metrics["macro_f1"] <= high
    assert one.gate_reasons == ""

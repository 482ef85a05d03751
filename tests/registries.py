"""Homes with a registry of their own, made from one that was made once."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from voice_ai.settings import Settings


@contextmanager
def settings_of(home: Path, empty_registry: Path) -> Iterator[Settings]:
    """Settings of a new home; its registry is a copy, as MLflow takes seconds to make one."""
    (home / "mlruns").mkdir(parents=True)
    shutil.copyfile(empty_registry, home / "mlruns" / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOICE_AI_HOME", str(home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield Settings.read()

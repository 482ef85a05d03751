"""One real PostgreSQL for the whole run, and a fresh database of its own for every test."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from voice_ai.db import upgrade
from voice_ai.embedded import PostgresLease, attach_postgres
from voice_ai.vault import Keyring

# A busy machine must not make a property fail.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

ROOT = Path(__file__).parent.parent
_ENVIRONMENT = (
    "DATABASE_URL",
    "REDIS_URL",
    "VOICE_AI_",
    "TWILIO_",
    "ELEVENLABS_",
    "MLFLOW_",
    "PREFECT_",
)
_KEEP = ("VOICE_AI_DATA", "VOICE_AI_SPECS")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the developer's own settings, and none writes into the checkout's home."""
    for name in list(os.environ):
        if name.startswith(_ENVIRONMENT) and name not in _KEEP:
            monkeypatch.delenv(name)
    monkeypatch.setenv("VOICE_AI_HOME", str(tmp_path / "home"))


def _folder(variable: str, name: str) -> Path:
    folder = Path(os.environ.get(variable) or ROOT.parent / "shared" / name)
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; set {variable} to run this test")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    return _folder("VOICE_AI_DATA", "data")


@pytest.fixture(scope="session")
def shared_specs() -> Path:
    return _folder("VOICE_AI_SPECS", "specs")


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring(b"a secret of the tests, 32 bytes.")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring) -> Iterator[PostgresLease]:
    home = tmp_path_factory.mktemp("postgres-home")
    (home / "postgres").mkdir()
    # Durability is tested where it is the subject; here it would only cost time.
    (home / "postgres" / "local.conf").write_text(
        "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum = off\n"
    )
    with attach_postgres(home, keyring) as lease:
        upgrade(lease.url, keyring)
        with psycopg.connect(lease.url_of("postgres"), autocommit=True) as connection:
            connection.execute("ALTER DATABASE voice_ai IS_TEMPLATE true")
        yield lease


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database without a row of ours; `tests.registries.settings_of` copies it."""
    from ml.registry import Registry
    from ml.tasks import TASKS

    folder = tmp_path_factory.mktemp("registry")
    database = folder / "mlflow.db"
    registry = Registry(f"sqlite:///{database.as_posix()}", folder)
    database.touch()
    registry.versions(next(iter(TASKS.values())))
    return database


_numbers = itertools.count(1)


@pytest.fixture
def database_url(postgres: PostgresLease) -> Iterator[str]:
    """The owner's address of an empty, migrated database."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE voice_ai")
        yield postgres.url_of(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

"""Brings a database to the current schema and gives every role its login."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from voice_ai.db.connect import connect
from voice_ai.db.roles import grant_roles
from voice_ai.errors import NotAvailable
from voice_ai.vault import Keyring

if TYPE_CHECKING:  # loaded only by the process that really migrates
    from alembic.config import Config

HEAD = "0016"
_LOCK = 7_234_001  # two processes that start together migrate one after the other


def is_current(url: str) -> bool:
    """Whether the database is at the newest revision. Raises NotAvailable when not reachable."""
    with connect(url, name="voice-ai upgrade") as db:
        if (row := db.execute("SELECT to_regclass('alembic_version') AS t").fetchone()) is None:
            return False
        if row["t"] is None:
            return False
        version = db.execute("SELECT version_num FROM alembic_version").fetchone()
        return bool(version and version["version_num"] == HEAD)


def upgrade(url: str, keyring: Keyring) -> str:
    """Migrates to head, all or nothing; answers the revision. Safe to run at every start."""
    import sqlalchemy as sa
    from alembic import command
    from alembic.migration import MigrationContext
    from alembic.util import CommandError

    connect(url, name="voice-ai upgrade").close()  # says NotAvailable when nobody answers
    logging.getLogger("alembic").setLevel(logging.WARNING)
    current: str | None = None
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            connection.execute(sa.text(f"SELECT pg_advisory_lock({_LOCK})"))
            connection.commit()
            config = _config()
            current = MigrationContext.configure(connection).get_current_revision()
            connection.commit()
            if current != HEAD:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
            with psycopg.connect(url) as plain:
                grant_roles(plain, keyring)
            connection.execute(sa.text(f"SELECT pg_advisory_unlock({_LOCK})"))
            connection.commit()
            return HEAD
    except CommandError as error:
        raise NotAvailable(
            f"the database is at revision {current}, which this program does not know;"
            " use the version of voice-ai that made it, or a newer one"
        ) from error
    finally:
        engine.dispose()


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config

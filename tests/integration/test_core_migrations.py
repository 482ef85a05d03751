"""Migrations: they make what the schema says, each column is explained, and they go back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from voice_ai.db import connect, upgrade
from voice_ai.db.schema import METADATA
from voice_ai.db.upgrade import HEAD, _config, is_current
from voice_ai.embedded import PostgresLease
from voice_ai.errors import NotAvailable
from voice_ai.vault import Keyring

# The stable surface: what a script or another system may select.
VIEWS = {
    "v_leads",
    "v_attempts",
    "v_calls",
    "v_turns",
    "v_events",
    "v_decisions",
    "v_campaign_day",
}


@pytest.fixture
def settled(postgres: PostgresLease) -> str:
    """The template of all test databases, for those who only look."""
    return postgres.url


@contextmanager
def alchemy(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def differences(url: str) -> list[Any]:
    """What Alembic would still change, apart from what 0002 makes beyond the schema."""
    with alchemy(url) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return [found for found in compare_metadata(context, METADATA) if not deliberate(found)]


def deliberate(difference: Any) -> bool:
    kind, subject = difference[0], difference[1]
    if kind in {"remove_table", "remove_index"}:
        # Partitions are tables too; they are made in time, not declared.
        table: str = subject.name if kind == "remove_table" else subject.table.name
        return table.startswith("call_events_")
    made_by_hand: str = getattr(subject, "name", "")
    return kind == "remove_fk" and made_by_hand == "fk_attempts_disposition_dispositions"


def test_the_migrations_make_exactly_the_schema(settled: str) -> None:
    assert differences(settled) == []


def test_the_comparison_would_see_a_difference(database_url: str) -> None:
    with connect(database_url, autocommit=True) as db:
        db.execute("ALTER TABLE leads ADD COLUMN colour text")
        db.execute("DROP INDEX ix_leads_run_id")
    assert {found[0] for found in differences(database_url)} == {"add_index", "remove_column"}


def test_the_newest_revision_is_the_one_that_the_program_expects() -> None:
    assert ScriptDirectory.from_config(_config()).get_heads() == [HEAD]


def shape(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the migrations make, as rows that can be compared."""
    with psycopg.connect(url) as db:
        return {
            "columns": db.execute(
                "SELECT table_name, column_name, data_type, is_nullable, column_default"
                " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
            ).fetchall(),
            "indexes": db.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
            ).fetchall(),
            "constraints": db.execute(
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
                " FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
            ).fetchall(),
            "dispositions": db.execute("SELECT * FROM dispositions ORDER BY code").fetchall(),
        }


def test_migrations_go_down_to_nothing_and_up_again_to_the_same(
    database_url: str, keyring: Keyring
) -> None:
    before = shape(database_url)
    with alchemy(database_url) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        left = connection.execute(
            sa.text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        ).scalars()
        assert {name for name in left if not name.startswith("alembic_")} == set()
        functions = connection.execute(
            sa.text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        ).scalars()
        assert list(functions) == []
    assert not is_current(database_url)
    assert upgrade(database_url, keyring) == HEAD
    assert is_current(database_url)
    assert shape(database_url) == before


def test_an_upgrade_may_be_run_again_and_changes_nothing(
    database_url: str, keyring: Keyring
) -> None:
    before = shape(database_url)
    assert upgrade(database_url, keyring) == HEAD
    assert upgrade(database_url, keyring) == HEAD
    assert shape(database_url) == before


def test_a_database_of_a_newer_program_is_left_alone_with_a_sentence(
    database_url: str, keyring: Keyring
) -> None:
    with connect(database_url, autocommit=True) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    assert not is_current(database_url)
    with pytest.raises(NotAvailable, match="9999"):
        upgrade(database_url, keyring)
    with connect(database_url) as db:
        row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    assert row == {"version_num": "9999"}


def test_an_empty_database_is_not_current(postgres: PostgresLease) -> None:
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as db:
        db.execute("CREATE DATABASE core_empty")
        try:
            assert not is_current(postgres.url_of("core_empty"))
        finally:
            db.execute("DROP DATABASE core_empty WITH (FORCE)")


def test_every_table_view_and_column_is_explained(settled: str) -> None:
    with connect(settled) as db:
        silent = db.execute(
            "SELECT c.relname, a.attname FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum >= 0 AND NOT a.attisdropped"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')"
            " AND NOT c.relispartition AND c.relname <> 'alembic_version'"
            " AND coalesce(col_description(c.oid, a.attnum), '') = ''"
            " UNION ALL SELECT c.relname, NULL FROM pg_class c"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')"
            " AND NOT c.relispartition AND c.relname <> 'alembic_version'"
            " AND coalesce(obj_description(c.oid, 'pg_class'), '') = ''"
        ).fetchall()
    assert silent == []


def test_the_views_are_the_ones_that_were_promised(settled: str) -> None:
    with connect(settled) as db:
        rows = db.execute("SELECT viewname FROM pg_views WHERE schemaname = 'public'").fetchall()
        columns = db.execute(
            "SELECT column_name AS name FROM information_schema.columns"
            " WHERE table_name = 'v_attempts'"
        ).fetchall()
    assert {row["viewname"] for row in rows} == VIEWS
    promised = {"carrier_call_sid", "state", "terminal_events"}
    assert promised <= {column["name"] for column in columns}


def test_times_know_their_zone_and_no_view_shows_what_is_sealed(settled: str) -> None:
    with connect(settled) as db:
        naive = db.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = 'timestamp without time zone'"
        ).fetchall()
        sealed = db.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name LIKE 'v\\_%'"
            " AND (data_type = 'bytea' OR column_name LIKE '%sealed%')"
        ).fetchall()
    assert naive == []
    assert sealed == []


def test_a_month_gets_its_partition_once_and_a_surprising_one_loses_nothing(
    database_url: str,
) -> None:
    insert = (
        "INSERT INTO call_events (month, attempt_id, seq, kind, key, payload, occurred_at)"
        " VALUES (%s, gen_random_uuid(), 1, 'k', 'k', '{}', now()) RETURNING tableoid::regclass"
    )
    with psycopg.connect(database_url, autocommit=True) as db:
        for _ in range(2):
            db.execute("SELECT ensure_event_partition('2026-11-24')")
        assert db.execute(insert, ("2026-11-01",)).fetchone() == ("call_events_2026_11",)
        assert db.execute(insert, ("2031-01-01",)).fetchone() == ("call_events_default",)


def test_an_event_told_again_is_the_same_row(database_url: str) -> None:
    tell = (
        "INSERT INTO call_events (month, attempt_id, seq, kind, key, payload, occurred_at)"
        " VALUES ('2026-11-01', 'b4b0e5f0-0000-4000-8000-000000000001', %s, 'call_ended',"
        " 'terminal', '{}', now()) ON CONFLICT DO NOTHING"
    )
    with psycopg.connect(database_url, autocommit=True) as db:
        assert [db.execute(tell, (seq,)).rowcount for seq in (1, 2, 3)] == [1, 0, 0]

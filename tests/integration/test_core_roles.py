"""The second fence: what a role may not do, Postgres refuses, whatever the code says."""

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests.factories_core import NOW, campaign_of, login, make_list
from voice_ai.db import connect, upgrade
from voice_ai.db.roles import ROLES, grant_roles, role_name
from voice_ai.embedded import PostgresLease
from voice_ai.errors import NotAvailable
from voice_ai.store.campaigns import ask, create_campaign, find_campaign
from voice_ai.vault import Keyring

WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
# What a call was and why it was made: only the dialer writes it.
RECORD = ("attempts", "calls", "call_events", "call_events_default", "decisions", "turns")
# Written once, never changed, by nobody but the owner.
LASTING = (
    "call_events",
    "call_events_default",
    "decisions",
    "suppressions",
    "campaign_versions",
    "audit_log",
)
VIEWS = (
    "v_leads",
    "v_attempts",
    "v_calls",
    "v_turns",
    "v_events",
    "v_decisions",
    "v_campaign_day",
)


@pytest.fixture(scope="module")
def fenced(postgres: PostgresLease, keyring: Keyring) -> Iterator[str]:
    """The owner's address of a database with its own four logins, shared by these tests."""
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as db:
        db.execute("CREATE DATABASE core_roles TEMPLATE voice_ai")
        upgrade(postgres.url_of("core_roles"), keyring)
        yield postgres.url_of("core_roles")
        db.execute("DROP DATABASE core_roles WITH (FORCE)")


def rights(url: str, role: str, privileges: tuple[str, ...]) -> set[tuple[str, str]]:
    """(relation, privilege) for everything in the schema, partitions too."""
    with psycopg.connect(url) as db:
        name = role_name(db.info.dbname, role)
        rows = db.execute(
            "SELECT c.relname, p FROM pg_class c, unnest(%s::text[]) p"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')"
            " AND has_table_privilege(%s, c.oid, p)",
            (list(privileges), name),
        )
        return {(str(relation), str(privilege)) for relation, privilege in rows}


@pytest.mark.parametrize("role", ["app", "analyst", "flows"])
def test_only_the_dialer_writes_what_happened_and_why(fenced: str, role: str) -> None:
    assert not {found for found in rights(fenced, role, WRITES) if found[0] in RECORD}


@pytest.mark.parametrize("role", ROLES)
def test_nobody_changes_or_deletes_what_must_last(fenced: str, role: str) -> None:
    changing = rights(fenced, role, ("UPDATE", "DELETE", "TRUNCATE"))
    assert not {found for found in changing if found[0] in LASTING}


def test_the_dialer_deletes_nothing(fenced: str) -> None:
    assert not rights(fenced, "dialer", ("DELETE", "TRUNCATE"))


def test_the_dialer_may_write_what_happened(fenced: str) -> None:
    may = rights(fenced, "dialer", ("INSERT",))
    assert {(table, "INSERT") for table in RECORD if table != "call_events_default"} <= may
    assert ("suppressions", "INSERT") in may


def test_the_analyst_sees_the_views_and_nothing_behind_them(fenced: str) -> None:
    seen = rights(fenced, "analyst", ("SELECT",))
    assert seen == {(name, "SELECT") for name in (*VIEWS, "dispositions")}
    assert not rights(fenced, "analyst", WRITES)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_owns_makes_or_rules_anything(fenced: str, role: str) -> None:
    with psycopg.connect(fenced) as db:
        name = role_name(db.info.dbname, role)
        row = db.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication,"
            " has_schema_privilege(rolname, 'public', 'CREATE'),"
            " EXISTS (SELECT FROM pg_class WHERE relowner = r.oid),"
            " EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid)"
            " FROM pg_roles r WHERE rolname = %s",
            (name,),
        ).fetchone()
        execute = db.execute(
            "SELECT has_function_privilege(%s, 'ensure_event_partition(date)', 'EXECUTE')", (name,)
        ).fetchone()
    assert row is not None
    assert not any(row)
    assert execute == (role == "dialer",)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_signs_in_with_its_own_password_only(
    fenced: str, role: str, keyring: Keyring
) -> None:
    with connect(login(fenced, role, keyring)) as db:
        row = db.execute("SELECT current_user AS who").fetchone()
    assert row == {"who": role_name(urlsplit(fenced).path.lstrip("/"), role)}
    stranger = Keyring(b"the secret of another house 32 b")
    with pytest.raises(NotAvailable) as raised:
        connect(login(fenced, role, stranger))
    assert stranger.password_for(role) not in raised.value.message


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("dialer", "DELETE FROM call_events"),
        ("dialer", "UPDATE call_events SET kind = 'other'"),
        ("dialer", "UPDATE call_events_default SET kind = 'other'"),
        ("dialer", "DELETE FROM decisions"),
        ("dialer", "UPDATE decisions SET allow = true"),
        ("dialer", "DELETE FROM suppressions"),
        ("dialer", "TRUNCATE call_events"),
        ("dialer", "DROP TABLE call_events"),
        ("dialer", "ALTER TABLE decisions ADD COLUMN x int"),
        ("app", "UPDATE attempts SET state = 'ended'"),
        ("app", "DELETE FROM suppressions"),
        ("app", "UPDATE campaign_versions SET script = ''"),
        ("app", "CREATE TABLE mine (x int)"),
        ("flows", "INSERT INTO decisions SELECT * FROM decisions"),
        ("flows", "UPDATE calls SET status = 'completed'"),
        ("flows", "UPDATE audit_log SET actor = 'nobody'"),
        ("analyst", "SELECT number_sealed FROM numbers"),
        ("analyst", "SELECT * FROM attempts"),
        ("analyst", "SELECT password_hash FROM users"),
        ("analyst", "SELECT ensure_event_partition('2026-01-01')"),
    ],
)
def test_postgres_itself_refuses(fenced: str, role: str, statement: str, keyring: Keyring) -> None:
    with (
        connect(login(fenced, role, keyring)) as db,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        db.execute(statement)


def test_the_analyst_reads_every_view(fenced: str, keyring: Keyring) -> None:
    with connect(login(fenced, "analyst", keyring)) as db:
        for view in VIEWS:
            query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(view))
            assert db.execute(query).description


def test_the_dialer_makes_a_month_and_writes_into_it(fenced: str, keyring: Keyring) -> None:
    with connect(login(fenced, "dialer", keyring), autocommit=True) as db:
        db.execute("SELECT ensure_event_partition('2026-11-24')")
        row = db.execute(
            "INSERT INTO call_events (month, attempt_id, seq, kind, key, payload, occurred_at)"
            " VALUES ('2026-11-01', gen_random_uuid(), 1, 'k', 'k', '{}', now())"
            " RETURNING tableoid::regclass::text AS partition"
        ).fetchone()
        assert row == {"partition": "call_events_2026_11"}
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("DELETE FROM call_events_2026_11")
    # A partition that was made later is behind the same fence.
    for role in ("app", "analyst", "flows"):
        assert not {
            found for found in rights(fenced, role, WRITES) if found[0].startswith("call_events")
        }


def test_the_apps_login_is_enough_to_make_a_campaign_and_to_ask(
    fenced: str, keyring: Keyring
) -> None:
    with connect(fenced, autocommit=True) as owner:
        make_list(owner, keyring)
    with connect(login(fenced, "app", keyring), autocommit=True) as db:
        made = create_campaign(db, keyring, campaign_of(), by="me", now=NOW, rehearsal=True)
        assert made.leads == 3
        campaign = find_campaign(db, made.name)
        assert ask(db, "start", campaign["id"], by="me", now=NOW) > 0


def test_a_login_without_a_role_sees_nothing(fenced: str, postgres: PostgresLease) -> None:
    parts = urlsplit(fenced)
    stranger = urlunsplit(
        parts._replace(netloc=f"core_stranger:secret@{parts.netloc.rpartition('@')[2]}")
    )
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as db:
        db.execute("CREATE ROLE core_stranger LOGIN PASSWORD 'secret'")
        try:
            with connect(stranger) as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
                other.execute("SELECT FROM public.numbers")
        finally:
            db.execute("DROP ROLE core_stranger")


def test_rights_that_were_given_away_are_taken_back(fenced: str, keyring: Keyring) -> None:
    with psycopg.connect(fenced, autocommit=True) as db:
        name = sql.Identifier(role_name(db.info.dbname, "analyst"))
        db.execute(sql.SQL("GRANT SELECT, DELETE ON numbers, attempts TO {}").format(name))
    assert rights(fenced, "analyst", ("DELETE",))
    with psycopg.connect(fenced) as db:
        assert grant_roles(db, keyring)
    assert not rights(fenced, "analyst", WRITES)
    assert ("numbers", "SELECT") not in rights(fenced, "analyst", ("SELECT",))

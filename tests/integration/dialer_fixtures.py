"""A plugin: a test module that names it in `pytest_plugins` gets the fixture `dialer`."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import psycopg
import pytest

from dialer.gate import Gate
from dialer.reconcile import Reconciler
from tests.factories import NOW, Office, login_url
from tests.integration.dialer_parts import House, ScriptedCarrier, add_worker
from voice_ai.clock import ManualClock
from voice_ai.db.connect import open_pool
from voice_ai.embedded import PostgresLease
from voice_ai.vault import Keyring

_EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT c.oid::regclass::text FROM pg_class c
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
          AND c.relname NOT IN ('dispositions', 'alembic_version')
    LOOP EXECUTE 'DELETE FROM ' || name; END LOOP;
END $$;
RESET session_replication_role
"""


@pytest.fixture(scope="session")
def dialer_database(postgres: PostgresLease) -> Iterator[str]:
    """The owner's address of one database that the tests of the dialer empty in turn."""
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as server:
        server.execute("CREATE DATABASE test_dialer TEMPLATE voice_ai")
        yield postgres.url_of("test_dialer")
        server.execute("DROP DATABASE test_dialer WITH (FORCE)")


@pytest.fixture
async def dialer(dialer_database: str, keyring: Keyring) -> AsyncIterator[House]:
    """With the dialer's own login, so that every right it needs is proved too."""
    url = login_url(dialer_database, "dialer", keyring)
    async with AsyncExitStack() as stack:
        office = stack.enter_context(Office(dialer_database, keyring))
        office.db.execute(_EMPTY)
        pool = await stack.enter_async_context(open_pool(url, name="test dialer", most=8))
        sends = await stack.enter_async_context(open_pool(url, name="test gate", most=8))
        clock, carrier = ManualClock(NOW), ScriptedCarrier()
        yield House(
            office=office,
            url=url,
            pool=pool,
            clock=clock,
            carrier=carrier,
            keyring=keyring,
            worker_id=add_worker(office),
            gate=Gate(sends, carrier, clock, keyring),
            reconciler=Reconciler(pool, carrier, clock, keyring, rehearsal=True),
        )

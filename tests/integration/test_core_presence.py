"""A live process is never proved dead, not even after it lost its connection."""

import psycopg
import pytest

from tests.factories_core import login
from voice_ai.db import connect, upgrade
from voice_ai.db.connect import Row
from voice_ai.store.workers import Presence
from voice_ai.vault import Keyring

LOOK = (
    "SELECT w.stopped_at, EXISTS (SELECT FROM pg_locks k WHERE k.locktype = 'advisory'"
    " AND k.granted AND ((k.classid::bigint << 32) | k.objid::bigint) = w.lock_key) AS held"
    " FROM workers w WHERE w.id = %s"
)


def look(url: str, presence: Presence) -> Row:
    with connect(url) as db:
        row = db.execute(LOOK, (presence.worker_id,)).fetchone()
    assert row is not None
    return row


async def test_a_process_holds_its_lock_from_entering_to_leaving(database_url: str) -> None:
    presence = Presence(database_url, "dialer")
    await presence.enter()
    assert look(database_url, presence) == {"stopped_at": None, "held": True}
    await presence.leave()
    row = look(database_url, presence)
    assert row["stopped_at"] is not None


async def test_a_process_that_came_back_holds_a_lock_when_the_old_session_dies_late(
    database_url: str,
) -> None:
    presence = Presence(database_url, "dialer")
    await presence.enter()
    half_open = presence._db  # we think it lost; the server does not know yet
    assert half_open is not None
    await presence.enter()
    assert look(database_url, presence)["held"]
    await half_open.close()
    with connect(database_url) as db:  # wait until the server has let go of the old session
        while _sessions(db) > 1:
            pass
    assert look(database_url, presence)["held"]
    await presence.leave()


def _sessions(db: psycopg.Connection[Row]) -> int:
    row = db.execute(
        "SELECT count(*) AS n FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'voice-ai dialer presence'"
    ).fetchone()
    db.rollback()  # statistics stand still inside a transaction
    assert row is not None
    return int(row["n"])


@pytest.mark.parametrize("role", ["dialer", "app", "flows"])
async def test_every_process_may_register_and_come_back_with_its_own_login(
    database_url: str, keyring: Keyring, role: str
) -> None:
    upgrade(database_url, keyring)
    presence = Presence(login(database_url, role, keyring), role)
    await presence.enter()
    lost = presence._db
    assert lost is not None
    await lost.close()
    await presence.enter()
    assert look(database_url, presence)["held"]
    await presence.leave()

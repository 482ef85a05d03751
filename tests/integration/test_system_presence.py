"""Processes without an event loop register too, and every heartbeat tells how they are."""

import os
import time
from collections.abc import Callable

from voice_ai.db import connect
from voice_ai.db.connect import Row
from voice_ai.store.workers import Presence, presence_thread, processes


def rows(url: str) -> list[Row]:
    with connect(url) as db:
        return processes(db)


def until(ask: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)


async def test_a_heartbeat_tells_processor_memory_and_threads(database_url: str) -> None:
    presence = Presence(database_url, "dialer")
    await presence.beat()
    (row,) = rows(database_url)
    assert (row["kind"], row["pid"], row["state"]) == ("dialer", os.getpid(), "alive")
    assert row["vitals"]["rss_bytes"] > 1_000_000
    assert row["vitals"]["threads"] >= 1
    assert row["vitals"]["cpu_percent"] >= 0
    assert presence.beaten_at is not None
    await presence.leave()


def test_a_process_without_a_loop_is_there_as_long_as_its_block(database_url: str) -> None:
    with presence_thread(database_url, "app") as presence:
        (row,) = rows(database_url)
        assert (row["id"], row["kind"], row["state"]) == (presence.worker_id, "app", "alive")
    (row,) = rows(database_url)
    assert row["state"] == "stopped"


def test_the_heartbeat_goes_on_after_the_connection_is_lost(database_url: str) -> None:
    with presence_thread(database_url, "flows"), connect(database_url, autocommit=True) as db:
        before = rows(database_url)[0]["seen_at"]
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database()"
            " AND application_name = 'voice-ai flows presence'"
        )
        until(lambda: rows(database_url)[0]["seen_at"] > before)


def test_a_database_out_of_reach_stops_no_process() -> None:
    with presence_thread("postgresql://u:p@127.0.0.1:1/none", "app") as presence:
        assert presence.beaten_at is None


def test_a_silent_process_is_stale_and_an_old_one_is_forgotten(database_url: str) -> None:
    with connect(database_url, autocommit=True) as db:
        for kind, silent in (("dialer", "1 minute"), ("server", "2 days")):
            db.execute(
                "INSERT INTO workers (id, kind, host, pid, lock_key, started_at, seen_at)"
                " VALUES (gen_random_uuid(), %s, 'test', 1, 1, now() - %s::interval,"
                " now() - %s::interval)",
                (kind, silent, silent),
            )
    (row,) = rows(database_url)
    assert (row["kind"], row["state"], row["vitals"]) == ("dialer", "stale", None)
    assert row["silent_s"] >= 60

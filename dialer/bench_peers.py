"""Two job queues on Postgres that people know, each emptying a queue of jobs that do nothing.

Set up as their own benchmarks do it. A job of theirs is fetched, run and marked as done (pgqueuer
logs it too); nobody is asked whether it may run, and no cap is kept.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import psycopg

if TYPE_CHECKING:
    from pgqueuer import PgQueuer

_PGQUEUER_MANAGERS = 4
_PGQUEUER_BATCH = 100


@contextmanager
def peer_database(url: str, name: str) -> Iterator[str]:
    """A fresh database on the same server."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


async def procrastinate_drain(url: str, jobs: int, *, concurrency: int = 10) -> float:
    """Jobs per second of one worker."""
    import procrastinate
    from procrastinate.types import JSONDict

    connector = procrastinate.PsycopgConnector(conninfo=url, min_size=2, max_size=concurrency)
    app = procrastinate.App(connector=connector)

    @app.task(name="nothing")
    async def nothing(number: int) -> None:
        del number

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        tasks: list[JSONDict] = [{"number": number} for number in range(jobs)]
        await nothing.batch_defer_async(*tasks)
        started = time.perf_counter()
        await app.run_worker_async(
            wait=False, concurrency=concurrency, install_signal_handlers=False
        )
        seconds = time.perf_counter() - started
    with psycopg.connect(url) as db:
        left = db.execute("SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'")
        assert left.fetchone() == (0,)
    return jobs / seconds


async def pgqueuer_drain(url: str, jobs: int) -> float:
    """Jobs per second of four queue managers in one process, a hundred jobs at a time each."""
    async with AsyncExitStack() as stack:
        managers = [await _manager(stack, url) for _ in range(_PGQUEUER_MANAGERS)]
        queries = managers[0].qm.queries
        await queries.install()
        await queries.enqueue(["nothing"] * jobs, [None] * jobs, [0] * jobs)
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for manager in managers:
                group.create_task(_drained(manager))
        seconds = time.perf_counter() - started
    with psycopg.connect(url) as db:
        assert db.execute("SELECT count(*) FROM pgqueuer").fetchone() == (0,)
    return jobs / seconds


async def _manager(stack: AsyncExitStack, url: str) -> "PgQueuer":
    import asyncpg
    from pgqueuer import PgQueuer

    connection = await asyncpg.connect(url)
    stack.push_async_callback(connection.close)
    manager = PgQueuer.from_asyncpg_connection(connection)

    @manager.entrypoint("nothing")
    async def nothing(job: object) -> None:
        del job

    return manager


async def _drained(manager: "PgQueuer") -> None:
    from pgqueuer.types import QueueExecutionMode

    await manager.qm.run(
        dequeue_timeout=timedelta(seconds=1),
        batch_size=_PGQUEUER_BATCH,
        mode=QueueExecutionMode.drain,
    )

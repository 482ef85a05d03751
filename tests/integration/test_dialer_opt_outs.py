"""An opt-out is durable when the goodbye is spoken, whatever has become of Postgres."""

import asyncio
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from dialer.opt_outs import drain_spool, suppress_now
from dialer.spool import OptOutSpool
from tests.factories import NOW
from tests.integration.dialer_parts import House, until
from voice_ai.db.connect import open_pool
from voice_ai.ids import AttemptId

pytest_plugins = ("tests.integration.dialer_fixtures",)

NOWHERE = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"


async def in_call(dialer: House) -> AttemptId:
    dialer.office.leads(1)
    dialer.office.campaign()
    attempt_id, _ = await dialer.dial()
    return attempt_id


def suppressions(dialer: House) -> list[tuple[int, str, str]]:
    rows = dialer.office.rows("SELECT * FROM suppressions")
    return [(row["number_id"], row["scope"], row["reason"]) for row in rows]


async def test_the_suppression_is_there_when_the_call_returns(
    dialer: House, tmp_path: Path
) -> None:
    attempt_id, spool = await in_call(dialer), OptOutSpool(tmp_path)
    await suppress_now(dialer.pool, spool, attempt_id, "asked", NOW)
    number_id = dialer.office.attempt(attempt_id)["number_id"]
    assert suppressions(dialer) == [(number_id, "seller", "opt_out")]
    assert dialer.office.kinds(attempt_id)[-1] == "opt_out_heard"
    assert spool.is_empty()


async def test_an_opt_out_that_is_heard_again_is_one_suppression(
    dialer: House, tmp_path: Path
) -> None:
    attempt_id, spool = await in_call(dialer), OptOutSpool(tmp_path)
    await asyncio.gather(
        *(suppress_now(dialer.pool, spool, attempt_id, "asked", NOW) for _ in range(4))
    )
    assert len(suppressions(dialer)) == 1


async def test_the_number_is_not_called_for_the_same_seller_again(
    dialer: House, tmp_path: Path
) -> None:
    attempt_id = await in_call(dialer)
    number = dialer.carrier.placed[0].to
    await suppress_now(dialer.pool, OptOutSpool(tmp_path), attempt_id, "asked", NOW)
    dialer.office.db.execute("UPDATE attempts SET state = 'ended', disposition = 'opt_out'")
    dialer.office.leads(1, name="autumn", numbers=[number])
    dialer.office.leads(1, seller="Other", name="theirs", numbers=[number])
    dialer.office.campaign("Autumn", leads="autumn")
    other = dialer.office.campaign("Theirs", seller="Other", leads="theirs")
    dialer.clock.advance(2)
    ((intent, _),) = await dialer.claim()
    assert intent.campaign_id == other


async def test_without_postgres_it_is_spooled_and_written_later(
    dialer: House, tmp_path: Path
) -> None:
    attempt_id, spool = await in_call(dialer), OptOutSpool(tmp_path)
    async with open_pool(NOWHERE, name="gone", most=1, least=0) as gone:
        await suppress_now(gone, spool, attempt_id, "asked", NOW)
        assert dict(spool.waiting()) == {attempt_id: "asked"}
    with pytest.raises(psycopg.OperationalError):
        await drain_spool(gone, spool, NOW)
    assert not spool.is_empty()
    assert await drain_spool(dialer.pool, spool, NOW) == 1
    assert spool.is_empty()
    assert len(suppressions(dialer)) == 1


async def test_a_connection_that_breaks_while_it_is_written_is_spooled(
    dialer: House, tmp_path: Path
) -> None:
    """The attempt's row is held, so that the suppression is on its way when its session dies."""
    attempt_id, spool = await in_call(dialer), OptOutSpool(tmp_path)
    with psycopg.connect(dialer.url) as holder:
        holder.execute("SELECT FROM attempts WHERE id = %s FOR UPDATE", (attempt_id,))
        task = asyncio.create_task(suppress_now(dialer.pool, spool, attempt_id, "asked", NOW))

        async def killed() -> bool | None:
            rows = dialer.office.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            return bool(rows) or None

        await until(killed)
        await task
    assert dict(spool.waiting()) == {attempt_id: "asked"}
    assert suppressions(dialer) == []
    assert await drain_spool(dialer.pool, spool, NOW) == 1
    assert len(suppressions(dialer)) == 1


async def test_what_was_written_before_the_spool_was_is_not_written_twice(
    dialer: House, tmp_path: Path
) -> None:
    attempt_id, spool = await in_call(dialer), OptOutSpool(tmp_path)
    await suppress_now(dialer.pool, spool, attempt_id, "asked", NOW)
    spool.put(attempt_id, "asked")
    assert await drain_spool(dialer.pool, spool, NOW) == 1
    assert len(suppressions(dialer)) == 1


async def test_an_opt_out_of_no_known_attempt_does_not_block_the_spool(
    dialer: House, tmp_path: Path
) -> None:
    spool = OptOutSpool(tmp_path)
    spool.put(AttemptId(uuid4()), "asked")
    assert await drain_spool(dialer.pool, spool, NOW) == 1
    assert spool.is_empty()
    assert suppressions(dialer) == []

"""“Never call again” from a page or a command waits for the send gate, with the app's own login."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from dialer.carrier import Placed
from tests.factories import NOW, login_url
from tests.integration.dialer_parts import House, until
from tests.integration.test_dialer_gate_locks import on_its_way, two_claimed
from voice_ai.db.connect import Db, connect
from voice_ai.errors import BadInput, NotFound
from voice_ai.store import leads as store
from voice_ai.vault import Keyring

pytest_plugins = ("tests.integration.dialer_fixtures",)


@pytest.fixture
def app_db(dialer: House, dialer_database: str, keyring: Keyring) -> Iterator[Db]:
    with connect(login_url(dialer_database, "app", keyring), autocommit=True) as db:
        yield db


async def blocked(dialer: House, task: "asyncio.Task[Any]") -> None:
    async def waiting() -> bool | None:
        assert not task.done()
        rows = dialer.office.rows(
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return bool(rows) or None

    await until(waiting)


def never_again(db: Db, lead_id: int) -> store.Suppressed:
    return store.suppress_lead(db, lead_id, reason="opt_out", source="page", now=NOW)


async def test_it_returns_only_when_no_request_to_the_number_is_on_its_way(
    dialer: House, app_db: Db
) -> None:
    _, first, second = await two_claimed(dialer)
    sending = await on_its_way(dialer, first)
    suppressing = asyncio.create_task(asyncio.to_thread(never_again, app_db, first[0].lead_id))
    await blocked(dialer, suppressing)
    # It is in force for everybody already, although nobody was told that it is done.
    assert dialer.office.rows("SELECT FROM suppressions WHERE source = 'page'")
    dialer.carrier.held.set()
    assert isinstance(await sending, Placed)
    done = await suppressing
    assert (done.already, done.live_calls) == (False, 1)
    assert isinstance(await dialer.send(second), Placed)


async def test_a_claimed_lead_is_not_dialed_after_it(dialer: House, app_db: Db) -> None:
    _, first, second = await two_claimed(dialer)
    never_again(app_db, first[0].lead_id)
    assert await dialer.send(first) is None
    assert isinstance(await dialer.send(second), Placed)
    assert len(dialer.carrier.placed) == 1


async def test_saying_it_twice_writes_it_once(dialer: House, app_db: Db) -> None:
    (lead,) = dialer.office.leads(1)
    assert not never_again(app_db, lead.id).already
    again = never_again(app_db, lead.id)
    assert (again.already, again.since) == (True, NOW)
    assert len(dialer.office.rows("SELECT FROM suppressions")) == 1


async def test_a_number_that_no_list_has_is_suppressed_before_it_comes(
    dialer: House, app_db: Db, keyring: Keyring
) -> None:
    dialer.office.seller("Acme")

    def suppress(number: str, seller: str = "Acme") -> store.Suppressed:
        return store.suppress_number(
            app_db, keyring, number, seller=seller, reason="complaint", source="command", now=NOW
        )

    assert not suppress("(212) 555-0142").already
    assert suppress("+1 212 555 0142").already
    with pytest.raises(NotFound, match="there are: Acme"):
        suppress("+12125550142", "Nobody")
    with pytest.raises(BadInput) as refused:
        suppress("555-01")
    assert "555" not in refused.value.message

"""A kill switch holds when it returns: what was checked before it is not on its way any more."""

import asyncio
from collections.abc import Iterator

import pytest

from dialer.carrier import Placed
from tests.factories import NOW, login_url
from tests.integration.dialer_parts import House
from tests.integration.test_dialer_gate_locks import on_its_way, two_claimed
from tests.integration.test_leads_suppression import blocked
from voice_ai.db.connect import Db, connect
from voice_ai.errors import BadInput
from voice_ai.store.switches import Switched, lift, switch_off
from voice_ai.vault import Keyring

pytest_plugins = ("tests.integration.dialer_fixtures",)


@pytest.fixture
def app_db(dialer: House, dialer_database: str, keyring: Keyring) -> Iterator[Db]:
    with connect(login_url(dialer_database, "app", keyring), autocommit=True) as db:
        yield db


@pytest.mark.parametrize(("kind", "what"), [("global", "*"), ("campaign", "Spring")])
async def test_it_waits_for_a_request_on_its_way_and_stops_the_next(
    dialer: House, app_db: Db, kind: str, what: str
) -> None:
    _, first, second = await two_claimed(dialer)

    def off() -> Switched:
        return switch_off(app_db, dialer.keyring, kind, what, reason="wrong", by="Ana", now=NOW)

    sending = await on_its_way(dialer, first)
    switching = asyncio.create_task(asyncio.to_thread(off))
    await blocked(dialer, switching)
    dialer.carrier.held.set()
    assert isinstance(await sending, Placed)
    switched = await switching
    assert await dialer.send(second) is None
    assert len(dialer.carrier.placed) == 1
    lift(app_db, switched.id, by="Bob", now=NOW)
    row = dialer.office.row("SELECT * FROM switches")
    assert (row["set_by"], row["cleared_by"], row["cleared_at"]) == ("Ana", "Bob", NOW)


async def test_a_switch_without_a_reason_is_not_set(dialer: House, app_db: Db) -> None:
    with pytest.raises(BadInput, match="say why"):
        switch_off(app_db, dialer.keyring, "global", "*", reason=" ", by="Ana", now=NOW)
    assert dialer.office.rows("SELECT FROM switches") == []


@pytest.mark.parametrize(
    ("kind", "what", "key"),
    [
        ("country", "gb", "GB"),
        ("country", "US-FL", "US-FL"),
        ("rule", "us-ndnc", "US-NDNC"),
        ("rule", "DNC_LISTED", "DNC_LISTED"),
        ("country", "Germany", None),
        ("country", "US-ZZ", None),
        ("rule", "US-NOTHING", None),
    ],
)
async def test_only_what_a_dial_asks_about_can_be_switched_off(
    app_db: Db, keyring: Keyring, kind: str, what: str, key: str | None
) -> None:
    if key is None:
        with pytest.raises(BadInput):
            switch_off(app_db, keyring, kind, what, reason="test", by="Ana", now=NOW)
        return
    switch_off(app_db, keyring, kind, what, reason="test", by="Ana", now=NOW)
    row = app_db.execute("SELECT key FROM switches WHERE cleared_at IS NULL").fetchone()
    assert row is not None
    assert row["key"] == key

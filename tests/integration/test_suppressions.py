"""A suppression holds at once, for one number and for thousands; none is written twice."""

import asyncio
from collections.abc import Iterator, Sequence

import psycopg
import pytest

from dialer.carrier import Placed
from dialer.revocations import end_revoked_calls
from tests.factories import NOW, login_url, phone_number
from tests.integration.dialer_parts import House
from tests.integration.test_dialer_gate_locks import on_its_way, two_claimed
from tests.integration.test_leads_suppression import blocked
from voice_ai.db.connect import Db, connect
from voice_ai.errors import BadInput, NotFound
from voice_ai.store import suppressions as store
from voice_ai.store.suppressions import Order
from voice_ai.vault import Keyring

pytest_plugins = ("tests.integration.dialer_fixtures",)

FOR_ALL = Order("all", "file", "opt_out", added_by="test")


@pytest.fixture
def app_db(dialer: House, dialer_database: str, keyring: Keyring) -> Iterator[Db]:
    with connect(login_url(dialer_database, "app", keyring), autocommit=True) as db:
        yield db


def many(db: Db, keyring: Keyring, count: int) -> list[int]:
    return store.ensure_numbers(db, keyring, [phone_number() for _ in range(count)], NOW)


def rows(dialer: House) -> list[tuple[str, str]]:
    found = dialer.office.rows("SELECT scope, source FROM suppressions ORDER BY id")
    return [(row["scope"], row["source"]) for row in found]


async def test_a_batch_of_thousands_waits_for_the_one_request_on_its_way(
    dialer: House, app_db: Db
) -> None:
    _, first, second = await two_claimed(dialer)
    numbers = [*many(app_db, dialer.keyring, 3000), first[0].number_id, second[0].number_id]
    sending = await on_its_way(dialer, first)
    suppressing = asyncio.create_task(
        asyncio.to_thread(store.suppress, app_db, numbers, FOR_ALL, NOW)
    )
    await blocked(dialer, suppressing)
    assert await dialer.send(second) is None
    dialer.carrier.held.set()
    assert isinstance(await sending, Placed)
    done = await suppressing
    assert (done.added, done.already, done.live_calls) == (3002, 0, 1)
    assert len(dialer.carrier.placed) == 1


async def test_two_batches_of_the_same_numbers_do_not_block_each_other(
    dialer: House, dialer_database: str, app_db: Db
) -> None:
    numbers = many(app_db, dialer.keyring, 500)
    url = login_url(dialer_database, "app", dialer.keyring)

    def other_way(order: Sequence[int]) -> store.Suppressed:
        with connect(url, autocommit=True) as db:
            return store.suppress(db, order, FOR_ALL, NOW)

    await asyncio.gather(
        *(asyncio.to_thread(other_way, order) for order in (numbers, numbers[::-1]))
    )
    assert store.suppress(app_db, numbers, FOR_ALL, NOW) == store.Suppressed(0, 500, 0)


async def test_a_wider_suppression_covers_a_narrower_one_and_not_the_other_way(
    dialer: House, app_db: Db
) -> None:
    dialer.office.leads(1)
    campaign = dialer.office.campaign()
    seller = dialer.office.seller()
    (number,) = many(app_db, dialer.keyring, 1)
    narrow = Order("campaign", "page", "opt_out", seller_id=seller, campaign_id=campaign)
    own = Order("seller", "page", "opt_out", seller_id=seller)
    other = Order("seller", "page", "opt_out", seller_id=dialer.office.seller("Other"))
    for order, added in ((narrow, 1), (narrow, 0), (own, 1), (other, 1), (FOR_ALL, 1)):
        assert store.suppress(app_db, [number], order, NOW).added == added
    for order in (narrow, own, other, FOR_ALL):
        assert store.suppress(app_db, [number], order, NOW).already == 1


async def test_one_campaign_is_stopped_and_the_sellers_next_one_is_not(
    dialer: House, app_db: Db
) -> None:
    (lead,) = dialer.office.leads(1)
    first = dialer.office.campaign("First")
    order = store.order_for(
        app_db, "campaign", source="page", reason="other", campaign="First", added_by="test"
    )
    store.suppress(app_db, [lead.number_id], order, NOW)
    assert await dialer.claim() == []
    dialer.office.set_state(first, "stopped")
    second = dialer.office.campaign("Second")
    ((intent, _),) = await dialer.claim()
    assert intent.campaign_id == second


async def test_a_suppression_takes_the_consents_back_that_it_contradicts(
    dialer: House, app_db: Db
) -> None:
    own, other = dialer.office.seller(), dialer.office.seller("Other")
    (number,) = many(app_db, dialer.keyring, 1)
    for seller in (own, other):
        app_db.execute(
            "INSERT INTO consents (number_id, seller_id, kind, purpose, channel, obtained_at)"
            " VALUES (%s, %s, 'written', 'telemarketing', 'web', %s)",
            (number, seller, NOW),
        )
    store.suppress(app_db, [number], Order("seller", "page", "opt_out", seller_id=own), NOW)
    found = dialer.office.rows("SELECT seller_id, revoked_through FROM consents")
    assert {row["seller_id"]: row["revoked_through"] for row in found} == {own: "page", other: None}
    store.suppress(app_db, [number], FOR_ALL, NOW)
    found = dialer.office.rows("SELECT revoked_through FROM consents ORDER BY id")
    assert [row["revoked_through"] for row in found] == ["page", "file"]


async def test_a_call_that_rings_is_ended_and_a_conversation_is_not(
    dialer: House, app_db: Db
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    attempt_id, sid = await dialer.dial()
    number = dialer.office.attempt(attempt_id)["number_id"]
    seller = dialer.office.seller()

    async def look() -> int:
        return await end_revoked_calls(dialer.pool, dialer.carrier, rehearsal=True)

    assert await look() == 0
    store.suppress(app_db, [number], Order("seller", "page", "opt_out", seller_id=seller), NOW)
    dialer.office.db.execute("UPDATE attempts SET state = 'in_progress'")
    assert await look() == 0
    dialer.office.db.execute("UPDATE attempts SET state = 'ringing'")
    dialer.carrier.cannot_end.add(sid)
    assert await look() == 0
    dialer.carrier.cannot_end.clear()
    assert await look() == 1
    assert dialer.carrier.ended == [sid]
    assert dialer.office.attempt(attempt_id)["end_reason"] == "suppressed"


async def test_a_suppression_for_all_ends_also_a_conversation_but_not_the_one_it_was_said_in(
    dialer: House, app_db: Db
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    attempt_id, sid = await dialer.dial()
    number = dialer.office.attempt(attempt_id)["number_id"]
    dialer.office.db.execute("UPDATE attempts SET state = 'in_progress'")
    said = Order("all", "call", "opt_out", attempt_id=attempt_id)
    store.suppress(app_db, [number], said, NOW)
    assert await end_revoked_calls(dialer.pool, dialer.carrier, rehearsal=True) == 0
    dialer.office.db.execute(
        "INSERT INTO suppressions (number_id, scope, source, reason, created_at)"
        " VALUES (%s, 'all', 'page', 'complaint', %s)",
        (number, NOW),
    )
    assert await end_revoked_calls(dialer.pool, dialer.carrier, rehearsal=True) == 1
    assert dialer.carrier.ended == [sid]


async def test_what_is_known_of_a_number_is_told_without_the_number(
    dialer: House, app_db: Db
) -> None:
    number = phone_number()
    assert not store.standing(app_db, dialer.keyring, number).known
    ids = store.ensure_numbers(app_db, dialer.keyring, [number, number], NOW)
    assert ids == store.ensure_numbers(app_db, dialer.keyring, [number], NOW)
    store.suppress(app_db, ids, FOR_ALL, NOW)
    standing = store.standing(app_db, dialer.keyring, number.replace("+1212", "(212) "))
    assert [row["source"] for row in standing.suppressions] == ["file"]
    assert number[2:] not in str(standing)
    with pytest.raises(BadInput):
        store.standing(app_db, dialer.keyring, "12")


async def test_an_order_names_what_there_is(dialer: House, app_db: Db) -> None:
    dialer.office.seller()
    with pytest.raises(NotFound, match="there are: Acme"):
        store.order_for(app_db, "seller", source="page", reason="other", seller="Nobody")
    with pytest.raises(BadInput, match="needs the name of the campaign"):
        store.order_for(app_db, "campaign", source="page", reason="other")
    with pytest.raises(BadInput, match="the scope is"):
        store.order_for(app_db, "world", source="page", reason="other")


async def test_nobody_but_the_owner_unsays_a_suppression(dialer: House, app_db: Db) -> None:
    for statement in ("DELETE FROM suppressions", "UPDATE suppressions SET scope = 'seller'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app_db.execute(statement)

"""A simulated call, held by the real session, told over a real Valkey, as it happens."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import redis.asyncio

from dialer.onlooking import LiveFeed, PublishingLog
from tests.integration.media_calls import desk
from tests.integration.sim_carrier import TO, people
from tests.unit.media_fakes import KeptLog
from voice_ai.embedded import ValkeyLease, attach_valkey
from voice_ai.ids import AttemptId
from voice_ai.live_feed import LiveMessage, channel_of, decode
from voice_ai.vault import Keyring

pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
CALL = AttemptId(UUID(int=11))


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring) -> Iterator[ValkeyLease]:
    with attach_valkey(tmp_path_factory.mktemp("feed"), keyring) as lease:
        yield lease


async def collect(url: str, channel: str, ready: asyncio.Event) -> list[LiveMessage]:
    """Everything up to the end of the call."""
    told: list[LiveMessage] = []
    client = redis.asyncio.Redis.from_url(url)
    try:
        subscription = client.pubsub()
        await subscription.subscribe(channel)
        async for news in subscription.listen():
            if news["type"] == "subscribe":
                ready.set()
                continue
            message = decode(news["data"])
            assert message is not None
            told.append(message)
            if message.kind == "ended":
                return told
    finally:
        await client.aclose()
    return told


async def test_onlookers_hear_a_call_in_the_order_in_which_it_happens(
    valkey: ValkeyLease, keyring: Keyring
) -> None:
    feed = LiveFeed(lambda: valkey.url, channel_of(keyring))
    carrying = asyncio.create_task(feed.run())
    ready = asyncio.Event()
    config = people("pleased")
    heard = asyncio.create_task(collect(valkey.url, feed.channel, ready))

    def watched(log: KeptLog) -> PublishingLog:
        return PublishingLog(log, feed, CALL, (), config.clock())

    async with asyncio.timeout(60), desk(config) as office:
        await ready.wait()
        while not feed.connected:  # noqa: ASYNC110 - it is a fact of another task, not an event
            await asyncio.sleep(0.01)
        office.clerk.watched = watched
        held = await office.call(TO)
        told = await heard
    carrying.cancel()
    await asyncio.gather(carrying, return_exceptions=True)
    kinds = [message.kind for message in told]
    # What is written down is told once it is durable, what is said at once.
    assert set(kinds[:2]) == {"started", "saying"}
    assert kinds[-2:] == ["outcome", "ended"]
    assert kinds.index("saying") < kinds.index("turn")
    turns = [message.turn for message in told if message.turn is not None]
    assert [turn.turn_index for turn in turns] == list(range(len(held.log.turns)))
    assert {turn.speaker for turn in turns} == {"agent", "caller"}
    assert any(turn.response_ms is not None for turn in turns)
    assert "partial" in kinds
    assert {message.attempt_id for message in told} == {CALL}


async def test_a_call_does_not_notice_that_redis_has_gone(tmp_path: Path, keyring: Keyring) -> None:
    lease = attach_valkey(tmp_path / "own", keyring)
    url = lease.url
    feed = LiveFeed(lambda: url, channel_of(keyring))
    carrying = asyncio.create_task(feed.run())
    config = people("pleased")
    async with asyncio.timeout(60), desk(config) as office:
        while not feed.connected:  # noqa: ASYNC110 - it is a fact of another task, not an event
            await asyncio.sleep(0.01)
        office.clerk.watched = lambda log: PublishingLog(log, feed, CALL, (), config.clock())
        await asyncio.to_thread(lease.close)
        held = await office.call(TO)
    carrying.cancel()
    await asyncio.gather(carrying, return_exceptions=True)
    assert held.result.disposition == "goal"
    assert not feed.connected

"""A stopped server finishes its conversations first; asked twice, or late, it ends at once."""

import signal

import pytest
import uvicorn

from dialer.draining import DrainingServer


async def _app(scope: object, receive: object, send: object) -> None:
    raise AssertionError("nothing is served here")


@pytest.fixture
def calls() -> list[str]:
    return ["one", "two"]


def server(calls: list[str], limit_s: float = 600.0) -> DrainingServer:
    return DrainingServer(uvicorn.Config(_app), lambda: len(calls), limit_s)


async def test_it_goes_on_until_the_last_call_is_over(calls: list[str]) -> None:
    draining = server(calls)
    assert not await draining.on_tick(1)
    draining.handle_exit(signal.SIGTERM, None)
    assert draining.draining
    assert not await draining.on_tick(1)
    calls.clear()
    assert await draining.on_tick(1)


async def test_without_a_call_it_ends_at_once() -> None:
    draining = server([])
    draining.handle_exit(signal.SIGTERM, None)
    assert await draining.on_tick(1)


async def test_the_second_signal_ends_it_whatever_is_live(calls: list[str]) -> None:
    draining = server(calls)
    draining.handle_exit(signal.SIGTERM, None)
    draining.handle_exit(signal.SIGTERM, None)
    assert await draining.on_tick(1)


async def test_it_waits_no_longer_than_the_limit(calls: list[str]) -> None:
    draining = server(calls, limit_s=0)
    draining.handle_exit(signal.SIGINT, None)
    assert await draining.on_tick(1)

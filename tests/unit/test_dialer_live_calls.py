"""The conversations of one process: one per attempt, and its end can be waited for."""

import asyncio
from uuid import uuid4

from dialer.live_calls import LiveCalls
from dialer.media.events import SessionControl, StopOrder
from voice_ai.ids import AttemptId


def test_an_attempt_has_one_conversation_at_a_time() -> None:
    live, attempt_id = LiveCalls(), AttemptId(uuid4())
    first = live.open(attempt_id, SessionControl())
    assert first is not None
    assert live.open(attempt_id, SessionControl()) is None
    assert live.get(attempt_id) is first
    live.close(attempt_id)
    live.close(attempt_id)
    assert (live.get(attempt_id), len(live)) == (None, 0)
    assert live.open(attempt_id, SessionControl()) is not None


async def test_the_end_of_a_conversation_is_waited_for() -> None:
    live, attempt_id = LiveCalls(), AttemptId(uuid4())
    await live.wait_until_over(attempt_id, 60)
    live.open(attempt_id, SessionControl())
    waiting = asyncio.create_task(live.wait_until_over(attempt_id, 60))
    await asyncio.sleep(0)
    assert not waiting.done()
    live.close(attempt_id)
    await waiting


async def test_a_conversation_that_does_not_end_is_not_waited_for_longer() -> None:
    live, attempt_id = LiveCalls(), AttemptId(uuid4())
    live.open(attempt_id, SessionControl())
    await live.wait_until_over(attempt_id, 0)
    assert len(live) == 1


def test_all_conversations_are_told_to_stop() -> None:
    live = LiveCalls()
    heard: list[object] = []
    for _ in range(2):
        control = SessionControl()
        control.attach(heard.append)
        live.open(AttemptId(uuid4()), control)
    live.stop_all("server_stops")
    assert heard == [StopOrder("server_stops")] * 2

import asyncio

import pytest

from dialer.media.ears import CHUNK_BYTES, EarLine
from dialer.media.journal import Journal
from dialer.ports import EarEvent, EarsLost, FinalText, PartialText
from tests.unit.media_fakes import FakeEars, FakeEarsFactory, KeptLog

FRAME = b"\x10" * 160


class Line:
    def __init__(self, *ears: FakeEars, backlog_s: float = 10.0) -> None:
        self.factory = FakeEarsFactory(*ears)
        self.events: list[EarEvent] = []
        self.line = EarLine(
            self.factory, language="en-US", on_event=self.events.append, backlog_s=backlog_s
        )
        self.running = asyncio.create_task(self.line.run())

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def stop(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


async def test_several_frames_are_one_message_and_a_commit_comes_after_all_audio() -> None:
    ears = FakeEars()
    line = Line(ears)
    for _ in range(CHUNK_BYTES // len(FRAME) - 1):
        line.line.feed(FRAME)
    await line.settle()
    assert ears.heard_bytes == 0
    line.line.feed(FRAME)
    await line.settle()
    assert ears.heard_bytes == CHUNK_BYTES
    ears.listen_to("Yes.")
    line.line.feed(FRAME)
    line.line.commit()
    await line.settle()
    assert ears.heard_bytes == CHUNK_BYTES + len(FRAME)
    assert line.events == [FinalText("Yes.")]
    await line.stop()
    assert ears.closed


async def test_audio_waits_while_the_ears_are_opened() -> None:
    line = Line(ears := FakeEars())
    for _ in range(3 * CHUNK_BYTES // len(FRAME)):
        line.line.feed(FRAME)
    await line.settle()
    assert ears.heard_bytes == 3 * CHUNK_BYTES
    await line.stop()


async def test_lost_ears_are_opened_once_more_and_then_given_up() -> None:
    first, second = FakeEars(), FakeEars()
    line = Line(first, second)
    await line.settle()
    first.die()
    await line.settle()
    assert first.closed
    second.partial("still there")
    await line.settle()
    assert line.events == [PartialText("still there")]
    second.die()
    with pytest.raises(EarsLost, match="gone"):
        await line.running
    assert second.closed


async def test_ears_that_cannot_be_opened_are_lost() -> None:
    line = Line()
    with pytest.raises(EarsLost, match="cannot be reached"):
        await line.running
    assert len(line.factory.languages) == 2


async def test_a_recogniser_that_falls_behind_is_noticed() -> None:
    line = Line(FakeEars(), backlog_s=0.5)
    for _ in range(25):
        line.line.feed(FRAME)
    with pytest.raises(EarsLost, match="behind"):
        line.line.commit()
    await line.stop()


async def test_the_journal_keeps_the_order_and_survives_a_failure() -> None:
    log = KeptLog(refuses={"barge_in"})
    journal = Journal(log)
    journal.write(lambda call_log: call_log.media_started("MZ1"))
    journal.write(lambda call_log: call_log.barge_in(0, 0.5))
    journal.write(lambda call_log: call_log.media_stopped("script_end"))
    journal.end()
    await journal.run()
    assert log.entries == [("media_started", "MZ1"), ("media_stopped", "script_end")]

"""The live feed: what is told, in which order, how much of it, and what happens without Redis."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.onlooking import MOST_WAITING, LiveFeed, PublishingLog, live_turn
from dialer.ports import TurnRecord
from tests.unit.media_fakes import Guess, KeptLog, VirtualClock
from voice_ai.conversation.redact import redact_unfinished
from voice_ai.ids import AttemptId
from voice_ai.live_feed import LiveMessage, channel_of, decode, encode
from voice_ai.vault import Keyring

CALL = AttemptId(UUID(int=7))
NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
TURN = TurnRecord(
    index=3,
    speaker="caller",
    node="opening",
    text="This is Ann Miller, 212 555 0133",
    started_at=NOW,
    ended_at=NOW + timedelta(seconds=2),
    emotion=Guess("emotion", "joy", 0.8),
    response_ms=640.0,
)


def feed(*, connected: bool = True) -> LiveFeed:
    return LiveFeed(lambda: None, "channel", connected=connected)


def told_by(shelf: LiveFeed) -> list[LiveMessage]:
    return shelf._take()


def log_on(shelf: LiveFeed) -> tuple[KeptLog, PublishingLog]:
    kept = KeptLog()
    return kept, PublishingLog(kept, shelf, CALL, ("Ann Miller",), VirtualClock())


def test_a_message_comes_out_as_it_went_in() -> None:
    message = LiveMessage(CALL, "turn", NOW, None, live_turn(TURN, ("Ann Miller",)))
    assert decode(encode(message)) == message
    plain = LiveMessage(CALL, "ended", NOW, "script_end")
    assert decode(encode(plain)) == plain


@given(st.binary(max_size=80))
def test_what_is_not_a_message_is_nothing(data: bytes) -> None:
    assert decode(data) is None


def test_a_newer_version_is_not_guessed_at() -> None:
    data = encode(LiveMessage(CALL, "ended", NOW)).replace(b'"v":1', b'"v":2')
    assert decode(data) is None


def test_homes_that_share_a_redis_have_their_own_channels() -> None:
    one, other = (
        Keyring(b"a secret of the tests, 32 bytes."),
        Keyring(b"another secret of 32 bytes long."),
    )
    assert channel_of(one) != channel_of(other)


async def test_the_call_is_told_in_its_order_and_names_nobody() -> None:
    shelf = feed()
    kept, log = log_on(shelf)
    await log.media_started("MZ1")
    log.saying("Hello Ann Miller.")
    log.partial("my number is 212")
    await log.turn(TURN)
    await log.opt_out("speech")
    await log.outcome("opt_out", "opt_out", {"comment": "212 555 0133"})
    await log.media_stopped("opt_out")
    told = told_by(shelf)
    assert [message.kind for message in told] == [
        "started",
        "saying",
        "partial",
        "turn",
        "opted_out",
        "outcome",
        "ended",
    ]
    assert [name for name, _ in kept.entries] == [
        "media_started",
        "turn",
        "opt_out",
        "outcome",
        "media_stopped",
    ]
    sent = b"".join(map(encode, told)).decode()
    for private in ("Ann", "Miller", "212", "0133"):
        assert private not in sent
    assert told[3].turn is not None
    assert (told[3].turn.emotion, told[3].turn.response_ms) == ("joy", 640.0)


async def test_a_turn_that_could_not_be_written_is_not_shown() -> None:
    shelf = feed()
    kept, log = log_on(shelf)
    kept.refuses = {"turn"}
    with pytest.raises(ConnectionError):
        await log.turn(TURN)
    assert told_by(shelf) == []


def test_only_the_newest_partial_waits_and_it_keeps_its_place_in_the_order() -> None:
    shelf = feed()
    _, log = log_on(shelf)
    log.partial("I")
    log.saying("Yes?")
    log.partial("I would")
    log.partial("I would like")
    assert [(m.kind, m.text) for m in told_by(shelf)] == [
        ("saying", "Yes?"),
        ("partial", "I would like"),
    ]


def test_the_shelf_is_bounded_and_the_oldest_goes() -> None:
    shelf = feed()
    for number in range(MOST_WAITING + 10):
        message = LiveMessage(CALL, "outcome", NOW, str(number))
        shelf.publish(lambda message=message: message)  # type: ignore[misc]
    first = told_by(shelf)[0]
    assert first.text == "10"


def test_without_redis_nothing_waits() -> None:
    shelf = feed(connected=False)
    _, log = log_on(shelf)
    for _ in range(100):
        log.partial("hello")
    assert told_by(shelf) == []


async def test_a_redis_that_is_away_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    shelf = LiveFeed(lambda: "redis://127.0.0.1:1/0", "channel")
    loop, again, tries = asyncio.get_running_loop(), asyncio.Event(), []

    def find() -> str:
        tries.append(1)
        if len(tries) == 2:
            loop.call_soon_threadsafe(again.set)
        return "redis://127.0.0.1:1/0"

    shelf.find_url = find
    running = asyncio.create_task(shelf.run())
    async with asyncio.timeout(20):
        await again.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not shelf.connected
    assert capsys.readouterr().out.count("live_feed_lost") == 1


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("my number is two one", "my number is [number]"),
        ("it is 21", "it is [number]"),
        ("ann dot miller at", "[email] at"),
        ("yes that is fine", "yes that is fine"),
    ],
)
def test_words_that_are_still_being_said_give_no_number_away(said: str, shown: str) -> None:
    assert redact_unfinished(said, ()) == shown


def test_a_turn_of_the_agent_has_no_emotion() -> None:
    turn = live_turn(replace(TURN, speaker="agent", emotion=None), ())
    assert (turn.emotion, turn.emotion_score) == (None, None)

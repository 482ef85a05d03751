"""What a page makes of the feed: who speaks, what is over, who waits and for how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.live_feed import MOST_CALLS, LiveFeed
from app.live_talk import LATE_S, NOTHING, SILENT_S, Talk, merged, told, waiting
from app.queries.calls import LiveBoard, LiveCall
from voice_ai.live_feed import LiveMessage, LiveTurn, MessageKind, encode

CALL = UUID(int=1)
NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)


def message(
    kind: MessageKind, text: str | None = None, turn: LiveTurn | None = None
) -> LiveMessage:
    return LiveMessage(CALL, kind, NOW, text, turn)


def turn(index: int, speaker: str, text: str, *, interrupted: bool | None = None) -> LiveTurn:
    ended = NOW + timedelta(seconds=1)
    return LiveTurn(index, speaker, text, "rate", interrupted, None, NOW, ended, response_ms=500.0)


def after(*messages: LiveMessage) -> Talk:
    talk = NOTHING
    for one in messages:
        talk = told(talk, one)
    return talk


def live(*turns: LiveTurn, answered: bool = True) -> LiveCall:
    call = LiveCall(CALL, "Spring", 7, 1, "in_progress", NOW if answered else None, NOW, False, ())
    board = merged(
        LiveBoard(1, 0, 1, (call,)), {CALL: after(*(message("turn", None, t) for t in turns))}
    )
    return board.calls[0]


def test_unfinished_words_are_replaced_and_go_when_the_turn_is_over() -> None:
    talk = after(message("partial", "I"), message("partial", "I would"))
    assert talk.going_on(NOW) == (("caller", "I would"),)
    assert told(talk, message("turn", None, turn(1, "caller", "I would."))).going_on(NOW) == ()


def test_a_line_leaves_what_is_still_to_be_said_and_a_cut_leaves_nothing() -> None:
    talk = after(message("saying", "Hello. This is Acme."))
    one = told(talk, message("turn", None, turn(0, "agent", "Hello.")))
    assert one.saying == "This is Acme."
    assert told(one, message("turn", None, turn(1, "agent", "This is Acme."))).saying is None
    cut = told(talk, message("turn", None, turn(0, "agent", "Hello.", interrupted=True)))
    assert cut.saying is None
    later = replace(talk, saying_at=NOW + timedelta(seconds=3))
    again = told(later, message("turn", None, turn(0, "agent", "Hello.", interrupted=True)))
    assert again.saying == "Hello. This is Acme."


def test_an_older_line_that_is_written_late_does_not_end_the_one_that_is_said() -> None:
    talk = after(message("saying", "And your rating?"))
    assert (
        told(talk, message("turn", None, turn(0, "agent", "Hello."))).saying == "And your rating?"
    )


def test_the_end_ends_what_goes_on() -> None:
    talk = after(
        message("saying", "Bye."), message("opted_out", "speech"), message("ended", "opt_out")
    )
    assert (talk.going_on(NOW), talk.opted_out, talk.ended) == ((), True, "opt_out")


def test_the_database_has_the_last_word_on_a_turn() -> None:
    first = live(turn(0, "agent", "Hello."), turn(1, "caller", "Yes."))
    assert [one.text for one in first.turns] == ["Hello.", "Yes."]
    talk = after(message("turn", None, turn(1, "caller", "from the feed")))
    again = merged(LiveBoard(1, 0, 1, (first,)), {CALL: talk}).calls[0]
    assert [one.text for one in again.turns] == ["Hello.", "Yes."]


@pytest.mark.parametrize(
    ("call", "seconds", "late"),
    [
        (live(turn(0, "caller", "Yes.")), LATE_S, True),
        (live(turn(0, "agent", "Yes?")), SILENT_S, False),
        (live(), SILENT_S, False),
    ],
)
def test_who_waits_is_told(call: LiveCall, seconds: float, late: bool) -> None:
    since = call.turns[-1].ended_at if call.turns else NOW
    before, at = timedelta(seconds=seconds - 0.1), timedelta(seconds=seconds)
    assert waiting(call, NOTHING, since + before) is None
    found = waiting(call, NOTHING, since + at)
    assert found is not None
    assert (found.late, found.seconds) == (late, seconds)
    speaking = replace(after(message("saying", "One moment.")), saying_at=since + at)
    assert waiting(call, speaking, since + at) is None
    assert waiting(call, speaking, since + at + timedelta(seconds=20)) is not None
    assert waiting(call, after(message("ended", "script_end")), since + at) is None


def test_a_call_that_rings_waits_for_nobody() -> None:
    assert waiting(live(answered=False), NOTHING, NOW + timedelta(minutes=1)) is None


def test_the_reader_remembers_so_many_calls_and_passes_over_what_is_not_ours() -> None:
    feed = LiveFeed(lambda: None, "channel")
    feed.take(b"nonsense")
    for number in range(MOST_CALLS + 20):
        feed.take(encode(LiveMessage(UUID(int=number), "started", NOW)))
    talks = feed.heard().talks
    assert len(talks) == MOST_CALLS
    assert UUID(int=0) not in talks
    assert UUID(int=MOST_CALLS + 19) in talks

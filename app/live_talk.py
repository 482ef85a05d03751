"""What is being said in one live call: messages in, what a page shows out. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from app.queries.calls import LiveBoard, LiveCall, Turn
from voice_ai.live_feed import LiveMessage, LiveTurn

# An answer after this long is late for the person; silence of both sides is worth a look.
LATE_S = 2.0
SILENT_S = 8.0
# The slowest speech, and the way of its sound to the person and back.
_LETTERS_PER_S = 10.0
_SLACK_S = 4.0


@dataclass(frozen=True)
class Talk:
    """What the feed told of a call. `partial` and `saying` go on right now; None: nobody speaks."""

    turns: Mapping[int, LiveTurn] = field(default_factory=dict)
    partial: str | None = None
    saying: str | None = None
    partial_at: datetime | None = None
    saying_at: datetime | None = None
    opted_out: bool = False
    ended: str | None = None

    def going_on(self, now: datetime) -> tuple[tuple[str, str], ...]:
        """Who speaks and what, the person last: their words are the newest.

        What cannot be going on any more is left out: a line that was dropped before its first sound
        is never told to be over.
        """
        said = (
            ("agent", self.saying, self.saying_at),
            ("caller", self.partial, self.partial_at),
        )
        return tuple(
            (who, text)
            for who, text, at in said
            if text and at and now - at <= timedelta(seconds=_SLACK_S + len(text) / _LETTERS_PER_S)
        )


NOTHING = Talk()


def told(talk: Talk, message: LiveMessage) -> Talk:
    match message.kind:
        case "started":  # anew, when a call comes back from a colleague
            return replace(talk, ended=None)
        case "partial":
            return replace(talk, partial=message.text or None, partial_at=message.at)
        case "saying":
            return replace(talk, saying=message.text or None, saying_at=message.at)
        case "turn" if message.turn is not None:
            return _turn(talk, message.turn)
        case "opted_out":
            return replace(talk, opted_out=True)
        case "ended":
            return replace(talk, ended=message.text or "ended", partial=None, saying=None)
    return talk


def _turn(talk: Talk, turn: LiveTurn) -> Talk:
    talk = replace(talk, turns={**talk.turns, turn.turn_index: turn})
    if turn.speaker == "caller":
        return replace(talk, partial=None)
    return replace(talk, saying=_left(talk, turn))


def _left(talk: Talk, line: LiveTurn) -> str | None:
    """What is still to be said behind a line that is over; a cut takes all that began before it."""
    saying = talk.saying
    if saying is None or talk.saying_at is None or not line.text:
        return None
    if line.interrupted or (line.heard_fraction is not None and line.heard_fraction < 1):
        return saying if talk.saying_at > line.ended_at else None
    return saying.removeprefix(line.text).strip() or None if line.text in saying else saying


def merged(board: LiveBoard, talks: Mapping[UUID, Talk]) -> LiveBoard:
    """The board with turns that are not read from the database yet."""
    calls = tuple(_merged(call, talks.get(call.attempt_id, NOTHING)) for call in board.calls)
    return replace(board, calls=calls)


def _merged(call: LiveCall, talk: Talk) -> LiveCall:
    known = {turn.turn_index: turn for turn in call.turns}
    for index, turn in talk.turns.items():
        known.setdefault(index, Turn(attempt_id=call.attempt_id, **asdict(turn)))
    return replace(call, turns=tuple(known[index] for index in sorted(known)))


@dataclass(frozen=True)
class Waiting:
    """`late`: the person waits for an answer; otherwise nobody says anything."""

    seconds: float
    late: bool

    @property
    def words(self) -> str:
        return f"{'answer late' if self.late else 'silent'}, {self.seconds:,.0f} s"


def waiting(call: LiveCall, talk: Talk, now: datetime) -> Waiting | None:
    """None while somebody speaks, the pause is an ordinary one, or the call is not answered."""
    if call.answered_at is None or talk.going_on(now) or talk.ended is not None:
        return None
    last = call.turns[-1] if call.turns else None
    since = call.answered_at if last is None else last.ended_at
    seconds = (now - since).total_seconds()
    if last is not None and last.speaker == "caller" and seconds >= LATE_S:
        return Waiting(seconds, late=True)
    return Waiting(seconds, late=False) if seconds >= SILENT_S else None

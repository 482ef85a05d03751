"""Where two calls hear each other: the conference of a name, or the two ends of a `<Dial>`."""

import asyncio
from dataclasses import dataclass, field

from dialer.simulator.callee import Human
from dialer.simulator.line import Line
from dialer.simulator.speech import Speech
from voice_ai.mulaw import FRAME_BYTES

_MUSIC_EVERY_S = 6.0


@dataclass(eq=False)
class Seat:
    """One call in a room. `starts`: it begins when they come; `ends`: it is over when they go."""

    line: Line
    starts: bool
    ends: bool
    left: asyncio.Event = field(default_factory=asyncio.Event)
    met: bool = False


class Room:
    """Until somebody comes who starts it, everybody hears music (`waiting` is one sound of it)."""

    def __init__(self, waiting: bytes) -> None:
        self._waiting = waiting
        self._seats: list[Seat] = []
        self._open = False
        self.begun = asyncio.Event()

    @property
    def empty(self) -> bool:
        return not self._seats

    def join(self, seat: Seat) -> None:
        self._seats.append(seat)
        self._open = self._open or seat.starts
        if not self._open:
            self._play(seat)
            return
        for each in self._seats:
            self._connect(each)
        if len(self._seats) > 1:
            self._meet()

    def leave(self, seat: Seat) -> None:
        """It may have left before."""
        if seat not in self._seats:
            return
        self._seats.remove(seat)
        seat.line.on_frame = None
        seat.line.playout.clear()
        seat.left.set()
        if seat.ends:
            for other in list(self._seats):
                self.leave(other)

    def _meet(self) -> None:
        first = not self.begun.is_set()
        self.begun.set()
        for seat in self._seats:
            seat.met = True
            if first and seat.starts and isinstance(seat.line.callee, Human):
                seat.line.callee.speak_up()

    def _connect(self, seat: Seat) -> None:
        if seat.line.on_frame is None:
            seat.line.playout.clear()
            seat.line.on_frame = lambda frame: self._pass_on(seat, frame)

    def _pass_on(self, speaker: Seat, frame: bytes | None) -> None:
        if frame is not None:
            for other in self._seats:
                if other is not speaker:
                    other.line.playout.write(frame)

    def _play(self, seat: Seat) -> None:
        if self._open or seat.left.is_set():
            return
        seat.line.playout.write(self._waiting)
        pause = max(_MUSIC_EVERY_S, len(self._waiting) / FRAME_BYTES * 0.02)
        seat.line.after(pause, lambda: self._play(seat))


class Rooms:
    """The conferences of one carrier, by account and name; one without anybody is forgotten."""

    def __init__(self) -> None:
        self._rooms: dict[tuple[str, str], Room] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    def join(self, account_sid: str, name: str, seat: Seat) -> None:
        key = account_sid, name
        self._rooms.setdefault(key, Room(Speech.beep())).join(seat)

    def leave(self, account_sid: str, name: str, seat: Seat) -> None:
        key = account_sid, name
        if (room := self._rooms.get(key)) is None:  # everything was reset
            return
        room.leave(seat)
        if room.empty:
            del self._rooms[key]

    def clear(self) -> None:
        self._rooms.clear()

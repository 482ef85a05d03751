"""The audio of one answered call: a beat of 20 ms that drives the callee, the playout and the taps.

The beat follows an absolute schedule, divided by the simulator's speed; beats that came due
together are done together. A machine that falls more than a second behind makes the line slow
rather than hasty: the schedule moves.
"""

import asyncio
import heapq
from collections.abc import Callable

from dialer.simulator.call import Recording
from dialer.simulator.callee import FRAME_S, SILENT_FRAME, Callee, ticks
from dialer.simulator.playout import Playout

# Waking up more often than this costs more than it is worth.
_SHORTEST_SLEEP_S = 0.004
_MOST_BEHIND_S = 1.0
_MOST_AT_ONCE = 50

Tap = Callable[[bytes | None], None]
Marks = Callable[[list[str]], None]


class Line:
    """`on_frame` gets every 20 ms the callee sends, `on_marks` the marks that came due."""

    def __init__(self, callee: Callee, speed: float, on_hang_up: Callable[[str], None]) -> None:
        self.callee = callee
        self.playout = Playout()
        self.on_frame: Tap | None = None
        self.on_marks: Marks | None = None
        self.on_digit: Callable[[str], None] | None = None
        self.recordings: list[Recording] = []
        self._on_hang_up = on_hang_up
        self._beat_s = FRAME_S / speed
        self._loop = asyncio.get_running_loop()
        self._tick = 0
        self._origin = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._serial = 0
        self._closed = False

    @property
    def seconds(self) -> float:
        """Audio time since the line opened."""
        return self._tick * FRAME_S

    def open(self) -> None:
        """Start the beat; before that, the callee's time stands still."""
        if self._timer is None and not self._closed:
            self._origin = self._loop.time()
            self._schedule()

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._agenda.clear()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something at that audio time from now on."""
        self._serial += 1
        heapq.heappush(self._agenda, (self._tick + max(1, ticks(seconds)), self._serial, act))

    async def wait(self, seconds: float) -> None:
        """Until that much audio time has passed."""
        passed = asyncio.Event()
        self.after(seconds, passed.set)
        await passed.wait()

    async def played(self) -> None:
        """Until the playout is empty."""
        while not self.playout.empty:
            await self.wait(FRAME_S)

    def _schedule(self) -> None:
        due = self._origin + (self._tick + 1) * self._beat_s
        if self._beat_s < _SHORTEST_SLEEP_S:
            due = max(due, self._loop.time() + _SHORTEST_SLEEP_S)
        self._timer = self._loop.call_at(due, self._pulse)

    def _pulse(self) -> None:
        now = self._loop.time()
        due = int((now - self._origin) / self._beat_s + 1e-6) - self._tick
        behind = due * self._beat_s
        if behind > _MOST_BEHIND_S:
            self._origin += behind - _MOST_BEHIND_S
        goal = self._tick + min(due, _MOST_AT_ONCE)
        while self._tick < goal and not self._closed:
            if not self._skip(goal):
                self._beat()
        if not self._closed:
            self._schedule()

    def _skip(self, goal: int) -> bool:
        """Pass over beats up to `goal` in which nothing can happen and nobody listens."""
        if self.on_frame is not None or self.recordings or not self.playout.empty:
            return False
        until = min(goal, self._agenda[0][0] - 1) if self._agenda else goal
        idle = min(until - self._tick, self.callee.idle_ticks())
        if idle < 2:
            return False
        self.callee.skip(idle)
        self._tick += idle
        return True

    def _beat(self) -> None:
        self._tick += 1
        if self.playout.has_due and self.on_marks is not None:
            self.on_marks(self.playout.due())
        played = self.playout.frame()
        callee = self.callee
        spoken = callee.tick(played)
        if self.on_frame is not None:
            self.on_frame(spoken)
        if callee.digits and self.on_digit is not None:
            self.on_digit(callee.digits.pop(0))
        for recording in self.recordings:
            recording.callee += spoken or SILENT_FRAME
            recording.agent += played or SILENT_FRAME
        while self._agenda and self._agenda[0][0] <= self._tick:
            heapq.heappop(self._agenda)[2]()
        if callee.hung_up is not None and not self._closed:
            self._on_hang_up(callee.hung_up)

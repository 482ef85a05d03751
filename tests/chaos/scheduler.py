"""The scheduler of the simulation: virtual time, and what may go wrong before every step.

A task is a generator that yields how long it waits. Before each of its steps a seeded draw may
kill its process, break its connection, let the whole process stand still, or delay the step.
"""

import hashlib
import heapq
import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.chaos.model import Attempt, Worker

Steps = Generator[float, None, None]


class Broken(Exception):
    """A connection broke off: to the database or to the carrier."""


@dataclass
class Process:
    """Whatever dies and stands still together. `holds` are numbers locked by its sends."""

    worker: Worker
    tasks: set["Task"] = field(default_factory=set)
    alive: bool = True
    stands_until: float = 0.0
    lost: list[Attempt] = field(default_factory=list)


@dataclass(eq=False)
class Task:
    steps: Steps
    process: Process | None
    # Its transaction was broken while the process stood still: the next step learns it.
    cut: bool = False
    # What has not begun has no connection that could break.
    begun: bool = False
    attempt: Attempt | None = None


@dataclass(frozen=True)
class Chances:
    """Of a fault, at every await."""

    crash: float = 0.0006
    breaks: float = 0.004
    stall: float = 0.0006
    delay: float = 0.01


CALM = Chances(0, 0, 0, 0)


class Scheduler(ABC):
    """One seed, one history: `digest` proves it."""

    def __init__(self, seed: int, start: datetime) -> None:
        self.start, self.at = start, 0.0
        self.draws = random.Random(seed)
        self.chances = Chances()
        self.faults: Counter[str] = Counter()
        self.steps = 0
        self._heap: list[tuple[float, int, Task | Callable[[], None]]] = []
        self._serial = 0
        self._digest = hashlib.sha256(str(seed).encode())

    @property
    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.at)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()[:16]

    @abstractmethod
    def _restart(self, name: int) -> None:
        """A process of that name has died."""

    @abstractmethod
    def _let_go(self, attempt: Attempt) -> None:
        """The locks of its send fall."""

    def _note(self, *what: object) -> None:
        self._digest.update(f"{self.at:.6f} {what}\n".encode())

    def _push(self, after: float, what: "Task | Callable[[], None]") -> None:
        self._serial += 1
        heapq.heappush(self._heap, (self.at + after, self._serial, what))

    def _spawn(self, steps: Steps, process: Process | None, attempt: Attempt | None = None) -> None:
        task = Task(steps, process, attempt=attempt)
        if process is not None:
            process.tasks.add(task)
        self._push(0.0, task)

    def _until(self, end: float) -> None:
        heap = self._heap
        while heap and heap[0][0] <= end:
            self.at, _, what = heapq.heappop(heap)
            if isinstance(what, Task):
                self._step(what)
            else:
                what()
        self.at = end

    def _step(self, task: Task) -> None:
        process = task.process
        broken = False
        if process is not None:
            if not process.alive:
                return
            if process.stands_until > self.at:
                self._push(process.stands_until - self.at, task)
                return
            broken = task.cut or self._fault(process, task)
            if not process.alive or process.stands_until > self.at:
                return
        task.cut = False
        self.steps += 1
        try:
            broken, task.begun = broken and task.begun, True
            after = task.steps.throw(Broken()) if broken else next(task.steps)
        except (StopIteration, Broken):
            if process is not None:
                process.tasks.discard(task)
            return
        if process is not None and self.draws.random() < self.chances.delay:
            self.faults["delay"] += 1
            after += self.draws.uniform(0.0, 2.0)
        self._push(after, task)

    def _fault(self, process: Process, task: Task) -> bool:
        """What goes wrong before this step; True: its connection breaks."""
        drawn, chances = self.draws.random(), self.chances
        if drawn < chances.crash:
            self._crash(process)
            return False
        if drawn < chances.crash + chances.stall:
            self._stall(process, task)
            return False
        if drawn < chances.crash + chances.stall + chances.breaks:
            self.faults["break"] += 1
            return True
        return False

    def _crash(self, process: Process) -> None:
        self.faults["crash"] += 1
        self._note("crash", process.worker.name)
        process.alive = False
        process.worker.dead_at = self.now
        for task in process.tasks:
            task.steps.close()
        process.tasks.clear()
        self._restart(process.worker.name)

    def _stall(self, process: Process, task: Task) -> None:
        """SIGSTOP; in a third of the cases its connections are gone before it goes on."""
        self.faults["stall"] += 1
        seconds = self.draws.uniform(0.5, 20.0)
        self._note("stall", process.worker.name, seconds)
        process.stands_until = self.at + seconds
        self._push(seconds, task)
        if self.draws.random() < 0.33:
            worker, since = process.worker, self.now
            worker.dead_at = since
            for each in process.tasks:
                if each.attempt is not None and each.attempt.id in each.attempt.lead.number.holders:
                    each.cut = True
                    self._let_go(each.attempt)
            self._push(seconds, lambda: self._beats_again(process, since))

    def _beats_again(self, process: Process, since: datetime) -> None:
        if process.alive and process.worker.dead_at == since:
            process.worker.dead_at = None

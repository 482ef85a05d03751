"""The referee: what was really accepted, what really rang, and how close it came to every limit."""

import hashlib
import hmac
import secrets
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

from dialer.simulator.call import Call
from dialer.simulator.callbacks import CallbackCounts


@dataclass
class Window:
    """The most events seen in any sliding second."""

    most: int = 0
    recent: deque[float] = field(default_factory=deque)

    def add(self, at: float) -> None:
        self.recent.append(at)
        while self.recent[0] <= at - 1.0:
            self.recent.popleft()
        self.most = max(self.most, len(self.recent))


@dataclass
class _Gauge:
    now: int = 0
    most: int = 0

    def up(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    def down(self) -> None:
        self.now -= 1


class Judge:
    """Counts as the carrier sees them; a number appears as a keyed hash of this process only.

    `open` is accepted and not ended; `live` is dialed and not ended. Per number, a call that is
    still in the queue counts as live too.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._accepted = 0
        self._refused: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._ended_by: Counter[str] = Counter()
        self._open = _Gauge()
        self._live = _Gauge()
        self._open_per_number: Counter[str] = Counter()
        self._most_per_number = 0
        self._calls_per_number: Counter[str] = Counter()
        self._accepts = Window()
        self._starts = Window()
        self._longest_lag = 0.0
        self._faults: Counter[str] = Counter()
        self.callbacks = CallbackCounts()

    @property
    def open_now(self) -> int:
        return self._open.now

    def refused(self, code: int) -> None:
        self._refused[str(code)] += 1

    def fault(self, name: str) -> None:
        self._faults[name] += 1

    def lagged(self, seconds: float) -> None:
        self._longest_lag = max(self._longest_lag, seconds)

    def accepted(self, call: Call, now: float) -> None:
        number = call.order.to
        self._accepted += 1
        self._accepts.add(now)
        self._open.up()
        self._calls_per_number[number] += 1
        self._open_per_number[number] += 1
        self._most_per_number = max(self._most_per_number, self._open_per_number[number])

    def dialed(self, now: float) -> None:
        self._starts.add(now)
        self._live.up()

    def ended(self, call: Call, *, was_dialed: bool) -> None:
        self._open.down()
        self._open_per_number[call.order.to] -= 1
        if was_dialed:
            self._live.down()
        self._statuses[call.status.value] += 1
        if call.ended_by is not None:
            self._ended_by[call.ended_by] += 1

    def hash_of(self, number: str) -> str:
        return hmac.new(self._key, number.encode(), hashlib.sha256).hexdigest()[:16]

    def verdict(self) -> dict[str, Any]:
        per_number = self._calls_per_number
        return {
            "accepted": self._accepted,
            "refused": dict(self._refused),
            "by_status": dict(self._statuses),
            "ended_by": dict(self._ended_by),
            "open_now": self._open.now,
            "live_now": self._live.now,
            "max_open": self._open.most,
            "max_live": self._live.most,
            "max_live_per_number": self._most_per_number,
            "max_accepted_per_second": self._accepts.most,
            "max_started_per_second": self._starts.most,
            "longest_lag_s": round(self._longest_lag, 4),
            "numbers_called": len(per_number),
            "numbers_called_more_than_once": sum(count > 1 for count in per_number.values()),
            "faults": dict(self._faults),
            "callbacks": asdict(self.callbacks),
        }

    def case(self, call: Call) -> dict[str, Any]:
        """One call, without anything that names the person."""
        return {
            "sid": call.sid,
            "number_hash": self.hash_of(call.order.to),
            "attempt": call.attempt,
            "status": call.status.value,
            "outcome": call.plan.outcome,
            "persona": call.plan.persona.name if call.plan.outcome == "human" else None,
            "ended_by": call.ended_by,
            "seconds": call.seconds,
            "answered_by": call.answered_by,
            "accepted_at": call.created_at.isoformat(),
            "ended_at": None if call.ended_at is None else call.ended_at.isoformat(),
        }

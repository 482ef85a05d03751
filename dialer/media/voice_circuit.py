"""Which voices are worth asking: one that keeps failing is left alone for a while by every call."""

import time
from collections.abc import Callable
from dataclasses import dataclass

_FAILURES = 3
_REST_S = 30.0


@dataclass
class _Record:
    failures: int = 0
    rests_until: float = 0.0


class VoiceCircuit:
    """Shared by the calls of a process, so that not each of them waits for the same timeout.

    After three failures in a row, or one that no repetition mends (a quota that is used up, a
    voice that is gone), a voice rests for 30 seconds; then it is asked again. `monotonic` in real
    seconds: machines are not rehearsed.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._records: dict[str, _Record] = {}

    def allows(self, voice: str) -> bool:
        record = self._records.get(voice)
        return record is None or self._monotonic() >= record.rests_until

    def worked(self, voice: str) -> None:
        self._records.pop(voice, None)

    def failed(self, voice: str, *, for_good: bool) -> None:
        record = self._records.setdefault(voice, _Record())
        record.failures += 1
        if for_good or record.failures >= _FAILURES:
            record.rests_until = self._monotonic() + _REST_S

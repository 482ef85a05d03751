"""What a process says of itself, and the machine below it: processor, memory, disk."""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

LOW_SHARE = 0.10
# With less than this Postgres and the spool cannot be trusted to write the next row.
FULL_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True)
class Vitals:
    """`cpu_percent` since the reading before, 100 for one core; None where nobody tells."""

    cpu_percent: float
    rss_bytes: int
    threads: int
    open_files: int | None

    def row(self) -> dict[str, Any]:
        return asdict(self)


class Pulse:
    """Reads the vitals of one process, this one when `pid` is None."""

    def __init__(self, pid: int | None = None) -> None:
        self._process = psutil.Process(pid)
        self._process.cpu_percent(None)  # the first reading is only a beginning

    def read(self) -> Vitals:
        """Raises psutil.Error when the process is gone or hidden."""
        with self._process.oneshot():
            return Vitals(
                cpu_percent=round(self._process.cpu_percent(None), 1),
                rss_bytes=int(self._process.memory_info().rss),
                threads=int(self._process.num_threads()),
                open_files=int(self._process.num_fds()) if psutil.POSIX else None,
            )


@dataclass(frozen=True)
class Disk:
    """The disk that the home is on."""

    total_bytes: int
    free_bytes: int

    @property
    def free_share(self) -> float:
        return self.free_bytes / self.total_bytes if self.total_bytes else 0.0

    @property
    def state(self) -> Literal["ok", "warn", "down"]:
        """`ok`, `warn` when little is left, `down` when nothing can be written any more."""
        if self.free_bytes < FULL_BYTES:
            return "down"
        return "warn" if self.free_share < LOW_SHARE else "ok"

    def sentence(self) -> str:
        free = f"{self.free_bytes / 1e9:,.1f} GB of {self.total_bytes / 1e9:,.1f} GB free"
        advice = {"down": "full; free some space", "warn": "nearly full"}.get(self.state)
        return f"{free} ({self.free_share:.0%})" + (f": {advice}" if advice else "")


def disk_of(home: Path) -> Disk:
    """Of the nearest folder that exists: a home is made at the first start."""
    folder = next(place for place in (home, *home.parents) if place.exists())
    usage = shutil.disk_usage(folder)
    return Disk(usage.total, usage.free)

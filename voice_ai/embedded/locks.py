"""File locks that the kernel drops together with the process that holds them (flock)."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voice_ai.errors import NotAvailable

_POLL_SECONDS = 0.02


def open_lock(path: Path) -> int:
    """A descriptor to lock; not inherited by programs that this process starts."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_exclusive(descriptor: int) -> bool:
    """Whether the exclusive lock was had. A shared lock held before is lost either way."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def share(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def release(descriptor: int) -> None:
    """Unlock and close; unlocking is said aloud because a forked child may hold a copy."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def is_file_of(descriptor: int, path: Path) -> bool:
    """Whether `path` is still the file that was opened, not one that was made anew."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def exclusive(path: Path, *, timeout: float) -> Iterator[None]:
    """Hold `path` alone. Raises NotAvailable when others hold it longer than `timeout` seconds."""
    deadline = time.monotonic() + timeout
    descriptor = open_lock(path)
    try:
        while not (try_exclusive(descriptor) and is_file_of(descriptor, path)):
            if not is_file_of(descriptor, path):
                release(descriptor)
                descriptor = open_lock(path)
            elif time.monotonic() > deadline:
                raise NotAvailable(
                    f"another process has been holding {path} for {timeout:.0f} s while it starts "
                    "or stops the server; wait for it or end it, then try again"
                )
            else:
                time.sleep(_POLL_SECONDS)
        yield
    finally:
        release(descriptor)

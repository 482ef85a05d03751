"""Being attached to an embedded server: the last process out stops it.

Each attached process holds a shared lock on the home's tenants file, so that a killed one is out
without saying so. A process may attach any number of times; a forked child starts unattached.
"""

import contextlib
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from voice_ai.embedded.locks import (
    exclusive,
    is_file_of,
    open_lock,
    release,
    share,
    try_exclusive,
)
from voice_ai.embedded.server import EmbeddedServer
from voice_ai.errors import NotAvailable

_CLOSE_SECONDS = 60.0
# Beyond the time to start, for others who start or stop the same server before us.
_PATIENCE = 45.0


class Lease(Protocol):
    """Holding it keeps the server running; `close` may be called any number of times."""

    @property
    def url(self) -> str: ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@dataclass
class _Tenancy:
    """This process's place among the tenants of one home's server."""

    descriptor: int
    leases: int = 0


@dataclass
class _Process:
    """All tenancies of this process, by tenants file; anew in a forked child."""

    pid: int = field(default_factory=os.getpid)
    guard: threading.RLock = field(default_factory=threading.RLock)
    tenancies: dict[Path, _Tenancy] = field(default_factory=dict)


_process = _Process()


def _this_process() -> _Process:
    global _process
    if _process.pid != os.getpid():
        for tenancy in _process.tenancies.values():
            # The parent's lock stays: it falls with the last copy of the descriptor.
            with contextlib.suppress(OSError):
                os.close(tenancy.descriptor)
        _process = _Process()
    return _process


class ServerLease:
    """One attachment of this process to one server."""

    def __init__(self, server: EmbeddedServer, *, start_timeout: float) -> None:
        self._server = server
        self._pid = os.getpid()
        self._open = False
        try:
            self.port, self._tenancy = self._attach(start_timeout)
        except OSError as error:
            raise NotAvailable(
                f"the embedded {server.title} cannot use {error.filename or server.home}: "
                f"{error.strerror}; free or open that place, set VOICE_AI_HOME to another folder, "
                f"or set {server.variable} to a server of your own"
            ) from error
        self._open = True

    @property
    def url(self) -> str:
        return self._server.url(self.port)

    @property
    def data_dir(self) -> Path:
        return self._server.data_dir

    @property
    def log_file(self) -> Path:
        return self._server.log_file

    def _attach(self, start_timeout: float) -> tuple[int, _Tenancy]:
        server, process = self._server, _this_process()
        server.home.mkdir(parents=True, exist_ok=True)
        with process.guard, exclusive(server.lock_file, timeout=start_timeout + _PATIENCE):
            port = server.ensure_running(start_timeout)
            tenancy = process.tenancies.get(server.tenants_file)
            # Another file at that path: the home was removed and made anew since we attached.
            if tenancy is None or not is_file_of(tenancy.descriptor, server.tenants_file):
                tenancy = _Tenancy(open_lock(server.tenants_file))
                share(tenancy.descriptor)
                process.tenancies[server.tenants_file] = tenancy
            tenancy.leases += 1
        return port, tenancy

    def close(self) -> None:
        """Leave; stops the server when no process is attached any more."""
        if not self._open or self._pid != os.getpid():
            return
        self._open = False
        process, path = _this_process(), self._server.tenants_file
        with process.guard:
            self._tenancy.leases -= 1
            if self._tenancy.leases == 0:
                if process.tenancies.get(path) is self._tenancy:
                    del process.tenancies[path]
                self._leave(self._tenancy.descriptor)

    def _leave(self, descriptor: int) -> None:
        server = self._server
        try:
            if is_file_of(descriptor, server.tenants_file):
                with exclusive(server.lock_file, timeout=_CLOSE_SECONDS):
                    if try_exclusive(descriptor):
                        server.stop()
        finally:
            release(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

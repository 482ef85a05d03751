"""What PostgreSQL and Valkey have in common here: found, started, proven to be ours, stopped."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import psutil

from voice_ai.embedded.account import Account, account_for, capabilities_needed
from voice_ai.embedded.locks import open_lock, try_exclusive
from voice_ai.errors import NotAvailable

LOOPBACK = "127.0.0.1"
_KEEPER = Path(__file__).with_name("keeper.py")
_POLL_SECONDS = 0.02
# Orphans of a killed server end by themselves in one or two seconds; later they are told to.
_ORPHAN_GRACE = 3.0
_STOP_SECONDS = 30.0
_QUIT_SECONDS = 5.0
_LAST_MOMENT = 2.0
_START_TRIES = 3
_LOG_BYTES = 10_000_000


@dataclass(frozen=True)
class State:
    """What the keeper wrote about the server it started last; hints, each proven before use."""

    start_id: str
    port: int
    pid: int
    keeper: int


class EmbeddedServer(ABC):
    """One server in one home. Every method but `url` expects the caller to hold `lock_file`."""

    name: ClassVar[str]
    title: ClassVar[str]
    variable: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    port_taken: ClassVar[str]

    def __init__(self, home: Path) -> None:
        self.home = home.expanduser().resolve()
        self.folder = self.home / self.name
        self.data_dir = self.folder / "data"
        self.lock_file = self.home / f"{self.name}.lock"
        self.tenants_file = self.home / f"{self.name}.tenants"
        self.alive_file = self.folder / "alive.lock"
        self.state_file = self.folder / "server.json"
        self.log_file = self.home / "logs" / f"{self.name}.log"

    @property
    @abstractmethod
    def marker(self) -> str:
        """A word on the command line of every process of this server, and of no other."""

    @property
    @abstractmethod
    def program(self) -> Path:
        """The server's binary. Raises NotAvailable on a platform without one."""

    @property
    def stale_files(self) -> list[Path]:
        """Files that a killed server leaves and that would confuse the next one."""
        return []

    @abstractmethod
    def prepare(self, account: Account) -> None:
        """Make the data folder when there is none, and what the server reads at its start."""

    @abstractmethod
    def command(self, port: int) -> list[str]: ...

    @abstractmethod
    def answers(self, port: int) -> bool:
        """Whether our server is ready on `port`; raises NotAvailable when it never will be."""

    @abstractmethod
    def url(self, port: int) -> str: ...

    def ensure_running(self, timeout: float) -> int:
        """The port of our server, started if need be."""
        self.make_folders()
        deadline = time.monotonic() + timeout
        orphans_since: float | None = None
        while True:
            if not self.is_alive():
                return self.start(deadline)
            state = self.state()
            if state and self.answers(state.port):
                return state.port
            if self.main_process() is not None:
                orphans_since = None
            else:
                orphans_since = orphans_since or time.monotonic()
                self.end_orphans(time.monotonic() - orphans_since)
            if time.monotonic() > deadline:
                raise self.unavailable(f"did not answer within {timeout:.0f} s")
            time.sleep(_POLL_SECONDS)

    def start(self, deadline: float) -> int:
        """Start the server, when none of its processes is alive."""
        before = self.state()
        if self.log_size() > _LOG_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
            self.log_file.touch(mode=0o600)
        try:
            self.prepare(account_for(self.data_dir))
            port = before.port if before and port_is_free(before.port) else free_port()
            for _ in range(_START_TRIES):
                said_before = self.log_size()
                self.hand_to_keeper(port)
                if self.became_ready(port, deadline):
                    return port
                said = self.log_since(said_before)
                if self.port_taken in said:
                    port = free_port()
            raise self.unavailable(f"ended while starting ({last_line(said)})")
        except BaseException:
            self.stop()
            # A keeper that finds no state of its own start does not start the server again.
            self.state_file.unlink(missing_ok=True)
            raise

    def became_ready(self, port: int, deadline: float) -> bool:
        """Whether the server answers; False as soon as none of its processes is left."""
        while not self.answers(port):
            if not self.is_alive():
                return False
            if time.monotonic() > deadline:
                raise self.unavailable("was not ready in time and was stopped")
            time.sleep(_POLL_SECONDS)
        return True

    def is_alive(self) -> bool:
        """Whether any process of the server, whoever started it, has not ended yet."""
        descriptor = open_lock(self.alive_file)
        try:
            return not try_exclusive(descriptor)
        finally:
            os.close(descriptor)

    def hand_to_keeper(self, port: int) -> None:
        """Have a new keeper start the server, which from then on holds the lock of being alive."""
        start_id, alive = secrets.token_hex(8), open_lock(self.alive_file)
        try:
            if not try_exclusive(alive):
                raise self.unavailable("was started by somebody else just now")
            order = self.order(self.command(port)) | {
                "start_id": start_id,
                "port": port,
                "alive_fd": alive,
                "alive_file": str(self.alive_file),
                "lock_file": str(self.lock_file),
                "tenants_file": str(self.tenants_file),
                "state_file": str(self.state_file),
                "stale_files": [str(path) for path in self.stale_files],
                "stop_signal": int(self.stop_signal),
                "marker": self.marker,
            }
            with self.log_file.open("ab") as log:
                kept = subprocess.run(
                    [sys.executable, "-I", "-S", str(_KEEPER), "keep", start_id],
                    input=json.dumps(order).encode(),
                    stdout=log,
                    stderr=log,
                    pass_fds=(alive,),
                    start_new_session=True,
                )
        finally:
            os.close(alive)
        if kept.returncode != 0:
            raise self.unavailable("could not be started")

    def order(self, argv: list[str]) -> dict[str, Any]:
        """How to run one of the server's programs under its account."""
        account = account_for(self.data_dir)
        return {
            "argv": argv,
            "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            "account": account.put_on,
            "capabilities": capabilities_needed(
                account, programs=[Path(argv[0])], folders=[self.folder, *self.reads()]
            )
            if account.put_on
            else [],
        }

    def reads(self) -> list[Path]:
        """Folders besides its own that the server reads."""
        return []

    def run(self, argv: list[str]) -> None:
        """Run a helper program to its end. Raises NotAvailable with its last words."""
        order = json.dumps(self.order(argv))
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_KEEPER), "run", order],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        with self.log_file.open("a") as log:
            log.write(done.stdout)
        if done.returncode != 0:
            raise self.unavailable(
                f"could not be set up: {Path(argv[0]).name} failed ({last_line(done.stdout)})"
            )

    def stop(self) -> None:
        """Stop the server and wait until its last process and its keeper are gone."""
        main, keeper = self.main_process(), self.keeper_process()
        if main is not None:
            send([main], self.stop_signal)
            if self.is_gone_within(_STOP_SECONDS):
                wait_until_ended([main, *([keeper] if keeper else [])])
                return
        for number in (signal.SIGQUIT, signal.SIGKILL):
            send(self.processes(), number)
            if self.is_gone_within(_QUIT_SECONDS):
                return
        raise self.unavailable("does not stop")

    def is_gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def end_orphans(self, waited: float) -> None:
        """Make an end to processes of ours that outlived their server for too long."""
        if waited > _ORPHAN_GRACE:
            send(self.processes(), signal.SIGKILL)

    def main_process(self) -> psutil.Process | None:
        """The server's first process, if the pid on record is proven to be it."""
        state = self.state()
        if state is None:
            return None
        try:
            process = psutil.Process(state.pid)
            return process if self.is_ours(process) else None
        except psutil.NoSuchProcess:
            return None

    def keeper_process(self) -> psutil.Process | None:
        state = self.state()
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if state is not None:
                keeper = psutil.Process(state.keeper)
                return keeper if state.start_id in keeper.cmdline() else None
        return None

    def processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self.is_ours(process)]

    def is_ours(self, process: psutil.Process) -> bool:
        try:
            return (
                process.name() == self.program.name
                and self.marker in " ".join(process.cmdline())
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def make_folders(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(exist_ok=True)
        self.log_file.parent.mkdir(exist_ok=True)
        self.log_file.touch(mode=0o600)

    def state(self) -> State | None:
        try:
            return State(**json.loads(self.state_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def log_size(self) -> int:
        return self.log_file.stat().st_size

    def log_since(self, position: int) -> str:
        with self.log_file.open("rb") as log:
            log.seek(position)
            return log.read().decode(errors="replace")

    def unavailable(self, what: str) -> NotAvailable:
        return NotAvailable(
            f"the embedded {self.title} {what}; see {self.log_file}, "
            f"or set {self.variable} to a server of your own"
        )


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def wait_until_ended(processes: Iterable[psutil.Process]) -> None:
    """Give processes that have nothing left to do the moment they need to be gone."""
    deadline = time.monotonic() + _LAST_MOMENT
    for process in processes:
        # A zombie has ended: whoever its parent is need not have noticed yet.
        with contextlib.suppress(psutil.NoSuchProcess):
            while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                if time.monotonic() > deadline:
                    return
                time.sleep(_POLL_SECONDS)


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "rror" in line]
    return (telling or lines or ["it said nothing"])[-1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        # The server sets this option too: connections that linger from its last run do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True

"""Starts the product's processes as children, keeps them running, stops them in order.

A child that ends by itself is started again, as an init system would. Children die with their
parent, also when it is killed, so nothing is ever left behind.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from voice_ai.errors import NotAvailable

PARENT_VARIABLE = "VOICE_AI_PARENT"
_RESTART_PAUSE_S = 0.5
_QUICK_DEATHS = 5
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Asks the kernel for a SIGTERM when the parent that started us ends (Linux only)."""
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        sys.exit(143)


@dataclass
class Child:
    """One supervised process. `words` are the command's words after `voice-ai`."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path
    ready: threading.Event = field(default_factory=threading.Event)
    process: subprocess.Popen[str] | None = None
    stopping: bool = False
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            **self.environment,
            PARENT_VARIABLE: str(os.getpid()),
            "PYTHONUNBUFFERED": "1",
        }
        with self.log_file.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "voice_ai", *self.words],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # Ctrl-C goes to us alone: we stop the children in order.
                start_new_session=True,
            )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if "ready" in line or "url" in line:
                self.ready.set()

    def last_words(self) -> str:
        lines = [line for line in self.log_file.read_text(errors="replace").splitlines() if line]
        return lines[-1] if lines else "it said nothing"


class Supervisor:
    """A context manager: everything that was started is stopped on the way out."""

    def __init__(self, home: Path) -> None:
        self._logs = home / "logs"
        self._children: list[Child] = []
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._keep_running, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, name: str, *words: str, **environment: str) -> Child:
        child = Child(name, words, environment, self._logs / f"{name}.log")
        child.start()
        self._children.append(child)
        return child

    def wait_ready(self, *children: Child, timeout: float = 60.0) -> None:
        """Raises NotAvailable with the child's last words when one does not come up."""
        until = time.monotonic() + timeout
        for child in children:
            while not child.ready.wait(0.05):
                process = child.process
                ended = process is not None and process.poll() not in (None, 0)
                if ended or time.monotonic() > until:
                    child.stopping = True
                    raise NotAvailable(
                        f"{child.name} did not start: {child.last_words()} (see {child.log_file})"
                    )

    def stop(self, timeout: float = 10.0) -> None:
        """One child after the other, the last started first: those that use it are gone before.

        Each gets SIGTERM and `timeout` seconds, then SIGKILL.
        """
        self._stop.set()
        for child in self._children:
            child.stopping = True
        for child in reversed(self._children):
            process = child.process
            if process is None:
                continue
            _signal(process, signal.SIGTERM)
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._children.clear()

    def _keep_running(self) -> None:
        while not self._stop.wait(0.2):
            for child in list(self._children):
                process = child.process
                if process is None or child.stopping or process.poll() is None:
                    continue
                if child.ready.is_set() and self._may_restart(child):
                    child.start()

    @staticmethod
    def _may_restart(child: Child) -> bool:
        now = time.monotonic()
        child.deaths = [death for death in child.deaths if now - death < 30] + [now]
        time.sleep(_RESTART_PAUSE_S)
        return len(child.deaths) <= _QUICK_DEATHS and not child.stopping


def _signal(process: subprocess.Popen[str] | None, number: signal.Signals) -> None:
    if process is not None and process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)

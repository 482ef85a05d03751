"""The process that starts an embedded server, stays its parent, and stops it when nobody is left.

It runs as a script in a bare interpreter (`python -I -S keeper.py`), so it imports nothing of the
house. Two verbs:

    run ORDER        become ORDER["argv"] under the order's account (initdb)
    keep START_ID    start the server of the order on standard input and look after it:
                     restart it on the same port when it is killed while processes are attached,
                     stop it when the last of them is gone without having said so (kill -9)

Who is attached is never counted: each attached process holds a shared lock that the kernel drops
with the process. Whether a server lives is never read from a pid: the server and all its children
inherit `alive_fd`, whose exclusive lock falls when the last of them is gone.
"""

import contextlib
import fcntl
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

_POLL_SECONDS = 0.5
_ORPHAN_SECONDS = 3.0
_STOP_SECONDS = 30.0
_QUIT_SECONDS = 5.0
_MAX_RESTARTS, _RESTART_WINDOW = 5, 60.0

_PR_SET_KEEPCAPS, _PR_SET_SECUREBITS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 28, 47, 2
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAPABILITY_VERSION_3 = 0x20080522


def put_on_account(uid: int, gid: int, capabilities: Sequence[int]) -> None:
    """Give up root for good; `capabilities` (Linux numbers) survive this and the next exec."""
    os.setgroups([])
    os.setregid(gid, gid)
    if not capabilities:
        os.setreuid(uid, uid)
        return
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)

    def check(result: int, what: str) -> None:
        if result != 0:
            raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")

    # Without this bit access(2), with which initdb looks for its neighbours, disregards
    # capabilities; a root without CAP_SETPCAP cannot set it, and may not need it.
    libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    check(libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0), "keep capabilities")
    os.setreuid(uid, uid)
    mask = sum(1 << number for number in capabilities)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # effective, permitted, inheritable; then the same for capabilities 32 and above
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    check(libc.capset(header, sets), "set capabilities")
    for number in capabilities:
        raised = libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number, 0, 0)
        check(raised, "raise an ambient capability")


def become(order: dict[str, Any]) -> NoReturn:
    """Replace this process by the order's command."""
    # A core file would carry personal data.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
    if order["account"] is not None:
        uid, gid = order["account"]
        put_on_account(uid, gid, order["capabilities"])
    os.chdir("/")
    os.execve(order["argv"][0], order["argv"], order["env"])


class Keeper:
    """One server's parent; `alive_fd` holds the server's lock when the keeper starts."""

    def __init__(self, order: dict[str, Any], alive_fd: int) -> None:
        self.order = order
        # By descriptor, not by path: a home that was removed and made anew is another home.
        self.lock = os.open(order["lock_file"], os.O_RDWR | os.O_CREAT, 0o600)
        self.tenants = os.open(order["tenants_file"], os.O_RDWR | os.O_CREAT, 0o600)
        self.restarts: list[float] = []
        self.server = self.spawn(alive_fd)

    def spawn(self, alive_fd: int) -> int:
        """Start the server; holding the lock of `alive_fd` proves the stale files to be stale."""
        for path in self.order["stale_files"]:
            remove(path)
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                os.set_inheritable(alive_fd, True)
                become(self.order)
            except Exception as error:
                say(f"cannot start {self.order['argv'][0]}: {error}")
            finally:
                os._exit(127)
        os.close(alive_fd)
        self.write_state(pid)
        return pid

    def write_state(self, server: int) -> None:
        path, state = self.order["state_file"], {
            "start_id": self.order["start_id"],
            "port": self.order["port"],
            "pid": server,
            "keeper": os.getpid(),
        }  # fmt: skip
        draft = f"{path}.{os.getpid()}"
        with open(draft, "w") as file:  # noqa: PTH123  # no pathlib in a bare interpreter
            json.dump(state, file)
        os.replace(draft, path)  # noqa: PTH105

    def watch(self, wakeup_fd: int) -> None:
        """Return when there is nothing left to look after."""
        while True:
            pid, status = os.waitpid(self.server, os.WNOHANG)
            if pid:
                # Status 0 is a server that was told to stop.
                if status == 0 or not self.restart(status):
                    return
            elif self.abandoned():
                say("nobody is attached any more; stopping")
                self.stop()
                return
            else:
                ready, _, _ = select.select([wakeup_fd], [], [], _POLL_SECONDS)
                if ready:
                    os.read(wakeup_fd, 64)

    def abandoned(self) -> bool:
        """Whether nobody is attached; if so, both locks stay held until this process ends."""
        if not locks(self.lock):
            return False
        if locks(self.tenants):
            return True
        fcntl.flock(self.lock, fcntl.LOCK_UN)
        return False

    def restart(self, status: int) -> bool:
        """Whether the server was started again; False when that is no longer this keeper's task."""
        now = time.monotonic()
        self.restarts = [at for at in self.restarts if now - at < _RESTART_WINDOW] + [now]
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        if not self.is_current() or locks(self.tenants):
            return False
        ended = os.waitstatus_to_exitcode(status)
        if len(self.restarts) > _MAX_RESTARTS:
            say(f"the server ended ({ended}) {_MAX_RESTARTS} times in a minute; giving up")
            return False
        say(f"the server ended ({ended}); starting it again")
        alive_fd = os.open(self.order["alive_file"], os.O_RDWR | os.O_CREAT, 0o600)
        if not self.outlived(alive_fd):
            say("processes of the killed server do not end; giving up")
            return False
        self.server = self.spawn(alive_fd)
        fcntl.flock(self.lock, fcntl.LOCK_UN)
        return True

    def outlived(self, alive_fd: int) -> bool:
        """Whether the last process of the killed server is gone; stubborn ones are ended."""
        if within(_ORPHAN_SECONDS, lambda: locks(alive_fd)):
            return True
        for pid in processes_of(self.order["argv"][0], self.order["marker"]):
            say(f"ending process {pid} of the killed server")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return within(_ORPHAN_SECONDS, lambda: locks(alive_fd))

    def is_current(self) -> bool:
        try:
            with open(self.order["state_file"]) as file:  # noqa: PTH123
                return bool(json.load(file)["start_id"] == self.order["start_id"])
        except (OSError, ValueError, KeyError):
            return False

    def stop(self) -> None:
        for number, seconds in (
            (self.order["stop_signal"], _STOP_SECONDS),
            (signal.SIGQUIT, _QUIT_SECONDS),
            (signal.SIGKILL, _QUIT_SECONDS),
        ):
            os.kill(self.server, number)
            if within(seconds, lambda: os.waitpid(self.server, os.WNOHANG)[0] != 0):
                return


def locks(descriptor: int) -> bool:
    """Whether the exclusive lock could be had without waiting."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def within(seconds: float, done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def processes_of(program: str, marker: str) -> list[int]:
    """Processes of that program with `marker` on their command line (Linux; elsewhere none)."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:  # noqa: PTH112, PTH208
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}/comm", "rb") as comm:  # noqa: PTH123
                if comm.read().strip() != os.path.basename(program).encode():  # noqa: PTH119
                    continue
            with open(f"/proc/{name}/cmdline", "rb") as cmdline:  # noqa: PTH123
                if marker.encode() in cmdline.read():
                    found.append(int(name))
    return found


def remove(path: str) -> None:
    try:
        os.unlink(path)  # noqa: PTH108
    except FileNotFoundError:
        return


def say(sentence: str) -> None:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    os.write(2, f"{stamp} keeper: {sentence}\n".encode())


def keep(order: dict[str, Any]) -> None:
    """Leave the starter's family, then look after the server until it is no longer wanted."""
    started, starting = os.pipe()
    if os.fork() > 0:
        os.close(starting)
        os._exit(0 if os.read(started, 1) else 1)
    os.close(started)
    os.setsid()
    os.chdir("/")
    wakeup, signalled = os.pipe()
    os.set_blocking(signalled, False)
    signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    keeper = Keeper(order, order["alive_fd"])
    os.write(starting, b".")
    os.close(starting)
    keeper.watch(wakeup)


if __name__ == "__main__":
    if sys.argv[1] == "run":
        become(json.loads(sys.argv[2]))
    given = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    keep(given)

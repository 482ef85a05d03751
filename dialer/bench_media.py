"""`make bench` rows of live calls: how many one core holds, beside Pipecat doing the same work.

A server on one core, a load on another; calls are added until the 99th percentile of lateness,
inwards or outwards, passes one frame's length. `bare` gives every frame back on a schedule of
20 ms. `full` has voice activity, audio forwarded to a recogniser, and answers that are spoken and
interrupted; features of the voice are not among the stages, as the product has none yet that runs
on live audio. Ours is the product's own server and session. Pipecat gets the same event loop.
"""

import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

from dialer.bench_environment import NoPeer, make_pipecat

ROW_NAMES = ("media.bare_vs_target", "media.bare_vs_pipecat", "media.full_vs_pipecat")
LATE_MS = 20.0
TARGET_BARE = 200
TARGET_RATIO = 5.0
_FIRST = {"ours": {"bare": 300, "full": 400}, "pipecat": {"bare": 50, "full": 60}}
_GROWTH = 1.25
_MOST_STEPS = 7
_STARTS_S = 30.0
_LOAD_S = 60.0
_UNIT = "calls"


class Step(NamedTuple):
    """What one number of calls gave."""

    calls: int
    in_ms: float
    out_ms: float
    alive: int
    cpu: float

    @property
    def cost(self) -> str:
        """Of a call; a busy machine changes it far less than the lateness."""
        if not self.calls:
            return "no number of calls held"
        return f"{self.cpu / self.calls:.2%} of a core for each of {self.calls} calls"

    @property
    def holds(self) -> bool:
        return self.alive == self.calls and max(self.in_ms, self.out_ms) <= LATE_MS


def rows() -> Iterator[dict[str, Any]]:
    """What no peer can be found for is measured all the same, and says so."""
    pipecat: list[str] | None
    why = ""
    try:
        pipecat = [str(make_pipecat()), "-W", "ignore", str(_beside("bench_media_pipecat.py"))]
    except NoPeer as problem:
        pipecat, why = None, str(problem)
    ours = [sys.executable, "-m", "dialer.bench_media_server"]
    for shape in ("bare", "full"):
        other = None if pipecat is None else _calls_per_core("pipecat", pipecat, shape)
        own = _calls_per_core("ours", ours, shape)
        if shape == "bare":
            yield _row("media.bare_vs_target", own.calls, TARGET_BARE, 1.0)
        row = _row(f"media.{shape}_vs_pipecat", own.calls, other and other.calls, TARGET_RATIO)
        yield row | {"note": why if other is None else f"{own.cost}; Pipecat: {other.cost}"}


def _row(name: str, ours: int, other: int | None, target: float) -> dict[str, Any]:
    ratio = ours / other if other else None
    return {
        "row": name,
        "ours": ours,
        "other": other,
        "unit": _UNIT,
        "ratio": ratio,
        "target": target,
        "holds": ratio is not None and ratio >= target,
    }


def _calls_per_core(name: str, command: Sequence[str], shape: str) -> Step:
    def tried(calls: int) -> Step:
        step = _measured(command, shape, calls)
        sys.stderr.write(
            f"  {shape} {name}: {calls} calls, p99 late {step.in_ms:.1f} ms in, "
            f"{step.out_ms:.1f} ms out, processor {step.cpu:.0%}"
            f"{'' if step.holds else ' - too many'}\n"
        )
        return step

    return most_calls(tried, _FIRST[name][shape])


def most_calls(tried: Callable[[int], Step], first: int) -> Step:
    """The most that held: upwards until a number fails, or downwards to one that does not.

    A number gets a second try, because a neighbour on the machine can spoil any. When none held,
    the last one tried is told with no calls.
    """
    calls, best = first, None
    for _ in range(_MOST_STEPS):
        step = tried(calls)
        if not step.holds:
            step = tried(calls)
        if step.holds:
            best = step
            if calls < first:
                break
            calls = round(calls * _GROWTH)
        elif best or calls <= 1:
            break
        else:
            calls = round(calls / _GROWTH)
    return best or step._replace(calls=0)


def _measured(command: Sequence[str], shape: str, calls: int) -> Step:
    """A server of its own for every step, so that none inherits what another left behind."""
    server_core, load_core = _cores()
    with _ports() as (port, ears_port):
        pass
    url = f"http://127.0.0.1:{port}"
    told = [shape, str(port), str(ears_port), str(server_core)]
    server = subprocess.Popen([*command, *told], stdout=subprocess.DEVNULL)
    try:
        _until_up(server, url)
        load = (sys.executable, "-m", "dialer.bench_media_load", url, str(calls), shape)
        answer = subprocess.run(
            [*load, str(ears_port), str(load_core)],
            check=True,
            stdout=subprocess.PIPE,
            timeout=_LOAD_S,
        )
    except subprocess.SubprocessError:  # a server that far behind does not even tell its times
        return Step(calls, math.inf, math.inf, 0, math.nan)
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    told_back = json.loads(answer.stdout)
    return Step(calls, *(told_back[name] for name in ("in_ms", "out_ms", "alive", "cpu")))


def _until_up(server: "subprocess.Popen[bytes]", url: str) -> None:
    until = time.monotonic() + _STARTS_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(f"{url}/cpu", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the server of the media bench did not start: {server.args!r}")


def _cores() -> tuple[int, int]:
    """One for the server, another for the load; -1 where a process cannot be told its core."""
    if not hasattr(os, "sched_getaffinity"):
        return -1, -1
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[-1]) if len(cores) > 1 else (-1, -1)


@contextmanager
def _ports() -> Iterator[tuple[int, int]]:
    """Two that are free."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        yield one.getsockname()[1], two.getsockname()[1]


def _beside(name: str) -> Path:
    return Path(str(files("dialer").joinpath(name)))

"""The product's worker and server as processes that start at once and may be changed beforehand.

A parent that has everything imported forks a child for each order on its standard input; the child
calls the product's own command. So a process that is killed is back in a tenth of a second, and
three hundred kills fit into minutes. What an order changes (patience, mutations, a wrong clock) is
patched in the child before it runs: the product has no switches for it.

An order is a line of JSON `{kind, log, environment, hurry, mutations, skew_s, port}`, its answer
the child's pid. `{"wait": pid}` is answered with the exit status, null while it runs.
"""

import ctypes
import gc
import json
import os
import signal
import sys
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

from dialer import commands, parts
from dialer.adapters import twilio
from dialer.reconcile import Patience
from tests.chaos.mutations import MUTATIONS, put

_PR_SET_PDEATHSIG = 1


def main() -> None:
    gc.freeze()
    over: dict[int, int] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _reap(over)
            answer: int | None = over.get(order["wait"])
        else:
            answer = os.fork()
            if answer == 0:
                _become(order)
        print(json.dumps(answer), flush=True)


def _reap(over: dict[int, int]) -> None:
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            over[ended[0]] = os.waitstatus_to_exitcode(ended[1])
    except ChildProcessError:
        return


def _become(order: dict[str, Any]) -> None:
    """Never returns."""
    status = 1
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with Path(order["log"]).open("ab") as log, Path(os.devnull).open() as nothing:
            os.dup2(nothing.fileno(), 0)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        os.environ.update(order["environment"])
        hurry(**order["hurry"])
        for name in order["mutations"]:
            MUTATIONS[name].patch()
        if order["skew_s"]:
            wrong_clock(order["skew_s"])
        if order["kind"] == "dialer":
            commands.dialer(metrics_port=0, as_json=True)
        else:
            commands.server(host="127.0.0.1", port=order["port"], as_json=True)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def hurry(
    *,
    timeout_s: float,
    quiet_s: float,
    list_lag_s: float,
    dead_after_s: float,
    last_words_s: float,
    renders_ahead: bool = False,
) -> None:
    """The same patience in a shorter time. The order between the waits stays as it is."""
    assert timeout_s < list_lag_s
    assert timeout_s < dead_after_s
    twilio.TIMEOUT_S = timeout_s
    patience = Patience(
        quiet=timedelta(seconds=quiet_s),
        list_lag=timedelta(seconds=list_lag_s),
        dead_after_s=dead_after_s,
        last_words_s=last_words_s,
    )
    made = vars(parts)["Reconciler"]

    def reconciler(*given: Any, **named: Any) -> Any:
        return made(*given, **{**named, "patience": patience})

    put(parts, Reconciler=reconciler)
    if not renders_ahead:  # no conversation is held
        put(parts, keep_prompts_ready=_nothing_to_render)


async def _nothing_to_render(*given: Any) -> None:
    return None


def wrong_clock(seconds: float) -> None:
    """This machine's clock is off by so much."""
    import datetime as real
    from datetime import UTC

    from voice_ai import clock

    class Skewed(real.datetime):
        @classmethod
        def now(cls, tz: Any = UTC) -> Any:
            return real.datetime.now(tz) + timedelta(seconds=seconds)

    clock.datetime = Skewed  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()

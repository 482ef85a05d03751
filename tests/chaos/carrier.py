"""The product's simulator as a process of its own, told everything by one JSON line.

python -m tests.chaos.carrier '{"port": 4010, "seed": 1, "faults": {"name": "test", …}}'
"""

import asyncio
import ctypes
import json
import logging
import signal
import sys
from typing import Any

import structlog

from dialer.simulator.app import fast_loop, run
from dialer.simulator.config import Pacing, SimulatorConfig
from dialer.simulator.faults import FaultProfile


def config_of(told: dict[str, Any]) -> SimulatorConfig:
    """Lists become tuples: JSON has no others."""
    parts: dict[str, Any] = {
        "faults": FaultProfile(**_tuples(told.pop("faults", {"name": "none"}))),
        "pacing": Pacing(**_tuples(told.pop("pacing", {}))),
    }
    return SimulatorConfig(**told, **parts)


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(each) if isinstance(each, list) else each for key, each in fields.items()}


async def serve(config: SimulatorConfig) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(config, stop=stop, ready=lambda url: print(json.dumps({"url": url}), flush=True))


if __name__ == "__main__":
    # Dies with the run, also when that is killed.
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
    )
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        runner.run(serve(config_of(json.loads(sys.argv[1]))))

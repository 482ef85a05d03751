"""`voice-ai simulator`: the local carrier and speech vendor as one process."""

import asyncio
import json
import signal
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, TypeVar

import structlog
import typer

from voice_ai.clock import parse_clock_start
from voice_ai.errors import UsageError

if TYPE_CHECKING:
    from dialer.simulator.config import SimulatorConfig
    from dialer.simulator.speech import VoiceEngine


T = TypeVar("T")
_ENGINES: Mapping[str, "VoiceEngine"] = {"builtin": "builtin", "espeak": "espeak", "auto": "auto"}


def _log_to_stderr() -> None:
    """Standard output belongs to the ready line, unless somebody set up logging already."""
    if not structlog.is_configured():
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


def _one_of(choices: Mapping[str, T], name: str, option: str) -> T:
    if name not in choices:
        raise UsageError(f"{option} {name}: use one of {', '.join(choices)}")
    return choices[name]


def _serve(config: "SimulatorConfig", *, as_json: bool) -> None:
    """Run until SIGTERM or Ctrl-C, both of which end it in order."""
    from dialer.simulator.app import fast_loop, run

    def ready(url: str) -> None:
        facts = {
            "url": url,
            "seed": config.seed,
            "speed": config.speed,
            "faults": config.faults.name,
        }
        line = json.dumps(facts) if as_json else f"Simulator ready at {url} (seed {config.seed})"
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await run(config, stop=stop, ready=ready)

    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        runner.run(serve())


def _colleagues(given: Iterable[str]) -> dict[str, str]:
    from dialer.simulator.callees import COLLEAGUES

    known = {name: name for name in COLLEAGUES}
    pairs = (pair.partition("=") for pair in given)
    return {number: _one_of(known, does, "--colleague") for number, _, does in pairs}


def simulator(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 4010,
    seed: Annotated[int, typer.Option(help="Decides who answers and what goes wrong.")] = 7,
    speed: Annotated[float, typer.Option(help="Times real time.")] = 1.0,
    faults: Annotated[str, typer.Option(help="none, mild or rough.")] = "none",
    cps: Annotated[float | None, typer.Option(help="Calls started per second at most.")] = None,
    concurrency: Annotated[int | None, typer.Option(help="Calls at once at most.")] = None,
    clock_start: Annotated[
        str | None, typer.Option(help="Time it starts at, as 2026-11-24T11:00:00-05:00.")
    ] = None,
    auth_token: Annotated[
        str | None,
        typer.Option(help="The only password accepted, and what signs; any when not given."),
    ] = None,
    voice: Annotated[str, typer.Option(help="builtin, espeak or auto.")] = "builtin",
    colleague: Annotated[
        list[str] | None,
        typer.Option(help="Who takes calls over and what they do: +12125550123=takes."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Ready line as JSON.")] = False,
) -> None:
    """Run a local carrier and speech vendor that no real number can be reached through."""
    # The server and numpy load only when this command really runs.
    from dialer.simulator.config import SimulatorConfig
    from dialer.simulator.faults import PROFILES

    if speed <= 0 or (cps is not None and cps <= 0):
        raise UsageError("--speed and --cps must be greater than 0")
    _log_to_stderr()
    _serve(
        SimulatorConfig(
            host=host,
            port=port,
            seed=seed,
            speed=speed,
            cps=cps,
            concurrency=concurrency,
            faults=_one_of(PROFILES, faults, "--faults"),
            auth_token=auth_token,
            clock_start=None if clock_start is None else parse_clock_start(clock_start),
            colleagues=_colleagues(colleague or ()),
            voice_engine=_one_of(_ENGINES, voice, "--voice"),
        ),
        as_json=as_json,
    )

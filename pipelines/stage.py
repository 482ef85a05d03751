"""The processes of a rehearsal on this machine: simulator, server, dialer; MLflow's pages."""

import socket
from dataclasses import dataclass

from voice_ai.context import Context
from voice_ai.db import connect, queries
from voice_ai.errors import NotAvailable, Refused
from voice_ai.processes import Child, Supervisor

_HOST = "127.0.0.1"
LATER = frozenset({"flows", "models"})  # what comes up while calls go on already


@dataclass(frozen=True)
class Ports:
    server: int
    simulator: int
    metrics: int = 0


def free_ports() -> Ports:
    """Ports that nobody uses right now, so that a demo runs beside anything else."""
    with socket.socket() as first, socket.socket() as second:
        first.bind((_HOST, 0))
        second.bind((_HOST, 0))
        return Ports(server=first.getsockname()[1], simulator=second.getsockname()[1])


def refuse_taken(name: str, port: int) -> None:
    """Raises NotAvailable naming the port, before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise NotAvailable(
                f"port {port} ({name}) is taken; stop what uses it (another `voice-ai up`?),"
                f" or give another --{name}-port"
            ) from error


def refuse_second_dialer(context: Context) -> None:
    """Raises Refused while a dialer works in this home: it would take part in the rehearsal."""
    with connect(context.owner_url, name="voice-ai stage") as db:
        rows = db.execute(queries("workers").alive).fetchall()
    if any(row["kind"] == "dialer" and row["fresh"] for row in rows):
        raise Refused(
            "a dialer is working in this home; stop it (`voice-ai up`?) or set another"
            " VOICE_AI_HOME"
        )


def environment(context: Context, ports: Ports) -> dict[str, str]:
    """What the children are told; a carrier or speech server of the user's own is kept."""
    settings = context.settings
    simulator = f"http://{_HOST}:{ports.simulator}"
    return {
        "VOICE_AI_HOME": str(settings.home),
        "VOICE_AI_PUBLIC_URL": f"http://{_HOST}:{ports.server}",
        "TWILIO_BASE_URL": settings.twilio_base_url or simulator,
        "ELEVENLABS_BASE_URL": settings.elevenlabs_base_url or simulator,
    }


def start_calls(
    supervisor: Supervisor, context: Context, ports: Ports, *, seed: int, faults: str
) -> tuple[Child, ...]:
    """Starts the three processes; wait for them with `supervisor.wait_ready`."""
    told = environment(context, ports)
    simulator = supervisor.start(
        "simulator",
        *("simulator", "--json", "--port", str(ports.simulator)),
        *("--seed", str(seed), "--faults", faults, "--speed", str(context.clock.speed)),
        **told,
    )
    supervisor.wait_ready(simulator)
    server = supervisor.start(
        "server",
        # Simulated calls need not be finished: who stops a rehearsal wants it stopped.
        *("server", "--json", "--port", str(ports.server), "--drain-limit", "0"),
        **told,
    )
    dialer = supervisor.start(
        "dialer", "dialer", "--json", "--metrics-port", str(ports.metrics), **told
    )
    return simulator, server, dialer


def later_addresses(context: Context, flows_port: int, models_port: int) -> dict[str, str]:
    """Where Prefect and MLflow will be: servers of the user's own, where they are given."""
    settings = context.settings
    prefect = (settings.prefect_api_url or "").rstrip("/").removesuffix("/api")
    return {
        "flows": prefect or f"http://{_HOST}:{flows_port}",
        "models": _own_registry(context) or f"http://{_HOST}:{models_port}",
    }


def start_model_pages(supervisor: Supervisor, context: Context, port: int) -> None:
    """Starts MLflow's pages; nothing without a registry, or when a server of one's own is used."""
    from ml.registry import Registry

    if _own_registry(context) is None and Registry.of(context.settings).exists:
        supervisor.start("models", "models", "ui", "--port", str(port))


def _own_registry(context: Context) -> str | None:
    uri = context.settings.mlflow_tracking_uri or ""
    return uri if uri.startswith(("http://", "https://")) else None

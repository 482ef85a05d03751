"""`voice-ai up`: everything in one go."""

import getpass
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines import samples, stage
from voice_ai.campaigns import parse_campaign
from voice_ai.context import Context, open_context
from voice_ai.db import connect
from voice_ai.db.connect import Db
from voice_ai.errors import NotAvailable
from voice_ai.processes import Supervisor
from voice_ai.store import campaigns as store

_SAMPLE = "Sample campaign"
_PAGE_TIMEOUT_S = 60.0


def up(
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="The sample campaign.")] = True,
    seed: Annotated[int, typer.Option(help="Decides who answers in the simulator.")] = 7,
    app_port: Annotated[int, typer.Option(help="The pages.")] = 8501,
    server_port: Annotated[int, typer.Option(help="Web and media server.")] = 3000,
    simulator_port: Annotated[int, typer.Option(help="Local carrier and speech vendor.")] = 4010,
    metrics_port: Annotated[int, typer.Option(help="The dialer's metrics.")] = 9101,
    flows_port: Annotated[int, typer.Option(help="Prefect, with the flows.")] = 4200,
    models_port: Annotated[int, typer.Option(help="MLflow, with the models.")] = 5000,
    as_json: Annotated[bool, typer.Option("--json", help="The addresses as JSON.")] = False,
) -> None:
    """Start database, simulator, server, dialer, pages, flows; Ctrl-C stops all of it cleanly.

    The pages are there first; Prefect and MLflow follow while calls go on already. No real number
    can be reached: the carrier and the speech vendor are simulated.
    """
    console = Console(stderr=True)
    ports = stage.Ports(server_port, simulator_port, metrics_port)
    for name, port in (
        ("app", app_port),
        ("server", server_port),
        ("simulator", simulator_port),
        ("metrics", metrics_port),
        ("flows", flows_port),
        ("models", models_port),
    ):
        stage.refuse_taken(name, port)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    console.print("Starting the database …")
    with open_context(redis=True, anchor=True) as context:
        stage.refuse_second_dialer(context)
        with Supervisor(context.settings.home) as supervisor:
            children = stage.start_calls(supervisor, context, ports, seed=seed, faults="mild")
            app = supervisor.start(
                "app",
                *("app", "--json", "--port", str(app_port)),
                **stage.environment(context, ports),
            )
            sample = prepare_sample_campaign(context) if demo else None
            supervisor.wait_ready(*children, app)
            if sample is not None:
                start_sample_campaign(context, sample)
            urls = {
                "pages": f"http://127.0.0.1:{app_port}",
                "health": f"http://127.0.0.1:{server_port}/api/health",
                "metrics": f"http://127.0.0.1:{server_port}/metrics",
                "simulator": f"http://127.0.0.1:{simulator_port}/simulator/judge",
                **stage.later_addresses(context, flows_port, models_port),
            }
            _wait_for_page(f"{urls['pages']}/_stcore/health", stop)
            _announce(urls, context, as_json=as_json)
            # What follows costs seconds of processor time, so it begins after the first page.
            supervisor.start("flows", "flows", "--json", "--port", str(flows_port))
            training: subprocess.Popen[bytes] | None = _train_in_background(context)
            # The kernel may hand a signal to a thread that wakes nobody: look now and then.
            while not stop.wait(0.2):
                if training is not None and training.poll() is not None:
                    training = None
                    stage.start_model_pages(supervisor, context, models_port)
            console.print("Stopping …")
            if training is not None:
                training.terminate()
                training.wait()


def prepare_sample_campaign(context: Context) -> str:
    """The sample campaign, made when there is none that goes on; its name."""
    with samples.leads_file() as path:
        import_sample(context, path)
    with connect(context.role_url("app"), name="voice-ai up", autocommit=True) as db:
        return _unfinished(db) or _new_sample(db, context)


def start_sample_campaign(context: Context, name: str) -> None:
    """Asks for what makes it run; its pre-flight wants the processes to be there already."""
    with connect(context.role_url("app"), name="voice-ai up", autocommit=True) as db:
        row = store.find_campaign(db, name)
        kinds: dict[str, store.CommandKind] = {"paused": "resume", "draft": "start"}
        kinds["stopped"] = "start"
        if (kind := kinds.get(row["state"])) is not None:
            store.ask(db, kind, row["id"], by=getpass.getuser(), now=context.clock.now())


def import_sample(context: Context, path: Path) -> None:
    from pipelines.imports import import_leads

    import_leads(
        context.role_url("flows"),
        context.keyring,
        path,
        list_name=samples.LIST,
        seller=samples.SELLER,
        rehearsal=True,
        consent_kind="rehearsal",
        attested_by=getpass.getuser(),
        home=context.settings.home,
        now=context.clock.now(),
    )


def _unfinished(db: Db) -> str | None:
    for row in store.list_campaigns(db):
        if row["name"].startswith(_SAMPLE) and row["state"] not in (
            "completed",
            "emergency_stopped",
        ):
            return str(row["name"])
    return None


def _new_sample(db: Db, context: Context) -> str:
    taken = {row["name"] for row in store.list_campaigns(db)}
    names = (f"{_SAMPLE} {n}" if n > 1 else _SAMPLE for n in range(1, len(taken) + 2))
    name = next(name for name in names if name not in taken)
    campaign = parse_campaign(samples.campaign_yaml(name), source="sample", folder=Path())
    made = store.create_campaign(
        db,
        context.keyring,
        campaign,
        by=getpass.getuser(),
        now=context.clock.now(),
        rehearsal=True,
    )
    return made.name


def _wait_for_page(url: str, stop: threading.Event) -> None:
    until = time.monotonic() + _PAGE_TIMEOUT_S
    while not stop.is_set():
        try:
            with urllib.request.urlopen(url, timeout=2):  # a local address of our own
                return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > until:
                raise NotAvailable(f"the pages do not answer at {url}; see logs/app.log") from error
            stop.wait(0.1)


def _announce(urls: dict[str, str], context: Context, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"urls": urls, "home": str(context.settings.home)}), flush=True)
        return
    width = max(len(name) for name in urls)
    print("\nVoice AI is running as a rehearsal: nobody real is called.\n")
    for name, url in urls.items():
        later = "  (follows in a moment)" if name in stage.LATER else ""
        print(f"  {name:<{width}}  {url}{later}")
    print(f"\n  home      {context.settings.home}")
    print("  sign-in   none is needed: everything listens on this machine only")
    print("\nCtrl-C stops all of it.", flush=True)


def _train_in_background(context: Context) -> "subprocess.Popen[bytes]":
    """Models follow while calls go on already; the server takes them as they come."""
    log = (context.settings.home / "logs" / "models.log").open("ab")
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "voice_ai", "models", "ensure"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

"""`voice-ai flows`: serve the flows; ask for one and look at what is being worked on."""

import getpass
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipelines.flow_list import FLOWS, checked, facts_of, prefect_address
from voice_ai.context import Context, open_context
from voice_ai.db.connect import Db, Row, connect
from voice_ai.errors import BadInput, UsageError
from voice_ai.store import flow_requests as store

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    help="Serve the flows (without a further word), ask for one, look at what is worked on.",
)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
_PATIENCE_S = 24 * 3600.0


@app.callback()
def serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Prefect's pages and API; 0: a free port.")] = 4200,
    schedule: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=CRON", help="Another schedule for a flow; NAME=off: none."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve the flows with their schedules until Ctrl-C or SIGTERM.

    Examples:

      voice-ai flows

      voice-ai flows --port 0 --schedule "score-leads=0 6 * * *" --schedule train-models=off

      voice-ai flows ask build-report "campaign=Spring survey" --wait
    """
    if context.invoked_subcommand is not None:
        return
    schedules = _schedules(schedule or [])
    with open_context() as opened:
        _serve(opened, port, schedules, as_json=as_json)


def _serve(context: Context, port: int, schedules: dict[str, str | None], *, as_json: bool) -> None:
    import asyncio

    from pipelines.flows.local import prefect_environment, start_server

    def ready(url: str) -> None:
        told = {"flows": {"url": url, "deployments": list(FLOWS)}}
        print(json.dumps(told) if as_json else f"Flows served; Prefect on {url}", flush=True)
        # From here on standard output belongs to the runs, whose words are a log.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    home = context.settings.home
    with start_server(home, port) as server:
        # Before Prefect is imported, which reads them once.
        os.environ.update(prefect_environment(home), PREFECT_API_URL=server.api_url)
        from pipelines.flows.serving import serve_flows

        server.wait_ready()
        asyncio.run(serve_flows(context, server, schedules, ready))


@app.command("list")
def list_flows(as_json: AsJson = False) -> None:
    """The flows: what each is for, when it runs by itself, how it ran last.

    Example: voice-ai flows list --json
    """
    with _database() as (context, db):
        last, served = store.last_runs(db), store.is_served(db)
        address = prefect_address(context.settings.home) if served else None
    rows = [
        {
            "flow": facts.name,
            "purpose": facts.purpose,
            "schedule": facts.schedule.words if facts.schedule else None,
            "parameters": {field.name: field.help for field in facts.fields},
            "last": last.get(facts.name),
        }
        for facts in FLOWS.values()
    ]
    if as_json:
        print(json.dumps({"served": served, "prefect": address, "flows": rows}, default=str))
        return
    table = Table("Flow", "For", "By itself", "Last run")
    for facts in FLOWS.values():
        row = last.get(facts.name)
        when = f"{row['state']}, {row['started_at']:%F %R} UTC" if row else "never"
        table.add_row(
            facts.name, facts.purpose, facts.schedule.words if facts.schedule else "–", when
        )
    Console().print(table)
    print(f"Prefect: {address}" if served else "Nobody serves them now; start `voice-ai flows`.")


@app.command("ask")
def ask_for(
    name: Annotated[str, typer.Argument(help="The flow, e.g. build-report.")],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE…", help="Its parameters.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is finished.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the flows process to run a flow; exit 1 when it was waited for and did not end well.

    Examples:

      voice-ai flows ask build-report "campaign=Spring survey" --wait

      voice-ai flows ask import-leads file=leads.csv "list_name=Spring leads"

      voice-ai flows ask daily-summary days=7 --json
    """
    facts = facts_of(name)
    parameters = checked(name, _pairs(values or []))
    with _database() as (context, db):
        request = store.ask(db, facts.name, parameters, by=_user(), now=context.clock.now())
        row = _watch(db, request) if wait else store.look(db, request)
        served = store.is_served(db)
    if as_json:
        print(json.dumps(row, default=str))
    else:
        print(f"{row['flow']}: {row['state']}. {row['message'] or ''}".rstrip())
        print(f"Request {request}; `voice-ai flows requests` shows how it stands.")
    if not served and row["state"] == "asked":
        print("Nobody serves flows now; it begins once `voice-ai flows` runs.", file=sys.stderr)
    if wait and row["state"] != "done":
        raise typer.Exit(1)


@app.command("requests")
def list_requests(
    flow: Annotated[str | None, typer.Option(help="Only this flow.")] = None,
    limit: Annotated[int, typer.Option(help="How many of the newest.")] = 20,
    as_json: AsJson = False,
) -> None:
    """What was asked for and how it stands, the newest first.

    Example: voice-ai flows requests --flow import-leads
    """
    only = facts_of(flow).name if flow else None
    with _database() as (_, db):
        rows = store.recent(db, flow=only, limit=limit)
    if as_json:
        print(json.dumps({"requests": rows}, default=str))
        return
    table = Table("Request", "Flow", "State", "Done", "Asked by", "Asked (UTC)", "Message")
    for row in rows:
        done = "" if row["progress"] is None else f"{row['progress']:.0%}"
        table.add_row(
            str(row["id"]),
            row["flow"],
            row["state"],
            done,
            row["asked_by"],
            f"{row['asked_at']:%F %R}",
            row["message"] or "",
        )
    Console().print(table)


@app.command("cancel")
def cancel_request(
    request: Annotated[str, typer.Argument(help="The request's id.")], as_json: AsJson = False
) -> None:
    """Take back a request that was not begun yet.

    Example: voice-ai flows cancel 0d0f7c6e-6d5e-4b6c-9f6e-0f9f1f5f7a11
    """
    try:
        wanted = UUID(request)
    except ValueError as error:
        raise BadInput(f"{request!r} is not the id of a request") from error
    with _database() as (context, db):
        store.look(db, wanted)
        store.cancel(db, wanted, by=_user(), now=context.clock.now())
    print(json.dumps({"cancelled": str(wanted)}) if as_json else f"Cancelled {wanted}.")


def _watch(db: Db, request: UUID) -> Row:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task("asked", total=1.0)

        def tell(row: Row) -> None:
            said = row["message"] or row["state"]
            bar.update(task, completed=row["progress"] or 0.0, description=said)

        return store.wait_for(db, request, timeout=_PATIENCE_S, tell=tell)


def _schedules(pairs: list[str]) -> dict[str, str | None]:
    schedules: dict[str, str | None] = {}
    for name, cron in _pairs(pairs).items():
        if len(cron.split()) != 5 and cron != "off":
            raise UsageError(
                f'--schedule {name}: five parts as in "0 5 * * *", or off, not {cron!r}'
            )
        schedules[facts_of(name).name] = None if cron == "off" else cron
    return schedules


def _pairs(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise UsageError(f"{pair!r} is not KEY=VALUE, as in campaign=Spring")
        found[key.strip()] = value.strip()
    return found


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@contextmanager
def _database() -> Iterator[tuple[Context, Db]]:
    with (
        open_context() as context,
        connect(context.role_url("app"), name="voice-ai flows asks", autocommit=True) as db,
    ):
        yield context, db

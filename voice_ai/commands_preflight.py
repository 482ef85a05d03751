"""`voice-ai campaign preflight` and `interim-report`: may it start, and how is it going?"""

import getpass
import importlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from voice_ai.command_database import AsJson, Name, database
from voice_ai.errors import NotAvailable
from voice_ai.preflight import GROUPS, Check, Light, blockers
from voice_ai.store import campaigns as store
from voice_ai.store import preflights
from voice_ai.store.preflights import Preflight

_COLOURS = {Light.GREEN: "green", Light.AMBER: "yellow", Light.RED: "red"}

Wait = Annotated[float, typer.Option(help="Seconds to wait for a dialer to finish it.")]


def preflight(name: Name, wait: Wait = 60.0, as_json: AsJson = False) -> None:
    """Check everything that a start checks; nothing is called. Exit 1 when something is red.

    Example: voice-ai campaign preflight "Spring survey"
    """
    console = Console(stderr=True)
    with database() as (context, db):
        campaign_id = store.find_campaign(db, name)["id"]
        asked = preflights.ask(db, campaign_id, by=getpass.getuser(), now=context.clock.now())
        with console.status("Checking list, law, carrier, voice, machines …"):
            seen = preflights.wait_for(db, asked, timeout=wait)
    if seen.light is None:
        raise NotAvailable(
            "no dialer has finished the pre-flight; start one (`voice-ai dialer`) and ask again"
        )
    if as_json:
        print(json.dumps(facts_of(name, seen), default=str))
    else:
        show(name, seen, Console())
    if seen.light is Light.RED:
        raise typer.Exit(1)


def facts_of(name: str, seen: Preflight) -> dict[str, Any]:
    return {
        "campaign": name,
        "preflight": str(seen.id),
        "light": seen.light,
        "checked_at": seen.finished_at,
        "checks": [asdict(check) for check in seen.checks],
    }


def show(name: str, seen: Preflight, console: Console) -> None:
    """The checks as a table, group by group, and one sentence that sums them up."""
    table = Table("", "Check", "Seen", "How to mend it")
    for group, title in GROUPS.items():
        members = [check for check in seen.checks if check.group == group]
        if members:
            table.add_row("", f"[bold]{title}[/]", "", "")
        for check in members:
            light = f"[{_COLOURS[check.light]}]● {check.light}[/]"
            table.add_row(light, check.title, escape(check.seen), escape(check.mend))
    console.print(table)
    console.print(escape(verdict(name, seen.checks)))


def verdict(name: str, checks: tuple[Check, ...]) -> str:
    red = len(blockers(checks))
    amber = sum(check.light is Light.AMBER for check in checks)
    if red:
        return f"{name} cannot start: {red} of {len(checks)} checks are red."
    if amber:
        return f"{name} may start; {amber} of {len(checks)} checks want a look."
    return f"{name} may start; all {len(checks)} checks are green."


Out = Annotated[Path | None, typer.Option(help="HTML file to write as well.")]


def interim_report(name: Name, out: Out = None, as_json: AsJson = False) -> None:
    """Funnel, abandoned calls, opt-outs, errors, cost, hours, refusals and pace; at any time.

    Example: voice-ai campaign interim-report "Spring survey" --out interim.html
    """
    # By its name, as the command line loads every package: this one knows nothing of metrics.
    importlib.import_module("pipelines.commands_interim").interim_report(name, out, as_json=as_json)


def add_to(app: typer.Typer) -> None:
    app.command("preflight")(preflight)
    app.command("interim-report")(interim_report)

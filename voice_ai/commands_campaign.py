"""`voice-ai campaign …`: people ask here; the dialer obeys."""

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from voice_ai.context import Context, open_context
from voice_ai.db import connect
from voice_ai.db.connect import Db
from voice_ai.errors import Refused, UsageError
from voice_ai.store import campaigns as store
from voice_ai.store.campaigns import CommandKind

app = typer.Typer(no_args_is_help=True, help="Campaigns: make, start, pause, drain, stop, look.")

# How long a command waits to hear that a dialer has obeyed.
OBEY_TIMEOUT_S = 10.0

Name = Annotated[str, typer.Argument(help="Name of the campaign.")]
Reason = Annotated[str | None, typer.Option(help="Why; it is kept with the command.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@contextmanager
def _database() -> Iterator[tuple[Context, Db]]:
    with (
        open_context() as context,
        connect(context.role_url("app"), name="voice-ai campaign", autocommit=True) as db,
    ):
        yield context, db


@app.command()
def create(
    file: Annotated[Path, typer.Option(help="Campaign file (YAML); docs/campaigns.md.")],
    as_json: AsJson = False,
) -> None:
    """Check a campaign file and store it as a draft.

    Example: voice-ai campaign create --file spring.yaml
    """
    from voice_ai.campaigns import load_campaign

    campaign = load_campaign(file)
    with _database() as (context, db):
        made = store.create_campaign(
            db,
            context.keyring,
            campaign,
            by=getpass.getuser(),
            now=context.clock.now(),
            rehearsal=context.rehearsal,
        )
    _answer(
        {"campaign": made.name, "id": str(made.id), "leads": made.leads, "state": "draft"},
        f"Campaign {made.name!r} is a draft with {made.leads:,} leads."
        f"\nNext: voice-ai campaign start {made.name!r}",
        as_json=as_json,
    )


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Every campaign with its state and where its leads stand."""
    with _database() as (_, db):
        rows = store.list_campaigns(db)
    if as_json:
        print(json.dumps({"campaigns": rows}, default=str))
        return
    if not rows:
        print("There is no campaign yet. Make one: voice-ai campaign create --file C.yaml")
        return
    table = Table("Campaign", "Seller", "State", "Leads", "Ready", "Calling", "Done")
    for row in rows:
        counts = (f"{row[key]:,}" for key in ("leads", "ready", "calling", "done"))
        table.add_row(row["name"], row["seller"], row["state"], *counts)
    Console().print(table)


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """One campaign: state, outcomes so far, and why waiting leads are not being called."""
    with _database() as (context, db):
        row = store.find_campaign(db, name)
        outcomes = store.outcome_counts(db, row["id"])
        waiting = store.waiting_leads(db, row["id"])
        now = context.clock.now()
    if as_json:
        facts: dict[str, Any] = {**row, "outcomes": outcomes, "waiting": waiting, "now": now}
        print(json.dumps(facts, default=str))
        return
    print(f"{row['name']} ({row['seller']}): {row['state']} since {row['state_since']:%F %R %Z}")
    print(f"Clock: {now:%F %R %Z}. Leads: {row['leads']:,}, done: {row['done']:,}.")
    _print_counts("Outcome", [(name, n, None) for name, n in outcomes.items()])
    _print_counts(
        "Ready leads, by last decision",
        [(line["decision"], line["n"], line["next_at"]) for line in waiting],
    )


@app.command()
def start(name: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """Start calling."""
    _ask("start", name, reason, as_json=as_json)


@app.command()
def pause(name: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """Start no more calls; live ones go on. Undo with `resume`."""
    _ask("pause", name, reason, as_json=as_json)


@app.command()
def resume(name: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """Go on after a pause."""
    _ask("resume", name, reason, as_json=as_json)


@app.command()
def drain(name: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """Let live calls finish, start none, then stop."""
    _ask("drain", name, reason, as_json=as_json)


@app.command()
def stop(name: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """Stop: no call starts from the moment this returns; live calls go on."""
    _ask("stop", name, reason, as_json=as_json)


@app.command("emergency-stop")
def emergency_stop(
    name: Annotated[str | None, typer.Argument(help="Name of the campaign.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every campaign.")] = False,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Stop and end the live calls too."""
    if (name is None) != everything:
        raise UsageError("name one campaign, or say --all")
    _ask("emergency_stop", name, reason, as_json=as_json)


def _ask(kind: CommandKind, name: str | None, reason: str | None, *, as_json: bool) -> None:
    with _database() as (context, db):
        campaign_id = store.find_campaign(db, name)["id"] if name is not None else None
        command = store.ask(
            db,
            kind,
            campaign_id,
            by=getpass.getuser(),
            now=context.clock.now(),
            reason=reason,
        )
        outcome = store.answer_of(db, command, timeout=OBEY_TIMEOUT_S)
    if outcome is not None and outcome.startswith("refused"):
        raise Refused(f"the campaign cannot {kind.replace('_', ' ')} now; {outcome[9:]}")
    said = outcome or "asked; no dialer has obeyed yet, it will when one runs (`voice-ai dialer`)"
    _answer(
        {"command": command, "obeyed": outcome is not None, "outcome": said}, said, as_json=as_json
    )


def _print_counts(title: str, rows: list[tuple[str, int, Any]]) -> None:
    if not rows:
        return
    table = Table(title, "Count", "Next at")
    for label, n, next_at in rows:
        table.add_row(label, f"{n:,}", f"{next_at:%F %R %Z}" if next_at else "")
    Console().print(table)


def _answer(facts: dict[str, Any], text: str, *, as_json: bool) -> None:
    print(json.dumps(facts) if as_json else text, file=sys.stdout)

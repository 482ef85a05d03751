"""`voice-ai campaign …`: people ask here; the dialer obeys."""

import getpass
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from voice_ai import commands_campaign_show, commands_campaign_versions, commands_preflight
from voice_ai.command_database import AsJson, Name
from voice_ai.command_database import answer as _answer
from voice_ai.command_database import database as _database
from voice_ai.errors import Refused, UsageError
from voice_ai.store import campaigns as store
from voice_ai.store import preflights
from voice_ai.store.campaigns import CommandKind

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Campaigns: make, start, pause, drain, stop, look.",
)

# How long a command waits to hear that a dialer has obeyed.
OBEY_TIMEOUT_S = 10.0

Reason = Annotated[str | None, typer.Option(help="Why; it is kept with the command.")]


@app.command()
def create(
    file: Annotated[Path, typer.Option(help="Campaign file (YAML); docs/campaigns.md.")],
    as_json: AsJson = False,
) -> None:
    """Check a campaign file and store it as a draft.

    Its `transport` is media_streams (audio, the default) or conversation_relay: text only, with
    no recording of ours, no emotion from the voice and no turn-taking of ours.

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
        f"\nNext: voice-ai campaign preflight {made.name!r}, then"
        f" voice-ai campaign start {made.name!r}",
        as_json=as_json,
    )


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Every campaign with its state and where its leads stand.

    Example: voice-ai campaign list --json
    """
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
def start(name: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """Start calling.

    Example: voice-ai campaign start "Spring survey" --reason "approved by Ana"
    """
    _ask("start", name, reason, as_json=as_json)


@app.command()
def pause(name: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """Start no more calls; live ones go on. Undo with `resume`.

    Example: voice-ai campaign pause "Spring survey"
    """
    _ask("pause", name, reason, as_json=as_json)


@app.command()
def resume(name: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """Go on after a pause.

    Example: voice-ai campaign resume "Spring survey"
    """
    _ask("resume", name, reason, as_json=as_json)


@app.command()
def drain(
    name: Name,
    limit: Annotated[
        float | None,
        typer.Option(min=0, help="Minutes; calls that are still live then are ended. Default 10."),
    ] = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Let live calls finish, start none, then stop.

    Example: voice-ai campaign drain "Spring survey" --limit 5
    """
    limit_s = None if limit is None else limit * 60
    _ask("drain", name, reason, as_json=as_json, limit_s=limit_s)


@app.command()
def stop(name: Name, reason: Reason = None, as_json: AsJson = False) -> None:
    """Stop: no call starts from the moment this returns; live calls go on.

    Example: voice-ai campaign stop "Spring survey"
    """
    _ask("stop", name, reason, as_json=as_json)


@app.command("emergency-stop")
def emergency_stop(
    name: Annotated[str | None, typer.Argument(help="Name of the campaign.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every campaign.")] = False,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Stop and end the live calls too. It stays so until a named person clears it.

    Example: voice-ai campaign emergency-stop "Spring survey"
             voice-ai campaign emergency-stop --all --reason "wrong script"
    """
    if (name is None) != everything:
        raise UsageError("name one campaign, or say --all")
    _ask("emergency_stop", name, reason, as_json=as_json)


@app.command()
def clear(
    name: Name,
    by: Annotated[str, typer.Option(help="Who clears it: a person's name.")],
    reason: Annotated[str, typer.Option(help="What the cause was, and what was mended.")],
    as_json: AsJson = False,
) -> None:
    """Clear an emergency stop: the campaign is stopped then, and may be started again.

    Example: voice-ai campaign clear "Spring survey" --by "Ana Bell" --reason "script corrected"
    """
    _ask("clear", name, reason, as_json=as_json, by=by)


def _ask(
    kind: CommandKind,
    name: str | None,
    reason: str | None,
    *,
    as_json: bool,
    by: str | None = None,
    limit_s: float | None = None,
) -> None:
    with _database() as (context, db):
        campaign_id = store.find_campaign(db, name)["id"] if name is not None else None
        command = store.ask(
            db,
            kind,
            campaign_id,
            by=by or getpass.getuser(),
            now=context.clock.now(),
            reason=reason,
            limit_s=limit_s,
        )
        outcome = store.answer_of(db, command, timeout=OBEY_TIMEOUT_S)
        if outcome is None and preflights.of_command(db, command):
            outcome = store.answer_of(db, command, timeout=preflights.PATIENCE.total_seconds())
    if outcome is not None and outcome.startswith("refused"):
        raise Refused(f"the campaign cannot {kind.replace('_', ' ')} now; {outcome[9:]}")
    said = outcome or "asked; no dialer has obeyed yet, it will when one runs (`voice-ai dialer`)"
    _answer(
        {"command": command, "obeyed": outcome is not None, "outcome": said}, said, as_json=as_json
    )


commands_campaign_versions.add_to(app)
commands_preflight.add_to(app)
commands_campaign_show.add_to(app)

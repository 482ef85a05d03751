"""`voice-ai switch …`: kill switches, read at every dial."""

import getpass
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from voice_ai.command_database import AsJson, database
from voice_ai.errors import UsageError
from voice_ai.store import switches as store

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Kill switches: stop everything, a campaign, a caller id, a country or what a rule lets.",
)

Kind = Annotated[str, typer.Argument(help="global, campaign, caller_id, country or rule")]
What = Annotated[
    str | None,
    typer.Argument(help="Campaign's name, caller id's number, US, a rule's code; none for global."),
]


@app.command("list")
def list_switches(as_json: AsJson = False) -> None:
    """What is switched off now, and what was lifted, by whom.

    Example: voice-ai switch list
    """
    with database() as (_, db):
        rows = store.switches(db)
    if as_json:
        print(json.dumps({"switches": rows}, default=str))
        return
    if not rows:
        print("Nothing is switched off, and nothing was.")
        return
    table = Table("Id", "Kind", "What", "Reason", "Set by", "Since (UTC)", "Lifted")
    for row in rows:
        lifted = (
            f"{row['cleared_at']:%F %R} by {row['cleared_by']}"
            if row["cleared_at"]
            else "[red]stops calls now[/]"
        )
        words = (row["kind"], row["what"], row["reason"], row["set_by"])
        table.add_row(str(row["id"]), *words, f"{row['set_at']:%F %R}", lifted)
    Console().print(table)


@app.command("set")
def set_switch(
    kind: Kind,
    what: What = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the switch.")] = "",
    as_json: AsJson = False,
) -> None:
    """Stop it: when this returns, no dial that it stops is on its way; live calls go on.

    Examples:

      voice-ai switch set global --reason "complaints about the new script"

      voice-ai switch set campaign "Spring survey" --reason "wrong list"

      voice-ai switch set country GB --reason "TPS list not renewed"
    """
    if not reason.strip():
        raise UsageError('say why with --reason "…": whoever lifts it later must know')
    with database() as (context, db):
        done = store.switch_off(
            db,
            context.keyring,
            kind,
            _what(kind, what),
            reason=reason,
            by=getpass.getuser(),
            now=context.clock.now(),
        )
    if as_json:
        print(json.dumps(asdict(done), default=str))
        return
    when = f"off already, since {done.since:%F %R} UTC by {done.by}" if done.already else "off"
    print(f"{_named(kind, what)} is {when}. Switch {done.id}; `voice-ai switch clear` lifts it.")


@app.command("clear")
def clear_switch(
    kind: Annotated[str, typer.Argument(help="The switch's id, or its kind.")],
    what: What = None,
    as_json: AsJson = False,
) -> None:
    """Lift a switch; who did it is kept.

    Examples:

      voice-ai switch clear 7

      voice-ai switch clear country GB
    """
    by = getpass.getuser()
    with database() as (context, db):
        if kind.isdigit():
            switch_id = int(kind)
        else:
            switch_id = store.find(db, context.keyring, kind, _what(kind, what))["id"]
        store.lift(db, switch_id, by=by, now=context.clock.now())
    facts = {"cleared": switch_id, "by": by}
    print(json.dumps(facts) if as_json else f"Switch {switch_id} is lifted by {by}.")


def _what(kind: str, what: str | None) -> str:
    if kind not in store.KINDS:
        raise UsageError(f"the kind is one of {', '.join(store.KINDS)}, not {kind!r}")
    if kind == "global":
        return store.EVERYTHING
    if what is None:
        raise UsageError(f"which {kind.replace('_', ' ')}? `voice-ai switch set --help` shows how")
    return what


def _named(kind: str, what: str | None) -> str:
    if kind == "global":
        return "Everything"
    # A number is not repeated: it may be read over a shoulder.
    return "This caller id" if kind == "caller_id" else f"{kind.capitalize()} {what}"

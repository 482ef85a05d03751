"""`voice-ai calls transfer`: an operator gives a live call to a colleague."""

import getpass
import json
from typing import Annotated
from uuid import UUID

import typer

from voice_ai.conversation.turns import TransferKind
from voice_ai.errors import Refused, UsageError
from voice_ai.ids import AttemptId
from voice_ai.store.call_commands import ask_of_call
from voice_ai.store.campaigns import answer_of

# A colleague is rung, told what it is about, and decides; then the next one.
WAIT_S = 120.0


def transfer(
    attempt: Annotated[str, typer.Argument(help="Id of the call; `voice-ai calls live` shows it.")],
    warm: Annotated[bool, typer.Option("--warm", help="Tell the colleague first.")] = False,
    blind: Annotated[bool, typer.Option("--blind", help="Connect at once.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why; it is kept with the command.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
) -> None:
    """Hand a live call to a colleague of the seller's; says whether somebody took it.

    Example: voice-ai calls transfer 6f1c4a52-… --warm
    """
    from voice_ai.command_database import database

    if warm and blind:
        raise UsageError("say --warm or --blind, not both")
    how: TransferKind | None = "warm" if warm else "blind" if blind else None
    try:
        attempt_id = AttemptId(UUID(attempt))
    except ValueError:
        raise UsageError(f"{attempt!r} is not the id of a call") from None
    with database() as (context, db):
        command = ask_of_call(
            db,
            "transfer_call",
            attempt_id,
            by=getpass.getuser(),
            now=context.clock.now(),
            reason=reason,
            how=how,
        )
        outcome = answer_of(db, command, timeout=WAIT_S)
    if outcome is not None and outcome.startswith("refused"):
        raise Refused(outcome.removeprefix("refused: "))
    said = outcome or "asked; nobody has answered yet (is a dialer running? `voice-ai dialer`)"
    if as_json:
        facts = {"command": command, "obeyed": outcome is not None, "outcome": said}
        typer.echo(json.dumps(facts))
    else:
        typer.echo(said)

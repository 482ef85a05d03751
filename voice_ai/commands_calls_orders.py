"""`voice-ai calls end`: an operator ends one call."""

import getpass
import json
from typing import Annotated
from uuid import UUID

import typer

from voice_ai.command_database import database
from voice_ai.errors import Refused, UsageError
from voice_ai.ids import AttemptId
from voice_ai.store.call_commands import ask_of_call
from voice_ai.store.campaigns import answer_of

_PATIENCE_S = 15.0
Attempt = Annotated[str, typer.Argument(help="Id of the call; `voice-ai calls live` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def call_id(text: str) -> UUID:
    """Raises UsageError."""
    try:
        return UUID(text)
    except ValueError:
        raise UsageError(f"{text!r} is not the id of a call") from None


def end(
    attempt: Attempt,
    reason: Annotated[str, typer.Option(help="Why; it is kept with your name.")],
    as_json: AsJson = False,
) -> None:
    """End a live call at once, without another word.

    Example: voice-ai calls end 2acc4035-613c-f69b-b08f-7c197a284763 --reason "wrong script"
    """
    attempt_id, by = AttemptId(call_id(attempt)), getpass.getuser()
    with database() as (context, db):
        now = context.clock.now()
        command = ask_of_call(db, "end_call", attempt_id, by=by, reason=reason, now=now)
        outcome = answer_of(db, command, timeout=_PATIENCE_S)
    if outcome is not None and outcome.startswith("refused"):
        raise Refused(f"the call cannot be ended; {outcome[9:]}")
    said = outcome or "asked; neither server nor dialer has obeyed yet"
    facts = {"command": command, "obeyed": outcome is not None, "outcome": said}
    print(json.dumps(facts) if as_json else said)


def add_to(app: typer.Typer) -> None:
    app.command()(end)

"""`voice-ai db …`."""

import json
import sys
from typing import Annotated

import typer

from voice_ai.context import secret_text
from voice_ai.settings import Settings
from voice_ai.vault import Keyring

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The database: its address and its migrations."
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command("url")
def show_url(as_json: AsJson = False) -> None:
    """The address of the database in use; an embedded one must be running (`voice-ai up`)."""
    from voice_ai.context import open_context

    with open_context() as context:
        url = context.owner_url
    if context.settings.database_url is None:
        print(
            "voice-ai db url: the embedded database runs only while something uses it",
            file=sys.stderr,
        )
    print(json.dumps({"url": url}) if as_json else url)


@app.command("upgrade")
def upgrade_schema(as_json: AsJson = False) -> None:
    """Bring the database to the newest schema; safe to run again."""
    from contextlib import ExitStack

    from voice_ai.context import open_database
    from voice_ai.db import upgrade

    settings = Settings.read()
    keyring = Keyring.open(settings.home, secret_text(settings))
    with ExitStack() as stack:
        revision = upgrade(open_database(settings, keyring, stack), keyring)
    answer = {"revision": revision}
    print(json.dumps(answer) if as_json else f"The database is at revision {revision}.")

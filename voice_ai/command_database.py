"""What the campaign commands share: a database with its context, and one way to answer."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from voice_ai.context import Context, open_context
from voice_ai.db import connect
from voice_ai.db.connect import Db

Name = Annotated[str, typer.Argument(help="Name of the campaign.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@contextmanager
def database() -> Iterator[tuple[Context, Db]]:
    with (
        open_context() as context,
        connect(context.role_url("app"), name="voice-ai campaign", autocommit=True) as db,
    ):
        yield context, db


def answer(facts: dict[str, Any], text: str, *, as_json: bool) -> None:
    print(json.dumps(facts) if as_json else text)

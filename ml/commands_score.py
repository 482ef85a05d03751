"""`voice-ai models score`: many texts at once, from a file or from the calls that were made."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from ml.commands_lifecycle import AsJson, Name, answer
from ml.progress_bar import progress_bar
from ml.tasks import find_task
from voice_ai.command_database import database
from voice_ai.errors import BadInput
from voice_ai.settings import Settings


def score(
    name: Name,
    data: Annotated[
        Path | None, typer.Option(help="A file with a column text; left out: our own calls.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="With --data: the CSV to write, text, label, score.")
    ] = None,
    days: Annotated[int, typer.Option(help="Without --data: how many days back.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Let the served version label a file, or the turns that were said before it was served.

    Turns go to the table turn_scores, beside what was heard in the call; nothing is scored twice.

    Example: voice-ai models score emotion --data comments.csv --out labelled.csv
    """
    from ml.score import score_file, score_turns

    task = find_task(name).name
    if (data is None) != (out is None):
        raise BadInput("goes with --data, and --data with it", field="out")
    with progress_bar(f"score {task}") as progress:
        if data is not None and out is not None:
            made = score_file(Settings.read().home, task, data, out, progress=progress)
        else:
            with database() as (context, _):
                now = context.clock.now()
                made = score_turns(
                    context.role_url("flows"),
                    context.settings.home,
                    task,
                    since=now - timedelta(days=days),
                    rehearsal=context.rehearsal,
                    now=now,
                    progress=progress,
                )
    many = made.get("texts", made.get("turns", 0))
    lines = [f"{task} version {made['version']} labelled {many:,} texts"]
    lines += [f"  {label:<14} {n:>8,}" for label, n in made["labels"].items()]
    answer(made, lines, as_json=as_json)

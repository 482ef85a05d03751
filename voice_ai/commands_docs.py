"""`voice-ai docs …`: pages that are written from the code, so that they cannot drift."""

import importlib
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Write the generated pages of docs/."
)


@app.callback()
def pages() -> None:
    """Write the generated pages of docs/."""


@app.command()
def events(
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("docs/events.md"),
) -> None:
    """The event dictionary, from the event types."""
    from voice_ai.events import dictionary

    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(dictionary(), encoding="utf-8")
    print(f"{out} is written.")


@app.command()
def policy(
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path(
        "docs/compliance-rules.md"
    ),
) -> None:
    """The rules of the policy packs with their sources."""
    from voice_ai.compliance.packs import built_in
    from voice_ai.compliance.words import rules_page

    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(rules_page(built_in()), encoding="utf-8")
    print(f"{out} is written.")


@app.command()
def metrics(
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("docs/metrics.md"),
) -> None:
    """What every metric counts, out of what, since when."""
    # By name, as commands are: these packages stand above this one.
    dictionary = importlib.import_module("pipelines.metrics.dictionary")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(dictionary.page(), encoding="utf-8")
    print(f"{out} is written.")
